"""The netlist of a tile has every wire, cell and source once, under names that never change."""

import re
import subprocess

import numpy as np
import pytest

from compact_models.errors import CardError, SpecError
from netlists.cells import Gates
from netlists.graph import netlist_graph, unreachable_nets
from netlists.testbench import operating_point_deck, read_testbench
from netlists.tile import tile_netlist


def ngspice_table(deck: str, tmp_path) -> np.ndarray:
    """Run a deck with plain `ngspice -b` and read the printed table of currents."""
    path = tmp_path / "deck.cir"
    path.write_text(deck)
    run = subprocess.run(
        ["ngspice", "-b", str(path)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    rows = [line.split() for line in run.stdout.splitlines() if re.match(r"^\d+\s", line)]
    return np.array(rows, dtype=float)


def test_a_small_resistive_tile_is_written_element_by_element(resistive_tile):
    netlist = tile_netlist(resistive_tile(rows=2, cols=2), [[1e-5, 2e-5], [4e-5, 5e-5]])
    assert netlist.elements == (
        "ril_0_0 in_0 il_0_0 11.0",
        "ril_0_1 il_0_0 il_0_1 1.0",
        "ril_1_0 in_1 il_1_0 11.0",
        "ril_1_1 il_1_0 il_1_1 1.0",
        "rol_0_0 ol_0_0 ol_1_0 1.5",
        "rol_0_1 ol_0_1 ol_1_1 1.5",
        "rol_1_0 ol_1_0 out_0 4.5",
        "rol_1_1 ol_1_1 out_1 4.5",
        f"rdev_0_0 il_0_0 ol_0_0 {1 / 1e-5!r}",
        f"rdev_0_1 il_0_1 ol_0_1 {1 / 2e-5!r}",
        f"rdev_1_0 il_1_0 ol_1_0 {1 / 4e-5!r}",
        f"rdev_1_1 il_1_1 ol_1_1 {1 / 5e-5!r}",
        "vsense_0 out_0 0 0.0",
        "vsense_1 out_1 0 0.0",
    )


def test_the_same_spec_gives_the_same_text(rram_tile):
    G = np.full((3, 2), 4e-5)
    X = np.full((2, 3), 0.1)
    spec = rram_tile(rows=3, cols=2)
    assert read_testbench(spec, G, X).deck() == read_testbench(spec, G, X).deck()


def test_every_net_of_a_driven_tile_reaches_ground(rram_tile):
    bench = read_testbench(rram_tile(rows=3, cols=4), np.full((3, 4), 4e-5), np.ones((1, 3)))
    assert unreachable_nets(bench.netlist) == set()
    graph = netlist_graph(bench.netlist)
    assert graph.degree("m_1_2") == 2  # the currents of device and transistor


def test_the_standalone_deck_runs_under_plain_ngspice(rram_tile, tmp_path):
    spec = rram_tile(rows=3, cols=2)
    G = np.array([[5e-6, 1e-5], [5e-5, 1e-4], [1.5e-4, 2e-5]])
    X = np.array([[0.2, 0.0, 0.0], [0.0, 0.2, 0.0], [0.0, 0.0, 0.2], [0.2, 0.2, 0.2]])
    table = ngspice_table(read_testbench(spec, G, X).standalone_deck(), tmp_path)
    currents = table[:, 2:]
    assert currents.shape == (4, 2)
    # Each single-row read gives about G*V, less what the transistor in series takes.
    ratio = currents[:3] / (0.2 * G)
    assert np.all((ratio > 0.8) & (ratio < 1.0))
    assert np.allclose(currents[3], currents[:3].sum(axis=0), rtol=0.02)


def test_the_operating_point_deck_agrees_with_the_swept_one(rram_tile, tmp_path):
    spec = rram_tile(rows=2, cols=1)
    G = [[1e-4], [3e-5]]
    point = ngspice_table(operating_point_deck(spec, G, [0.1, 0.2]), tmp_path)
    swept = ngspice_table(read_testbench(spec, G, [[0.1, 0.2]]).standalone_deck(), tmp_path)
    assert point[0, 1] == pytest.approx(swept[0, 2], rel=2e-6)


def test_held_gates_give_the_same_currents_as_word_lines(rram_tile, tmp_path):
    spec = rram_tile(rows=3, cols=2)
    G = np.array([[5e-6, 1e-5], [5e-5, 1e-4], [1.5e-4, 2e-5]])
    X = np.array([[0.2, 0.0, 0.1], [0.1, 0.2, 0.2]])
    decks = [read_testbench(spec, G, X, gates=gates).standalone_deck() for gates in Gates]
    assert ("xfet_0_0 m_0_0 wl_0 ol_0_0 0 nmos_ekv" in decks[0]) is not ("wl_0" in decks[1])
    with_wordlines, held = (ngspice_table(deck, tmp_path) for deck in decks)
    assert np.allclose(with_wordlines, held, rtol=2e-6, atol=0)


def test_a_conductance_outside_the_cards_range_is_refused(rram_tile):
    with pytest.raises(CardError, match="rram_gap__stanford_jiang2016"):
        tile_netlist(rram_tile(rows=1, cols=2), [[1e-5, 1.0]])


def test_a_programming_range_wider_than_the_cards_is_refused(rram_tile):
    spec = rram_tile(rows=1, cols=1, cell={"conductance_max": 1.0})
    with pytest.raises(SpecError, match=r"conductance_min/max.*stay inside it"):
        tile_netlist(spec, [[1e-5]])


def test_an_unknown_card_is_refused_with_the_known_ones(rram_tile):
    spec = rram_tile(rows=1, cols=1, cell={"device": "unobtainium__x2020"})
    with pytest.raises(CardError, match=r"unobtainium__x2020.*rram_gap__stanford_jiang2016"):
        tile_netlist(spec, [[1e-5]])
