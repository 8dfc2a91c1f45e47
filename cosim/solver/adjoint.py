"""Gradients of a loss in everything that the circuit is made of, by one transposed solve.

With the residuals R(v, theta) = 0 of all nodes, a loss L of the output currents changes by

    dL/dtheta = -lambda . dR/dtheta  (+ what L contains of theta directly),   J^T lambda = dL/dv

J^T is the matrix of the last Newton step with its two couplings exchanged, so the same ladders and
the same iteration solve it. The cells enter through the difference of the two adjoint voltages,
mu = lambda_col - lambda_row: a parameter of the device through mu dI/dparameter, where the access
element takes up its share of the change.
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
    INSIDE_COL,
    INSIDE_ROW,
    INSIDE_STEP,
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
    CHUNK,
    COL_VOLTAGE,
    GATE,
    GATE_SLOPE,
    MIDDLE,
    MIDDLE_ROW,
    PARAMETER as VALUE,
    ROW_VOLTAGE,
    SLOPE_COL as CELL_SLOPE_COL,
    SLOPE_ROW as CELL_SLOPE_ROW,
    VALUE_SLOPE,
    CompanionCode,
    evaluate_chunk,
)
from cosim.solver.generated import LOOP_MODULES, digest_of
from cosim.solver.krylov import begin, complete, iterate
from cosim.solver.ladder import ENTRY, KERNEL, factor_cols, factor_rows
from cosim.solver.matrix import fill_parameters
from cosim.solver.simd import LANES, load, load_double, splat, store, total


# Rows of the gradient in the lines: segments and ends of input and output lines, gate voltages.
ROW_WIRE, ROW_END, COL_WIRE, COL_END, GATE_VOLTAGE = range(5)
LINE_ROWS = 5
# Planes of the system that the companion fills: the part of a cell's small voltages that falls
# across its access element, and, in place of what only a forward step needs, the slopes of the two
# currents in the device parameter and in the gate voltage.
IN_ACCESS, BY_VALUE, BY_GATE = INSIDE_ROW, INSIDE_COL, INSIDE_STEP
CELL_PLANES = (SLOPE_ROW, SLOPE_COL, IN_ACCESS, BY_VALUE, BY_GATE)


class AdjointJob(NamedTuple):
    """Solved samples, the gradient of a loss in their currents, and where its gradients go.

    Attributes:
        parameters: device parameters of each conductance matrix, `[matrices, rows, cols]`.
        matrix: which of them each sample uses, `[samples]`.
        voltages: of the drivers [V], `[samples, rows]`.
        fields: solution of each sample, `[samples, 3, rows, cols]`.
        seeds: gradient of the loss in the output currents, `[samples, cols]`.
        in_voltages: receives the gradient in the drivers' voltages, `[samples, rows]`.
        in_parameters: its gradient in the device parameters is added, `[matrices, rows, cols]`,
            padded.
        in_lines: its gradient in wires [1/ohm] and gates [1/V] is added, `[1, LINE_ROWS, lines]`,
            padded.
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
    """Take over the solution of a sample; padded columns are at rest."""
    planes, rows, cols = fields.shape
    padding = state.shape[1] - rows
    for plane in range(planes):
        for row in range(rows):
            for col in range(cols):
                state[plane, padding + row, col] = fields[plane, row, col]
            for col in range(cols, state.shape[2]):
                state[plane, padding + row, col] = 0.0


@njit(**KERNEL)
def _chunk_slopes(
    system: System, state: np.ndarray, cell: CompanionCode, row: int, first: int, source: float
) -> None:
    """Slopes of up to `CHUNK` cells of an input line, into the planes of the system."""
    count = min(CHUNK, state.shape[2] - first)
    planes, work, driver = system.planes, cell.work, splat(source)
    for place in range(0, count, LANES):
        col = first + place
        store(work, 0, ROW_VOLTAGE, place, driver + load(state, DROP, row, col))
        store(work, 0, COL_VOLTAGE, place, load(state, OUTPUT, row, col))
        store(work, 0, MIDDLE, place, load(state, INSIDE, row, col))
        store(work, 0, VALUE, place, load(state, PARAMETER, row, col))
    evaluate_chunk(cell.address, work, cell.shared, count)
    for place in range(0, count, LANES):
        col = first + place
        store(planes, SLOPE_ROW, row, col, load(work, 0, CELL_SLOPE_ROW, place))
        store(planes, SLOPE_COL, row, col, load(work, 0, CELL_SLOPE_COL, place))
        store(planes, IN_ACCESS, row, col, load(work, 0, MIDDLE_ROW, place))
        store(planes, BY_VALUE, row, col, load(work, 0, VALUE_SLOPE, place))
        store(planes, BY_GATE, row, col, load(work, 0, GATE_SLOPE, place))


