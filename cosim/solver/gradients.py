"""Gradients of a loss of the output currents, for a batch that has been solved."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Self

import numpy as np
from jaxtyping import Float

from cosim.solver.adjoint import (
    COL_END,
    COL_WIRE,
    GATE_VOLTAGE,
    LINE_ROWS,
    ROW_END,
    ROW_WIRE,
    AdjointJob,
    adjoint_loop,
)
from cosim.solver.arrays import padded
from cosim.solver.cell_call import CompanionCode
from cosim.solver.circuit import Circuit
from cosim.solver.generated import patience
from cosim.solver.solve import Batch, TileSolver


# Relative reduction of the transposed residual, in the energy norm; it is not refined, so that a
# solver of a tolerance below `LOOSE` computes it in double precision.
EXACT_REDUCTION, FAST_REDUCTION = 1e-10, 1e-6
LOOSE = 1e-8


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradient of a loss in everything that the circuit is made of.

    Attributes:
        inputs: in the drivers' voltages, `[samples, rows]` [1/V].
        parameters: in the device parameters, `[matrices, rows, cols]`, summed over samples.
        row_wire: in the segments of each input line [1/ohm].
        row_end: in the end resistance of each input line [1/ohm].
        col_wire: in the segments of each output line [1/ohm].
        col_end: in the end resistance of each output line [1/ohm].
        gate_voltage: in the gate voltage of each row [1/V].
        cells: weights of the currents of device and access element in each cell, for parameters
            that cells share, `[samples, 2, rows, cols]`; `None` unless they were asked for.
    """

    inputs: Float[np.ndarray, "samples rows"]
    parameters: Float[np.ndarray, "matrices rows cols"]
    row_wire: np.ndarray
    row_end: np.ndarray
    col_wire: np.ndarray
    col_end: np.ndarray
    gate_voltage: np.ndarray
    cells: Float[np.ndarray, "samples 2 rows cols"] | None


def gradients(
    solver: TileSolver,
    batch: Batch,
    fields: Float[np.ndarray, "samples 3 rows cols"],
    seeds: Float[np.ndarray, "samples cols"],
    *,
    cells: bool = False,
) -> Gradients:
    """Propagate the gradient in the currents back to everything else.

    Args:
        solver: the solver of the batch.
        batch: what was solved.
        fields: the node voltages of the solution.
        seeds: gradient of the loss in the output currents.
        cells: whether to keep the weights of each cell's currents.

    Returns:
        The gradients; NaN for samples whose transposed system has no solution.
    """
    totals = _Totals.zeros(solver, batch, cells=cells)
    lock = Lock()

    def work(first: int, last: int) -> None:
        job = totals.piece(batch, fields, seeds, first, last)
        if solver.accuracy.single and solver.accuracy.tolerance >= LOOSE:
            _solve(solver, job, np.float32)
        if not job.solved.all():
            _solve(solver, job, np.float64)
        with lock:
            totals.add(job, batch.matrix[first])

    solver.in_pieces(len(batch.matrix), work)
    return totals.result(solver.circuit)


def _solve(solver: TileSolver, job: AdjointJob, dtype: type) -> None:
    """Solve the transposed systems of those samples of a job that are not solved yet."""
    loop, single = adjoint_loop(), dtype == np.float32
    companion = solver.cell.companion(single=single)
    reduction = FAST_REDUCTION if single else EXACT_REDUCTION
    with solver.workspace(dtype) as space, patience("compiling the solver's adjoint", loop):
        cell = space.cell
        code = (cell.work_single, cell.shared_single) if single else (cell.work, cell.shared)
        loop(
            space.system,
            space.state,
            solver.lines,
            CompanionCode(int(companion.address), *code),
            reduction,
            job,
        )


@dataclass(frozen=True, eq=False)
class _Totals:
    """Gradients of a batch while its pieces come in."""

    in_voltages: np.ndarray
    in_parameters: np.ndarray
    in_lines: np.ndarray
    cells: np.ndarray

    @classmethod
    def zeros(cls, solver: TileSolver, batch: Batch, *, cells: bool) -> Self:
        """Nothing added yet."""
        samples, rows, cols = len(batch.matrix), solver.circuit.rows, solver.circuit.cols
        return cls(
            np.zeros((samples, rows)),
            np.zeros((len(batch.parameters), padded(rows), padded(cols))),
            np.zeros((1, LINE_ROWS, padded(max(rows, cols)))),
            np.zeros((samples if cells else 0, 2, rows, cols)),
        )

    def piece(
        self, batch: Batch, fields: np.ndarray, seeds: np.ndarray, first: int, last: int
    ) -> AdjointJob:
        """The job of some samples; what it sums up is its own, the rest are views."""
        window = slice(first, last)
        matrices = slice(int(batch.matrix[first]), int(batch.matrix[last - 1]) + 1)
        return AdjointJob(
            batch.parameters[matrices],
            batch.matrix[window] - batch.matrix[first],
            batch.inputs[window],
            fields[window],
            seeds[window],
            self.in_voltages[window],
            np.zeros_like(self.in_parameters[matrices]),
            np.zeros_like(self.in_lines),
            self.cells[window],
            np.zeros(last - first),
        )

    def add(self, job: AdjointJob, first_matrix: int) -> None:
        """Take in a finished piece; samples without a solution leave NaN."""
        failed = job.solved == 0.0
        job.in_voltages[failed] = np.nan
        spoilt = np.nan if failed.any() else 0.0
        self.in_parameters[first_matrix : first_matrix + len(job.parameters)] += (
            job.in_parameters + spoilt
        )
        self.in_lines[:] += job.in_lines + spoilt

    def result(self, circuit: Circuit) -> Gradients:
        """The sums by name."""
        rows, cols = circuit.rows, circuit.cols
        of_rows = slice(padded(rows) - rows, padded(rows))
        return Gradients(
            inputs=self.in_voltages,
            parameters=self.in_parameters[:, of_rows, :cols],
            row_wire=self.in_lines[0, ROW_WIRE, of_rows],
            row_end=self.in_lines[0, ROW_END, of_rows],
            col_wire=self.in_lines[0, COL_WIRE, :cols],
            col_end=self.in_lines[0, COL_END, :cols],
            gate_voltage=self.in_lines[0, GATE_VOLTAGE, of_rows],
            cells=self.cells if len(self.cells) else None,
        )
