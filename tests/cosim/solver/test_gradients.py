"""Gradients from the adjoint agree with finite differences of the solution."""

import numpy as np
import pytest
import torch

from compact_models import compile_text
from compact_models.errors import InputError
from cosim.solver.cells import element, series_cell
from cosim.solver.circuit import Circuit
from cosim.solver.gradients import gradients
from cosim.solver.operation import Tunable, tile_currents
from cosim.solver.solve import EXACT, FAST, TileSolver


# Conductances and transconductances are of the order of 1e-4: tests count them in that unit.
UNIT = 1e-4
TIGHT = {"eps": 1e-5, "atol": 1e-6, "rtol": 1e-6}


@pytest.fixture(scope="module", params=["device", "transistor"])
def solver(tile, request):
    """A small tile with wires that matter, driven at either end of its cells."""
    return TileSolver(tile(4, 3, 30.0, request.param), EXACT, threads=1)


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.fixture
def inputs():
    return leaf(np.random.default_rng(0).uniform(-0.3, 0.4, (2, 2, 4)))


@pytest.fixture
def conductances():
    return leaf(np.random.default_rng(1).uniform(0.3, 4.0, (2, 4, 3)))


def scaled(solver, X, G, tunable=None):
    return tile_currents(solver, X, UNIT * G, tunable or Tunable()) / UNIT


def test_inputs_and_conductances_pass_gradcheck(solver, inputs, conductances):
    assert torch.autograd.gradcheck(
        lambda X, G: scaled(solver, X, G), (inputs, conductances), **TIGHT
    )


def test_conductances_shared_by_a_batch_collect_its_gradient(solver, inputs, conductances):
    X, G = inputs.detach(), leaf(conductances.detach()[0].tolist())
    assert torch.autograd.gradcheck(lambda G: scaled(solver, X, G), (G,), **TIGHT)


def test_wires_ends_and_gates_pass_gradcheck(solver, inputs, conductances):
    X, G = inputs.detach(), conductances.detach()
    lines = [leaf(30.0), leaf([40.0] * 4), leaf([30.0] * 3), leaf(31.0), leaf([1.2, 0.8, 1.2, 1.0])]

    def currents(row_wire, row_end, col_wire, col_end, gate_voltage):
        tunable = Tunable(row_wire, row_end, col_wire, col_end, gate_voltage)
        return scaled(solver, X, G, tunable)

    assert torch.autograd.gradcheck(currents, lines, eps=1e-4, atol=1e-6, rtol=1e-6)


def test_parameters_of_both_cards_pass_gradcheck(solver, inputs, conductances):
    X, G = inputs.detach(), conductances.detach()

    def currents(v0, kp, vto, temperature):
        access = {"KP": UNIT * kp, "VTO": vto, "temperature": 300.0 * temperature}
        return scaled(solver, X, G, Tunable(device={"V0": v0}, access=access))

    arguments = [leaf(0.25), leaf(2.0), leaf(0.4), leaf(1.0)]
    assert torch.autograd.gradcheck(currents, arguments, **TIGHT)


def test_a_larger_tile_keeps_the_accuracy_of_its_gradient(tile):
    solver = TileSolver(tile(20, 18, 5.0), EXACT, threads=2)
    generator = np.random.default_rng(2)
    X, G = generator.uniform(0, 0.3, (3, 20)), generator.uniform(1e-5, 4e-4, (20, 18))
    seeds = generator.normal(size=(3, 18))
    parameters = solver.cell.parameters(G)
    batch = solver.batch(X, parameters)
    solution = solver.solve_batch(batch, fields=True)
    found = gradients(solver, batch, solution.fields, seeds)
    for _ in range(3):
        sample, row, col = generator.integers(3), generator.integers(20), generator.integers(18)
        change = np.zeros_like(X)
        change[sample, row] = 1e-4
        ends = [solver.solve_parameters(X + s * change, parameters).currents for s in (1, -1)]
        expected = ((ends[0] - ends[1]) * seeds).sum() / 2e-4
        assert abs(found.inputs[sample, row] - expected) <= 1e-6 * np.abs(found.inputs).max()
        moved = np.zeros_like(parameters)
        moved[row, col] = 1e-13
        ends = [solver.solve_parameters(X, parameters + s * moved).currents for s in (1, -1)]
        expected = ((ends[0] - ends[1]) * seeds).sum() / 2e-13
        error = abs(found.parameters[0, row, col] - expected)
        assert error <= 1e-6 * np.abs(found.parameters).max()


def of_a_batch(solver, X, G):
    batch = solver.batch(X, solver.cell.parameters(G))
    fields = solver.solve_batch(batch, fields=True).fields
    seeds = np.random.default_rng(5).normal(size=(len(X), solver.circuit.cols))
    return gradients(solver, batch, fields, seeds, cells=True)


@pytest.mark.parametrize(("rows", "cols"), [(9, 21), (33, 5)])
def test_the_fast_mode_s_gradients_are_those_of_the_exact_one(tile, rows, cols):
    generator = np.random.default_rng(6)
    X, G = generator.uniform(0, 0.3, (4, rows)), generator.uniform(1e-5, 4e-4, (rows, cols))
    exact = TileSolver(tile(rows, cols, 5.0), EXACT, threads=1)
    expected = vars(of_a_batch(exact, X, G))
    found = vars(of_a_batch(TileSolver(tile(rows, cols, 5.0), FAST, threads=2), X, G))
    for name, values in expected.items():
        assert np.abs(found[name] - values).max() <= 1e-4 * np.abs(values).max(), name


HUGE_SLOPE = """
`include "disciplines.vams"
module huge(te, be); inout te, be; electrical te, be;
  parameter real g = 1e-45;
  analog I(te, be) <+ 1e40 * g * V(te, be);
endmodule
"""


def test_slopes_beyond_single_precision_are_taken_in_double():
    cell = series_cell(element(compile_text(HUGE_SLOPE), {}, varying="g"))
    lines = {"row_wire": 1e-6, "row_end": 1e-6, "col_wire": 1e-6, "col_end": 1e-6}
    solver = TileSolver(None, FAST, circuit=Circuit.uniform(4, 3, **lines), cell=cell, threads=1)
    batch = solver.batch(np.full((1, 4), 0.2), np.full((4, 3), 1e-45))
    fields = solver.solve_batch(batch, fields=True).fields
    found = gradients(solver, batch, fields, np.ones((1, 3)))
    assert np.allclose(found.parameters, 0.2e40, rtol=1e-6)
    assert np.allclose(found.inputs, 3e-5, rtol=1e-6)


def test_an_unknown_parameter_is_refused_with_the_known_ones(solver, inputs, conductances):
    tunable = Tunable(device={"nonsense": torch.tensor(1.0)})
    with pytest.raises(InputError, match="V0"):
        scaled(solver, inputs, conductances, tunable)


def test_single_precision_tensors_keep_their_type(solver, inputs, conductances):
    X = inputs.detach().float().requires_grad_(True)
    currents = tile_currents(solver, X, UNIT * conductances.detach())
    assert currents.dtype == torch.float32
    currents.sum().backward()
    assert X.grad.dtype == torch.float32
