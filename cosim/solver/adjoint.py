"""Gradients of a loss in everything that the circuit is made of, by one transposed solve.

With the residuals R(v, theta) = 0 of all nodes, a loss L of the output currents changes by

    dL/dtheta = -lambda . dR/dtheta  (+ what L contains of theta directly),   J^T lambda = dL/dv

J^T is the matrix of the last Newton step with its two couplings exchanged, so the same ladders and
the same iteration solve it. The cells enter through the difference of the two adjoint voltages,
mu = lambda_col - lambda_row: a parameter of the device through mu dI/dparameter, where the access
element takes up its share of the change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit

from cosim.solver.arrays import (
    COL_CORRECTION,
    DROP,
    INSIDE,
    INSIDE_ROW,
    OUTPUT,
    PARAMETER,
    RESIDUAL,
    ROW_CORRECTION,
    ROW_RESIDUAL,
    SLOPE_COL,
    SLOPE_ROW,
    Lines,
    System,
)
from cosim.solver.cell_call import (
    COL_VOLTAGE,
    GATE,
    GATE_SLOPE,
    MIDDLE,
    PARAMETER as VALUE,
    ROW_VOLTAGE,
    VALUE_SLOPE,
    CellCode,
    evaluate_chunk,
)
from cosim.solver.evaluate import linearise
from cosim.solver.generated import LOOP_MODULES, digest_of
from cosim.solver.krylov import begin, complete, iterate
from cosim.solver.ladder import KERNEL, factor_cols, factor_rows
from cosim.solver.matrix import fill_parameters
from cosim.solver.simd import LANES, load, splat, store


# Rows of the gradient in the lines: segments and ends of input and output lines, gate voltages.
ROW_WIRE, ROW_END, COL_WIRE, COL_END, GATE_VOLTAGE = range(5)
LINE_ROWS = 5


class AdjointJob(NamedTuple):
    """Solved samples, the gradient of a loss in their currents, and where its gradients go.

    Attributes:
        parameters: device parameters of each conductance matrix, `[matrices, rows, cols]`.
        matrix: which of them each sample uses, `[samples]`.
        voltages: of the drivers [V], `[samples, rows]`.
        fields: solution of each sample, `[samples, 3, rows, cols]`.
        seeds: gradient of the loss in the output currents, `[samples, cols]`.
        in_voltages: receives the gradient in the drivers' voltages, `[samples, rows]`.
        in_parameters: its gradient in the device parameters is added, `[matrices, rows, cols]`.
        in_lines: its gradient in wires [1/ohm] and gates [1/V] is added, `[LINE_ROWS, lines]`.
        cells: receives mu times the shares of device and access element, for parameters that all
            cells have in common, `[samples, 2, rows, cols]`; not written when it holds no samples.
        solved: receives 1 for each sample whose transposed system was solved.
    """

    parameters: np.ndarray
    matrix: np.ndarray
    voltages: np.ndarray
    fields: np.ndarray
    seeds: np.ndarray
    in_voltages: np.ndarray
    in_parameters: np.ndarray
    in_lines: np.ndarray
    cells: np.ndarray
    solved: np.ndarray


@njit(**KERNEL)
def _restore(state: np.ndarray, fields: np.ndarray) -> None:
    """Take over the solution of a sample."""
    planes, rows, cols = fields.shape
    padding = state.shape[1] - rows
    for plane in range(planes):
        for row in range(state.shape[1]):
            for col in range(state.shape[2]):
                real = row >= padding and col < cols
                state[plane, row, col] = fields[plane, row - padding, col] if real else 0.0


@njit(**KERNEL)
def _seed(system: System, lines: Lines, seeds: np.ndarray) -> None:
    """The right side of the transposed system: the sensors' nodes."""
    planes = system.planes
    zero = splat(planes.dtype.type(0.0))
    for row in range(planes.shape[1]):
        for col in range(0, planes.shape[2], LANES):
            store(planes, ROW_RESIDUAL, row, col, zero)
            store(planes, RESIDUAL, row, col, zero)
    for col in range(len(seeds)):
        planes[RESIDUAL, planes.shape[1] - 1, col] = seeds[col] * lines.col_end[0, 0, col]


