"""Sampled outputs against ensembles: chips drawn in ngspice, reads drawn in the solver."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compact_models import load_card
from compact_models.variability import Population, ReadNoise
from cosim.cell import TileCell
from cosim.engine.solver import SolverEngine
from cosim.engine.transient import read_transient, simulation_of
from cosim.ngspice import Workers
from cosim.surrogate import LineModeGalerkin
from cosim.surrogate.ageing import mean_aged
from cosim.surrogate.mismatch import ChipPeriphery
from cosim.surrogate.sampling import conductance_spread
from cosim.surrogate.tile_model import TileModel
from netlists.mac_tile import mac_tile
from netlists.signal_chain import SignalChain


PCM = "pcm__ibm_nandakumar2019"


def model_of(spec):
    return TileModel(spec, LineModeGalerkin.from_spec(spec, TileCell(spec).current))


def tensors(*arrays):
    return tuple(torch.as_tensor(array, dtype=torch.float64) for array in arrays)


def test_chips_spread_as_mismatch_draws_in_ngspice_do(rram_tile):
    """Sampled volts and codes of 14 chips with 3 columns each, against 300 sampled ones."""
    amplifier = {"kind": "linear", "offset_deviation": 4e-3}
    sensing = {"kind": "tia", "resistance": 8e3, "matching": 0.02, "amplifier": amplifier}
    comparator = {"kind": "ideal", "offset_deviation": 15e-3}
    adc = {"kind": "sar", "bits": 5, "unit_matching": 0.05, "comparator": comparator}
    spec = rram_tile(
        4, 3, wires={"card": "wire__65nm_neurosim2020"}, cell={"conductance_max": 1e-4},
        readout={"sensing": sensing, "adc": adc},
    )  # fmt: skip
    G, X = np.full((4, 3), 8e-5), np.full((1, 4), 0.15)
    tiles = [mac_tile(spec, G, X, seed=seed) for seed in range(14)]
    with Workers(1) as workers:
        results = workers.run_many([simulation_of(tile) for tile in tiles])
    codes = np.array([read_transient(*pair).codes[0] for pair in zip(tiles, results, strict=True)])
    model = model_of(spec)
    sampled = np.array(
        [model.sample(*tensors(X, G), seed=0, chip=c)[0].numpy() for c in range(100)]
    )
    assert codes.std() > 0.5  # codes
    assert sampled.mean() == pytest.approx(codes.mean(), abs=3 * codes.std() / np.sqrt(42))
    assert sampled.std() == pytest.approx(codes.std(), rel=3 / np.sqrt(2 * 42))


def test_a_chip_is_the_same_every_time_and_another_one_is_not(rram_tile):
    readout = {"sensing": {"kind": "tia"}, "adc": {"kind": "sar", "unit_matching": 0.1}}
    model = model_of(rram_tile(4, 3, readout=readout))
    X = np.random.default_rng(0).uniform(0, 0.2, (6, 4))
    G = np.random.default_rng(1).uniform(5e-6, 1e-4, (4, 3))
    first, again, other = (model.sample(*tensors(X, G), seed=0, chip=c) for c in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    leaf = tensors(G)[0].requires_grad_(True)
    model.sample(tensors(X)[0], leaf, seed=0, chip=1).sum().backward()
    assert leaf.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("adc", "parts"),
    [
        ({"kind": "sar", "bits": 4}, (5, 1)),
        ({"kind": "flash", "bits": 3}, (8, 7)),
        ({"kind": "ramp", "bits": 4}, (0, 1)),
    ],
)
def test_converters_without_mismatch_quantise_as_their_twins(rram_tile, adc, parts):
    spec = rram_tile(4, 3, readout={"adc": adc})
    chip = ChipPeriphery.draw(spec.readout, 3, 5, 1e-5)
    assert chip.elements.shape == (3, parts[0])
    assert chip.comparators.shape == (3, parts[1])
    perfect = ChipPeriphery(
        spec.readout, chip.offsets, chip.gains, 0 * chip.elements, 0 * chip.comparators
    )
    volts = np.random.default_rng(0).uniform(0.0, 1.1, (50, 3))
    expected = spec.readout.adc.ideal_codes(volts)
    assert (perfect.quantise(volts) == expected).all()


@pytest.fixture(scope="module")
def pcm(rram_tile):
    """A tile of phase-change cells whose amplifiers give volts."""
    limits = load_card(PCM).conductance
    cell = {"device": PCM, "conductance_min": 6e-6, "conductance_max": 0.8 * limits.high}
    return rram_tile(8, 4, cell=cell, readout={"sensing": {"kind": "tia", "resistance": 2e4}})


def test_reads_spread_as_noisy_cells_in_the_solver_do(pcm):
    seconds, draws = 1e3, 300
    generator = np.random.default_rng(0)
    G = generator.uniform(pcm.cell.conductance_min, pcm.cell.conductance_max, (8, 4))
    X = generator.uniform(0.05, 0.2, (1, 8))
    model, card = model_of(pcm), load_card(PCM)
    here = mean_aged(card, G, seconds)
    noise = ReadNoise(Population(card, G.size, seed=3))
    reads = [noise.read(here.ravel(), seconds, index).reshape(8, 4) for index in range(draws)]
    jobs = [(np.clip(G, card.conductance.low, card.conductance.high), X) for G in reads]
    currents = np.stack(SolverEngine(pcm, threads=1).mvm_many(jobs))
    reference = SignalChain(pcm).read_out(currents)
    sampled = np.stack(
        [model.sample(*tensors(X, G), seed=s, seconds=seconds)[0].numpy() for s in range(draws)]
    )
    assert (reference.std(0) > 0).all()
    error = 3 / np.sqrt(draws)
    np.testing.assert_allclose(sampled.std(0), reference.std(0), rtol=error * 1.2)
    assert (np.abs(sampled.mean(0) - reference.mean(0)) < 1.5 * error * reference.std(0)).all()


def test_cards_without_noise_give_none(rram_tile):
    spread = conductance_spread(
        load_card("rram_gap__stanford_jiang2016"), np.full((2, 2), 1e-5), 1e3
    )
    assert (spread == 0).all()
