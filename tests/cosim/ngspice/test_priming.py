"""Priming sets the order of Sparse 1.3 and changes no result."""

import contextlib

import networkx as nx
import numpy as np
import pytest

from cosim.ngspice import DcSweep, OperatingPoint, Simulation, Transient, WorkerProcess, priming
from cosim.ngspice.deck import Build, runnable_deck
from cosim.ngspice.priming import (
    coordinates,
    coupling_graph,
    minimum_degree,
    nested_dissection,
    priming_lines,
    row_order,
)
from cosim.ngspice.structure import elements_of
from netlists.cells import Gates
from netlists.testbench import read_testbench


SPARSE, KLU = Build(39, klu=False), Build(46, klu=True)

# A cell with a state: its capacitor node and its rate stand inside the subcircuit.
STATEFUL = """.subckt cell p n
bi p n I=1e-4*sinh(4*v(p,n))*v(x)
cx x 0 1n ic=0.5
bx 0 x I=1e-3*v(p,n)*(1-v(x))
.ends
"""
PULSE = "pulse(0 {volt} 0 1n 1n 1u)"


def bench(tile, rows, cols, samples=3):
    draw = np.random.default_rng(5)
    G = draw.uniform(5e-6, 1.5e-4, (rows, cols))
    X = draw.uniform(0, 0.2, (samples, rows))
    return read_testbench(tile(rows=rows, cols=cols), G, X, gates=Gates.HELD)


def mesh(n, cell="xcell_{i}_{j} r{i}_{j} c{i}_{j} cell", gates="", drive="{volt}"):
    """A crossbar with driven rows, sensed columns and any cell."""
    lines = ["mesh", STATEFUL]
    for i in range(n):
        lines.append(f"vin{i} in{i} 0 {drive.format(volt=0.1 + 0.01 * i)}")
        lines.append(f"vsense{i} out{i} 0 0")
        for j in range(n):
            lines.append(f"rr{i}_{j} {f'r{i}_{j - 1}' if j else f'in{i}'} r{i}_{j} 1")
            lines.append(f"rc{i}_{j} c{i}_{j} {f'c{i + 1}_{j}' if i < n - 1 else f'out{j}'} 1")
            lines.append(cell.format(i=i, j=j))
            lines.append(gates.format(i=i, j=j, before=f"w{i}_{j - 1}" if j else "gate"))
    return "\n".join([*lines, "vgate gate 0 1.2", ".end", ""])


def elimination(graph, order):
    """Non-zeros below the diagonal when nodes are eliminated in an order."""
    adjacent = {node: set(graph.adj[node]) for node in graph}
    count = 0
    for node in order:
        near = adjacent.pop(node)
        count += len(near)
        for other in near:
            adjacent[other] |= near
            adjacent[other] -= {node, other}
    return count


def run_plain_and_primed(simulation):
    lines = priming_lines(simulation, SPARSE)
    assert lines
    # Sparse on any version: that is the solver whose order is set.
    decks = [runnable_deck(simulation, SPARSE, extra) for extra in ((), lines)]
    with contextlib.closing(WorkerProcess()) as worker:
        return [worker.run_text(deck, simulation, 60.0).require() for deck in decks]


@pytest.fixture
def small_decks_too(monkeypatch):
    monkeypatch.setattr(priming, "SMALLEST_PRIMED", 10)
    priming._lines.cache_clear()
    yield
    priming._lines.cache_clear()


def test_every_node_stands_once_in_the_order(resistive_tile, small_decks_too):
    elements = elements_of(bench(resistive_tile, 5, 7).deck())
    nodes = {node for element in elements for node in element.nodes} - {"0"}
    order = row_order(elements)
    assert sorted(order) == sorted(nodes)


def test_distances_from_drivers_and_sensors_are_column_and_row(rram_tile):
    elements = elements_of(bench(rram_tile, 3, 5).deck())
    held = [element.nodes[0] for element in elements if element.fixes_a_voltage]
    where = coordinates(elements, held)
    for row in range(3):
        for col in range(5):
            for node in (f"il_{row}_{col}", f"m_{row}_{col}", f"ol_{row}_{col}"):
                assert sorted(where[node]) == sorted((col, 2 - row))


def test_the_cut_of_a_crossbar_is_one_line(resistive_tile):
    elements = elements_of(bench(resistive_tile, 8, 16).deck())
    held = [element.nodes[0] for element in elements if element.fixes_a_voltage]
    graph = coupling_graph(elements, held)
    order = nested_dissection(graph, coordinates(elements, held))
    assert sorted(order) == sorted(graph)
    cut = order[-8:]
    (column,) = {node.rpartition("_")[2] for node in cut}
    assert column in {"7", "8"}
    rest = graph.subgraph(set(graph) - set(cut))
    assert nx.number_connected_components(rest) >= 2


