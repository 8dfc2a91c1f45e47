"""Surrogates at other temperatures and times, against the solver there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compact_models import load_card
from compact_models.variability import Population
from cosim.cell import TileCell
from cosim.engine.solver import SolverEngine
from cosim.errors import CardError, DatasetError, InputError
from cosim.surrogate import IdealProduct, LineModeGalerkin, domain_of, load, save
from cosim.surrogate.ageing import Aged, card_of, mean_aged
from cosim.surrogate.temperature import TemperatureTable
from cosim.surrogate.tile_model import TileModel
from netlists.specs import TileSpec


PCM = "pcm__hermes_legallo2023"


def at_temperature(spec, kelvin):
    return TileSpec.from_dict({**spec.model_dump(), "temperature": kelvin})


def nrmse(found, reference):
    return float(np.sqrt(np.mean((found - reference) ** 2)) / np.ptp(reference))


@pytest.fixture(scope="module")
def spec(rram_tile):
    """A tile whose transistors conduct little, so that the temperature counts."""
    return rram_tile(8, 4, cell={"gate_voltage": 0.8})


@pytest.fixture(scope="module")
def line(spec):
    return LineModeGalerkin.from_spec(spec, TileCell(spec).current)


@pytest.fixture(scope="module")
def table(spec, line):
    return TemperatureTable.of(spec, line)


def drawn(spec, samples=24):
    generator = np.random.default_rng(0)
    G = generator.uniform(spec.cell.conductance_min, spec.cell.conductance_max, (8, 4))
    return generator.uniform(0, spec.drivers.read_voltage, (samples, 8)), G


def test_temperatures_between_the_points_are_as_good_as_a_fit_there(spec, line, table):
    V, G = drawn(spec)
    for kelvin in (245.0, 290.0, 340.0, 385.0):
        there = at_temperature(spec, kelvin)
        reference = SolverEngine(there, threads=1).mvm(G, V)
        direct = LineModeGalerkin.from_spec(there, TileCell(there).current).mvm(V, G)
        found = nrmse(table.at(line, kelvin).mvm(V, G), reference)
        assert found < 1.1 * nrmse(direct, reference) + 1e-6
        assert found < 5e-4
    assert nrmse(line.mvm(V, G), reference) > 2 * found


def test_the_own_temperature_changes_nothing(spec, line, table):
    V, G = drawn(spec)
    there = table.at(line, spec.temperature)
    np.testing.assert_allclose(there.mvm(V, G), line.mvm(V, G), rtol=2e-5)
    assert next(table.at(line.float(), 300.0).buffers()).dtype == torch.float32
    line.double()


def test_a_temperature_that_was_not_fitted_is_refused(line, table):
    with pytest.raises(InputError, match=r"covers 233\.15 to 398\.15 K"):
        table.at(line, 450.0)


def test_the_mean_aged_conductance_is_that_of_a_population():
    card = load_card(PCM)
    for G, seconds in ((5e-6, 1e4), (1.5e-5, 1e6)):
        programmed = np.full(40_000, G)
        drift = Population(card, len(programmed), seed=1).aged(programmed, seconds).mean()
        assert float(mean_aged(card, np.array(G), seconds)) == pytest.approx(drift, rel=3e-3)
        assert drift < 0.99 * G


def test_an_aged_surrogate_reads_what_the_programmed_conductances_have_become(rram_tile):
    limits = load_card(PCM).conductance
    cell = {"device": PCM, "conductance_min": 4 * limits.low, "conductance_max": 0.8 * limits.high}
    spec = rram_tile(8, 4, cell=cell)
    line, (V, G) = LineModeGalerkin.from_spec(spec, TileCell(spec).current), drawn(spec)
    aged = Aged.of(line, card_of(spec), 1e4)
    reference = SolverEngine(spec, threads=1).mvm(mean_aged(card_of(spec), G, 1e4), V)
    assert nrmse(aged.mvm(V, G), reference) < 1e-3
    assert nrmse(line.mvm(V, G), reference) > 2e-2
    leaf = torch.from_numpy(G).requires_grad_(True)
    aged(torch.from_numpy(V), leaf).sum().backward()
    step = torch.zeros_like(leaf)
    step[2, 1] = 1e-9
    with torch.no_grad():
        ahead, behind = (aged(torch.from_numpy(V), leaf + s * step).sum() for s in (1, -1))
    assert float(leaf.grad[2, 1]) == pytest.approx(float((ahead - behind) / 2e-9), rel=1e-2)


def test_a_stored_surrogate_goes_to_other_conditions(tmp_path, rram_tile, spec, line, table):
    readout = {"sensing": {"kind": "tia", "resistance": 2e4}}
    whole = rram_tile(8, 4, cell={"gate_voltage": 0.8}, readout=readout)
    tile = TileModel(whole, line)
    folder = save(
        tmp_path, line, whole.model_dump(mode="json"), whole.content_hash(),
        tile=tile, temperatures=table,
    )  # fmt: skip
    stored, (V, G) = load(folder), drawn(spec)
    hot = stored.at(temperature=380.0)
    np.testing.assert_array_equal(hot.surrogate.mvm(V, G), table.at(line, 380.0).mvm(V, G))
    assert hot.certificate is None
    assert np.abs(hot.tile.mvm(V, G) - stored.tile.mvm(V, G)).max() > 1e-5
    with pytest.raises(CardError, match="has no law"):
        stored.at(seconds=1e3)


def test_conditions_that_a_folder_does_not_hold_are_refused(tmp_path, spec, line):
    ideal = IdealProduct(8, 4, domain_of(spec))
    dump = spec.model_dump(mode="json")
    with pytest.raises(InputError, match="no other temperatures"):
        load(save(tmp_path / "a", ideal, dump, spec.content_hash())).at(temperature=310.0)
    damaged = TemperatureTable((300.0, 310.0), torch.zeros(3, 6, 5), torch.zeros(3))
    folder = save(tmp_path / "b", line, dump, spec.content_hash(), temperatures=damaged)
    with pytest.raises(DatasetError, match="2 temperatures and 3 changes"):
        load(folder)


def test_an_aged_surrogate_can_be_stored(tmp_path, rram_tile):
    limits = load_card(PCM).conductance
    cell = {"device": PCM, "conductance_min": 4 * limits.low, "conductance_max": 0.8 * limits.high}
    spec = rram_tile(8, 4, cell=cell)
    aged = Aged.of(LineModeGalerkin.from_spec(spec, TileCell(spec).current), card_of(spec), 1e5)
    folder = save(tmp_path, aged, spec.model_dump(mode="json"), spec.content_hash())
    V, G = drawn(spec)
    np.testing.assert_array_equal(load(folder).surrogate.mvm(V, G), aged.mvm(V, G))
