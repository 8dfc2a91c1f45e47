"""Input converters: the R-2R ladder's twin, and the source with given levels."""

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.voltage_dac import LevelSource, VoltageDac
from netlists.technology import DEFAULT, Technology


TECHNOLOGY = Technology.load(DEFAULT)
CODES = np.arange(64)


def test_equal_resistors_give_equal_steps_from_low():
    dac = VoltageDac(low=0.1, high=0.5, switch_resistance=1e-9)
    np.testing.assert_allclose(dac.voltages(CODES), 0.1 + 0.4 * CODES / 64, rtol=1e-12)


def test_arms_of_double_value_would_halve_the_last_bit_of_a_two_bit_ladder():
    # By hand: arm 1 of 4R at `high`, against R + (2R || 2R) = 2R towards `low`: 2R / 6R.
    dac = VoltageDac(bits=2, switch_resistance=1e-9)
    errors = np.array([0.0, 1.0, 0.0, 0.0])
    assert dac.weights(errors)[1] == pytest.approx(1.0 / 3.0)


def test_drawn_resistors_can_be_read_back():
    dac = VoltageDac(matching=0.01)
    circuit = dac.circuit(TECHNOLOGY)
    np.testing.assert_array_equal(dac.resistor_errors(circuit), np.zeros(12))
    drawn = [dac.resistor_errors(circuit.with_mismatch(seed)) for seed in range(200)]
    deviations = np.std(drawn, axis=0)
    np.testing.assert_allclose(deviations[:7], 0.01 / np.sqrt(2.0), rtol=0.2)
    np.testing.assert_allclose(deviations[7:], 0.01, rtol=0.2)


def test_levels_may_be_any():
    source = LevelSource(levels=(0.0, 0.05, 0.2, 0.3))
    assert source.bits == 2
    np.testing.assert_array_equal(
        source.voltages(np.array([[3, 0], [1, 2]])), [[0.3, 0], [0.05, 0.2]]
    )
    assert source.circuit(TECHNOLOGY).ports == ("b0", "b1", "out")


@pytest.mark.parametrize("levels", [(0.1,), (0.1, 0.2, 0.3)])
def test_levels_that_are_no_power_of_two_are_refused(levels):
    with pytest.raises(ValidationError):
        LevelSource(levels=levels)


def test_an_empty_range_is_refused():
    with pytest.raises(ValidationError):
        VoltageDac(low=0.4, high=0.4)
