"""Vectors of lines, and the exact solution of single lines by ladder admittances."""

import numpy as np
import pytest
from numba import njit

from cosim.solver.arrays import (
    COL_LADDER,
    RESIDUAL,
    SLOPE_COL,
    SLOPE_ROW,
    SOLVED,
    new_system,
)
from cosim.solver.circuit import Circuit
from cosim.solver.krylov import begin
from cosim.solver.ladder import factor_cols, factor_rows, lanes_to_rows, plane_to_lanes, sweep_rows
from cosim.solver.simd import load, splat, total


@njit
def multiply_and_add(a):
    return total(load(a, 0, 0, 0) * splat(a[0, 1, 0]) + load(a, 0, 1, 0))


@njit
def turn(rows, lanes, back):
    plane_to_lanes(rows, 0, 0, lanes)
    lanes_to_rows(lanes, back)


@njit
def solve_rows(system):
    factor_rows(system)
    plane_to_lanes(system.planes, RESIDUAL, 0, system.lanes)
    sweep_rows(system, 0)


@njit
def solve_cols(system):
    factor_cols(system)
    return begin(system)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sixteen_lanes_compute_together(dtype):
    a = np.random.default_rng(1).normal(size=(1, 2, 16)).astype(dtype)
    expected = (a[0, 0] * a[0, 1, 0] + a[0, 1]).astype(np.float64).sum()
    assert multiply_and_add(a) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_turning_rows_into_lanes_and_back_changes_nothing(dtype):
    rows = np.random.default_rng(2).normal(size=(1, 16, 48)).astype(dtype)
    lanes, back = np.empty((1, 48, 16), dtype), np.empty_like(rows)
    turn(rows, lanes, back)
    assert np.array_equal(lanes[0], rows[0].T)
    assert np.array_equal(back, rows)


def line_matrix(wire, end, slopes):
    """The tridiagonal matrix of one line; the end is at its first node."""
    n = len(slopes)
    A = np.diag(slopes)
    A[0, 0] += end
    for k in range(n - 1):
        A[k : k + 2, k : k + 2] += np.array([[1, -1], [-1, 1]]) / wire
    return A


@pytest.fixture
def system():
    circuit = Circuit.uniform(
        16, 32, row_wire=np.linspace(0.1, 9, 16), row_end=11.0, col_wire=2.0, col_end=5.0
    )
    made = new_system(circuit.lines(), np.float64)
    generator = np.random.default_rng(3)
    for plane in (SLOPE_ROW, SLOPE_COL, RESIDUAL):
        made.planes[plane] = generator.uniform(1e-6, 1e-3, (16, 32))
    return made


def test_a_row_ladder_solves_the_tridiagonal_system_of_every_input_line(system):
    slopes, currents = system.planes[SLOPE_ROW], system.planes[RESIDUAL]
    solve_rows(system)
    for row, wire in enumerate(np.linspace(0.1, 9, 16)):
        expected = np.linalg.solve(line_matrix(wire, 1 / 11, slopes[row]), currents[row])
        assert np.allclose(system.lanes[0, :, row], expected, rtol=1e-12)


def test_a_column_ladder_solves_every_output_line_and_measures_the_residual(system):
    slopes, currents = system.planes[SLOPE_COL], system.planes[RESIDUAL].copy()
    length = solve_cols(system)
    for col in range(32):
        A = line_matrix(2.0, 1 / 5, slopes[::-1, col])
        expected = np.linalg.solve(A, currents[::-1, col])[::-1]
        assert np.allclose(system.planes[SOLVED, :, col], expected, rtol=1e-12)
    assert length == pytest.approx((system.planes[SOLVED] * currents).sum())
    assert (system.planes[COL_LADDER, :-1] <= 1.0).all()
