"""The precharge sense amplifier: what is drawn, and its twin."""

import numpy as np
import pytest

from netlists.circuits.precharge_sense_amplifier import PrechargeSenseAmplifier
from netlists.technology import Technology


@pytest.fixture(scope="module")
def technology():
    return Technology.load("generic_65nm")


def test_the_cells_stay_outside_between_the_bit_lines_and_the_foot(technology):
    circuit = PrechargeSenseAmplifier().circuit(technology)
    assert circuit.ports == ("bl", "blb", "sl", "clk", "q", "qb", "vdd")
    text = circuit.text()
    assert "mn1 q qb bl 0 nch" in text
    assert "mn2 qb q blb 0 nch" in text
    assert "mfoot sl clk 0 0 nch" in text


def test_the_weight_is_the_sign_of_the_resistance_difference():
    decide = PrechargeSenseAmplifier.decide
    bit_line = np.array([[10e3, 50e3], [7e3, 10.1e3]])
    high = decide(bit_line, np.full((2, 2), 10e3))
    np.testing.assert_array_equal(high, [[False, True], [False, True]])


def test_an_offset_turns_decisions_between_near_resistances_only():
    near = np.array([10.3e3, 12e3])
    high = PrechargeSenseAmplifier.decide(near, np.full(2, 10e3), offset=-0.05)
    np.testing.assert_array_equal(high, [False, True])


def test_larger_resistances_and_closer_ones_take_longer_and_both_signs_alike():
    block = PrechargeSenseAmplifier()
    base, large, close = block.delay(np.array([10e3, 20e3, 10e3]), np.array([20e3, 40e3, 10.5e3]))
    assert large > base
    assert close > base
    swapped = block.delay(np.array([20e3]), np.array([10e3]))
    assert swapped[0] == base


def test_equal_resistances_are_never_decided():
    assert PrechargeSenseAmplifier().delay(np.array([1e4]), np.array([1e4]))[0] == np.inf


def test_a_larger_latch_tells_smaller_ratios_apart(technology):
    small, large = PrechargeSenseAmplifier(), PrechargeSenseAmplifier(latch_width=8e-6)
    assert large.offset_deviation(technology) == pytest.approx(
        0.5 * small.offset_deviation(technology)
    )
    assert 1.05 < large.least_ratio(technology) < small.least_ratio(technology) < 1.2


def test_energy_goes_with_the_supply_squared():
    block = PrechargeSenseAmplifier()
    assert block.energy(1.2) == pytest.approx(4 * block.energy(0.6))
