"""The integrator in ngspice: against its twin, over corners and draws."""

import numpy as np
import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.integrator import IntegratorBench
from netlists.circuits.integrator import Integrator
from netlists.circuits.opamp import OpAmp
from netlists.circuits.transmission_gate import TransmissionGate
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.technology import Technology


def test_the_twin_is_exact_with_a_poor_amplifier_and_an_ideal_switch(kept):
    poor = OpAmp(gain=200.0, gain_bandwidth=300e6, offset=-4e-3, rest=0.6)
    figures = kept(IntegratorBench(Integrator(amplifier=poor, switch="ideal")), NOMINAL)
    assert figures["error of the twin"][0] < 0.01
    assert abs(figures["charge left by the switch"][0]) < 0.01


def test_figures_are_kept_over_corners_with_a_gate_of_transistors(kept):
    kept(IntegratorBench(), NOMINAL, CORNERS[9], CORNERS[11])


def test_figures_are_kept_with_an_amplifier_of_transistors(kept):
    kept(IntegratorBench(Integrator(amplifier=TwoStageOpAmp())), NOMINAL, CORNERS[9], CORNERS[11])


def test_offsets_and_gains_of_draws_have_the_deviations_of_the_twin(kept):
    block = Integrator(amplifier=OpAmp(offset_deviation=2e-3), switch="ideal")
    figures = kept(IntegratorBench(block), *draws(16))
    assert np.std(figures["offset of a draw"]) == pytest.approx(2e-3, rel=0.45)
    assert np.std(figures["gain error of a draw"]) == pytest.approx(0.1, rel=0.45)


def test_the_deviation_of_an_amplifier_of_transistors_is_kept_too(kept):
    block = Integrator(amplifier=TwoStageOpAmp())
    expected = block.amplifier.random_offset(Technology.load("generic_250nm"))
    offsets = kept(IntegratorBench(block), *draws(6))["offset of a draw"]
    assert 0.3 * expected < np.std(offsets) < 2.0 * expected


def test_a_reset_gate_that_is_too_narrow_is_caught(outside):
    narrow = Integrator(gate=TransmissionGate(width=0.3e-6))
    assert "rest of a reset" in outside(IntegratorBench(narrow), NOMINAL)


def test_a_twin_that_forgets_the_switchs_charge_is_caught(outside):
    gate = TransmissionGate(width=8e-6, specific_injection=0.0)
    wrong = outside(IntegratorBench(Integrator(gate=gate, capacitance=0.5e-12)), NOMINAL)
    assert "error of the twin" in wrong
