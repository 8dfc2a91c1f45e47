"""Newton's method for one sample, with the linear step of `cosim.solver.krylov`.

The length e of each correction, relative to the solution, is measured in the energy norm of the
output lines. What is left after it is second order: the change of the cells' slopes times the
correction. The largest relative change m of any slope at the last step was caused by the correction
before, of length e'; the next one scales with e / e', so that

    left after this step  =  factor * m * (e / e') * e

where the factor was at most 1.3 over the hard circuits. The linear step is solved only as far as
that deserves, and the iteration ends when it is below the tolerance. Early steps evaluate the cells
in single precision; a result is accepted only after an evaluation in double precision.
"""

from __future__ import annotations

import math
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
    ROW_CORRECTION,
    SHARE,
    SLOPE_COL,
    SLOPE_ROW,
    Lines,
    System,
)
from cosim.solver.cell_call import CellCode
from cosim.solver.evaluate import linearise
from cosim.solver.krylov import begin, complete, eliminate_rows, iterate
from cosim.solver.ladder import KERNEL, factor_cols, factor_rows
from cosim.solver.simd import LANES, load, load_double, splat, store


# Three times the worst factor that was met over hard circuits.
SAFETY = 4.0
FIRST_REDUCTION = 1e-3
# Below this part of the power lost in the lines, the second step may well be the last one.
EASY = 0.02
# Above this tolerance, one step from a predicted start may well be enough.
ONE_STEP = 1e-8
MAX_STEPS = 40
# A correction that has grown by this much over the smallest one is running away.
RUNAWAY = 1e3
# Where corrections stop shrinking because of rounding; larger ones are a failure.
ROUNDING = 1e-9
# Squared length below which there is nothing to solve: no input, no current [W].
NOTHING = 1e-50
# Squared length of corrections that are rounding of the cells' own currents: 1e-18 A in an ohm [W].
NOISE = 1e-36


class Settings(NamedTuple):
    """When to stop.

    Attributes:
        tolerance: largest predicted error of the solution, relative, in the energy norm.
        reduction: the most that one linear step in working precision reduces its residual by.
        tolerance_of_singles: steps that are expected to leave more than this evaluate cells in
            single precision; 0 for none.
    """

    tolerance: float
    reduction: float
    tolerance_of_singles: float


class Outcome(NamedTuple):
    """How one sample ended.

    Attributes:
        converged: whether the result can be used.
        steps: Newton steps.
        sweeps: iterations of the linear steps, all together.
        error: relative length of the last correction.
    """

    converged: bool
    steps: int
    sweeps: int
    error: float


@njit(**KERNEL)
def start(state: np.ndarray, voltages: np.ndarray) -> None:
    """Unloaded lines: input lines at their drivers' voltages, output lines at 0 V."""
    zero = splat(0.0)
    first = state.shape[1] - len(voltages)
    for row in range(state.shape[1]):
        voltage = splat(voltages[row - first] if row >= first else 0.0)
        for col in range(0, state.shape[2], LANES):
            store(state, DROP, row, col, zero)
            store(state, OUTPUT, row, col, zero)
            store(state, INSIDE, row, col, voltage * load(state, SHARE, row, col))


@njit(**KERNEL)
def advance(state: np.ndarray, system: System) -> None:
    """Add the corrections to the state."""
    planes = system.planes
    for row in range(state.shape[1]):
        for col in range(0, state.shape[2], LANES):
            in_row = load_double(planes, ROW_CORRECTION, row, col)
            in_col = load_double(planes, COL_CORRECTION, row, col)
            inside = load(state, INSIDE, row, col) + load_double(planes, INSIDE_STEP, row, col)
            inside = inside + load_double(planes, INSIDE_ROW, row, col) * in_row
            inside = inside + load_double(planes, INSIDE_COL, row, col) * in_col
            store(state, INSIDE, row, col, inside)
            store(state, DROP, row, col, load(state, DROP, row, col) + in_row)
            store(state, OUTPUT, row, col, load(state, OUTPUT, row, col) + in_col)


