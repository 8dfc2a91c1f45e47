"""The torch form agrees with the compiled solver, in both precisions, and so do its gradients."""

import numpy as np
import pytest
import torch

from cosim.errors import SimulationFailed
from cosim.solver.circuit import Circuit
from cosim.solver.gradients import gradients
from cosim.solver.solve import EXACT, FAST, Accuracy, TileSolver
from cosim.solver.torch_form import TorchTileSolver


DOUBLE = Accuracy(1e-11, single=False)
DRIVEN = pytest.mark.parametrize("driven", ["device", "transistor"])


def problem(rows, cols, high, volts, samples=3):
    generator = np.random.default_rng(7)
    X = generator.uniform(-0.2 * volts, volts, (samples, rows))
    return X, generator.uniform(5e-6, high, (samples, rows, cols))


def relative(found, expected):
    return float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max())


@DRIVEN
@pytest.mark.parametrize(("wire", "high", "volts"), [(1.0, 150e-6, 0.2), (20.0, 500e-6, 0.5)])
@pytest.mark.parametrize(("accuracy", "limit"), [(DOUBLE, 1e-9), (EXACT, 1e-9), (FAST, 1e-6)])
def test_currents_are_those_of_the_compiled_solver(
    tile, driven, wire, high, volts, accuracy, limit
):
    compiled = TileSolver(tile(13, 9, wire, driven), EXACT, threads=1)
    X, G = problem(13, 9, high, volts)
    expected = compiled.solve(X[:, None], G).currents[:, 0]
    parameters = torch.tensor(compiled.cell.parameters(G))
    found = TorchTileSolver(compiled, accuracy=accuracy).currents(torch.tensor(X), parameters)
    assert relative(found, expected) <= limit


def test_ideal_resistors_and_lines_that_differ_are_solved(resistive_tile):
    spec = resistive_tile(rows=8, cols=6)
    cell = TileSolver(spec).cell
    circuit = Circuit.uniform(
        8,
        6,
        row_wire=np.linspace(1, 9, 8),
        row_end=np.where(np.arange(8) == 2, np.inf, 11.0),
        col_wire=np.linspace(5, 1, 6),
        col_end=np.where(np.arange(6) == 0, 1e4, 3.0),
    )
    compiled = TileSolver(None, circuit=circuit, cell=cell, threads=1)
    X, G = problem(8, 6, 150e-6, 0.2)
    expected = compiled.solve(X[:, None], G).currents[:, 0]
    found = TorchTileSolver(compiled, accuracy=DOUBLE).currents(torch.tensor(X), torch.tensor(G))
    assert relative(found, expected) <= 1e-9


@DRIVEN
@pytest.mark.parametrize(("accuracy", "limit"), [(DOUBLE, 1e-8), (FAST, 1e-4)])
def test_gradients_are_those_of_the_compiled_adjoint(tile, driven, accuracy, limit):
    compiled = TileSolver(tile(7, 5, 10.0, driven), EXACT, threads=1)
    X, G = problem(7, 5, 400e-6, 0.3)
    parameters = compiled.cell.parameters(G)
    batch = compiled.batch(X[:, None], parameters)
    solution = compiled.solve_batch(batch, fields=True)
    seeds = np.random.default_rng(8).normal(size=solution.currents[:, 0].shape)
    expected = gradients(compiled, batch, solution.fields, seeds)
    inputs = torch.tensor(X, requires_grad=True)
    values = torch.tensor(parameters, requires_grad=True)
    currents = TorchTileSolver(compiled, accuracy=accuracy).currents(inputs, values)
    (currents * torch.tensor(seeds)).sum().backward()
    assert relative(inputs.grad, expected.inputs) <= limit
    assert relative(values.grad, expected.parameters) <= limit


def test_single_precision_tensors_come_back_as_such(tile):
    compiled = TileSolver(tile(4, 3), threads=1)
    inputs = torch.full((2, 4), 0.2)
    values = torch.tensor(compiled.cell.parameters(np.full((1, 4, 3), 5e-5)), dtype=torch.float32)
    found = TorchTileSolver(compiled, accuracy=FAST).currents(inputs, values)
    assert found.dtype == torch.float32
    expected = compiled.solve(inputs.numpy(), np.full((4, 3), 5e-5)).currents
    assert relative(found, expected) <= 1e-6


def test_no_input_gives_no_current(tile):
    compiled = TileSolver(tile(4, 3), threads=1)
    values = torch.tensor(compiled.cell.parameters(np.full((1, 4, 3), 5e-5)))
    found = TorchTileSolver(compiled).currents(torch.zeros(1, 4, dtype=torch.float64), values)
    assert bool((found == 0).all())


def test_a_batch_without_a_solution_is_no_number(resistive_tile):
    compiled = TileSolver(resistive_tile(rows=4, cols=4), threads=1)
    inputs = torch.full((1, 4), 0.2, dtype=torch.float64)
    with pytest.raises(SimulationFailed, match="no solution"):
        TorchTileSolver(compiled).currents(inputs, torch.full((1, 4, 4), -1e3).double())
