"""The operational amplifiers in ngspice: against their twin, over corners and draws."""

import numpy as np
import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.opamp import OpAmpBench, TwoStageOpAmpBench
from netlists.circuits.opamp import OpAmp
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.technology import Technology


SLOW_AND_FAST = (CORNERS[9], CORNERS[11])


def test_the_linear_amplifier_has_the_gain_bandwidth_resistance_and_offset_of_its_twin(kept):
    block = OpAmp(gain=1e4, gain_bandwidth=40e6, output_resistance=400.0, offset=4e-3)
    figures = kept(OpAmpBench(block), NOMINAL)
    pole = np.degrees(np.arctan(2 * np.pi * 40e6 * 400.0 * 1e-12))  # of Ro and the load
    assert figures["phase margin into 1 pF"][0] == pytest.approx(90.0 - pole, abs=0.5)


def test_offsets_of_the_linear_amplifier_are_drawn_with_the_deviation_asked_for(kept):
    offsets = kept(OpAmpBench(OpAmp(offset_deviation=2e-3)), *draws(24))["offset of a draw"]
    assert np.std(offsets) == pytest.approx(2e-3, rel=0.4)


def test_the_two_stage_amplifier_keeps_its_figures_over_corners(kept):
    figures = kept(TwoStageOpAmpBench(), NOMINAL, *SLOW_AND_FAST)
    for name in ("DC gain", "gain-bandwidth", "output resistance"):
        assert figures[f"{name} over twin's"][0] == pytest.approx(1.0, abs=0.03)


def test_offsets_of_the_two_stage_amplifier_have_the_deviation_of_its_twin(kept):
    offsets = kept(TwoStageOpAmpBench(), *draws(24))["offset of a draw"]
    expected = TwoStageOpAmp().random_offset(Technology.load("generic_250nm"))
    assert np.std(offsets) == pytest.approx(expected, rel=0.4)


def test_too_little_compensation_is_caught_as_ringing(outside):
    wrong = outside(TwoStageOpAmpBench(TwoStageOpAmp(miller=0.1e-12)), NOMINAL)
    assert {"phase margin into 1 pF", "overshoot"} <= wrong
