"""The SAR converter: its drawing, and its twin."""

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.adc import decode
from netlists.circuits.comparator import Comparator
from netlists.circuits.sar_adc import SarAdc
from netlists.drawn import drawn_value
from netlists.technology import DEFAULT, Technology


TECHNOLOGY = Technology.load(DEFAULT)
RAMP = np.linspace(-0.1, 1.1, 4001)


@pytest.mark.parametrize("bits", [3, 6, 8, 10])
def test_twin_without_errors_is_the_ideal_quantiser(bits):
    adc = SarAdc(bits=bits)
    np.testing.assert_array_equal(adc.codes(RAMP), adc.ideal_codes(RAMP))


def test_codes_are_steps_of_one_lsb_from_low_and_clipped_at_both_ends():
    adc = SarAdc(bits=3, low=0.2, high=1.0)
    assert adc.lsb == pytest.approx(0.1)
    volts = np.array([-1.0, 0.25, 0.31, 0.95, 2.0])
    np.testing.assert_array_equal(adc.codes(volts), [0, 0, 1, 7, 7])


def test_offset_shifts_the_input():
    adc = SarAdc()
    np.testing.assert_array_equal(adc.codes(RAMP, offset=0.02), adc.codes(RAMP + 0.02))


def test_a_heavy_most_significant_capacitor_widens_the_middle_and_a_light_one_skips_codes():
    adc = SarAdc(bits=4)
    heavy = adc.codes(RAMP, np.array([0.0, 0.0, 0.0, 0.0, 0.4]))
    assert np.ptp(RAMP[heavy == 7]) > 2 * adc.lsb  # what is below the heavy bit's step piles up
    light = adc.codes(RAMP, np.array([0.0, 0.0, 0.0, 0.0, -0.4]))
    assert set(range(16)) - set(light.tolist()) == {5, 6, 7}


def test_each_column_has_its_own_errors():
    adc = SarAdc(bits=4)
    rng = np.random.default_rng(0)
    errors, offsets = 0.05 * rng.normal(size=(3, 5)), np.array([0.0, 0.03, -0.03])
    volts = rng.uniform(0.0, 1.0, size=(50, 3))
    together = adc.codes(volts, errors, offsets)
    for column in range(3):
        alone = adc.codes(volts[:, column], errors[column], offsets[column])
        np.testing.assert_array_equal(together[:, column], alone)


def test_drawn_capacitors_can_be_read_back_and_spread_with_the_root_of_their_units():
    adc = SarAdc(unit_matching=0.02)
    drawn = [
        adc.capacitor_errors(adc.circuit(TECHNOLOGY).with_mismatch(seed)) for seed in range(300)
    ]
    np.testing.assert_array_equal(adc.capacitor_errors(adc.circuit(TECHNOLOGY)), np.zeros(7))
    units = np.array([1, 1, 2, 4, 8, 16, 32])
    np.testing.assert_allclose(np.std(drawn, axis=0), 0.02 / np.sqrt(units), rtol=0.15)


def test_drawn_offset_of_the_ideal_comparator_reaches_the_twin():
    adc = SarAdc(comparator=Comparator(offset_deviation=0.05), unit_matching=0.0)
    circuit = adc.circuit(TECHNOLOGY).with_mismatch(3)
    offset = drawn_value(circuit, "xcmp.voffset", "dc", 0.0)
    assert abs(offset) > adc.lsb
    np.testing.assert_array_equal(adc.codes_of(circuit, RAMP), adc.codes(RAMP + offset))


@pytest.mark.parametrize("switches", ["ideal", "transistor"])
@pytest.mark.parametrize("kind", ["ideal", "strongarm"])
def test_ports_are_input_clocks_references_bits_and_supply(switches, kind):
    adc = SarAdc(bits=3, switches=switches, comparator=Comparator(kind=kind))
    ports = adc.circuit(TECHNOLOGY).ports
    clocks = ("sample", "decide", "clock")
    assert ports == ("vin", *clocks, "high", "low", "common", "b0", "b1", "b2", "vdd")
    assert set(adc.nets()) == set(ports)
    assert adc.nets(vin="out_7")["vin"] == "out_7"


def test_bits_are_decoded_least_significant_first():
    bits = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    np.testing.assert_array_equal(decode(bits), [1, 6])


@pytest.mark.parametrize("fields", [{"bits": 2}, {"bits": 11}, {"low": 1.0, "high": 0.5}])
def test_what_is_no_converter_is_refused(fields):
    with pytest.raises(ValidationError):
        SarAdc(**fields)
