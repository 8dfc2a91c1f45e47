"""The linear step: conjugate gradients over the output lines, preconditioned by the lines.

With the cells linearised, the corrections dr of the input lines and dc of the output lines obey

    (Tr + A) dr - B dc = fr          Tr, Tc: wires (tridiagonal along each line)
    (Tc + B) dc - A dr = fc          A, B:   slopes of the cells (diagonal)

The input lines are eliminated exactly (independent ladders), which leaves
S = Tc + B - A (Tr + A)^-1 B for the output lines, and conjugate gradients run on S with M = Tc + B
(ladders again) as the preconditioner. One iteration is one sweep along all rows and one along all
columns. A and B differ by a few percent when a gate steers the cell, so S is not quite symmetric;
conjugate gradients do not mind, and a system that they do not reduce is reported, not trusted.

The transposed system of the adjoint is the same with the two couplings exchanged.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.solver.arrays import (
    COL_CORRECTION,
    DIRECTION,
    IMAGE,
    OWN_IMAGE,
    RESIDUAL,
    ROW_CORRECTION,
    ROW_RESIDUAL,
    SOLVED,
    System,
)
from cosim.solver.ladder import (
    KERNEL,
    lanes_to_rows,
    plane_to_lanes,
    sweep_cols,
    sweep_rows,
)
from cosim.solver.simd import LANES, load, splat, store, total


MAX_ITERATIONS = 2000


@njit(**KERNEL)
def _scaled_direction(system: System, coupling: int, first: int, keep: float) -> None:
    """New direction of sixteen rows, times the coupling into the input lines, in `rows`."""
    planes = system.planes
    beta = splat(planes.dtype.type(keep))
    for line in range(LANES):
        row = first + line
        for col in range(0, planes.shape[2], LANES):
            ahead = load(planes, SOLVED, row, col) + beta * load(planes, DIRECTION, row, col)
            store(planes, DIRECTION, row, col, ahead)
            store(system.rows, 0, line, col, ahead * load(planes, coupling, row, col))


@njit(**KERNEL)
def _image(system: System, coupling: int, first: int, keep: float) -> float:
    """S times the direction for sixteen rows, and its product with the direction.

    M times the direction comes from its own recurrence: the stencil of the wires would subtract
    nearly equal voltages.
    """
    planes = system.planes
    beta = splat(planes.dtype.type(keep))
    product = beta - beta
    for line in range(LANES):
        row = first + line
        for col in range(0, planes.shape[2], LANES):
            own = load(planes, RESIDUAL, row, col) + beta * load(planes, OWN_IMAGE, row, col)
            store(planes, OWN_IMAGE, row, col, own)
            image = own - load(planes, coupling, row, col) * load(system.rows, 0, line, col)
            store(planes, IMAGE, row, col, image)
            product = product + image * load(planes, DIRECTION, row, col)
    return total(product)


@njit(**KERNEL)
def begin(system: System) -> float:
    """Start from a zero correction; returns the squared length of the residual."""
    planes = system.planes
    zero = splat(planes.dtype.type(0.0))
    for row in range(planes.shape[1]):
        for col in range(0, planes.shape[2], LANES):
            store(planes, COL_CORRECTION, row, col, zero)
            store(planes, DIRECTION, row, col, zero)
            store(planes, OWN_IMAGE, row, col, zero)
            store(planes, IMAGE, row, col, zero)
    return sweep_cols(system, 0.0)


@njit(**KERNEL)
def iterate(
    system: System, into_rows: int, into_cols: int, length: float, target: float
) -> tuple[float, int]:
    """Reduce the residual of the output lines until its squared length is below the target.

    Args:
        system: factored ladders, and a residual for which `begin` was called.
        into_rows: plane of the coupling of output-line voltages into input lines.
        into_cols: plane of the coupling of input-line voltages into output lines.
        length: squared length of the residual on entry.
        target: squared length to reach.

    Returns:
        The squared length reached, and the number of iterations; the length is NaN or above the
        target when the iteration broke down or ran out.
    """
    keep = 0.0
    count = 0
    while length > target and count < MAX_ITERATIONS:
        product = 0.0
        for first in range(0, system.planes.shape[1], LANES):
            _scaled_direction(system, into_rows, first, keep)
            plane_to_lanes(system.rows, 0, 0, system.lanes)
            sweep_rows(system, first)
            lanes_to_rows(system.lanes, system.rows)
            product += _image(system, into_cols, first, keep)
        if not product > 0.0:
            return np.nan, count
        following = sweep_cols(system, length / product)
        keep = following / length
        length = following
        count += 1
    return length, count


@njit(**KERNEL)
def complete(system: System, into_rows: int) -> None:
    """Finish the corrections: one free step of the preconditioner, then the input lines."""
    planes = system.planes
    for first in range(0, planes.shape[1], LANES):
        for line in range(LANES):
            row = first + line
            for col in range(0, planes.shape[2], LANES):
                moved = load(planes, COL_CORRECTION, row, col) + load(planes, SOLVED, row, col)
                store(planes, COL_CORRECTION, row, col, moved)
                current = load(planes, ROW_RESIDUAL, row, col)
                current = current + load(planes, into_rows, row, col) * moved
                store(system.rows, 0, line, col, current)
        plane_to_lanes(system.rows, 0, 0, system.lanes)
        sweep_rows(system, first)
        lanes_to_rows(system.lanes, system.rows)
        for line in range(LANES):
            for col in range(0, planes.shape[2], LANES):
                store(planes, ROW_CORRECTION, first + line, col, load(system.rows, 0, line, col))


@njit(**KERNEL)
def eliminate_rows(system: System, into_cols: int) -> None:
    """Move the input lines' residual onto the output lines: residual += A (Tr + A)^-1 fr."""
    planes = system.planes
    for first in range(0, planes.shape[1], LANES):
        plane_to_lanes(planes, ROW_RESIDUAL, first, system.lanes)
        sweep_rows(system, first)
        lanes_to_rows(system.lanes, system.rows)
        for line in range(LANES):
            row = first + line
            for col in range(0, planes.shape[2], LANES):
                moved = load(planes, RESIDUAL, row, col)
                moved = moved + load(planes, into_cols, row, col) * load(system.rows, 0, line, col)
                store(planes, RESIDUAL, row, col, moved)
