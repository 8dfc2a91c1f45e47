"""The precharge sense amplifier in ngspice: against its twin, over corners and draws."""

import numpy as np
import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.precharge_sense_amplifier import PrechargeSenseAmplifierBench
from netlists.circuits.precharge_sense_amplifier import PrechargeSenseAmplifier
from netlists.technology import Technology


BALANCE = "log ratio of resistances that balances a draw"


def test_every_pair_is_decided_over_corners_and_the_twin_knows_when(kept):
    figures = kept(PrechargeSenseAmplifierBench(), NOMINAL, CORNERS[10], CORNERS[12])
    assert abs(figures["delay against the twin"][0]) < 10.0
    assert abs(figures["energy against the twin"][0]) < 5.0


def test_the_offset_of_draws_has_the_deviation_of_the_twin(kept):
    block = PrechargeSenseAmplifier()
    ratios = kept(PrechargeSenseAmplifierBench(block), *draws(16))[BALANCE]
    expected = block.offset_deviation(Technology.load("generic_65nm"))
    assert np.std(ratios) == pytest.approx(expected, rel=0.5)


def test_a_lopsided_load_is_caught_as_wrong_decisions(outside, monkeypatch):
    circuit = PrechargeSenseAmplifier.circuit

    def lopsided(self, technology):
        drawn = circuit(self, technology)
        load = next(part for part in drawn.parts if part.text.startswith("cqb "))
        heavier = type(load)("cqb qb 0 12f")
        parts = tuple(heavier if part is load else part for part in drawn.parts)
        return type(drawn)(drawn.name, drawn.ports, parts, drawn.models)

    monkeypatch.setattr(PrechargeSenseAmplifier, "circuit", lopsided)
    assert "wrong decisions of 16, ratios to 2 %" in outside(
        PrechargeSenseAmplifierBench(), NOMINAL
    )


def test_a_foot_too_narrow_for_the_clock_is_caught_as_delay(outside):
    slow = PrechargeSenseAmplifier(foot_width=0.12e-6)
    assert "delay against the twin" in outside(PrechargeSenseAmplifierBench(slow), NOMINAL)
