"""The solver agrees with an independent sparse Newton, and with ngspice, on every circuit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from cosim.engine.ngspice import NgspiceEngine
from cosim.engine.solver import SolverEngine
from cosim.ngspice import Workers
from cosim.solver.circuit import Circuit
from cosim.solver.solve import EXACT, FAST, Accuracy, TileSolver


def relative(found, expected):
    """Largest difference, relative to the largest current."""
    return np.abs(found - expected).max() / np.abs(expected).max()


def problem(rows, cols, high, volts, seed=0, samples=2):
    generator = np.random.default_rng(seed)
    G = generator.uniform(5e-6, high, (rows, cols))
    return generator.uniform(0.0, volts, (samples, rows)), G


@pytest.fixture(scope="module")
def cell(tile):
    """The compiled cell, shared by the tests of this module."""
    return TileSolver(tile(8, 8)).cell


@pytest.fixture(scope="module")
def solver(cell):
    """A maker of solvers that share the compiled cell."""

    def make(spec, accuracy=EXACT, threads=1, **changes):
        circuit = Circuit.of(spec)
        if changes:
            circuit = Circuit.uniform(spec.rows, spec.cols, **{**vars(circuit), **changes})
        return TileSolver(None, accuracy, threads=threads, circuit=circuit, cell=cell)

    return make


@pytest.mark.parametrize("volts", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("high", [150e-6, 500e-6])
@pytest.mark.parametrize("wire", [0.1, 1.0, 5.0, 20.0])
def test_the_hard_grid_converges_to_the_reference(tile, solver, reference, wire, high, volts):
    X, G = problem(24, 24, high, volts, samples=1)
    exact, fast = solver(tile(24, 24, wire)), solver(tile(24, 24, wire), FAST)
    expected = reference(exact.circuit, X, G)
    found = exact.solve(X, G)
    assert found.status.ok
    assert relative(found.currents, expected) <= 1e-9
    assert relative(fast.solve(X, G).currents, expected) <= 1e-6


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 20), (20, 1), (3, 17), (33, 5), (40, 20)])
def test_shapes_that_do_not_fill_vectors_are_exact(tile, solver, reference, rows, cols):
    X, G = problem(rows, cols, 400e-6, 0.3)
    made = solver(tile(rows, cols, 8.0))
    assert relative(made.solve(X, G).currents, reference(made.circuit, X, G)) <= 1e-9


HARD = {
    "signed inputs": ({}, lambda X: X - 0.1),
    "a single active row": ({}, lambda X: np.where(np.arange(X.shape[1]) == 3, X, 0.0)),
    "inputs far beyond reads": ({}, lambda X: 8 * X),
    "wires of a milliohm": ({"row_wire": 1e-3, "col_wire": 1e-3, "row_end": 1e-3}, None),
    "wires of a hundred ohm": ({"row_wire": 100.0, "col_wire": 100.0}, None),
    "a weak gate": ({"gate_voltage": 0.5}, None),
    "cells that are off": ({"gate_voltage": 0.0}, None),
    "unselected rows": ({"gate_voltage": np.where(np.arange(20) % 3 == 0, 1.2, 0.0)}, None),
    "floating rows": ({"row_end": np.where(np.arange(20) % 2 == 0, 11.0, np.inf)}, None),
    "dummy columns": ({"col_end": np.where(np.arange(20) < 2, 1e4, 4.0)}, None),
    "wires that differ": (
        {"row_wire": np.linspace(0.1, 20, 20), "col_wire": np.linspace(9, 0.3, 20)},
        None,
    ),
}


@pytest.mark.parametrize("accuracy", [EXACT, FAST], ids=["exact", "fast"])
@pytest.mark.parametrize("name", HARD)
def test_a_hard_circuit_is_solved_like_any_other(tile, solver, reference, name, accuracy):
    changes, vary = HARD[name]
    X, G = problem(20, 20, 300e-6, 0.2)
    X = vary(X) if vary else X
    made = solver(tile(20, 20, 3.0), accuracy, **changes)
    found = made.solve(X, G)
    assert found.status.ok
    limit = 1e-9 if accuracy is EXACT else 1e-6
    assert relative(found.currents, reference(made.circuit, X, G)) <= limit


@settings(max_examples=12)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    wires=st.tuples(st.floats(0.01, 50), st.floats(0.01, 50)),
    ends=st.tuples(st.floats(0.01, 500), st.floats(0.01, 500)),
    volts=st.floats(0.01, 1.0),
    seed=st.integers(0, 10**6),
)
def test_any_tile_agrees_with_the_reference(
    tile, solver, reference, shape, wires, ends, volts, seed
):
    X, G = problem(*shape, 500e-6, volts, seed)
    lines = {"row_wire": wires[0], "col_wire": wires[1], "row_end": ends[0], "col_end": ends[1]}
    made = solver(tile(*shape), **lines)
    assert relative(made.solve(X, G).currents, reference(made.circuit, X, G)) <= 1e-9


@pytest.fixture(scope="module")
def workers():
    with Workers(1) as pool:
        yield pool


@pytest.mark.parametrize(
    ("driven", "size", "wire", "high", "volts"),
    [
        ("device", 8, 0.1, 150e-6, 0.05),
        ("device", 16, 1.0, 150e-6, 0.2),
        ("device", 16, 20.0, 500e-6, 0.5),
        ("device", 32, 5.0, 5e-4, 0.2),
        ("transistor", 16, 1.0, 150e-6, 0.2),
        ("transistor", 16, 20.0, 500e-6, 0.5),
    ],
)
def test_ngspice_gives_the_same_currents_from_the_same_spec(
    tile, workers, driven, size, wire, high, volts
):
    spec = tile(size, size, wire, driven)
    X, G = problem(size, size, high, volts)
    expected = NgspiceEngine(spec, workers).mvm(G, X)
    assert relative(SolverEngine(spec, EXACT, 1).mvm(G, X), expected) <= 1e-6
    assert relative(SolverEngine(spec, FAST, 1).mvm(G, X), expected) <= 1e-6


@settings(max_examples=5)
@given(
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    wires=st.tuples(st.floats(0.1, 20), st.floats(0.1, 20)),
    ends=st.tuples(st.floats(0, 300), st.floats(0, 300)),
    volts=st.floats(0.02, 0.8),
    gate=st.floats(0.8, 1.5),
    kelvin=st.floats(260, 390),
    seed=st.integers(0, 10**6),
)
def test_any_spec_agrees_with_ngspice(tile, workers, shape, wires, ends, volts, gate, kelvin, seed):
    spec = tile(
        *shape,
        cell={"conductance_max": 500e-6, "gate_voltage": gate},
        wires={"input_line_resistance": wires[0], "output_line_resistance": wires[1]},
        drivers={"source_resistance": ends[0]},
        sensing={"input_resistance": ends[1]},
    ).model_copy(update={"temperature": kelvin})
    X, G = problem(*shape, 500e-6, volts, seed)
    expected = NgspiceEngine(spec, workers).mvm(G, X)
    assert relative(SolverEngine(spec, EXACT, 1).mvm(G, X), expected) <= 1e-6


@pytest.mark.parametrize(("wire", "high", "volts"), [(1.0, 150e-6, 0.2), (20.0, 500e-6, 0.8)])
@pytest.mark.parametrize(("accuracy", "limit"), [(EXACT, 1e-9), (FAST, 1e-6)])
def test_predicted_starts_change_the_way_and_not_the_result(
    tile, solver, reference, accuracy, limit, wire, high, volts
):
    made = solver(tile(24, 20, wire), accuracy)
    X, G = problem(24, 20, high, volts, samples=50)
    X[1, 2:], X[2], X[3, ::2], X[4] = 0.0, volts, 0.0, 0.0
    together = made.solve(X, G)
    alone = np.stack([made.solve(x, G).currents[0] for x in X])
    assert together.status.ok
    assert together.steps.mean() < made.solve(X[:15], G).steps.mean()
    scale = np.abs(alone).max(axis=1, initial=1e-12)
    assert (np.abs(together.currents - alone).max(axis=1) <= 2 * limit * scale).all()
    assert relative(together.currents[:3], reference(made.circuit, X[:3], G)) <= limit


def test_a_batch_with_inputs_of_both_signs_starts_from_unloaded_lines(tile, solver, reference):
    made = solver(tile(8, 8, 5.0))
    X, G = problem(8, 8, 400e-6, 0.3, samples=50)
    X[3, 4] = -0.2
    assert relative(made.solve(X, G).currents[3:5], reference(made.circuit, X[3:5], G)) <= 1e-9


def test_a_batch_has_the_shapes_of_a_matrix_product(tile, solver):
    made = solver(tile(6, 5))
    generator = np.random.default_rng(4)
    G = generator.uniform(1e-5, 1e-4, (3, 6, 5))
    X = generator.uniform(0, 0.2, (3, 4, 6))
    each = np.stack(
        [[made.solve(x, g).currents[0] for x in xs] for xs, g in zip(X, G, strict=True)]
    )
    assert np.array_equal(made.solve(X, G).currents, each)
    assert np.array_equal(made.solve(X[0], G).currents[0], each[0])
    assert np.array_equal(made.solve(X, G[0]).currents[0], each[0])
    assert made.solve(X[0], G).currents.shape == (3, 4, 5)
    assert made.solve(X, G).steps.shape == (3, 4)


def test_threads_change_no_bit(tile, solver):
    X, G = problem(10, 10, 150e-6, 0.2, samples=40)
    one = solver(tile(10, 10), FAST, threads=1).solve(X, G).currents
    assert np.array_equal(solver(tile(10, 10), FAST, threads=3).solve(X, G).currents, one)


def test_no_input_gives_no_current_and_the_sign_follows_the_driver(tile, solver):
    made = solver(tile(6, 6))
    G = np.full((6, 6), 5e-5)
    assert np.array_equal(made.solve(np.zeros((1, 6)), G).currents, np.zeros((1, 6)))
    assert (made.solve(np.full((1, 6), 0.1), G).currents > 0).all()
    assert (made.solve(np.full((1, 6), -0.1), G).currents < 0).all()


def test_ideal_resistors_are_one_linear_system(resistive_tile):
    spec = resistive_tile(rows=12, cols=12)
    X, G = problem(12, 12, 150e-6, 0.2)
    made = TileSolver(spec, threads=1)
    doubled = made.solve(2 * X, G).currents
    assert relative(doubled, 2 * made.solve(X, G).currents) <= 1e-13
    lossless = replace(made.circuit, row_wire=np.full(12, 1e-9), col_wire=np.full(12, 1e-9))
    ends = replace(lossless, row_end=np.full(12, 1e-9), col_end=np.full(12, 1e-9))
    ideal = TileSolver(None, circuit=ends, cell=made.cell, threads=1)
    assert relative(ideal.solve(X, G).currents, X @ G) <= 1e-9


def test_a_custom_accuracy_is_between_the_two(tile, solver, reference):
    X, G = problem(16, 16, 400e-6, 0.3)
    made = solver(tile(16, 16, 5.0), Accuracy(1e-8, single=True))
    assert relative(made.solve(X, G).currents, reference(made.circuit, X, G)) <= 1e-7
