"""The flash and the ramp converter: their drawings, and their twins."""

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.comparator import Comparator
from netlists.circuits.flash_adc import FlashAdc
from netlists.circuits.ramp_adc import RampAdc
from netlists.technology import DEFAULT, Technology


TECHNOLOGY = Technology.load(DEFAULT)
RAMP = np.linspace(0.5, 1.1, 3001) + 1e-7


@pytest.mark.parametrize(
    "adc", [FlashAdc(bits=3), FlashAdc(bits=6), RampAdc(bits=3), RampAdc(bits=9)]
)
def test_twin_without_errors_is_the_ideal_quantiser(adc):
    np.testing.assert_array_equal(adc.codes(RAMP), adc.ideal_codes(RAMP))


def test_a_large_resistor_of_the_string_widens_its_code():
    adc = FlashAdc(bits=3)
    errors = np.zeros(8)
    errors[3] = 1.0
    codes = adc.codes(RAMP, errors)
    assert np.ptp(RAMP[codes == 3]) == pytest.approx(2 * 0.4 / 9, rel=0.01)
    assert np.ptp(RAMP[codes == 4]) == pytest.approx(0.4 / 9, rel=0.01)


def test_two_transitions_turned_around_are_decoded_by_the_parity_of_what_is_above():
    adc = FlashAdc(bits=3)
    offsets = np.zeros(7)
    offsets[1] = -1.6 * adc.lsb  # comparator 2 turns above comparator 3
    codes = adc.codes(np.array([0.6 + 3.3 * adc.lsb]), None, offsets)
    # above: 1 and 3, so bit 0 has even parity and bit 1, of comparators 2, 4 and 6, has none
    np.testing.assert_array_equal(codes, [0])


def test_drawn_string_and_offsets_reach_the_twin():
    adc = FlashAdc(bits=4, comparator=Comparator(offset_deviation=0.02))
    drawn = adc.circuit(TECHNOLOGY).with_mismatch(1)
    assert (adc.codes_of(drawn, RAMP) != adc.codes(RAMP)).any()
    np.testing.assert_array_equal(adc.codes_of(adc.circuit(TECHNOLOGY), RAMP), adc.codes(RAMP))


def test_each_column_of_a_ramp_converter_has_its_own_offset():
    adc = RampAdc()
    offsets = np.array([0.0, 0.02, -0.02])
    volts = np.repeat(RAMP[:, None], 3, axis=1)
    expected = adc.codes(volts + offsets)
    np.testing.assert_array_equal(adc.codes(volts, offsets), expected)


@pytest.mark.parametrize("adc", [FlashAdc(), RampAdc()])
def test_every_port_has_a_net(adc):
    assert set(adc.nets()) == set(adc.circuit(TECHNOLOGY).ports)


def test_a_ramp_conversion_takes_a_slot_per_code():
    assert RampAdc(bits=8, slot=2e-9).period == pytest.approx(512e-9)


@pytest.mark.parametrize(("kind", "bits"), [(FlashAdc, 7), (FlashAdc, 2), (RampAdc, 11)])
def test_what_is_no_converter_is_refused(kind, bits):
    with pytest.raises(ValidationError):
        kind(bits=bits)
