"""Programming 100 000 cells with IGVVA-10 by the compiled equations, and four of them in ngspice.

The eight levels of the HfO2 array, 12 500 cells each, from the high-resistance state; every pulse
of every cell is integrated. The same algorithm on four cells in ngspice says what one costs there;
what 100 000 would take is that figure scaled up, and marked as such.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from cosim.ngspice import WorkerProcess, ngspice_info
from cosim.programming import CellKind, Igvva, SpiceCells, VectorisedCells
from cosim.programming.published import ARRAY_CARDS, LEVELS


def run(quick: bool) -> dict[str, Any]:
    """Measure the case.

    Args:
        quick: 8 000 cells instead of 100 000; the figure is scaled up.
    """
    kind = CellKind.from_names(*ARRAY_CARDS)
    cells = 8_000 if quick else 100_000
    _vectorised(kind, 80)  # compiles
    seconds, pulses, worst = _vectorised(kind, cells)
    spice = _ngspice_seconds(kind)
    return {
        "case": "programming",
        "figures": {
            "seconds_100k_cells_igvva10": seconds * 100_000 / cells,
            "cells": cells,
            "mean_pulses": pulses,
            "largest_shortfall_us": worst,
        },
        "references": [
            {
                "name": "ngspice, one transient per pulse, four cells per deck",
                "version": str(ngspice_info().version),
                "seconds_100k_cells_igvva10_scaled": spice * 100_000,
            }
        ],
        "ratios": {"speed_vs_ngspice": spice * cells / seconds},
    }


def _vectorised(kind: CellKind, cells: int) -> tuple[float, float, float]:
    targets = np.repeat(LEVELS, cells // LEVELS.size)
    array = VectorisedCells(kind, targets.size, seed=1)
    begin = time.perf_counter()
    outcome = Igvva().run(array, targets)
    seconds = time.perf_counter() - begin
    shortfall = float((targets - outcome.verified).max())
    return seconds, float(outcome.pulses.mean()), 1e6 * max(shortfall, 0.0)


def _ngspice_seconds(kind: CellKind) -> float:
    """Seconds per cell."""
    targets = LEVELS[[0, 2, 4, 7]]
    worker = WorkerProcess()
    try:
        array = SpiceCells(kind, targets.size, seed=1, run=lambda s: worker.run(s, 60.0))
        array.conductance(array.start(8e-6))  # starts the worker
        begin = time.perf_counter()
        Igvva().run(array, targets)
        return (time.perf_counter() - begin) / targets.size
    finally:
        worker.close()
