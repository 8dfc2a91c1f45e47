"""The operational amplifiers: what is drawn, and the linear twin."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.opamp import OpAmp
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.technology import Technology


@pytest.fixture(scope="module")
def technology():
    return Technology.load("generic_250nm")


@pytest.mark.parametrize("block", [OpAmp(), TwoStageOpAmp()])
def test_all_amplifiers_have_the_same_ports(block, technology):
    assert block.circuit(technology).ports == ("inp", "inn", "out", "vdd")


def test_an_amplifier_without_output_resistance_is_drawn_with_a_short(technology):
    text = OpAmp(output_resistance=0).circuit(technology).text()
    assert "vout drive out 0" in text
    assert "rout" not in text


def test_currents_of_the_two_stage_amplifier_follow_numbers_of_equal_units(technology):
    text = TwoStageOpAmp(tail_units=6, output_units=9).circuit(technology).text()
    units = {
        line.split()[0]: line.rpartition(" m=")[2] for line in text.splitlines() if " m=" in line
    }
    assert units == {"mt": "6", "mo": "9", "m3": "3", "m4": "3", "m5": "9"}
    assert TwoStageOpAmp(tail_units=6, output_units=9).supply_current == pytest.approx(16 * 20e-6)


def test_an_odd_tail_that_halves_badly_is_refused():
    with pytest.raises(ValidationError, match="multiple of 2"):
        TwoStageOpAmp(tail_units=5)


def test_the_gain_falls_from_its_pole_to_one_at_the_gain_bandwidth():
    block = OpAmp(gain=1e4, gain_bandwidth=50e6)
    gains = block.response(np.array([0.0, 5e3, 50e6]))
    assert gains[0] == 1e4
    assert abs(gains[1]) == pytest.approx(1e4 / math.sqrt(2))
    assert abs(gains[2]) == pytest.approx(1.0, rel=1e-6)


def test_a_follower_is_off_by_its_offset_and_by_the_reciprocal_of_its_gain():
    block = OpAmp(gain=1e3, offset=3e-3, rest=0.9)
    assert block.follow(np.array([0.9, 1.9])) == pytest.approx([0.902997, 1.901998], abs=1e-6)


def test_a_load_takes_gain_through_the_output_resistance():
    block = OpAmp(gain=100, output_resistance=1e3)
    free, loaded = (block.follow(np.array([0.9]), load=load)[0] for load in (math.inf, 100.0))
    assert loaded - free == pytest.approx(-0.9 * 10 / 111, rel=1e-6)


def test_only_the_transistor_amplifier_has_output_limits():
    assert OpAmp().output_limits(2.5) == (-math.inf, math.inf)
    assert TwoStageOpAmp().output_limits(2.5) == pytest.approx((0.3, 2.2))


def test_larger_transistors_have_less_offset(technology):
    small, large = TwoStageOpAmp(), TwoStageOpAmp(pair_width=200e-6, mirror_length=3.2e-6)
    assert large.random_offset(technology) == pytest.approx(
        0.5 * small.random_offset(technology), rel=1e-6
    )
    assert 1e-3 < small.random_offset(technology) < 3e-3
