"""The column multiplexer: what is drawn, and its twin."""

import numpy as np
import pytest
from pydantic import ValidationError

from compact_models.errors import InputError
from netlists.circuits.column_multiplexer import ColumnMultiplexer
from netlists.circuits.transmission_gate import TransmissionGate
from netlists.technology import Technology


def test_every_line_has_a_gate_of_its_own_to_the_one_output():
    circuit = ColumnMultiplexer(columns=3).circuit(Technology.load("generic_250nm"))
    assert circuit.ports == ("col0", "col1", "col2", "sel0", "sel1", "sel2", "out", "vdd")
    for number in range(3):
        line = f"xg{number} col{number} out sel{number} vdd transmission_gate"
        assert line in circuit.text()


@pytest.mark.parametrize("columns", [1, 65])
def test_numbers_of_lines_that_need_no_multiplexer_or_too_large_a_one_are_refused(columns):
    with pytest.raises(ValidationError):
        ColumnMultiplexer(columns=columns)


def test_the_selected_lines_current_is_the_output():
    currents = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(ColumnMultiplexer(columns=4).output(currents, 2), [2, 6, 10])


@pytest.mark.parametrize(("columns", "selected"), [(4, 4), (4, -1), (3, 0)])
def test_a_line_that_is_not_there_is_refused(columns, selected):
    with pytest.raises(InputError, match="lines 0 to 3, each with a current"):
        ColumnMultiplexer(columns=4).output(np.zeros(columns), selected)


def test_the_gate_is_in_series_with_the_line():
    block = ColumnMultiplexer(gate=TransmissionGate(width=2.7e-6))
    assert block.input_resistance == pytest.approx(1e3)
    assert block.line_current(np.array(1.1), 9e3, 0.9) == pytest.approx(20e-6)


def test_open_gates_leak_in_number():
    two, eight = (ColumnMultiplexer(columns=n).leakage for n in (2, 8))
    assert eight == pytest.approx(7 * two)