@njit(**KERNEL)
def _into_cells(
    system: System, state: np.ndarray, lines: Lines, cell: CellCode, job: AdjointJob, sample: int
) -> None:
    """Add the gradient in device parameters and gate voltages."""
    rows, cols = job.parameters.shape[1:]
    padding = state.shape[1] - rows
    work, planes = cell.work, system.planes
    for row in range(rows):
        cell.shared[GATE] = lines.gate[padding + row]
        voltage = splat(job.voltages[sample, row])
        for first in range(0, state.shape[2], LANES):
            store(work, 0, ROW_VOLTAGE, 0, voltage + load(state, DROP, padding + row, first))
            store(work, 0, COL_VOLTAGE, 0, load(state, OUTPUT, padding + row, first))
            store(work, 0, MIDDLE, 0, load(state, INSIDE, padding + row, first))
            store(work, 0, VALUE, 0, load(state, PARAMETER, padding + row, first))
            evaluate_chunk(cell.sensitivity, work, cell.shared, LANES)
            for lane in range(min(LANES, cols - first)):
                col = first + lane
                place = padding + row
                mu = planes[COL_CORRECTION, place, col] - planes[ROW_CORRECTION, place, col]
                share = planes[INSIDE_ROW, place, col]
                gain = mu * (1.0 - share) * work[0, VALUE_SLOPE, lane]
                job.in_parameters[job.matrix[sample], row, col] += gain
                job.in_lines[GATE_VOLTAGE, row] += mu * share * work[0, GATE_SLOPE, lane]
                if len(job.cells) > 0:
                    job.cells[sample, 0, row, col] = mu * (1.0 - share)
                    job.cells[sample, 1, row, col] = mu * share


@njit(**KERNEL)
def _into_rows(
    system: System, state: np.ndarray, lines: Lines, job: AdjointJob, sample: int
) -> None:
    """The gradient in drivers, and that of the input lines' resistances."""
    rows, cols = job.parameters.shape[1:]
    padding = state.shape[1] - rows
    for row in range(rows):
        place = padding + row
        end = lines.row_end[place]
        at_driver = system.planes[ROW_CORRECTION, place, 0]
        job.in_voltages[sample, row] = end * at_driver
        job.in_lines[ROW_END, row] += end * end * at_driver * state[DROP, place, 0]
        gain = 0.0
        for col in range(cols - 1):
            slope = system.planes[ROW_CORRECTION, place, col]
            slope = slope - system.planes[ROW_CORRECTION, place, col + 1]
            gain += slope * (state[DROP, place, col] - state[DROP, place, col + 1])
        job.in_lines[ROW_WIRE, row] += gain / (lines.row_wire[place] * lines.row_wire[place])


@njit(**KERNEL)
def _into_cols(
    system: System, state: np.ndarray, lines: Lines, job: AdjointJob, sample: int
) -> None:
    """The gradient in the output lines' resistances; the sensor's own end also acts directly."""
    rows, cols = job.parameters.shape[1:]
    padding = state.shape[1] - rows
    last = state.shape[1] - 1
    for row in range(padding, last):
        for col in range(cols):
            wire = lines.col_wire[0, 0, col]
            slope = system.planes[COL_CORRECTION, row, col]
            slope = slope - system.planes[COL_CORRECTION, row + 1, col]
            fall = state[OUTPUT, row, col] - state[OUTPUT, row + 1, col]
            job.in_lines[COL_WIRE, col] += wire * wire * slope * fall
    for col in range(cols):
        end = lines.col_end[0, 0, col]
        gain = system.planes[COL_CORRECTION, last, col] - job.seeds[sample, col]
        job.in_lines[COL_END, col] += end * end * gain * state[OUTPUT, last, col]


@cache
def adjoint_loop() -> Callable[..., None]:
    """The compiled loop over samples; its machine code is kept on disk."""
    digest = digest_of(*LOOP_MODULES, "adjoint")

    @njit(cache=True, **KERNEL)
    def solve_adjoints(
        system: System,
        state: np.ndarray,
        lines: Lines,
        cell: CellCode,
        reduction: float,
        job: AdjointJob,
    ) -> None:
        """Solve the transposed system of every sample, to a relative `reduction`."""
        if len(digest) == 0:  # Ties the kept machine code to the sources.
            return
        last = -1
        for sample in range(len(job.matrix)):
            if job.matrix[sample] != last:
                last = job.matrix[sample]
                fill_parameters(state, job.parameters[last])
            _restore(state, job.fields[sample])
            linearise(system, state, lines, cell, job.voltages[sample], False)
            factor_rows(system)
            factor_cols(system)
            _seed(system, lines, job.seeds[sample])
            length = begin(system)
            target = reduction * reduction * length
            reached, _ = iterate(system, SLOPE_ROW, SLOPE_COL, length, target)
            if reached <= target:
                complete(system, SLOPE_ROW)
                _into_rows(system, state, lines, job, sample)
                _into_cols(system, state, lines, job, sample)
                _into_cells(system, state, lines, cell, job, sample)
                job.solved[sample] = 1.0

    return solve_adjoints
