"""The column multiplexer in ngspice: against its twin and over corners."""

import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.column_multiplexer import ColumnMultiplexerBench
from netlists.circuits.column_multiplexer import ColumnMultiplexer
from netlists.circuits.transmission_gate import TransmissionGate


def test_lines_reach_the_output_one_at_a_time_over_corners_and_draws(kept):
    figures = kept(ColumnMultiplexerBench(), NOMINAL, CORNERS[9], CORNERS[12], *draws(2))
    assert figures["resistance over twin's"][0] == pytest.approx(1.0, abs=0.05)


def test_narrow_gates_are_as_resistive_as_the_twin_says(kept):
    block = ColumnMultiplexer(columns=3, gate=TransmissionGate(width=4e-6))
    figures = kept(ColumnMultiplexerBench(block), NOMINAL)
    assert figures["largest resistance, 0.2 to 1.4 V"][0] == pytest.approx(675.0, rel=0.05)


def test_gates_that_are_too_narrow_are_caught(outside):
    narrow = ColumnMultiplexer(columns=2, gate=TransmissionGate(width=1e-6))
    assert "largest resistance, 0.2 to 1.4 V" in outside(ColumnMultiplexerBench(narrow), NOMINAL)


def test_a_twin_that_thinks_too_well_of_the_gates_is_caught(outside):
    flattered = TransmissionGate(width=3e-6, specific_resistance=0.3e-3)
    wrong = outside(ColumnMultiplexerBench(ColumnMultiplexer(columns=2, gate=flattered)), NOMINAL)
    assert {"resistance over twin's", "error of the twin's currents"} <= wrong
