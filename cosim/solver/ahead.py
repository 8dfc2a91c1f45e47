"""Compile the solver's loops ahead of their first use, all cores at once.

    python -m cosim.solver.ahead

Machine code is made when a loop is first used, and kept; this makes all of it before, for instance
when the package is installed. What a kind of cell needs of its own takes some seconds at its first
use in any case.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from cosim.solver.gradients import gradients
from cosim.solver.solve import EXACT, FAST, PREDICTED, Accuracy, TileSolver
from netlists.specs import TileSpec


# Accuracy, number of inputs, and whether gradients are taken: together they use every loop.
USES: tuple[tuple[Accuracy, int, bool], ...] = (
    (Accuracy(FAST.tolerance, single=False), 1, False),
    (FAST, PREDICTED, False),
    (EXACT, 1, True),
    (FAST, 1, True),
)


def use(accuracy: Accuracy, samples: int, backward: bool) -> None:
    """Solve a small tile of ideal resistors."""
    cell = {"topology": "1R", "device": "resistor"}
    spec = TileSpec.from_dict(
        {
            "name": "ahead",
            "rows": 2,
            "cols": 2,
            "cell": {**cell, "conductance_min": 1e-6, "conductance_max": 1e-4},
            "wires": {"input_line_resistance": 1.0, "output_line_resistance": 1.0},
            "drivers": {"read_voltage": 0.2},
        }
    )
    solver = TileSolver(spec, accuracy, threads=1)
    batch = solver.batch(np.full((samples, 2), 0.2), np.full((2, 2), 1e-5))
    solution = solver.solve_batch(batch, fields=True)
    if backward and solution.fields is not None:
        gradients(solver, batch, solution.fields, np.ones_like(solution.currents))


def main() -> None:
    """Make all machine code that is not there yet."""
    cores = min(len(USES), os.cpu_count() or 1)
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        for made in [pool.submit(use, *what) for what in USES]:
            made.result()


if __name__ == "__main__":
    main()
