"""The transimpedance amplifier: what is drawn, and its twin."""

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.opamp import OpAmp
from netlists.circuits.tia import Tia
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.technology import Technology


IDEAL = OpAmp(gain=1e12, output_resistance=0.0)


def test_the_amplifier_is_chosen_by_name_in_a_configuration():
    assert isinstance(Tia.model_validate({"amplifier": {"kind": "linear"}}).amplifier, OpAmp)
    chosen = Tia.model_validate({"amplifier": {"kind": "two_stage", "miller": 2e-12}}).amplifier
    assert isinstance(chosen, TwoStageOpAmp)
    assert chosen.miller == 2e-12
    with pytest.raises(ValidationError, match="'linear', 'two_stage'"):
        Tia.model_validate({"amplifier": {"kind": "folded"}})


def test_the_drawing_places_the_chosen_amplifier():
    circuit = Tia(amplifier=TwoStageOpAmp(), capacitance=0).circuit(
        Technology.load("generic_250nm")
    )
    assert circuit.ports == ("line", "vcm", "out", "vdd")
    assert "xamp vcm line out vdd two_stage_opamp" in circuit.text()
    assert "cf" not in circuit.text()


def test_a_current_into_the_line_takes_the_output_down():
    volts = Tia(amplifier=IDEAL, resistance=5e3).output(np.array([[-1e-4, 0.0], [1e-5, 1e-4]]))
    np.testing.assert_allclose(volts, [[1.4, 0.9], [0.85, 0.4]], rtol=1e-9)


def test_offset_and_resistance_error_shift_and_scale_the_output():
    volts = Tia(amplifier=IDEAL).output(np.array([0.0, 1e-4]), offset=2e-3, resistance_error=0.01)
    np.testing.assert_allclose(volts, [0.902, 0.902 - 0.505], rtol=1e-9)


def test_the_input_resistance_is_the_slope_of_the_lines_voltage():
    tia = Tia(amplifier=OpAmp(gain=99.0, output_resistance=5e3))
    low, high = tia.line_voltage(np.array([0.0, 1e-5]))
    assert (high - low) / 1e-5 == pytest.approx(tia.input_resistance, rel=1e-9)
    assert tia.input_resistance == pytest.approx(100.0)


def test_an_amplifier_of_transistors_cuts_its_output_off_near_its_rails():
    tia = Tia(amplifier=TwoStageOpAmp())
    currents = np.array([-1e-3, 1e-3])
    np.testing.assert_allclose(tia.output(currents, supply=2.5), [2.2, 0.3])
    assert Tia().output(currents, supply=2.5)[0] > 5.0
