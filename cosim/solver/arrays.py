"""The arrays that compiled kernels work in: one set per thread, allocated once, reused per sample.

Every quantity of a tile is a plane `[row, col]` of a three-dimensional array, padded to whole
vectors of `LANES`. Padding is exact circuitry, not an approximation: padded columns are a stub of
wire without cells at the open end of each input line, so they come last; padded rows are input
lines without cells at the open end of each output line, so they come first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.solver.simd import LANES


ALIGNMENT = 64

# Planes of the state, double precision. Voltage of each input-line node minus that of its driver
# [V]; of each output-line node [V]; inside each cell, between device and transistor [V]; the device
# parameter that carries the conductance; the part of a cell's voltage that falls, at small signals,
# between its middle node and the output line.
DROP, OUTPUT, INSIDE, PARAMETER, SHARE = range(5)
STATE_PLANES = 5

# Planes of the linear system, working precision. Current of a cell per volt of its input-line node,
# and, sign reversed, of its output-line node [S]; change of the middle node per volt of either, and
# at fixed line voltages [V].
SLOPE_ROW, SLOPE_COL, INSIDE_ROW, INSIDE_COL, INSIDE_STEP = range(5)
# Current missing at each input-line and output-line node [A].
ROW_RESIDUAL, RESIDUAL = 5, 6
# Ladder factors of the output lines; corrections of both kinds of node [V].
COL_LADDER, ROW_CORRECTION, COL_CORRECTION = 7, 8, 9
# Conjugate gradients: residual after one sweep along the output lines [V], search direction [V],
# preconditioner times direction [A], system matrix times direction [A].
SOLVED, DIRECTION, OWN_IMAGE, IMAGE = 10, 11, 12, 13
SYSTEM_PLANES = 14


class Lines(NamedTuple):
    """The wires of a tile, padded, in double precision.

    Attributes:
        row_wire: resistance of a segment of each input line [ohm], `[rows]`.
        row_end: conductance between each driver and its first cell [S]; 0 is a floating line.
        col_wire: conductance of a segment of each output line [S], `[1, 1, cols]`.
        col_end: conductance between each last cell and its sensor [S], `[1, 1, cols]`.
        gate: gate voltage of each row's access transistors [V].
        cols: number of real columns.
    """

    row_wire: np.ndarray
    row_end: np.ndarray
    col_wire: np.ndarray
    col_end: np.ndarray
    gate: np.ndarray
    cols: int


class System(NamedTuple):
    """One linearised system and the vectors of its iteration, in working precision.

    Attributes:
        planes: `[SYSTEM_PLANES, rows, cols]`.
        ladder: factors of the input lines, sixteen lines together, `[1, blocks * cols, LANES]`.
        rows: sixteen input lines, row by row, `[1, LANES, cols]`.
        lanes: the same, column by column, `[1, cols, LANES]`.
        row_lines: segment resistance and driver conductance of the input lines, `[1, 2, rows]`.
        col_lines: segment resistance and sensor conductance of the output lines, `[1, 2, cols]`.
    """

    planes: np.ndarray
    ladder: np.ndarray
    rows: np.ndarray
    lanes: np.ndarray
    row_lines: np.ndarray
    col_lines: np.ndarray


WIRE, END = 0, 1


def padded(length: int) -> int:
    """The next multiple of a vector."""
    return -(-length // LANES) * LANES


def aligned_zeros(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Zeros that start on a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


def new_state(rows: int, cols: int) -> np.ndarray:
    """Zeros for the state of one sample, `[STATE_PLANES, rows, cols]`."""
    return aligned_zeros((STATE_PLANES, padded(rows), padded(cols)), np.float64)


def new_system(lines: Lines, dtype: type) -> System:
    """Zeros for the linearised system of a tile."""
    rows, cols = len(lines.row_wire), lines.col_wire.shape[-1]
    row_lines = aligned_zeros((1, 2, rows), dtype)
    row_lines[0, WIRE], row_lines[0, END] = lines.row_wire, lines.row_end
    col_lines = aligned_zeros((1, 2, cols), dtype)
    col_lines[0, WIRE], col_lines[0, END] = 1.0 / lines.col_wire[0, 0], lines.col_end[0, 0]
    return System(
        planes=aligned_zeros((SYSTEM_PLANES, rows, cols), dtype),
        ladder=aligned_zeros((1, rows // LANES * cols, LANES), dtype),
        rows=aligned_zeros((1, LANES, cols), dtype),
        lanes=aligned_zeros((1, cols, LANES), dtype),
        row_lines=row_lines,
        col_lines=col_lines,
    )