@njit(**KERNEL)
def _reduction(error: float, predicted: float, settings: Settings) -> float:
    """How far the linear step is solved, relative to the solution."""
    if predicted < settings.tolerance:
        goal = 0.1 * settings.tolerance
    else:
        goal = max(0.1 * settings.tolerance, 0.1 * min(predicted, error))
    return max(min(goal, FIRST_REDUCTION), settings.reduction * error)


@njit(**KERNEL)
def _left(change: float, error: float, previous: float) -> float:
    """Bound on the relative error after this step."""
    return SAFETY * min(change, 1.0) * error * min(error / previous, 1.0)


@njit(**KERNEL)
def _next_in_single(
    known: bool, error: float, left: float, lost: float, settings: Settings
) -> bool:
    """Whether the step after this one can evaluate cells in single precision.

    It cannot when it may be the last one: what is returned was checked in double precision.

    Args:
        known: whether the bound means anything yet.
        error: relative length of this step's correction.
        left: bound on the error after it.
        lost: part of the power that is lost in the output lines.
        settings: when to stop.
    """
    if settings.tolerance_of_singles == 0.0:
        return False
    if not known:
        return lost > EASY or settings.tolerance < settings.tolerance_of_singles
    return left * (left / error) > settings.tolerance and left > settings.tolerance_of_singles


@njit(**KERNEL)
def newton(
    system: System,
    state: np.ndarray,
    lines: Lines,
    cell: CellCode,
    voltages: np.ndarray,
    settings: Settings,
    curvature: float,
) -> Outcome:
    """Solve one sample from the state that is given.

    Args:
        system: scratch.
        state: start on entry, solution on return.
        lines: the wires, padded.
        cell: the compiled cell.
        voltages: of the drivers, one per real row [V].
        settings: when to stop.
        curvature: error after a first step relative to the square of its correction, if the state
            comes from a predictor; 0 if it does not.
    """
    scale, lost, previous, smallest, sweeps = 0.0, 0.0, 1.0, 1.0, 0
    enough = curvature > 0.0 and settings.tolerance > ONE_STEP
    single = settings.tolerance_of_singles > 0.0 and not enough
    for step in range(MAX_STEPS):
        known = curvature > 0.0 or step > 0
        found = linearise(system, state, lines, cell, voltages, single)
        factor_rows(system)
        factor_cols(system)
        eliminate_rows(system, SLOPE_ROW)
        length = begin(system)
        if not length >= 0.0:
            return Outcome(False, step, sweeps, np.nan)
        if step == 0:
            scale = max(length, found.power)
            if scale <= NOTHING:
                return Outcome(True, 0, 0, 0.0)
            lost = scale / found.dissipated
        error = math.sqrt(length / scale)
        if not error <= RUNAWAY * smallest:
            return Outcome(False, step, sweeps, error)
        smallest = min(smallest, error)
        left = SAFETY * curvature * error * error
        if step > 0:
            left = _left(found.change, error, previous)
        elif not known:
            left = 1.0
        target = _reduction(error, left, settings) ** 2 * scale
        reached, count = iterate(system, SLOPE_COL, SLOPE_ROW, length, target)
        sweeps += count
        if not reached <= max(0.25 * length, target):
            return Outcome(False, step, sweeps, error)
        complete(system, SLOPE_COL)
        advance(state, system)
        left = max(left, math.sqrt(reached / scale))
        stalled = step > 1 and error < ROUNDING and error > 0.3 * previous
        noise = known and length < NOISE
        if not single and (left < settings.tolerance or stalled or noise):
            return Outcome(True, step + 1, sweeps, error)
        single = _next_in_single(known, error, left, lost, settings)
        previous = error
    return Outcome(False, MAX_STEPS, sweeps, previous)
