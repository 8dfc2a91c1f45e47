"""Voltage-mode sensing and the source follower: what is drawn, and their twins."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from netlists.circuits.opamp import OpAmp
from netlists.circuits.source_follower import SourceFollower
from netlists.circuits.voltage_sense import VoltageSense
from netlists.technology import Technology


IDEAL = OpAmp(gain=1e12, output_resistance=0.0)


@pytest.fixture(scope="module")
def technology():
    return Technology.load("generic_250nm")


def test_an_amplifier_is_placed_in_unity_feedback_and_a_follower_as_it_is(technology):
    amplifier, follower = (
        VoltageSense.model_validate({"buffer": {"kind": kind}}).circuit(technology).text()
        for kind in ("linear", "source_follower")
    )
    assert "xbuf line out out vdd opamp" in amplifier
    assert "xbuf line out vdd source_follower" in follower


def test_an_unknown_buffer_is_refused_with_those_that_are_known():
    with pytest.raises(ValidationError, match="'linear', 'two_stage', 'source_follower'"):
        VoltageSense.model_validate({"buffer": {"kind": "emitter_follower"}})


def test_a_floating_line_takes_the_mean_weighted_with_conductances():
    conductances = np.array([[1e-6, 3e-6], [3e-6, 1e-6]])
    volts = VoltageSense.open_circuit(np.array([[1.0, 0.0], [1.0, 2.0]]), conductances)
    np.testing.assert_allclose(volts, [[0.25, 0.75], [1.75, 1.25]])


def test_a_common_factor_of_the_conductances_changes_nothing():
    generator = np.random.default_rng(0)
    voltages, conductances = generator.uniform(size=(5, 4)), generator.uniform(size=(4, 3))
    np.testing.assert_allclose(
        VoltageSense.open_circuit(voltages, 1e-6 * conductances),
        VoltageSense.open_circuit(voltages, conductances),
    )


def test_currents_at_a_virtual_ground_tell_the_same_as_the_floating_line():
    generator = np.random.default_rng(1)
    voltages, conductances = generator.uniform(size=(5, 4)), generator.uniform(1e-6, 1e-5, (4, 3))
    currents = (voltages - 0.5) @ conductances
    block = VoltageSense(buffer=IDEAL)
    np.testing.assert_allclose(
        block.output(currents, conductances.sum(axis=0), held=0.5),
        block.open_circuit(voltages, conductances),
        rtol=1e-9,
    )


def test_the_line_settles_with_its_capacitance_over_its_conductance():
    block = VoltageSense(line_capacitance=1e-12)
    times = block.settling(np.array([1e-4, 1e-3]), 1e-3)
    np.testing.assert_allclose(times, [1e-8 * math.log(1e3), 1e-9 * math.log(1e3)])
    assert block.input_resistance == math.inf


def test_a_source_follower_shifts_up_with_a_slope_below_one():
    follower = SourceFollower()
    low, middle, high = follower.follow(np.array([0.8, 0.9, 1.0]))
    assert middle == follower.rest
    assert (high - low) / 0.2 == pytest.approx(follower.slope)
    shifted = VoltageSense(buffer=follower).follow(np.array([0.9]), offset=0.01)
    assert shifted[0] == pytest.approx(middle + 0.01)


def test_the_follower_sits_in_a_well_of_its_own(technology):
    assert "mf 0 inp out out pch" in SourceFollower().circuit(technology).text()


def test_a_long_wide_follower_is_more_alike(technology):
    small, large = SourceFollower(), SourceFollower(width=80e-6, length=2e-6)
    assert large.random_offset(technology) < small.random_offset(technology)
