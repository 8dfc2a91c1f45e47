"""What cannot be solved ends in a status, what is malformed in an error, neither in a number."""

import time

import numpy as np
import pytest

from compact_models import compile_text
from compact_models.errors import CardError, InputError, ShapeError, SpecError
from cosim.results import Code
from cosim.solver import ahead, generated
from cosim.solver.adjoint import adjoint_loop
from cosim.solver.cells import element, series_cell
from cosim.solver.circuit import Circuit
from cosim.solver.predictor import preparation_loop
from cosim.solver.samples import sample_loop
from cosim.solver.solve import Accuracy, TileSolver


RESISTIVE = """
`include "disciplines.vams"
module plain(te, be); inout te, be; electrical te, be;
  parameter real g = 1e-5;
  analog I(te, be) <+ g * V(te, be);
endmodule
"""
LINES = {"row_wire": 1.0, "row_end": 11.0, "col_wire": 1.0, "col_end": 2.0}


def circuit(rows=4, cols=4, **changes):
    return Circuit.uniform(rows, cols, **{**LINES, **changes})


@pytest.fixture(scope="module")
def plain():
    """An ideal resistor, as a cell whose parameter may take any value."""
    return series_cell(element(compile_text(RESISTIVE), {}, varying="g"))


def solve(cell, values, X=None, **changes):
    made = TileSolver(None, circuit=circuit(**changes), cell=cell, threads=1)
    return made.solve_parameters(np.full((1, 4), 0.2) if X is None else X, values)


def test_a_negative_resistance_that_outweighs_the_wires_fails_with_advice(plain):
    found = solve(plain, np.full((4, 4), -1e3))
    assert found.status.code in {Code.SINGULAR, Code.NO_CONVERGENCE}
    assert found.status.message
    assert "nodeset" not in found.status.advice
    assert np.isnan(found.currents).all()


def test_one_bad_sample_leaves_the_others_alone(plain):
    values = np.stack([np.full((4, 4), 1e-5), np.full((4, 4), -1e3)])
    found = solve(plain, values, X=np.full((2, 1, 4), 0.2))
    assert [status.ok for status in found.statuses] == [True, False]
    assert np.isfinite(found.currents[0]).all()
    assert np.isnan(found.currents[1]).all()


def test_wires_of_a_nanoohm_are_no_wires(plain):
    found = solve(plain, np.full((4, 4), 1e-5), row_wire=1e-9, col_wire=1e-9)
    # Drivers of 11 ohm carry four cells each, sensors of 2 ohm collect four.
    cell = 0.2 / (1e5 + 4 * 11.0 + 4 * 2.0)
    assert np.allclose(found.currents, 4 * cell, rtol=1e-6)


def test_wires_that_swallow_every_digit_give_a_status_or_the_right_number(plain):
    found = solve(plain, np.full((4, 4), 1e-5), row_wire=1e-12, col_wire=1e-12)
    cell = 0.2 / (1e5 + 4 * 11.0 + 4 * 2.0)
    assert np.isnan(found.currents).all() or np.allclose(found.currents, 4 * cell, rtol=1e-6)
    assert np.isnan(found.currents).all() != found.status.ok


def test_wires_of_a_teraohm_leave_the_nearest_cell(plain):
    found = solve(plain, np.full((4, 4), 1e-5), row_wire=1e12, col_wire=1e12)
    # Only the cell next to both driver and sensor is connected: 11 + 100,000 + 2 ohm.
    assert found.status.ok
    assert found.currents[0, 0] == pytest.approx(0.2 / 100_013, rel=1e-6)


def test_a_tile_that_is_tied_to_nothing_carries_nothing(plain):
    found = solve(plain, np.full((4, 4), 1e-5), row_end=np.inf, col_end=np.inf)
    assert not found.status.ok or np.array_equal(found.currents, np.zeros((1, 4)))


def test_a_model_with_an_internal_node_is_refused():
    source = """
    `include "disciplines.vams"
    module inner(te, be); inout te, be; electrical te, be, x;
      parameter real g = 1e-5;
      analog begin I(te, x) <+ g * V(te, x); I(x, be) <+ g * V(x, be); end
    endmodule
    """
    with pytest.raises(SpecError, match="use the ngspice engine"):
        element(compile_text(source), {}, varying="g")


def test_a_model_that_leaks_to_a_third_terminal_is_refused():
    source = """
    `include "disciplines.vams"
    module leaky(d, g, s); inout d, g, s; electrical d, g, s;
      analog begin I(d, s) <+ 1e-5 * V(d, s); I(d, g) <+ 1e-6 * V(d, g); end
    endmodule
    """
    with pytest.raises(SpecError, match="without leakage"):
        element(compile_text(source), {}, near="d", far="s", held={"g": "gate"})


@pytest.mark.parametrize(
    "changes", [{"row_wire": 0.0}, {"row_wire": np.inf}, {"col_end": -1.0}, {"row_end": [1.0, 2.0]}]
)
def test_a_resistance_that_cannot_be_is_named(changes):
    with pytest.raises(SpecError, match=next(iter(changes))):
        circuit(**changes)


def test_wrong_arguments_say_what_is_allowed(plain, resistive_tile):
    made = TileSolver(None, circuit=circuit(), cell=plain, threads=1)
    with pytest.raises(ShapeError, match=r"\(any, 4\)"):
        made.solve_parameters(np.zeros((1, 5)), np.ones((4, 4)))
    with pytest.raises(ShapeError, match="broadcast"):
        made.solve_parameters(np.zeros((2, 1, 4)), np.ones((3, 4, 4)))
    with pytest.raises(ShapeError, match="finite"):
        made.solve_parameters(np.full((1, 4), np.nan), np.ones((4, 4)))
    with pytest.raises(InputError, match="threads"):
        TileSolver(resistive_tile(rows=2, cols=2), threads=0)
    with pytest.raises(InputError, match="spec"):
        TileSolver()
    with pytest.raises(InputError, match="tolerance"):
        Accuracy(1.0, single=False)
    with pytest.raises(CardError, match="0 S or more"):
        TileSolver(resistive_tile(rows=2, cols=2), threads=1).solve([0.1, 0.1], -np.ones((2, 2)))


def test_models_beyond_single_precision_are_solved_in_double(plain):
    # Squares of these conductances are below the smallest number of single precision.
    found = solve(plain, np.full((4, 4), 1e-25))
    assert found.status.ok
    assert np.allclose(found.currents, 4 * 0.2e-25, rtol=1e-6)


def test_a_long_compilation_is_announced(capsys, monkeypatch):
    monkeypatch.setattr(generated, "PATIENCE_S", 0.01)
    with generated.patience("compiling"):
        time.sleep(0.2)
    assert "compiling" in capsys.readouterr().err
    with generated.patience("quick"):
        pass
    assert capsys.readouterr().err == ""


def test_compiling_ahead_uses_every_loop_in_the_precisions_that_it_has():
    for what in ahead.USES:
        ahead.use(*what)
    assert len(sample_loop().signatures) == 2
    assert len(adjoint_loop().signatures) == 2
    assert len(preparation_loop().signatures) == 1
