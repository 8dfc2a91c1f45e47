"""Evaluate all cells of a sample, and the current that is missing at every node.

    missing at an input-line node  = inflow from its wires - cell current
    missing at an output-line node = inflow from its wires + cell current

State and currents are in double precision; slopes and residuals are rounded to the precision of
the linear step after the subtraction.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.solver import cell_call
from cosim.solver.arrays import (
    DROP,
    INSIDE,
    INSIDE_COL,
    INSIDE_ROW,
    INSIDE_STEP,
    OUTPUT,
    PARAMETER,
    RESIDUAL,
    ROW_RESIDUAL,
    SLOPE_COL,
    SLOPE_ROW,
    Lines,
    System,
)
from cosim.solver.cell_call import CellCode, evaluate_chunk
from cosim.solver.ladder import KERNEL
from cosim.solver.simd import LANES, load, splat, store, total


ROW_VOLTAGE, COL_VOLTAGE = cell_call.ROW_VOLTAGE, cell_call.COL_VOLTAGE
MIDDLE, VALUE = cell_call.MIDDLE, cell_call.PARAMETER
CURRENT, GATE = cell_call.CURRENT, cell_call.GATE
OUT_SLOPE_ROW, OUT_SLOPE_COL = cell_call.SLOPE_ROW, cell_call.SLOPE_COL
OUT_ROW, OUT_COL, OUT_STEP = cell_call.MIDDLE_ROW, cell_call.MIDDLE_COL, cell_call.MIDDLE_STEP


@njit(**KERNEL)
def evaluate_strip(
    system: System, state: np.ndarray, lines: Lines, cell: CellCode, row: int, col: int
) -> None:
    """Evaluate sixteen cells; `work` holds the voltage of their input line already."""
    work = cell.work
    mask = load(lines.mask, 0, 0, col)
    store(work, 0, COL_VOLTAGE, 0, load(state, OUTPUT, row, col))
    store(work, 0, MIDDLE, 0, load(state, INSIDE, row, col))
    store(work, 0, VALUE, 0, load(state, PARAMETER, row, col))
    evaluate_chunk(cell.address, work, cell.shared)
    store(state, INSIDE, row, col, load(work, 0, MIDDLE, 0))
    store(work, 0, CURRENT, 0, mask * load(work, 0, CURRENT, 0))
    store(system.planes, SLOPE_ROW, row, col, mask * load(work, 0, OUT_SLOPE_ROW, 0))
    store(system.planes, SLOPE_COL, row, col, mask * load(work, 0, OUT_SLOPE_COL, 0))
    store(system.planes, INSIDE_ROW, row, col, load(work, 0, OUT_ROW, 0))
    store(system.planes, INSIDE_COL, row, col, load(work, 0, OUT_COL, 0))
    store(system.planes, INSIDE_STEP, row, col, load(work, 0, OUT_STEP, 0))


@njit(**KERNEL)
def _neighbours(state: np.ndarray, lines: Lines, row: int, line: np.ndarray) -> None:
    """The drops of one input line with a virtual node at either end, in `line`.

    The virtual nodes make the ends look like segments: no current at the open end, and through the
    first one the current that the driver's own conductance would carry.
    """
    last = state.shape[2]
    for col in range(0, last, LANES):
        store(line, 0, 0, col + 1, load(state, DROP, row, col))
    line[0, 0, 0] = line[0, 0, 1] * (1.0 - lines.row_end[row] * lines.row_wire[row])
    line[0, 0, last + 1] = line[0, 0, last]


@njit(**KERNEL)
def _col_inflow(state: np.ndarray, lines: Lines, row: int, col: int) -> object:
    """Current from the wires into sixteen output-line nodes [A]."""
    here = load(state, OUTPUT, row, col)
    wire = load(lines.col_wire, 0, 0, col)
    above = load(state, OUTPUT, max(row - 1, 0), col)
    inflow = wire * (above - here)
    if row + 1 < state.shape[1]:
        return inflow + wire * (load(state, OUTPUT, row + 1, col) - here)
    return inflow - load(lines.col_end, 0, 0, col) * here


@njit(**KERNEL)
def linearise(
    system: System, state: np.ndarray, lines: Lines, cell: CellCode, voltages: np.ndarray
) -> float:
    """Evaluate cells and residuals of one sample.

    Args:
        system: receives slopes and residuals.
        state: node voltages; middle nodes far from equilibrium are moved.
        lines: the wires.
        cell: the compiled cell.
        voltages: of the drivers, one per real row [V].

    Returns:
        The sum over cells of current times output-line voltage [W], the scale of the solution.
    """
    planes = system.planes
    line = np.empty((1, 1, state.shape[2] + 2))
    power = 0.0
    first = state.shape[1] - len(voltages)
    for row in range(state.shape[1]):
        _neighbours(state, lines, row, line)
        real = row >= first
        if real:
            cell.shared[GATE] = lines.gate[row]
        source = splat(voltages[row - first] if real else 0.0)
        wire = splat(1.0 / lines.row_wire[row])
        for col in range(0, state.shape[2], LANES):
            here = load(line, 0, 0, col + 1)
            inflow = wire * (load(line, 0, 0, col) - here)
            inflow = inflow + wire * (load(line, 0, 0, col + 2) - here)
            gained = _col_inflow(state, lines, row, col)
            if real:
                store(cell.work, 0, ROW_VOLTAGE, 0, source + here)
                evaluate_strip(system, state, lines, cell, row, col)
                current = load(cell.work, 0, CURRENT, 0)
                inflow = inflow - current
                gained = gained + current
                power += total(current * load(state, OUTPUT, row, col))
            store(planes, ROW_RESIDUAL, row, col, inflow)
            store(planes, RESIDUAL, row, col, gained)
    return power