def test_minimum_degree_fills_little(resistive_tile):
    elements = elements_of(bench(resistive_tile, 16, 16).deck())
    held = [element.nodes[0] for element in elements if element.fixes_a_voltage]
    graph = coupling_graph(elements, held)
    order = nested_dissection(graph, coordinates(elements, held))
    pivots = minimum_degree(graph, order)
    assert sorted(pivots) == sorted(graph)
    assert elimination(graph, pivots) < 0.5 * elimination(graph, sorted(graph))


def test_minimum_degree_of_a_tree_fills_nothing():
    tree = nx.balanced_tree(2, 6)
    graph = nx.relabel_nodes(tree, str)
    pivots = minimum_degree(graph, sorted(graph))
    assert elimination(graph, pivots) == graph.number_of_edges()


def test_small_decks_and_klu_are_left_alone(resistive_tile):
    small, large = bench(resistive_tile, 4, 4), bench(resistive_tile, 32, 32)
    for deck, build, primed in [
        (small.deck(), SPARSE, False),
        (large.deck(), KLU, False),
        (large.deck(), SPARSE, True),
    ]:
        simulation = Simulation(deck, OperatingPoint(), ("i(vsense_0)",))
        assert bool(priming_lines(simulation, build)) is primed


def test_one_structure_is_ordered_once(resistive_tile):
    tile = bench(resistive_tile, 32, 32)
    deck = tile.deck()
    lines = priming_lines(Simulation(deck, OperatingPoint(), tile.netlist.outputs), SPARSE)
    other = deck.replace("rdev_3_4 il_3_4 ol_3_4 ", "rdev_3_4 il_3_4 ol_3_4 9")
    again = priming_lines(Simulation(other, OperatingPoint(), tile.netlist.outputs), SPARSE)
    assert other != deck
    assert again is lines


@pytest.mark.parametrize("kind", ["resistive_tile", "rram_tile"])
def test_the_read_of_a_tile_is_the_same_to_twelve_digits(kind, request, small_decks_too):
    tile = bench(request.getfixturevalue(kind), 12, 9)
    sweep = Simulation(tile.deck(), DcSweep("vindex", 0, 2, 1), tile.netlist.outputs)
    plain, primed = run_plain_and_primed(sweep)
    np.testing.assert_allclose(
        primed.matrix(sweep.outputs), plain.matrix(sweep.outputs), rtol=1e-12
    )


def test_resistive_word_lines_are_primed_to_the_same_result(small_decks_too):
    cell = (
        "rcell{i}_{j} r{i}_{j} m{i}_{j} 2e4\n"
        "bfet{i}_{j} m{i}_{j} c{i}_{j} I=1e-3*(v(w{i}_{j})-0.4)*v(m{i}_{j},c{i}_{j})"
    )
    deck = mesh(8, cell, "rw{i}_{j} {before} w{i}_{j} 3")
    sweep = Simulation(deck, DcSweep("vin0", 0, 0.2, 0.1), ("i(vsense0)", "v(w3_5)"))
    plain, primed = run_plain_and_primed(sweep)
    np.testing.assert_allclose(
        primed.matrix(sweep.outputs), plain.matrix(sweep.outputs), rtol=1e-12
    )


def test_cells_with_states_are_primed_to_the_same_transient(small_decks_too):
    outputs = ("i(vsense0)", "v(xcell_2_3.x)")
    analysis = Transient(1e-9, 1e-7, max_step=2e-9, use_initial=True)
    plain, primed = run_plain_and_primed(Simulation(mesh(8, drive=PULSE), analysis, outputs))
    np.testing.assert_allclose(primed.axis, plain.axis, rtol=1e-9)
    np.testing.assert_allclose(primed.matrix(outputs), plain.matrix(outputs), rtol=1e-9, atol=1e-15)


def test_decks_of_one_named_structure_are_ordered_once(resistive_tile):
    first, second = (bench(resistive_tile, 32, 32, samples).deck() for samples in (2, 3))
    sweep = DcSweep("vindex", 0, 1, 1)
    named = [
        Simulation(deck, sweep, ("i(vsense_0)",), structure="32 x 32") for deck in (first, second)
    ]
    assert priming_lines(named[0], SPARSE) is priming_lines(named[1], SPARSE)
    assert priming_lines(named[1], SPARSE) == priming_lines(
        Simulation(second, sweep, ("i(vsense_0)",)), SPARSE
    )
