"""The latch sense amplifier in ngspice: against its twin, over corners; offsets over draws."""

import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.latch_sense_amplifier import LatchSenseAmplifierBench
from cosim.bench.spread import spreads
from cosim.bench.strongarm import StrongArmBench
from netlists.circuits.latch_sense_amplifier import LatchSenseAmplifier


def test_voltages_and_currents_are_decided_as_the_twin_does_over_corners(kept):
    kept(LatchSenseAmplifierBench(), NOMINAL, CORNERS[10], CORNERS[12])


@pytest.mark.parametrize("bench", [LatchSenseAmplifierBench(), StrongArmBench()])
def test_offsets_over_draws_have_the_deviation_of_the_twin(measured, bench):
    (offset,) = spreads(measured(bench, *draws(12)))
    assert offset.expected is not None
    assert offset.agrees
    assert abs(offset.values.mean()) < 3 * offset.expected / 12**0.5


def test_a_foot_that_is_too_weak_is_caught_as_delay(outside):
    weak = LatchSenseAmplifier(foot_width=0.1e-6, load=200e-15)
    assert "delay at 10 mV" in outside(LatchSenseAmplifierBench(weak), NOMINAL)


def test_lines_that_differ_are_caught_as_wrong_decisions_on_currents(outside, monkeypatch):
    lines = LatchSenseAmplifierBench._lines

    def uneven(self):
        return (*lines(self), "cmore blb 0 10f")

    monkeypatch.setattr(LatchSenseAmplifierBench, "_lines", uneven)
    wrong = outside(LatchSenseAmplifierBench(), NOMINAL)
    assert wrong == {"wrong decisions of 6 currents, to 2 %"}
