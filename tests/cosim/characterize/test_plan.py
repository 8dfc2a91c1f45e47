"""A sampling plan draws the same samples from the same seed, inside the tile's ranges."""

import numpy as np
import pytest

from cosim.characterize import SamplingPlan


@pytest.fixture
def spec(resistive_tile):
    return resistive_tile(rows=6, cols=5)


def test_the_last_matrix_takes_the_rest_of_the_samples():
    plan = SamplingPlan(samples=10, inputs_per_matrix=4)
    assert plan.matrices == 3
    assert [plan.vectors_of(m) for m in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 10)]


def test_draws_depend_on_the_seed_and_the_matrix_only(spec):
    plan = SamplingPlan(samples=12, inputs_per_matrix=4, seed=3)
    longer = SamplingPlan(samples=40, inputs_per_matrix=4, seed=3)
    other = SamplingPlan(samples=12, inputs_per_matrix=4, seed=4)
    assert np.array_equal(plan.conductances(spec, 1), longer.conductances(spec, 1))
    assert np.array_equal(plan.inputs(spec, 1), longer.inputs(spec, 1))
    assert not np.array_equal(plan.conductances(spec, 1), plan.conductances(spec, 2))
    assert not np.array_equal(plan.conductances(spec, 1), other.conductances(spec, 1))


@pytest.mark.parametrize("kind", ["uniform", "pairs", "sparse"])
def test_conductances_stay_inside_the_programming_range(spec, kind):
    plan = SamplingPlan(samples=8, inputs_per_matrix=8, kinds=(kind,))
    drawn = plan.conductances(spec, 0)
    assert drawn.shape == (6, 5)
    assert drawn.min() >= spec.cell.conductance_min
    assert drawn.max() <= spec.cell.conductance_max


def test_pairs_keep_one_cell_of_each_pair_at_the_minimum(spec):
    drawn = SamplingPlan(samples=1, kinds=("pairs",)).conductances(spec, 0)
    lower = np.minimum(drawn[:, 0:4:2], drawn[:, 1:4:2])
    assert np.allclose(lower, spec.cell.conductance_min)


def test_some_inputs_are_sparse_and_none_exceeds_the_read_voltage(spec):
    plan = SamplingPlan(samples=200, inputs_per_matrix=200, seed=1)
    inputs = plan.inputs(spec, 0)
    zeros_per_vector = (inputs == 0).sum(axis=1)
    assert inputs.min() >= 0
    assert inputs.max() <= spec.drivers.read_voltage
    assert 0.2 < np.mean(zeros_per_vector == 0) < 0.8
