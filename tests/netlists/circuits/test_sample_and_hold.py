"""The sample-and-hold: what is drawn, and its twin."""

import numpy as np
import pytest

from netlists.circuits.opamp import OpAmp
from netlists.circuits.sample_and_hold import SampleAndHold
from netlists.circuits.transmission_gate import TransmissionGate
from netlists.technology import Technology


IDEAL = OpAmp(gain=1e12, output_resistance=0.0)


def test_the_gate_charges_the_capacitor_that_the_buffer_reads():
    text = SampleAndHold().circuit(Technology.load("generic_250nm")).text()
    assert "xg in held sample vdd transmission_gate" in text
    assert "chold held 0 1e-12" in text
    assert "xbuf held out out vdd opamp" in text


def test_the_pedestal_is_the_gates_charge_over_the_capacitance():
    gate = TransmissionGate(width=1e-6, specific_injection=1e-9, specific_slope=2e-9)
    block = SampleAndHold(amplifier=IDEAL, gate=gate, capacitance=1e-12)
    held = block.output(np.array([0.9, 1.9]))
    np.testing.assert_allclose(held, [0.901, 1.903], rtol=1e-9)


def test_a_larger_capacitor_holds_better_and_follows_slower():
    small, large = SampleAndHold(capacitance=1e-12), SampleAndHold(capacitance=4e-12)
    assert large.droop(1e-6) == pytest.approx(small.droop(1e-6) / 4)
    assert large.acquisition(1e-3) == pytest.approx(4 * small.acquisition(1e-3))


def test_the_buffers_offset_is_added():
    block = SampleAndHold(amplifier=IDEAL)
    shift = block.output(np.array([0.7]), offset=5e-3) - block.output(np.array([0.7]))
    assert shift[0] == pytest.approx(5e-3)
