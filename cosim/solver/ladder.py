"""Exact solution of every line of a tile, sixteen lines at a time.

A line is a ladder of wire segments with, at each node, an admittance y to a fixed voltage (the
cell's slope) and an injected current f. Seen from the open end inwards, the ladder collapses into
one admittance Y and one current J per node:

    Y_j = y_j + k_{j+1} Y_{j+1}      J_j = f_j + k_{j+1} J_{j+1}      k_j = 1 / (1 + r Y_j)

and from the driven end outwards the voltages follow: v_first = J / (g_end + Y), v_j = k_j (v_{j-1}
+ r J_j). This is the elimination of the line's tridiagonal matrix, written so that no two positive
numbers are ever subtracted: it keeps its accuracy even in single precision, where the ordinary form
loses a 5 uS cell against a 1 S wire.

Input lines are driven at column 0, output lines end at the last row.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.solver.arrays import (
    COL_CORRECTION,
    COL_LADDER,
    DIRECTION,
    END,
    IMAGE,
    RESIDUAL,
    SLOPE_COL,
    SLOPE_ROW,
    SOLVED,
    WIRE,
    System,
)
from cosim.solver.simd import LANES, load, splat, store, total, transpose_square


# Reassociation lets reductions use vector registers; NaN and infinity keep their meaning.
ENTRY = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
}
# Kernels that only other kernels call: ways in from elsewhere take a quarter of the compilation.
KERNEL = {**ENTRY, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# Kernels that are called in one place: each level of calls is optimised once more.
INLINED = {**KERNEL, "inline": "always"}


@njit(**KERNEL)
def plane_to_lanes(source: np.ndarray, plane: int, first: int, lanes: np.ndarray) -> None:
    """Sixteen rows of a plane, from `first` on, turned into `lanes[0]`, `[cols, LANES]`."""
    side = 32 // lanes.itemsize
    for line in range(0, LANES, side):
        for col in range(0, lanes.shape[1], side):
            transpose_square(source, plane, first + line, col, lanes, col, line)


@njit(**KERNEL)
def lanes_to_rows(lanes: np.ndarray, rows: np.ndarray) -> None:
    """`lanes[0]`, `[cols, LANES]`, turned back into `rows[0]`, `[LANES, cols]`."""
    side = 32 // lanes.itemsize
    for col in range(0, lanes.shape[1], side):
        for line in range(0, LANES, side):
            transpose_square(lanes, 0, col, line, rows, line, col)


@njit(**KERNEL)
def factor_rows(system: System) -> None:
    """Ladder factors of all input lines from the cells' slopes."""
    cols = system.planes.shape[2]
    ladder, lanes = system.ladder, system.lanes
    one = splat(ladder.dtype.type(1.0))
    for first in range(0, system.planes.shape[1], LANES):
        plane_to_lanes(system.planes, SLOPE_ROW, first, lanes)
        base = first // LANES * cols
        wire = load(system.row_lines, 0, WIRE, first)
        seen = load(lanes, 0, cols - 1, 0)
        for col in range(cols - 1, 0, -1):
            factor = one / (one + wire * seen)
            store(ladder, 0, base + col, 0, factor)
            seen = load(lanes, 0, col - 1, 0) + factor * seen
        store(ladder, 0, base, 0, one / (load(system.row_lines, 0, END, first) + seen))


@njit(**KERNEL)
def sweep_rows(system: System, first: int) -> None:
    """Solve sixteen input lines: the currents in `lanes` become voltages."""
    lanes, ladder = system.lanes, system.ladder
    cols = lanes.shape[1]
    base = first // LANES * cols
    wire = load(system.row_lines, 0, WIRE, first)
    current = load(lanes, 0, cols - 1, 0)
    for col in range(cols - 2, -1, -1):
        current = load(lanes, 0, col, 0) + load(ladder, 0, base + col + 1, 0) * current
        store(lanes, 0, col, 0, current)
    voltage = load(ladder, 0, base, 0) * current
    store(lanes, 0, 0, 0, voltage)
    for col in range(1, cols):
        factor = load(ladder, 0, base + col, 0)
        # The product with the previous voltage comes last: it is the only chain of dependence.
        voltage = factor * (wire * load(lanes, 0, col, 0)) + factor * voltage
        store(lanes, 0, col, 0, voltage)


@njit(**KERNEL)
def factor_cols(system: System) -> None:
    """Ladder factors of all output lines from the cells' slopes."""
    planes = system.planes
    last = planes.shape[1] - 1
    one = splat(planes.dtype.type(1.0))
    for col in range(0, planes.shape[2], LANES):
        wire = load(system.col_lines, 0, WIRE, col)
        seen = load(planes, SLOPE_COL, 0, col)
        for row in range(last):
            factor = one / (one + wire * seen)
            store(planes, COL_LADDER, row, col, factor)
            seen = load(planes, SLOPE_COL, row + 1, col) + factor * seen
        end = load(system.col_lines, 0, END, col)
        store(planes, COL_LADDER, last, col, one / (end + seen))


@njit(**KERNEL)
def sweep_cols(system: System, length: float) -> float:
    """Move along the search direction by `length`, then solve all output lines.

    The update rides on the first sweep, so that each array passes through the cache once.

    Returns:
        The inner product of `RESIDUAL` and `SOLVED`: the squared length of the error in the
        preconditioner's norm.
    """
    planes = system.planes
    last = planes.shape[1] - 1
    step = splat(planes.dtype.type(length))
    product = 0.0
    for col in range(0, planes.shape[2], LANES):
        current = step - step
        factor = current
        for row in range(last + 1):
            missing = load(planes, RESIDUAL, row, col) - step * load(planes, IMAGE, row, col)
            store(planes, RESIDUAL, row, col, missing)
            moved = load(planes, COL_CORRECTION, row, col)
            moved = moved + step * load(planes, DIRECTION, row, col)
            store(planes, COL_CORRECTION, row, col, moved)
            current = missing + factor * current
            store(planes, SOLVED, row, col, current)
            factor = load(planes, COL_LADDER, row, col)
        wire = load(system.col_lines, 0, WIRE, col)
        voltage = factor * current
        store(planes, SOLVED, last, col, voltage)
        products = voltage * load(planes, RESIDUAL, last, col)
        for row in range(last - 1, -1, -1):
            factor = load(planes, COL_LADDER, row, col)
            voltage = factor * (wire * load(planes, SOLVED, row, col)) + factor * voltage
            store(planes, SOLVED, row, col, voltage)
            products = products + voltage * load(planes, RESIDUAL, row, col)
        product += total(products)
    return product
