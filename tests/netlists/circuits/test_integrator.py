"""The integrator and the transmission gate: what is drawn, and their twins."""

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.integrator import Integrator
from netlists.circuits.opamp import OpAmp
from netlists.circuits.transmission_gate import TransmissionGate
from netlists.technology import Technology


IDEAL = OpAmp(gain=1e12, output_resistance=0.0)


@pytest.fixture(scope="module")
def technology():
    return Technology.load("generic_250nm")


def test_the_switch_is_chosen_by_name(technology):
    gate, ideal = (Integrator(switch=kind).circuit(technology) for kind in ("gate", "ideal"))
    assert "xrst line out reset vdd transmission_gate" in gate.text()
    assert "srst line out reset 0 sw_" in ideal.text()
    assert gate.ports == ideal.ports == ("line", "vcm", "reset", "out", "vdd")
    with pytest.raises(ValidationError, match="'ideal' or 'gate'"):
        Integrator(switch="relay")


def test_charge_over_capacitance_is_taken_from_the_common_mode():
    block = Integrator(amplifier=IDEAL, switch="ideal", capacitance=2e-12)
    np.testing.assert_allclose(block.from_charge(np.array([-1e-12, 0.0, 1e-12])), [1.4, 0.9, 0.4])


def test_currents_count_for_the_whole_window():
    block = Integrator(amplifier=IDEAL, switch="ideal", window=50e-9)
    currents = np.array([[1e-6], [4e-6]])
    np.testing.assert_allclose(block.output(currents), block.from_charge(currents * 50e-9))
    assert block.output(currents).shape == (2, 1)


def test_offset_and_capacitance_error_shift_and_scale_the_output():
    block = Integrator(amplifier=IDEAL, switch="ideal", capacitance=1e-12)
    out = block.from_charge(np.array([0.0, 1e-13]), offset=3e-3, capacitance_error=0.25)
    np.testing.assert_allclose(out, [0.903, 0.903 - 0.08])


def test_little_gain_loses_charge_to_the_line():
    block = Integrator(
        amplifier=OpAmp(gain=9.0, rest=0.9),
        switch="ideal",
        capacitance=1e-12,
        line_capacitance=2e-12,
    )
    step = block.from_charge(np.array([0.0, 1e-13])) @ [1, -1]
    assert step == pytest.approx(0.1 * 9 / 12)


def test_the_gates_charge_is_integrated_with_the_rest():
    gate = TransmissionGate(width=2e-6, specific_injection=1e-9)
    ideal, real = (
        Integrator(amplifier=IDEAL, switch=kind, gate=gate, capacitance=1e-12).from_charge(
            np.zeros(1)
        )
        for kind in ("ideal", "gate")
    )
    assert ideal - real == pytest.approx(2e-3)


def test_a_gate_injects_in_proportion_to_its_width_and_changes_sign_with_voltage():
    gate = TransmissionGate()
    low, middle, high = gate.injected(np.array([0.3, 0.9, 1.5]))
    assert low < 0.0 < middle < high
    assert TransmissionGate(width=3e-6).injected(np.array(0.9)) == pytest.approx(3 * middle)
    assert TransmissionGate(width=3e-6).on_resistance == pytest.approx(gate.on_resistance / 3)


def test_a_gate_is_drawn_with_the_inverter_of_its_own_control(technology):
    circuit = TransmissionGate(width=1e-6, ratio=2.0).circuit(technology)
    assert circuit.ports == ("a", "b", "on", "vdd")
    assert "mn a on b 0 nch w=1e-06" in circuit.text()
    assert "mp a off b vdd pch w=2e-06" in circuit.text()