@njit(**KERNEL)
def _slopes(
    system: System, state: np.ndarray, lines: Lines, cell: CompanionCode, voltages: np.ndarray
) -> bool:
    """Evaluate the slopes of all cells at the solution.

    Returns:
        Whether all of them are numbers; those of a model may exceed single precision.
    """
    planes = system.planes
    padding = state.shape[1] - len(voltages)
    checksum = splat(planes.dtype.type(0.0))
    for row in range(padding, state.shape[1]):
        cell.shared[GATE] = lines.gate[row]
        for first in range(0, state.shape[2], CHUNK):
            _chunk_slopes(system, state, cell, row, first, voltages[row - padding])
        for col in range(lines.cols, state.shape[2]):
            for plane in CELL_PLANES:
                planes[plane, row, col] = 0
        for col in range(0, state.shape[2], LANES):
            by_value = load(planes, BY_VALUE, row, col)
            checksum = checksum + by_value + load(planes, BY_GATE, row, col)
    return math.isfinite(total(checksum))


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
def _into_cells(system: System, job: AdjointJob, sample: int) -> None:
    """Add the gradient in device parameters and gate voltages."""
    planes, matrix = system.planes, job.matrix[sample]
    for row in range(planes.shape[1] - job.voltages.shape[1], planes.shape[1]):
        at_gate = splat(0.0)
        for col in range(0, planes.shape[2], LANES):
            mu = load_double(planes, COL_CORRECTION, row, col)
            mu = mu - load_double(planes, ROW_CORRECTION, row, col)
            in_access = mu * load_double(planes, IN_ACCESS, row, col)
            at_gate = at_gate + in_access * load_double(planes, BY_GATE, row, col)
            gain = (mu - in_access) * load_double(planes, BY_VALUE, row, col)
            before = load(job.in_parameters, matrix, row, col)
            store(job.in_parameters, matrix, row, col, before + gain)
        job.in_lines[0, GATE_VOLTAGE, row] += total(at_gate)


@njit(**KERNEL)
def _keep_cells(system: System, job: AdjointJob, sample: int) -> None:
    """The weights of the currents of device and access element in each cell."""
    rows, cols = job.cells.shape[2:]
    padding = system.planes.shape[1] - rows
    for row in range(rows):
        place = padding + row
        for col in range(cols):
            mu = system.planes[COL_CORRECTION, place, col]
            mu = mu - system.planes[ROW_CORRECTION, place, col]
            share = system.planes[IN_ACCESS, place, col]
            job.cells[sample, 0, row, col] = mu * (1.0 - share)
            job.cells[sample, 1, row, col] = mu * share


@njit(**KERNEL)
def _into_rows(
    system: System, state: np.ndarray, lines: Lines, job: AdjointJob, sample: int
) -> None:
    """The gradient in drivers, and that of the input lines' resistances."""
    rows = job.voltages.shape[1]
    padding = state.shape[1] - rows
    for row in range(rows):
        place = padding + row
        end = lines.row_end[place]
        at_driver = system.planes[ROW_CORRECTION, place, 0]
        job.in_voltages[sample, row] = end * at_driver
        job.in_lines[0, ROW_END, place] += end * end * at_driver * state[DROP, place, 0]
        gain = 0.0
        for col in range(lines.cols - 1):
            slope = system.planes[ROW_CORRECTION, place, col]
            slope = slope - system.planes[ROW_CORRECTION, place, col + 1]
            gain += slope * (state[DROP, place, col] - state[DROP, place, col + 1])
        wire = lines.row_wire[place]
        job.in_lines[0, ROW_WIRE, place] += gain / (wire * wire)


@njit(**KERNEL)
def _into_cols(
    system: System, state: np.ndarray, lines: Lines, job: AdjointJob, sample: int
) -> None:
    """The gradient in the output lines' resistances; the sensor's own end also acts directly."""
    planes, into = system.planes, job.in_lines
    last = state.shape[1] - 1
    for col in range(0, state.shape[2], LANES):
        gain = splat(0.0)
        for row in range(state.shape[1] - job.voltages.shape[1], last):
            slope = load_double(planes, COL_CORRECTION, row, col)
            slope = slope - load_double(planes, COL_CORRECTION, row + 1, col)
            fall = load(state, OUTPUT, row, col) - load(state, OUTPUT, row + 1, col)
            gain = gain + slope * fall
        wire = load(lines.col_wire, 0, 0, col)
        store(into, 0, COL_WIRE, col, load(into, 0, COL_WIRE, col) + wire * wire * gain)
    for col in range(lines.cols):
        end = lines.col_end[0, 0, col]
        gain = planes[COL_CORRECTION, last, col] - job.seeds[sample, col]
        into[0, COL_END, col] += end * end * gain * state[OUTPUT, last, col]


@cache
def adjoint_loop() -> Callable[..., None]:
    """The compiled loop over samples; its machine code is kept on disk."""
    digest = digest_of(*LOOP_MODULES, "adjoint")

    @njit(cache=True, **ENTRY)
    def solve_adjoints(
        system: System,
        state: np.ndarray,
        lines: Lines,
        cell: CompanionCode,
        reduction: float,
        job: AdjointJob,
    ) -> None:
        """Solve the transposed system of every unsolved sample, to a relative `reduction`."""
        if len(digest) == 0:  # Ties the kept machine code to the sources.
            return
        last = -1
        for sample in range(len(job.matrix)):
            if job.solved[sample] != 0.0:
                continue
            if job.matrix[sample] != last:
                last = job.matrix[sample]
                fill_parameters(state, job.parameters[last])
            _restore(state, job.fields[sample])
            if not _slopes(system, state, lines, cell, job.voltages[sample]):
                continue
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
                _into_cells(system, job, sample)
                if len(job.cells) > 0:
                    _keep_cells(system, job, sample)
                job.solved[sample] = 1.0

    return solve_adjoints
