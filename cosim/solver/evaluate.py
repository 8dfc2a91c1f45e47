"""Evaluate all cells of a sample, and the current that is missing at every node.

    missing at an input-line node  = inflow from its wires - cell current
    missing at an output-line node = inflow from its wires + cell current

State and currents are in double precision; slopes and residuals are rounded to the precision of
the linear step after the subtraction.
"""

from __future__ import annotations

from typing import NamedTuple

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
from cosim.solver.cell_call import CHUNK, CellCode, evaluate_chunk
from cosim.solver.ladder import KERNEL
from cosim.solver.simd import LANES, larger, largest, load, load_double, splat, store, total


ROW_VOLTAGE, COL_VOLTAGE = cell_call.ROW_VOLTAGE, cell_call.COL_VOLTAGE
MIDDLE, VALUE = cell_call.MIDDLE, cell_call.PARAMETER
CURRENT, GATE = cell_call.CURRENT, cell_call.GATE
OUT_SLOPE_ROW, OUT_SLOPE_COL = cell_call.SLOPE_ROW, cell_call.SLOPE_COL
# Keeps cells without any current from dividing by zero [S].
TINY = 1e-30
OUT_ROW, OUT_COL, OUT_STEP = cell_call.MIDDLE_ROW, cell_call.MIDDLE_COL, cell_call.MIDDLE_STEP


@njit(**KERNEL)
def _change(system: System, work: np.ndarray, row: int, col: int, place: int) -> object:
    """Relative change of sixteen slopes since the last evaluation."""
    before = load_double(system.planes, SLOPE_ROW, row, col)
    after = load_double(work, 0, OUT_SLOPE_ROW, place)
    difference = after - before
    return larger(difference, before - after) / (larger(after, before) + splat(TINY))


@njit(**KERNEL)
def evaluate_row(
    system: System,
    state: np.ndarray,
    code: tuple[int, np.ndarray, np.ndarray],
    row: int,
    first: int,
    source: float,
) -> float:
    """Evaluate up to `CHUNK` cells of an input line in the precision of `code`.

    Args:
        system: receives the slopes.
        state: node voltages; middle nodes far from equilibrium are moved.
        code: address of the cell function, its `work`, which receives the currents, and its
            `shared`.
        row: which input line.
        first: the first column.
        source: voltage of the line's driver [V].

    Returns:
        The largest change of a slope since the last evaluation, relative to the larger one.
    """
    address, work, shared = code
    count = min(CHUNK, state.shape[2] - first)
    driver = splat(source)
    for place in range(0, count, LANES):
        col = first + place
        store(work, 0, ROW_VOLTAGE, place, driver + load(state, DROP, row, col))
        store(work, 0, COL_VOLTAGE, place, load(state, OUTPUT, row, col))
        store(work, 0, MIDDLE, place, load(state, INSIDE, row, col))
        store(work, 0, VALUE, place, load(state, PARAMETER, row, col))
    evaluate_chunk(address, work, shared, count)
    change = splat(0.0)
    for place in range(0, count, LANES):
        col = first + place
        change = larger(change, _change(system, work, row, col, place))
        store(state, INSIDE, row, col, load(work, 0, MIDDLE, place))
        store(system.planes, SLOPE_ROW, row, col, load(work, 0, OUT_SLOPE_ROW, place))
        store(system.planes, SLOPE_COL, row, col, load(work, 0, OUT_SLOPE_COL, place))
        store(system.planes, INSIDE_ROW, row, col, load(work, 0, OUT_ROW, place))
        store(system.planes, INSIDE_COL, row, col, load(work, 0, OUT_COL, place))
        store(system.planes, INSIDE_STEP, row, col, load(work, 0, OUT_STEP, place))
    return largest(change)


@njit(**KERNEL)
def _remove_padding(system: System, work: np.ndarray, lines: Lines, row: int, first: int) -> None:
    """Padded columns have no cells."""
    for col in range(max(lines.cols, first), min(first + CHUNK, system.planes.shape[2])):
        work[0, CURRENT, col - first] = 0
        system.planes[SLOPE_ROW, row, col] = 0
        system.planes[SLOPE_COL, row, col] = 0


@njit(**KERNEL)
def _drops(state: np.ndarray, lines: Lines, row: int, line: np.ndarray) -> None:
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
def _residuals(
    system: System,
    state: np.ndarray,
    lines: Lines,
    work: np.ndarray,
    line: np.ndarray,
    row: int,
    first: int,
) -> tuple[float, float]:
    """What is missing at the nodes of up to `CHUNK` cells.

    Returns:
        The power of their currents at the output-line voltages [W], and their sum [A].
    """
    wire = splat(1.0 / lines.row_wire[row])
    power, carried = splat(0.0), splat(0.0)
    for place in range(0, min(CHUNK, state.shape[2] - first), LANES):
        col = first + place
        current = load_double(work, 0, CURRENT, place)
        here = load(line, 0, 0, col + 1)
        inflow = wire * (load(line, 0, 0, col) - here)
        inflow = inflow + wire * (load(line, 0, 0, col + 2) - here)
        store(system.planes, ROW_RESIDUAL, row, col, inflow - current)
        store(system.planes, RESIDUAL, row, col, _col_inflow(state, lines, row, col) + current)
        power = power + current * load(state, OUTPUT, row, col)
        carried = carried + current
    return total(power), total(carried)


class Linearisation(NamedTuple):
    """What an evaluation of all cells says besides slopes and residuals.

    Attributes:
        power: sum over cells of current times output-line voltage [W], the scale of the solution.
        dissipated: sum over cells of current times driver voltage [W].
        change: the largest relative change of a slope since the evaluation before.
    """

    power: float
    dissipated: float
    change: float


@njit(**KERNEL)
def linearise_rows(
    system: System,
    state: np.ndarray,
    lines: Lines,
    code: tuple[int, np.ndarray, np.ndarray],
    voltages: np.ndarray,
) -> Linearisation:
    """`linearise` in the precision of `code`."""
    work, shared = code[1], code[2]
    line = np.empty((1, 1, state.shape[2] + 2))
    power, dissipated, change = 0.0, 0.0, 0.0
    padding = state.shape[1] - len(voltages)
    for row in range(state.shape[1]):
        _drops(state, lines, row, line)
        shared[GATE] = lines.gate[row]
        for first in range(0, state.shape[2], CHUNK):
            source = 0.0
            if row >= padding:
                source = voltages[row - padding]
                moved = evaluate_row(system, state, code, row, first, source)
                change = max(change, moved)
                _remove_padding(system, work, lines, row, first)
            else:
                work[0, CURRENT] = 0
            from_lines, current = _residuals(system, state, lines, work, line, row, first)
            power += from_lines
            dissipated += source * current
    return Linearisation(power, dissipated, change)


@njit(**KERNEL)
def linearise(
    system: System,
    state: np.ndarray,
    lines: Lines,
    cell: CellCode,
    voltages: np.ndarray,
    single: bool,
) -> Linearisation:
    """Evaluate cells and residuals of one sample.

    Args:
        system: receives slopes and residuals.
        state: node voltages; middle nodes far from equilibrium are moved.
        lines: the wires.
        cell: the compiled cell.
        voltages: of the drivers, one per real row [V].
        single: whether cells are evaluated in single precision.
    """
    if single:
        code = (cell.single, cell.work_single, cell.shared_single)
        return linearise_rows(system, state, lines, code, voltages)
    return linearise_rows(system, state, lines, (cell.address, cell.work, cell.shared), voltages)
