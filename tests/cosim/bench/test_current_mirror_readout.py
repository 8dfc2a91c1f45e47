"""The regulated bit line and its mirror in ngspice: against the twin, over corners and draws."""

import numpy as np
import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.current_mirror_readout import CurrentMirrorReadoutBench
from netlists.circuits.current_mirror_readout import CurrentMirrorReadout
from netlists.circuits.opamp import OpAmp
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.technology import Technology


SLOW_AND_FAST = (CORNERS[10], CORNERS[11])


@pytest.mark.parametrize("cascoded", [True, False])
def test_figures_are_kept_over_corners(kept, cascoded):
    bench = CurrentMirrorReadoutBench(CurrentMirrorReadout(cascoded=cascoded))
    figures = kept(bench, NOMINAL, *SLOW_AND_FAST)
    assert figures["error of the twin"][0] < 0.1


def test_cascodes_take_most_of_the_ratio_error_away(kept):
    plain, cascoded = (
        kept(CurrentMirrorReadoutBench(CurrentMirrorReadout(cascoded=choice)), NOMINAL)
        for choice in (False, True)
    )
    name = "error of the ratio, 1 to 100 uA"
    assert plain[name][0] > 50 * abs(cascoded[name][0])


def test_the_ratio_is_that_of_equal_units(kept):
    kept(CurrentMirrorReadoutBench(CurrentMirrorReadout(output_units=2)), NOMINAL)


def test_a_regulator_of_transistors_holds_the_line_too(kept):
    slow = TwoStageOpAmp(miller=4e-12)
    figures = kept(CurrentMirrorReadoutBench(CurrentMirrorReadout(amplifier=slow)), NOMINAL)
    assert figures["error of the line's voltage"][0] < 0.4e-3


def test_ratio_errors_of_draws_have_the_deviations_of_the_twin(kept):
    block, technology = CurrentMirrorReadout(), Technology.load("generic_250nm")
    figures = kept(CurrentMirrorReadoutBench(block), *draws(24))
    for label, current in (("1 uA", 1e-6), ("100 uA", 100e-6)):
        expected = 100.0 * block.ratio_deviation(technology, current)
        found = np.std(figures[f"ratio error of a draw at {label}"])
        assert found == pytest.approx(expected, rel=0.4)


def test_a_regulator_with_too_little_gain_is_caught(outside):
    weak = CurrentMirrorReadout(amplifier=OpAmp(gain=200.0, gain_bandwidth=20e6))
    assert "error of the line's voltage" in outside(CurrentMirrorReadoutBench(weak), NOMINAL)


def test_an_output_that_rises_into_the_cascodes_is_caught(outside):
    cramped = CurrentMirrorReadout(resistance=20e3)
    assert "error of the twin" in outside(CurrentMirrorReadoutBench(cramped), NOMINAL)
