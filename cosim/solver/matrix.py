"""Take over a conductance matrix: what depends on it alone is loaded once for all its samples."""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.solver.arrays import INSIDE_ROW, PARAMETER, SHARE, Lines, System
from cosim.solver.cell_call import CellCode
from cosim.solver.evaluate import linearise_rows
from cosim.solver.ladder import KERNEL
from cosim.solver.newton import start


@njit(**KERNEL)
def fill_parameters(state: np.ndarray, parameters: np.ndarray) -> None:
    """Take over a matrix of device parameters.

    Padded cells are evaluated and ignored; they need a value that is allowed.
    """
    rows, cols = parameters.shape
    padding = state.shape[1] - rows
    for row in range(state.shape[1]):
        for col in range(state.shape[2]):
            real = row >= padding and col < cols
            state[PARAMETER, row, col] = (
                parameters[row - padding, col] if real else parameters[0, 0]
            )


@njit(**KERNEL)
def load_matrix(
    system: System, state: np.ndarray, lines: Lines, cell: CellCode, parameters: np.ndarray
) -> None:
    """Take over a matrix of device parameters, and how small signals divide inside its cells."""
    rows, cols = parameters.shape
    padding = state.shape[1] - rows
    fill_parameters(state, parameters)
    for row in range(state.shape[1]):
        for col in range(state.shape[2]):
            state[SHARE, row, col] = 0.0
    at_rest = np.zeros(rows)
    start(state, at_rest)
    linearise_rows(system, state, lines, (cell.address, cell.work, cell.shared), at_rest)
    for row in range(padding, state.shape[1]):
        for col in range(cols):
            state[SHARE, row, col] = system.planes[INSIDE_ROW, row, col]
