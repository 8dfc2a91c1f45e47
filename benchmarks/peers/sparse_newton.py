"""Newton's method with a sparse direct solver on every node of a tile, as a general simulator does.

The unknowns are the nodes of the input lines, of the output lines and inside the cells. Cells come
from the same compiled models as the solver's; matrix, start and iteration have nothing in common.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from cosim.solver.cell_source import Part
from cosim.solver.solve import TileSolver
from cosim.solver.table import Table


MOST_STEPS = 60
# Longest correction [V].
MOST_VOLTS = 0.1


class SparseNewton:
    """The reference solution of one conductance matrix of a tile."""

    def __init__(self, solver: TileSolver, conductances: np.ndarray) -> None:
        """Stamp the wires once."""
        self.circuit = solver.circuit
        self.device, *others = solver.cell.elements
        self.access = others[0] if others else None
        self.parameters = solver.cell.parameters(conductances).ravel()
        self.wires = self._stamped()

    def _stamped(self) -> sp.csc_matrix:
        circuit = self.circuit
        rows, cols = circuit.rows, circuit.cols
        row_nodes = np.arange(rows * cols).reshape(rows, cols)
        col_nodes = row_nodes + rows * cols
        along_rows = np.repeat(1 / circuit.row_wire[:, None], cols - 1, axis=1)
        along_cols = np.repeat(1 / circuit.col_wire[None], rows - 1, axis=0)
        entries = [
            *_segments(row_nodes[:, :-1], row_nodes[:, 1:], along_rows),
            *_segments(col_nodes[:-1], col_nodes[1:], along_cols),
            (row_nodes[:, 0], row_nodes[:, 0], 1 / circuit.row_end),
            (col_nodes[-1], col_nodes[-1], 1 / circuit.col_end),
        ]
        return self._assembled(entries)

    def _assembled(self, entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> sp.csc_matrix:
        row, col, value = (
            np.concatenate([part.ravel() for part in parts]) for parts in zip(*entries, strict=True)
        )
        size = 3 * len(self.parameters)
        return sp.csc_matrix((value, (row, col)), shape=(size, size))

    def solve(self, voltages: np.ndarray, tolerance: float = 1e-13) -> tuple[np.ndarray, int]:
        """Output currents [A] of one input vector, and the number of steps.

        Raises:
            ArithmeticError: the iteration did not converge.
        """
        count, cols = len(self.parameters), self.circuit.cols
        drive = np.repeat(voltages, cols)
        x = np.concatenate([np.zeros(2 * count), 0.9 * drive])
        last, moved = np.full(cols, np.inf), np.inf
        for step in range(1, MOST_STEPS + 1):
            F, cells = self._cells(drive + x[:count], x[count : 2 * count], x[2 * count :])
            correction = splu(self.wires + cells).solve(self.wires @ x + F)
            x -= correction * min(1.0, MOST_VOLTS / np.abs(correction).max(initial=1e-300))
            currents = x[2 * count - cols : 2 * count] / self.circuit.col_end
            change = np.abs(currents - last).max() / np.abs(currents).max()
            if change <= tolerance or (change <= 1e-10 and change >= moved):
                return currents, step
            last, moved = currents, change
        raise ArithmeticError(f"sparse Newton did not converge in {MOST_STEPS} steps")

    def _cells(
        self, near: np.ndarray, far: np.ndarray, inside: np.ndarray
    ) -> tuple[np.ndarray, sp.csc_matrix]:
        """Currents out of all nodes into the cells, and their slopes."""
        count = len(near)
        device, access = self.device, self.access
        r = np.arange(count)
        c, m = r + count, r + 2 * count
        at = {device.near: near, device.far: far if access is None else inside}
        into, g_near, g_inside = _element(device, {**at, device.varying or "": self.parameters})
        if access is None:
            g_far = g_inside
            slopes = [(r, r, g_near), (r, c, g_far), (c, r, -g_near), (c, c, -g_far)]
            matrix = self._assembled([*slopes, (m, m, np.ones(count))])
            return np.concatenate([into, -into, inside]), matrix
        gate = np.repeat(self.circuit.gate_voltage, self.circuit.cols)
        ends = {"d": inside, "g": gate, "s": far, "b": np.zeros(count)}
        out, g_drain, g_source = _element(access, ends)
        matrix = self._assembled(
            [
                (r, r, g_near), (r, m, g_inside),
                (c, c, -g_source), (c, m, -g_drain),
                (m, r, -g_near), (m, m, g_drain - g_inside), (m, c, g_source),
            ]
        )  # fmt: skip
        return np.concatenate([into, -out, out - into]), matrix


def _segments(
    first: np.ndarray, second: np.ndarray, conductance: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return [
        (first, first, conductance),
        (second, second, conductance),
        (first, second, -conductance),
        (second, first, -conductance),
    ]


def _element(part: Part, at: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Current into an element's near terminal and its slopes in both terminals."""
    if isinstance(part, Table):
        current, near, far, _ = part.evaluate(at[part.near], at[part.far])
        return current, near, far
    kernel = part.kernel
    x = np.stack([at[name] for name in kernel.unknowns], axis=1)
    entries = kernel.evaluate(x, [part.values[name] for name in kernel.parameters])
    row = kernel.residuals.index(part.near)
    slopes = kernel.jacobians(entries)[0][:, row]
    near, far = (slopes[:, kernel.unknowns.index(name)] for name in (part.near, part.far))
    return entries[:, row], near, far
