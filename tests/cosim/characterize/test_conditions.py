"""Corners, temperatures, times and random chips: what each changes, and that nothing else does."""

from pathlib import Path

import numpy as np
import pytest

from cosim.characterize import Conditions, Dataset, SamplingPlan, characterize
from cosim.characterize.fitting import samples_of
from cosim.engine.solver import SolverEngine
from cosim.errors import CardError, DatasetError, SpecError
from netlists.specs import TileSpec
from netlists.toml_files import read_toml, validated


EXAMPLES = Path(__file__).parents[3] / "examples"
CORNERS = ({"name": "typical"}, {"name": "low", "changes": {"cell.gate_voltage": 1.0}})
DRIFT = {"exponent": 0.05, "spread": 0.01}


@pytest.fixture(scope="module")
def spec():
    small = {"rows": 6, "cols": 4}
    return TileSpec.from_toml(EXAMPLES / "tile_32x32.toml").model_copy(update=small)


def plan(samples=8, **conditions):
    given = Conditions.model_validate(conditions)
    return SamplingPlan(samples=samples, inputs_per_matrix=4, seed=7, conditions=given)


def test_conditions_are_all_combinations(spec):
    there = plan(
        corners=CORNERS,
        temperatures=(280.0, 300.15),
        times=(1.0, 1e3, 1e6),
        drift=DRIFT,
        monte_carlo={"draws": 2},
    )
    conditions = there.conditions.all(spec)
    assert len(set(conditions)) == len(conditions) == there.conditions.count == 24
    assert there.all_samples == 24 * 8
    assert there.matrices == 24 * 2


def test_every_sample_belongs_to_one_matrix(spec):
    there = plan(samples=10, corners=CORNERS)
    covered = [
        k for m in range(there.matrices) for k in range(there.all_samples)[there.vectors_of(m)]
    ]
    assert covered == list(range(20))
    assert [there.condition_of(m) for m in range(there.matrices)] == [0, 0, 0, 1, 1, 1]


def test_corners_share_targets_and_inputs(spec):
    there = plan(corners=CORNERS)
    assert np.array_equal(there.conductances(spec, 0), there.conductances(spec, 2))
    assert np.array_equal(there.inputs(spec, 1), there.inputs(spec, 3))
    assert there.tile(spec, 0) == spec
    assert there.tile(spec, 1).cell.gate_voltage == 1.0


def test_conductances_drift_by_the_power_law_and_not_before_its_reference_time(spec):
    there = plan(times=(0.0, 1.0, 1e4), drift={"exponent": 0.05})
    verified, reference, later = (there.conductances(spec, 2 * number) for number in range(3))
    assert np.array_equal(verified, reference)
    assert np.allclose(later, verified * 1e4**-0.05, rtol=1e-14)


def test_a_cell_keeps_its_own_drift_exponent_over_time(spec):
    there = plan(times=(1e2, 1e4), drift=DRIFT)
    fresh = plan().conductances(spec, 0)
    exponents = [
        -np.log(there.conductances(spec, matrix) / fresh) / np.log(time)
        for matrix, time in ((0, 1e2), (2, 1e4))
    ]
    assert np.allclose(*exponents, rtol=1e-10)
    assert 0.005 < exponents[0].std() < 0.02


def test_random_chips_differ_from_each_other_and_repeat_with_the_seed(spec):
    spread = {"wires.input_line_resistance": 0.1}
    there = plan(monte_carlo={"draws": 50, "chip_spread": spread, "cell_spread": 0.05})
    wires = np.array([there.tile(spec, number).wires.input_line_resistance for number in range(50)])
    assert 0.07 < np.log(wires).std() < 0.13
    assert there.tile(spec, 3) == there.tile(spec, 3)
    factors = np.log(there.conductances(spec, 4) / plan().conductances(spec, 0))
    assert 0.03 < factors.std() < 0.07


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"corners": [{"name": "x", "changes": {"gate": 1.0}}]}, "a tile has no field `gate`"),
        ({"corners": [{"name": "x", "changes": {"rows": 3.0}}]}, "a tile has no field `rows`"),
        ({"corners": [{"name": "x", "changes": {"cell.gate_voltage": 99.0}}]}, "cell.gate_voltage"),
        (
            {"monte_carlo": {"draws": 1, "chip_spread": {"cell.device": 0.1}}},
            "only numbers can vary",
        ),
    ],
)
def test_a_condition_that_no_tile_can_have_is_named_before_anything_is_written(
    spec, tmp_path, conditions, message
):
    with pytest.raises(SpecError, match=message):
        characterize(SolverEngine(spec), plan(**conditions), tmp_path / "d.zarr")
    assert list(tmp_path.iterdir()) == []


def test_conductances_outside_the_card_are_refused_before_anything_is_written(spec, tmp_path):
    too_late = plan(times=(1e30,), drift={"exponent": 0.5})
    with pytest.raises(CardError):
        characterize(SolverEngine(spec), too_late, tmp_path / "d.zarr")
    assert list(tmp_path.iterdir()) == []


def test_times_and_drift_belong_together():
    with pytest.raises(ValueError, match="belong together"):
        Conditions(times=(1.0,))


def test_the_dataset_tells_its_conditions_and_holds_each_as_its_own_circuit(spec, tmp_path):
    there = plan(corners=CORNERS, temperatures=(280.0, 300.15))
    dataset = characterize(SolverEngine(spec), there, tmp_path / "d.zarr")
    data = dataset.arrays()
    names = data["corner"].attrs["names"]
    assert [names[corner] for corner in data["corner"].values] == [
        "typical",
        "typical",
        "low",
        "low",
    ]
    assert data["temperature"].values.tolist() == [280.0, 300.15, 280.0, 300.15]
    assert data["condition_of_matrix"].values.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    cold_and_low = SolverEngine(there.tile(spec, 2))
    expected = cold_and_low.mvm(there.conductances(spec, 5), there.inputs(spec, 5))
    assert np.array_equal(data["output"].values[there.vectors_of(5)], expected)
    assert Dataset.open(tmp_path / "d.zarr").plan == there


def test_a_fit_takes_the_samples_of_the_tile_as_specified(spec, tmp_path):
    there = plan(corners=CORNERS, temperatures=(280.0, 300.15))
    samples = samples_of(characterize(SolverEngine(spec), there, tmp_path / "d.zarr"))
    assert len(samples.inputs) == 8
    assert np.array_equal(samples.conductance[1], there.conductances(spec, 3))


def test_a_fit_to_other_circuits_only_is_refused(spec, tmp_path):
    there = plan(temperatures=(280.0,))
    dataset = characterize(SolverEngine(spec), there, tmp_path / "d.zarr")
    with pytest.raises(DatasetError, match="no samples of the tile as it is specified"):
        samples_of(dataset)


def test_the_example_plan_is_valid(spec):
    there = validated(SamplingPlan, read_toml(EXAMPLES / "corners.toml"), "corners.toml")
    assert there.conditions.count == 36
    assert there.tile(spec, 35).temperature == 358.15
