"""Compensation of drift gives back what all cells lost together, and only that."""

import pytest
import torch

from cosim.nn import (
    CalibrationInputs,
    Drift,
    NonIdealities,
    ProgrammingError,
    ReferenceCells,
    evaluate,
    perceptron,
    program_chips,
)


DAY = 86400.0
ALIKE = NonIdealities(drift=Drift(0.05, 0.0))
UNLIKE = NonIdealities(drift=Drift(0.05, 0.01))
WAYS = (ReferenceCells(), CalibrationInputs(), CalibrationInputs(per_column=True))


@pytest.fixture
def network(tile):
    made = perceptron([12, 9, 4], tile, levels=16, seed=3).eval()
    made[2].input_range.fill_(2.0)
    with torch.no_grad():
        made[0].bias.fill_(0.1)
    return made


@pytest.fixture
def images():
    return torch.rand(20, 12, generator=torch.Generator().manual_seed(5))


def error_after_a_day(network, images, kinds, compensation, count=10, engine="ideal"):
    chips = program_chips(network, count, kinds)
    labels = torch.zeros(len(images), dtype=torch.long)
    result = evaluate(network, images, labels, chips, engine, (1.0, DAY), compensation)
    fresh = evaluate(network, images, labels, chips, engine).outputs_of()
    now = result.outputs_of(time=DAY)
    return float(((now - fresh).pow(2).mean() / fresh.pow(2).mean()).sqrt())


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_cells_that_drift_alike_are_compensated_completely(network, images, way):
    assert error_after_a_day(network, images, ALIKE, None) > 0.2
    assert error_after_a_day(network, images, ALIKE, way) < 1e-5


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_cells_that_differ_keep_a_part_of_their_error(network, images, way):
    left = error_after_a_day(network, images, UNLIKE, way)
    assert 0.01 < left < 0.6 * error_after_a_day(network, images, UNLIKE, None)


def test_more_reference_cells_leave_less(network, images):
    one, many = (
        error_after_a_day(network, images, UNLIKE, ReferenceCells(count), count=40)
        for count in (1, 64)
    )
    assert many < 0.9 * one


def test_a_surrogate_is_compensated_as_well(network, images, surrogate):
    """Not completely: faded cells lose less of their voltage to wires and access transistors."""
    for way in WAYS:
        assert error_after_a_day(network, images, ALIKE, None, 2, surrogate) > 0.2
        assert error_after_a_day(network, images, ALIKE, way, 2, surrogate) < 0.08


def test_programming_errors_are_not_drift(network, images):
    """What was wrong from the start stays: factors refer to the chip as it was programmed."""
    kinds = NonIdealities((ProgrammingError(8e-6, 0.0, 1.0),), drift=Drift(0.05, 0.0))
    assert error_after_a_day(network, images, kinds, CalibrationInputs()) < 1e-5
    assert error_after_a_day(network, images, kinds, ReferenceCells()) < 1e-5
