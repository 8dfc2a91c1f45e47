"""Converters in ngspice against their twins and against the ideal converter."""

import dataclasses

import numpy as np
import pytest

from cosim.bench import Condition, measure
from cosim.bench.adc import AdcBench, Limits, static_errors
from cosim.ngspice import Workers
from netlists.circuits.comparator import Comparator
from netlists.circuits.flash_adc import FlashAdc
from netlists.circuits.ramp_adc import RampAdc
from netlists.circuits.sar_adc import SarAdc


@pytest.fixture(scope="module")
def workers():
    with Workers(1) as pool:
        yield pool


def _named(measurement):
    return {figure.name: figure for figure in measurement.figures}


def test_sar_gives_every_code_exactly_and_a_drawn_one_the_codes_of_its_twin(workers):
    bench = AdcBench("sar", "", SarAdc(bits=5, unit_matching=0.2), steps=2, limits=Limits(drawn=9))
    nominal, drawn = measure([bench], [Condition(), Condition(seed=1)], workers)
    assert nominal.ok, nominal
    assert drawn.ok, drawn
    assert _named(nominal)["INL"].value == 0.0
    assert _named(drawn)["from the ideal code"].value > 0


def test_sar_of_transistors_converts_at_the_worst_corners(workers):
    block = SarAdc(bits=3, comparator=Comparator(kind="strongarm"), switches="transistor")
    bench = AdcBench("sar", "", block, steps=2, limits=Limits(twin=0.5))
    corners = [Condition("ss", 0.9, 233.15), Condition("ff", 1.1, 398.15)]
    for one in measure([bench], corners, workers):
        assert one.ok, one


@pytest.mark.parametrize("kind", [FlashAdc, RampAdc])
def test_flash_and_ramp_give_every_code_and_drawn_ones_the_codes_of_their_twins(kind, workers):
    block = kind(bits=4, comparator=Comparator(offset_deviation=10e-3))
    # A clocked ramp may see an input on the edge of a code one step (a quarter of an LSB) later.
    limits = Limits(drawn=9, twin=0.3 if kind is RampAdc else 0.0)
    bench = AdcBench("adc", "", block, limits=limits, columns=kind is RampAdc)
    nominal, drawn = measure([bench], [Condition(), Condition(seed=1)], workers)
    assert nominal.ok, nominal
    assert drawn.ok, drawn
    assert _named(nominal)["INL"].value == 0.0


@pytest.mark.parametrize("kind", [FlashAdc, RampAdc])
def test_flash_and_ramp_of_transistors_convert_at_the_slowest_corner(kind, workers):
    block = kind(bits=3, comparator=Comparator(kind="strongarm"))
    limits = Limits(nonlinearity=1.0, twin=0.5)
    bench = AdcBench("adc", "", block, steps=2, limits=limits, columns=kind is RampAdc)
    (one,) = measure([bench], [Condition("ss", 0.9, 233.15)], workers)
    assert one.ok, one


def test_a_converter_with_a_capacitor_too_small_for_its_switches_is_caught(workers):
    slow = SarAdc(bits=3, switch_resistance=3e6)
    (one,) = measure([AdcBench("sar", "", slow, steps=2)], [Condition()], workers)
    assert one.status.ok
    assert not one.ok
    assert not _named(one)["codes unlike the twin's"].ok


def test_static_errors_of_a_known_characteristic():
    places = np.array([0.5, 0.5, 1.0, 0.5])  # one transition half an LSB late
    offset, gain, inl, dnl = static_errors(places)
    assert (offset, gain, inl, dnl) == (0.5, 0.0, 0.5, 0.5)


def test_a_missing_code_is_counted():
    bench = AdcBench("sar", "", SarAdc(bits=3))
    codes = bench.block.ideal_codes(bench.inputs)
    codes[codes == 5] = 4
    named = {figure.name: figure for figure in bench._static(Condition(), codes)}
    assert named["missing codes"].value == 1
    assert not named["missing codes"].ok
    assert named["DNL"].value == pytest.approx(1.0)
    unlimited = bench._static(dataclasses.replace(Condition(), seed=0), codes)
    assert unlimited[0].ok  # a draw may miss a code; its nonlinearity is limited
