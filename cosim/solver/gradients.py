"""Gradients of a loss of the output currents, for a batch that has been solved."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

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
from cosim.solver.solve import Batch, TileSolver


# Relative reduction of the transposed residual, in the energy norm.
DOUBLE_REDUCTION, SINGLE_REDUCTION = 1e-11, 1e-6


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
    samples = len(batch.matrix)
    rows, cols = solver.circuit.rows, solver.circuit.cols
    reduction = SINGLE_REDUCTION if solver.accuracy.single else DOUBLE_REDUCTION
    in_voltages = np.zeros((samples, rows))
    in_parameters = np.zeros_like(batch.parameters)
    in_lines = np.zeros((LINE_ROWS, max(rows, cols)))
    weights = np.zeros((samples if cells else 0, 2, rows, cols))
    lock = Lock()

    def work(first: int, last: int) -> None:
        window = slice(first, last)
        low, high = batch.matrix[window].min(), batch.matrix[window].max() + 1
        job = AdjointJob(
            batch.parameters[low:high],
            batch.matrix[window] - low,
            batch.inputs[window],
            fields[window],
            seeds[window],
            in_voltages[window],
            np.zeros((high - low, rows, cols)),
            np.zeros_like(in_lines),
            weights[window],
            np.zeros(last - first),
        )
        with solver.workspace() as space:
            adjoint_loop()(space.system, space.state, solver.lines, space.cell, reduction, job)
        in_voltages[window][job.solved == 0.0] = np.nan
        failed = np.nan if (job.solved == 0.0).any() else 0.0
        with lock:
            in_parameters[low:high] += job.in_parameters + failed
            in_lines[:] += job.in_lines + failed

    solver.in_pieces(samples, work)
    return Gradients(
        inputs=in_voltages,
        parameters=in_parameters,
        row_wire=in_lines[ROW_WIRE, :rows],
        row_end=in_lines[ROW_END, :rows],
        col_wire=in_lines[COL_WIRE, :cols],
        col_end=in_lines[COL_END, :cols],
        gate_voltage=in_lines[GATE_VOLTAGE, :rows],
        cells=weights if cells else None,
    )
