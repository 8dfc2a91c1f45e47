"""The latch sense amplifier: what is drawn, and its twin."""

import numpy as np
import pytest

from netlists.circuits.latch_sense_amplifier import LatchSenseAmplifier
from netlists.technology import Technology


@pytest.fixture(scope="module")
def technology():
    return Technology.load("generic_65nm")


def test_two_inverters_are_crossed_and_each_has_a_line(technology):
    circuit = LatchSenseAmplifier().circuit(technology)
    assert circuit.ports == ("bl", "blb", "en", "q", "qb", "vdd")
    for words in (
        "mn1 q qb t 0",
        "mn2 qb q t 0",
        "mp1 q qb vdd",
        "mpass1 q en bl",
        "mpass2 qb en blb",
    ):
        assert words in circuit.text()


def test_the_higher_line_wins_but_for_the_offset():
    difference = np.array([-2e-3, -1e-4, 1e-4, 2e-3])
    np.testing.assert_array_equal(
        LatchSenseAmplifier.decide(difference), [False, False, True, True]
    )
    np.testing.assert_array_equal(
        LatchSenseAmplifier.decide(difference, offset=-1e-3), [False, False, False, True]
    )


def test_a_cell_that_draws_less_than_the_reference_leaves_its_line_higher():
    block = LatchSenseAmplifier(window=2e-9, line_capacitance=100e-15)
    currents = np.array([[9e-6, 9.99e-6], [10.01e-6, 20e-6]])
    less = block.decide_currents(currents, 10e-6)
    np.testing.assert_array_equal(less, [[True, True], [False, False]])
    assert not block.decide_currents(np.array([9.99e-6]), 10e-6, offset=-1e-3)[0]


def test_the_current_deviation_is_the_offset_through_line_and_window(technology):
    block = LatchSenseAmplifier(window=2e-9, line_capacitance=100e-15)
    expected = block.offset_deviation(technology) * 100e-15 / 2e-9
    assert block.current_deviation(technology) == pytest.approx(expected)


def test_a_pair_four_times_as_wide_has_half_the_offset(technology):
    small, large = (LatchSenseAmplifier(pair_width=w) for w in (2e-6, 8e-6))
    assert large.offset_deviation(technology) == pytest.approx(
        0.5 * small.offset_deviation(technology)
    )
