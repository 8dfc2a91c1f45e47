"""The sample-and-hold in ngspice: against its twin, over corners and draws."""

import numpy as np
import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.sample_and_hold import SampleAndHoldBench
from netlists.circuits.opamp import OpAmp
from netlists.circuits.sample_and_hold import SampleAndHold
from netlists.circuits.transmission_gate import TransmissionGate
from netlists.circuits.two_stage_opamp import TwoStageOpAmp


def test_figures_are_kept_over_corners(kept):
    figures = kept(SampleAndHoldBench(), NOMINAL, CORNERS[9], CORNERS[12])
    assert figures["error of the twin"][0] < 0.4e-3
    assert max(figures["droop per microsecond"]) > 5 * figures["droop per microsecond"][0]


def test_figures_are_kept_with_a_buffer_of_transistors(kept):
    kept(SampleAndHoldBench(SampleAndHold(amplifier=TwoStageOpAmp())), NOMINAL, CORNERS[10])


def test_offsets_of_draws_are_those_of_the_buffer(kept):
    block = SampleAndHold(amplifier=OpAmp(offset_deviation=2e-3))
    offsets = kept(SampleAndHoldBench(block), *draws(16))["offset of a draw"]
    assert np.std(offsets) == pytest.approx(2e-3, rel=0.45)


def test_a_small_capacitor_is_caught_as_pedestal(outside):
    wrong = outside(SampleAndHoldBench(SampleAndHold(capacitance=0.1e-12)), NOMINAL)
    assert {"largest pedestal", "pedestal over half a volt"} <= wrong


def test_a_narrow_gate_is_caught_as_an_error(outside):
    narrow = SampleAndHold(gate=TransmissionGate(width=0.15e-6), capacitance=3e-12)
    assert "error of the twin" in outside(SampleAndHoldBench(narrow), NOMINAL)
