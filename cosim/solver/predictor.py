"""Where to start when one conductance matrix meets many inputs.

A cell between lines carries I = s (v_row - v_col), where its static conductance s and the division
of that voltage inside the cell follow mainly from the voltage V of its driver. Both are taken from
two solutions with all drivers at the same voltage, and from rest, as polynomials of V^2 per cell:

    s(V) = s_0 + s_1 V^2 + s_2 V^4

A sample then starts from the fields of a linear circuit of these conductances, which costs one
linear step and no evaluation of cells, and is nearer to the solution than one step of Newton's
method from unloaded lines. The start decides how long the solution takes, not what it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit

from cosim.solver.arrays import (
    COL_CORRECTION,
    DROP,
    INSIDE,
    OUTPUT,
    RESIDUAL,
    ROW_CORRECTION,
    ROW_RESIDUAL,
    SHARE,
    SLOPE_COL,
    SLOPE_ROW,
    Lines,
    System,
)
from cosim.solver.cell_call import CHUNK, CURRENT, GATE, CellCode
from cosim.solver.evaluate import evaluate_row, linearise_rows
from cosim.solver.generated import LOOP_MODULES, digest_of
from cosim.solver.krylov import begin, complete, eliminate_rows, iterate
from cosim.solver.ladder import ENTRY, INLINED, KERNEL, factor_cols, factor_rows
from cosim.solver.matrix import load_matrix
from cosim.solver.newton import Settings, advance, newton, start
from cosim.solver.simd import LANES, load_double, splat, store


# Planes of the polynomials: conductance [S], [S/V^2], [S/V^4], then the share of the inner voltage.
CONDUCTANCE, INNER = 0, 3
POLYNOMIAL_PLANES = 6
# Drivers' voltages of the two solutions, relative to the highest input.
LEVELS = (0.6, 1.0)
# Relative squared length to which the linear circuit is solved.
GOAL = 1e-7
TINY_V = 1e-12
# Trial inputs over which the quality of the starts is measured, and limits of what counts.
PATTERNS, GOLDEN = 3, 0.6180339887498949
LEAST_CURVATURE, MOST_CURVATURE = 1e-3, 1e3
TRIAL_REDUCTION = 1e-10


class PreparationJob(NamedTuple):
    """Matrices, and where their polynomials go.

    Attributes:
        parameters: device parameters of each matrix, `[matrices, rows, cols]`.
        highest: the highest input [V].
        polynomials: receives them, `[matrices, POLYNOMIAL_PLANES, rows, cols]`, padded.
        curvature: receives how good the starts are, `[matrices]`.
    """

    parameters: np.ndarray
    highest: float
    polynomials: np.ndarray
    curvature: np.ndarray


@njit(**INLINED)
def _static(
    system: System, state: np.ndarray, lines: Lines, cell: CellCode, volts: float, real: int
) -> np.ndarray:
    """Static conductances [S] and inner shares of all cells at a solution, `[2, rows, cols]`."""
    rows, cols = state.shape[1], state.shape[2]
    found = np.zeros((2, rows, cols))
    for row in range(rows - real, rows):
        cell.shared[GATE] = lines.gate[row]
        for first in range(0, cols, CHUNK):
            code = (cell.address, cell.work, cell.shared)
            evaluate_row(system, state, code, row, first, volts)
            for col in range(first, min(first + CHUNK, lines.cols)):
                out = state[OUTPUT, row, col]
                across = volts + state[DROP, row, col] - out
                if abs(across) > TINY_V:
                    found[0, row, col] = cell.work[0, CURRENT, col - first] / across
                    found[1, row, col] = (state[INSIDE, row, col] - out) / across
    return found


@njit(**INLINED)
def _fit(
    polynomials: np.ndarray, plane: int, squares: tuple[float, float], values: np.ndarray
) -> None:
    """The polynomials through the values at rest, which are in place, and at two levels."""
    rows, cols = polynomials.shape[1], polynomials.shape[2]
    low, high = squares
    for row in range(rows):
        for col in range(cols):
            at_rest = polynomials[plane, row, col]
            one = (values[0, row, col] - at_rest) / low
            two = (values[1, row, col] - at_rest) / high
            curve = (two - one) / (high - low)
            polynomials[plane + 2, row, col] = curve
            polynomials[plane + 1, row, col] = one - curve * low


@njit(**INLINED)
def _polynomials(
    system: System,
    state: np.ndarray,
    lines: Lines,
    cell: CellCode,
    settings: Settings,
    job: PreparationJob,
    polynomials: np.ndarray,
) -> float:
    """Fill the polynomials of the matrix that is loaded; `system` holds its slopes at rest.

    Returns:
        The curvature that Newton's method meets after such a start; 0 without a start.
    """
    rows, cols = state.shape[1], state.shape[2]
    real, highest = job.parameters.shape[1], job.highest
    for row in range(rows):
        for col in range(cols):
            cell_there = row >= rows - real and col < lines.cols
            polynomials[CONDUCTANCE, row, col] = (
                system.planes[SLOPE_ROW, row, col] if cell_there else 0.0
            )
            polynomials[INNER, row, col] = state[SHARE, row, col] if cell_there else 0.0
    values = np.zeros((2, 2, rows, cols))
    for level in range(2):
        volts = LEVELS[level] * highest
        drivers = np.full(real, volts)
        start(state, drivers)
        if not newton(system, state, lines, cell, drivers, settings, 0.0).converged:
            return 0.0
        values[:, level] = _static(system, state, lines, cell, volts, real)
    squares = ((LEVELS[0] * highest) ** 2, (LEVELS[1] * highest) ** 2)
    _fit(polynomials, CONDUCTANCE, squares, values[0])
    _fit(polynomials, INNER, squares, values[1])
    curvature = LEAST_CURVATURE
    for phase in range(PATTERNS):
        drivers = np.empty(real)
        for row in range(real):
            drivers[row] = highest * ((row * GOLDEN + phase / PATTERNS) % 1.0)
        found = _curvature(system, state, lines, cell, polynomials, drivers)
        if not found < MOST_CURVATURE:
            return 0.0
        curvature = max(curvature, found)
    return curvature


@njit(**INLINED)
def _linear_circuit(system: System, polynomials: np.ndarray, voltages: np.ndarray) -> None:
    """The linear circuit of one sample, from unloaded lines."""
    planes = system.planes
    first = planes.shape[1] - len(voltages)
    for row in range(planes.shape[1]):
        volts = voltages[row - first] if row >= first else 0.0
        square, driver = splat(volts * volts), splat(volts)
        for col in range(0, planes.shape[2], LANES):
            s = load_double(polynomials, CONDUCTANCE + 2, row, col) * square
            s = (s + load_double(polynomials, CONDUCTANCE + 1, row, col)) * square
            s = s + load_double(polynomials, CONDUCTANCE, row, col)
            store(planes, SLOPE_ROW, row, col, s)
            store(planes, SLOPE_COL, row, col, s)
            store(planes, RESIDUAL, row, col, s * driver)
            store(planes, ROW_RESIDUAL, row, col, splat(0.0) - s * driver)


@njit(**KERNEL)
def predict(
    system: System, state: np.ndarray, polynomials: np.ndarray, voltages: np.ndarray
) -> None:
    """Start a sample from the fields of its linear circuit."""
    _linear_circuit(system, polynomials, voltages)
    factor_rows(system)
    factor_cols(system)
    eliminate_rows(system, SLOPE_ROW)
    length = begin(system)
    iterate(system, SLOPE_COL, SLOPE_ROW, length, GOAL * length)
    complete(system, SLOPE_COL)
    first = state.shape[1] - len(voltages)
    for row in range(state.shape[1]):
        volts = voltages[row - first] if row >= first else 0.0
        square, driver = splat(volts * volts), splat(volts)
        for col in range(0, state.shape[2], LANES):
            drop = load_double(system.planes, ROW_CORRECTION, row, col)
            out = load_double(system.planes, COL_CORRECTION, row, col)
            share = load_double(polynomials, INNER + 2, row, col) * square
            share = (share + load_double(polynomials, INNER + 1, row, col)) * square
            share = share + load_double(polynomials, INNER, row, col)
            store(state, DROP, row, col, drop)
            store(state, OUTPUT, row, col, out)
            store(state, INSIDE, row, col, out + share * (driver + drop - out))


@njit(**INLINED)
def _residual(
    system: System, state: np.ndarray, lines: Lines, cell: CellCode, voltages: np.ndarray
) -> tuple[float, float]:
    """Linearise and begin the linear step; squared length of its correction, and the scale."""
    code = (cell.address, cell.work, cell.shared)
    found = linearise_rows(system, state, lines, code, voltages)
    factor_rows(system)
    factor_cols(system)
    eliminate_rows(system, SLOPE_ROW)
    return begin(system), found.power


@njit(**INLINED)
def _curvature(
    system: System,
    state: np.ndarray,
    lines: Lines,
    cell: CellCode,
    polynomials: np.ndarray,
    voltages: np.ndarray,
) -> float:
    """Length of the second correction relative to the square of the first, after this start."""
    predict(system, state, polynomials, voltages)
    first, scale = _residual(system, state, lines, cell, voltages)
    iterate(system, SLOPE_COL, SLOPE_ROW, first, TRIAL_REDUCTION * first)
    complete(system, SLOPE_COL)
    advance(state, system)
    second, _ = _residual(system, state, lines, cell, voltages)
    return math.sqrt(second * max(scale, first)) / first


@cache
def preparation_loop() -> Callable[..., None]:
    """The compiled loop over matrices; its machine code is kept on disk."""
    digest = digest_of(*LOOP_MODULES)

    @njit(cache=True, **ENTRY)
    def prepare_matrices(
        system: System,
        state: np.ndarray,
        lines: Lines,
        cell: CellCode,
        settings: Settings,
        job: PreparationJob,
    ) -> None:
        """Fill the polynomials of every matrix."""
        if len(digest) == 0:  # Ties the kept machine code to the sources.
            return
        for matrix in range(len(job.parameters)):
            load_matrix(system, state, lines, cell, job.parameters[matrix])
            job.curvature[matrix] = _polynomials(
                system, state, lines, cell, settings, job, job.polynomials[matrix]
            )

    return prepare_matrices
