"""Voltage-mode sensing in ngspice: against its twin, over corners and draws."""

import numpy as np
import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.spread import spreads
from cosim.bench.voltage_sense import VoltageSenseBench
from netlists.circuits.opamp import OpAmp
from netlists.circuits.source_follower import SourceFollower
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.circuits.voltage_sense import VoltageSense


def test_a_poor_linear_buffer_is_what_its_twin_says(kept):
    poor = OpAmp(gain=100.0, gain_bandwidth=300e6, offset=5e-3, rest=0.4)
    figures = kept(VoltageSenseBench(VoltageSense(buffer=poor)), NOMINAL)
    assert figures["error of the twin"][0] < 1e-6


@pytest.mark.parametrize("buffer", [TwoStageOpAmp(), SourceFollower()])
def test_buffers_of_transistors_keep_their_figures_over_corners(kept, buffer):
    figures = kept(VoltageSenseBench(VoltageSense(buffer=buffer)), NOMINAL, *CORNERS[9:12])
    assert figures["error of the twin"][0] < 1e-3


def test_offsets_of_source_followers_have_the_deviation_of_the_twin(measured):
    bench = VoltageSenseBench(VoltageSense(buffer=SourceFollower()))
    (offset,) = spreads(measured(bench, *draws(16)))
    assert offset.agrees


def test_a_line_too_large_to_settle_is_caught_as_a_wrong_mean(outside):
    slow = VoltageSenseBench(VoltageSense(line_capacitance=40e-12))
    assert {"error of the mean at the line", "settling to 0.1 %"} <= outside(slow, NOMINAL)


def test_a_follower_without_headroom_is_caught_as_bent(outside):
    high = VoltageSenseBench(VoltageSense(buffer=SourceFollower(width=0.5e-6)))
    assert "bend of the buffer" in outside(high, NOMINAL)


def test_the_mean_is_over_conductances_not_over_rows(kept):
    bench = VoltageSenseBench()
    means = bench.block.open_circuit(bench.voltages, bench.conductances)[:, 0]
    assert np.abs(means - bench.voltages.mean(axis=1))[2:].max() > 10e-3
    kept(bench, NOMINAL)
