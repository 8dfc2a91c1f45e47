"""Which surrogate a fit keeps: by held-out error, at a given cost."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

from cosim.characterize import Dataset, SamplingPlan, characterize
from cosim.characterize.choosing import choose
from cosim.characterize.comparing import compare_dataset
from cosim.characterize.fitting import closed_form, fit_dataset
from cosim.characterize.tiles import needed_share, tile_of
from cosim.engine.solver import SolverEngine
from cosim.errors import InputError
from cosim.surrogate import LineModeGalerkin
from cosim.surrogate.tile_model import TileModel
from netlists.signal_chain import SignalChain


@pytest.fixture(scope="module")
def dataset(rram_tile, tmp_path_factory) -> Dataset:
    """Samples of a 16 x 8 tile from the solver."""
    wires = {"input_line_resistance": 4.0, "output_line_resistance": 4.0}
    spec = rram_tile(16, 8, wires=wires)
    plan = SamplingPlan(samples=72, inputs_per_matrix=8)
    folder = tmp_path_factory.mktemp("choosing") / "d.zarr"
    return characterize(SolverEngine(spec, threads=1), plan, folder)


def test_without_a_budget_the_most_accurate_of_the_cheap_ones_is_kept(dataset):
    choice = choose(dataset)
    assert choice.candidates[0].kind == choice.best.kind == "line_mode_galerkin"
    assert choice.candidates[-1].kind == "ideal"
    assert all(one.step is None for one in choice.candidates)
    assert choice.best.certificate == fit_dataset(dataset).certificate
    assert "matrix products only" in choice.table()


def test_a_bar_is_opened_over_the_candidates_and_filled(dataset):
    seen = []

    @contextmanager
    def bar(title, total):
        seen.append(total)
        yield lambda count: seen.append(-count)

    choice = choose(dataset, bar=bar)
    assert seen[0] == len(choice.candidates) > 1
    assert sum(seen) == 0
    seen.clear()
    choice = choose(dataset, budget=60.0, bar=bar)
    assert seen[0] == len(choice.candidates) + 1
    assert sum(seen) == 0
    found = compare_dataset(dataset, ["ideal", "alpha_beta"], repeats=1, bar=bar)
    assert seen[-4:] == [len(found.rows) + 1, -1, -1, -1]


def test_with_time_to_spend_a_slower_and_more_accurate_one_takes_part(dataset):
    choice = choose(dataset, budget=60.0)
    kinds = [one.kind for one in choice.candidates]
    assert kinds.index("line_mode_fields") < kinds.index("alpha_beta")
    assert choice.best.error <= 1.02 * choice.candidates[0].error
    assert all(one.step > 0 for one in choice.candidates)
    assert "within 60000 ms" in choice.table()


def test_a_budget_that_nothing_keeps_is_refused(dataset):
    with pytest.raises(InputError, match="no surrogate keeps a training step within 1e-06 ms"):
        choose(dataset, budget=1e-9)


def test_a_tile_without_a_readout_has_currents_only(dataset):
    assert tile_of(dataset, choose(dataset).best.surrogate) == (None, None)


def test_without_reads_over_time_a_tile_has_the_laws_of_its_twins(rram_tile, tmp_path):
    spec = rram_tile(4, 2, readout={"sensing": {"kind": "tia"}, "adc": {"kind": "sar", "bits": 6}})
    plan = SamplingPlan(samples=12, inputs_per_matrix=4)
    dataset = characterize(SolverEngine(spec, threads=1), plan, tmp_path / "d.zarr")
    tile, proof = tile_of(dataset, closed_form(LineModeGalerkin, spec))
    assert proof is None
    X, G = plan.inputs(spec, 0), plan.conductances(spec, 0)
    codes = SignalChain(spec).read_out(tile.line.mvm(X, G)[:, None, :])
    assert (tile.mvm(X, G) == codes).all()


def test_inputs_of_mirrored_lines_lie_below_the_level_and_the_surrogate_is_made_for_them(rram_tile):
    """More exact than a surrogate for inputs above it, by far."""
    sensing = {"kind": "current_mirror", "bleed": 0.0, "resistance": 16e3}
    adc = {"kind": "sar", "bits": 5, "low": 0.0, "high": 1.6}
    spec = rram_tile(8, 4, readout={"technology": "generic_250nm", "sensing": sensing, "adc": adc})
    plan = SamplingPlan(samples=32)
    X, G = plan.inputs(spec, 0), plan.conductances(spec, 0)
    assert X.min() < -0.15
    assert X.max() <= 0.0
    line = closed_form(LineModeGalerkin, spec)
    reference = SolverEngine(spec, threads=1).mvm(G, X)
    error = np.sqrt(np.mean((line.mvm(X, G) - reference) ** 2)) / np.ptp(reference)
    assert error < 2e-4
    chain = SignalChain(spec)
    codes = chain.read_out(reference[:, None, :])
    assert np.mean(TileModel(spec, line).mvm(-X, G) == codes) > 0.98


def test_a_share_of_codes_may_be_lower_on_few_fresh_ones_but_not_much():
    assert needed_share(0.98, 100, 300) < 0.95
    assert needed_share(0.98, 10_000, 10_000) > 0.97
    assert needed_share(1.0, 50, 200) < 1.0
