"""Active characterisation takes as many samples as were asked for, the worse ones of a pool."""

import numpy as np
import pytest

from cosim.characterize import Dataset, SamplingPlan
from cosim.characterize.active import POOL, characterize_actively, pool_of
from cosim.characterize.fitting import closed_form, samples_of
from cosim.engine import SolverEngine
from cosim.errors import InputError
from cosim.surrogate import LineModeGalerkin


PLAN = SamplingPlan(samples=32, inputs_per_matrix=2)


@pytest.fixture(scope="module")
def engine(resistive_tile):
    wires = {"input_line_resistance": 20.0, "output_line_resistance": 20.0}
    return SolverEngine(resistive_tile(6, 4, wires=wires))


@pytest.fixture(scope="module")
def dataset(engine, tmp_path_factory):
    path = tmp_path_factory.mktemp("active") / "data.zarr"
    seen = []
    found = characterize_actively(engine, PLAN, path, 1, seen.append)
    assert sum(seen) == PLAN.samples
    return found


def test_as_many_samples_are_taken_as_were_asked_for(dataset):
    assert len(samples_of(dataset)) == PLAN.samples
    assert len(dataset.pending()) == (POOL - 1) * PLAN.matrices


def test_what_is_chosen_is_worse_than_what_comes(engine, dataset):
    """Errors of the unfitted closed form on the matrices that were chosen and on the open ones."""
    spec, plan = dataset.spec, dataset.plan
    surrogate = closed_form(LineModeGalerkin, spec)
    pending = set(dataset.pending())
    first = PLAN.matrices // 2
    chosen = [k for k in range(first, plan.matrices) if k not in pending]

    def error(matrices):
        jobs = [(plan.conductances(spec, k), plan.inputs(spec, k)) for k in matrices]
        exact, ours = engine.mvm_many(jobs), surrogate.mvm_many(jobs)
        return np.mean([np.abs(a - b).max() for a, b in zip(exact, ours, strict=True)])

    assert len(chosen) == PLAN.matrices - first
    assert error(chosen) > error(sorted(pending))


def test_the_same_call_finds_its_work_done(engine, dataset):
    seen = []
    again = characterize_actively(engine, PLAN, dataset.path, 1, seen.append)
    assert seen == [PLAN.samples]
    assert again.pending() == Dataset.open(dataset.path).pending()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (SamplingPlan(samples=8, inputs_per_matrix=4), "needs 12 to choose by"),
        (
            SamplingPlan(samples=64, inputs_per_matrix=2, conditions={"temperatures": [300, 350]}),
            "2 conditions",
        ),
    ],
)
def test_a_plan_that_nothing_can_be_chosen_from_is_refused(plan, message):
    with pytest.raises(InputError, match=message):
        pool_of(plan)
