"""The transimpedance amplifier in ngspice: against its twin, over corners and draws."""

import numpy as np
import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.tia import TiaBench
from netlists.circuits.opamp import OpAmp
from netlists.circuits.tia import Tia
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.technology import Technology


SLOW_AND_FAST = (CORNERS[9], CORNERS[11])
TRANSISTORS = Tia(amplifier=TwoStageOpAmp())


def test_the_twin_is_exact_around_a_linear_amplifier_however_bad(kept):
    bad = OpAmp(gain=100.0, gain_bandwidth=100e6, output_resistance=300.0, offset=5e-3, rest=0.5)
    figures = kept(TiaBench(Tia(amplifier=bad)), NOMINAL)
    assert figures["error of the twin"][0] < 1e-6
    assert figures["input resistance"][0] == pytest.approx(Tia(amplifier=bad).input_resistance)


def test_around_transistors_the_figures_are_kept_over_corners(kept):
    figures = kept(TiaBench(TRANSISTORS), NOMINAL, *SLOW_AND_FAST)
    assert figures["error of the twin"][0] < 0.02
    assert figures["input resistance"][0] == pytest.approx(TRANSISTORS.input_resistance, rel=0.03)


def test_offsets_and_gains_of_draws_have_the_deviations_of_the_twin(kept):
    figures = kept(TiaBench(TRANSISTORS), *draws(24))
    offset = TwoStageOpAmp().random_offset(Technology.load("generic_250nm"))
    assert np.std(figures["offset of a draw"]) == pytest.approx(offset, rel=0.4)
    assert np.std(figures["gain error of a draw"]) == pytest.approx(0.2, rel=0.4)


def test_an_output_stage_too_weak_to_source_the_current_is_caught(outside):
    weak = Tia(amplifier=TwoStageOpAmp(output_units=4))
    assert {"error of the twin", "linearity"} <= outside(TiaBench(weak), NOMINAL)


def test_a_feedback_without_its_capacitor_rings_on_a_slow_amplifier(outside):
    ringing = Tia(amplifier=OpAmp(output_resistance=2e3), capacitance=0.0, resistance=20e3)
    assert "overshoot" in outside(TiaBench(ringing), NOMINAL)
