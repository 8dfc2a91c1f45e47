"""The regulated bit line and its mirror: what is drawn, and the twin."""

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.current_mirror_readout import CurrentMirrorReadout
from netlists.technology import Technology


@pytest.fixture(scope="module")
def technology():
    return Technology.load("generic_250nm")


def test_the_mirror_is_drawn_of_equal_units(technology):
    text = CurrentMirrorReadout(input_units=4, output_units=1).circuit(technology).text()
    lines = {line.split()[0]: line for line in text.splitlines() if line.startswith("m")}
    assert set(lines) == {"mreg", "m1", "m1c", "m2", "m2c"}
    assert "m=4" in lines["m1"]
    assert "m=" not in lines["m2"]
    assert lines["m1"].split()[6:8] == lines["m2"].split()[6:8]


def test_a_plain_mirror_has_no_cascodes(technology):
    text = CurrentMirrorReadout(cascoded=False).circuit(technology).text()
    assert "m2 out diode vdd vdd" in text
    assert "m1c" not in text


def test_no_units_are_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        CurrentMirrorReadout(output_units=0)


def test_the_output_is_the_copied_current_and_bleed_through_the_resistor():
    block = CurrentMirrorReadout(output_units=2, bleed=5e-6, resistance=10e3)
    volts = block.output(np.array([[0.0, 15e-6], [95e-6, 45e-6]]))
    np.testing.assert_allclose(volts, [[0.025, 0.1], [0.5, 0.25]], rtol=1e-12)
    assert block.output(np.array([15e-6]), ratio_error=0.02)[0] == pytest.approx(0.102)


def test_currents_that_would_flow_backwards_give_nothing():
    assert CurrentMirrorReadout().output(np.array([-20e-6]))[0] == 0.0


def test_a_plain_mirror_copies_too_much_and_more_so_at_small_currents_and_high_supply():
    block = CurrentMirrorReadout(cascoded=False)
    through = np.array([1e-6, 100e-6])
    excess = block.output(through) / CurrentMirrorReadout().output(through)
    assert excess[0] > excess[1] > 1.04
    assert (block.output(through, supply=2.75) > block.output(through)).all()


def test_mismatch_counts_most_at_small_currents(technology):
    block = CurrentMirrorReadout()
    small, large = (block.ratio_deviation(technology, current) for current in (1e-6, 100e-6))
    assert 2.0 < small / large < 6.0
    wide = CurrentMirrorReadout(unit_width=40e-6, specific_current=4 * 0.213e-6)
    assert wide.ratio_deviation(technology, 1e-6) < small


def test_the_line_sees_less_with_more_gain_and_more_bleed():
    usual, awake = CurrentMirrorReadout(), CurrentMirrorReadout(bleed=10e-6)
    assert awake.input_resistance == pytest.approx(0.5 * usual.input_resistance)
    assert usual.input_resistance < 10.0
