"""Twins of the drivers that code inputs in time or bits, and of the word-line decoder."""

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.bit_serial import BitSerialDriver
from netlists.circuits.gates import inverters, nand
from netlists.circuits.line_driver import LineDriver
from netlists.circuits.pulse_width import PulseWidthDriver
from netlists.circuits.wordline_decoder import WordlineDecoder
from netlists.technology import DEFAULT, Technology


TECHNOLOGY = Technology.load(DEFAULT)


def _transistors(circuit):
    return sum(
        _transistors(part.child) if part.text.startswith("x") else part.text.startswith("m")
        for part in circuit.parts
    )


def test_pulses_last_their_code_in_slots():
    driver = PulseWidthDriver(slot=2e-9)
    np.testing.assert_allclose(driver.durations(np.array([0, 1, 15])), [0.0, 2e-9, 30e-9])
    assert driver.frame == pytest.approx(32e-9)


@pytest.mark.parametrize(("signed", "codes"), [(False, np.arange(16)), (True, np.arange(-8, 8))])
def test_bits_shifted_and_added_are_the_code(signed, codes):
    driver = BitSerialDriver(signed=signed)
    np.testing.assert_array_equal(driver.combine(driver.planes(codes)), codes)


def test_a_product_of_bits_shifted_and_added_is_the_product_of_codes():
    driver = BitSerialDriver(bits=6, signed=True)
    rng = np.random.default_rng(0)
    codes, conductances = rng.integers(-32, 32, size=(5, 8)), rng.uniform(1, 50, size=(8, 3)) * 1e-6
    answers = driver.voltages(codes, 0.2) @ conductances
    np.testing.assert_allclose(driver.combine(answers), 0.2 * codes @ conductances, rtol=1e-12)


def test_the_least_significant_bit_comes_first():
    planes = BitSerialDriver().planes(np.array([1, 8]))
    np.testing.assert_array_equal(planes, [[1, 0], [0, 0], [0, 0], [0, 1]])


def test_a_decoder_selects_one_line_or_none():
    decoder = WordlineDecoder()
    np.testing.assert_array_equal(decoder.select(np.arange(8)), np.eye(8, dtype=bool))
    assert not decoder.select(np.arange(8), enable=False).any()


def test_a_decoder_has_the_transistors_of_its_gates():
    lines, address = 8, 3
    line = 2 * (address + 1) + 2 + _transistors(LineDriver().circuit(TECHNOLOGY))
    assert _transistors(WordlineDecoder().circuit(TECHNOLOGY)) == lines * line + 2 * address


def test_gates_have_their_transistors_in_series_and_parallel():
    text = nand(TECHNOLOGY, 3, 1e-6).text()
    assert text.count("pch") == text.count("nch") == 3
    assert text.count("w=3e-06") == 3
    assert _transistors(inverters(TECHNOLOGY, 3, 1e-6, 2.0)) == 6


def test_a_driver_with_an_even_chain_would_invert_and_is_refused():
    with pytest.raises(ValidationError):
        LineDriver(stages=2)


def test_the_response_of_a_line_is_an_exponential_that_begins_at_ground():
    wave = LineDriver.response(np.array([-1.0, 0.0, 1e-9]), 0.3, 1e3, 1e-12)
    np.testing.assert_allclose(wave, [0.0, 0.0, 0.3 * (1 - np.exp(-1))])
