"""The compiled loop over samples, the one entry point of the forward solution.

Samples that share a conductance matrix follow each other, so that what depends on the matrix alone
is loaded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit

from cosim.solver.arrays import OUTPUT, PARAMETER, Lines, System
from cosim.solver.cell_call import CellCode
from cosim.solver.generated import LOOP_MODULES, digest_of
from cosim.solver.ladder import ENTRY, KERNEL
from cosim.solver.matrix import load_matrix
from cosim.solver.newton import Outcome, Settings, newton, start
from cosim.solver.predictor import predict


# Columns of the report of each sample.
CONVERGED, STEPS, SWEEPS, ERROR = range(4)
REPORT_COLUMNS = 4


class Job(NamedTuple):
    """What to solve and where the answers go.

    Attributes:
        parameters: device parameters of each conductance matrix, `[matrices, rows, cols]`.
        matrix: which of them each sample uses, `[samples]`.
        voltages: of the drivers [V], `[samples, rows]`.
        currents: receives the output currents [A], `[samples, cols]`.
        report: receives how each sample ended, `[samples, REPORT_COLUMNS]`.
        fields: receives drop, output and inside voltages [V] of each sample,
            `[samples, 3, rows, cols]`; not written when it holds no samples.
        resume: start from the state that the workspace holds.
        polynomials: for the starts of samples, `[matrices, POLYNOMIAL_PLANES, rows, cols]`, padded;
            without matrices, samples start from unloaded lines.
        curvature: of each matrix, how good its starts are; 0 for one without.
    """

    parameters: np.ndarray
    matrix: np.ndarray
    voltages: np.ndarray
    currents: np.ndarray
    report: np.ndarray
    fields: np.ndarray
    resume: bool
    polynomials: np.ndarray
    curvature: np.ndarray


@njit(**KERNEL)
def report(state: np.ndarray, lines: Lines, job: Job, sample: int, outcome: Outcome) -> None:
    """Write a sample's currents, and how it ended; what is not a number is not a result."""
    rows, cols = job.parameters.shape[1:]
    padding = state.shape[1] - rows
    good = outcome.converged
    for col in range(cols):
        current = lines.col_end[0, 0, col] * state[OUTPUT, state.shape[1] - 1, col]
        job.currents[sample, col] = current
        good = good and math.isfinite(current)
    if not good:
        for col in range(cols):
            job.currents[sample, col] = np.nan
    job.report[sample, CONVERGED] = 1.0 if good else 0.0
    job.report[sample, STEPS] = outcome.steps
    job.report[sample, SWEEPS] = outcome.sweeps
    job.report[sample, ERROR] = outcome.error
    if len(job.fields) > 0:
        for plane in range(PARAMETER):
            for row in range(rows):
                for col in range(cols):
                    job.fields[sample, plane, row, col] = state[plane, padding + row, col]


@cache
def sample_loop() -> Callable[..., None]:
    """The compiled loop; its machine code is kept on disk for these sources of the solver."""
    digest = digest_of(*LOOP_MODULES)

    @njit(cache=True, **ENTRY)
    def solve_samples(
        system: System,
        state: np.ndarray,
        lines: Lines,
        cell: CellCode,
        settings: Settings,
        job: Job,
    ) -> None:
        """Solve every sample of a job."""
        if len(digest) == 0:  # Ties the kept machine code to the sources.
            return
        last = -1
        for sample in range(len(job.matrix)):
            curvature = job.curvature[job.matrix[sample]] if len(job.curvature) > 0 else 0.0
            if not job.resume:
                if job.matrix[sample] != last:
                    last = job.matrix[sample]
                    load_matrix(system, state, lines, cell, job.parameters[last])
                if curvature > 0.0:
                    predict(system, state, job.polynomials[last], job.voltages[sample])
                else:
                    start(state, job.voltages[sample])
            chosen = settings
            while True:
                outcome = newton(
                    system, state, lines, cell, job.voltages[sample], chosen, curvature
                )
                if outcome.converged or job.resume or chosen.tolerance_of_singles == 0.0:
                    break
                # Numbers of a model may exceed single precision.
                start(state, job.voltages[sample])
                chosen, curvature = Settings(settings.tolerance, settings.reduction, 0.0), 0.0
            report(state, lines, job, sample, outcome)

    return solve_samples
