"""The tile solver against ngspice and against sparse Newton, over sizes, wires, cells and voltages.

Errors are relative to the largest current of each circuit.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from benchmarks.peers.sparse_newton import SparseNewton
from cosim.engine import NgspiceEngine
from cosim.ngspice import Workers, ngspice_info
from cosim.solver.solve import EXACT, FAST, TileSolver
from netlists.specs import TileSpec


TILE = Path(__file__).resolve().parents[1] / "examples" / "tile_32x32.toml"
LOWEST, HIGHEST_OF_CARD = 5e-6, 500e-6
SAMPLES = 2


def run(quick: bool) -> dict[str, Any]:
    """Solve the grid; the quick one has the ends of every range."""
    sizes = (8, 32) if quick else (16, 32, 64, 128)
    wires = (0.1, 20.0) if quick else (0.1, 1.0, 5.0, 20.0)
    volts = (0.05, 0.5) if quick else (0.05, 0.2, 0.5)
    simulated = (8, 16) if quick else (16, 32)
    grid = list(product(sizes, wires, (150e-6, HIGHEST_OF_CARD), volts))
    against_newton = [_against_newton(*point) for point in grid]
    with Workers(1) as workers:
        against_ngspice = [
            _against_ngspice(workers, *point)
            for point in product(simulated, wires, (150e-6, HIGHEST_OF_CARD), volts)
        ]
    exact, fast, steps = zip(*against_newton, strict=True)
    return {
        "figures": {
            "cases": len(against_newton) + len(against_ngspice),
            "max_error_vs_newton": max(exact),
            "max_error_vs_newton_fast": max(fast),
            "max_error_vs_ngspice": max(against_ngspice),
            "most_newton_steps": max(steps),
            "sizes_vs_newton": list(sizes),
            "sizes_vs_ngspice": list(simulated),
        },
        "references": [
            {"name": "sparse Newton (SuperLU)", "version": scipy.__version__},
            {"name": "ngspice", "version": str(ngspice_info().version)},
        ],
        "ratios": {},
    }


def tile(size: int, wire: float) -> TileSpec:
    """The example tile at another size and wire resistance."""
    data = TileSpec.from_toml(TILE).model_dump()
    wires = {"input_line_resistance": wire, "output_line_resistance": wire}
    cell = {**data["cell"], "conductance_max": HIGHEST_OF_CARD}
    return TileSpec.from_dict({**data, "rows": size, "cols": size, "wires": wires, "cell": cell})


def problem(size: int, high: float, volts: float) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs [V] and conductances [S]."""
    generator = np.random.default_rng(size)
    conductances = generator.uniform(LOWEST, high, (size, size))
    return generator.uniform(0.0, volts, (SAMPLES, size)), conductances


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, relative to the largest current."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _against_newton(size: int, wire: float, high: float, volts: float) -> tuple[float, float, int]:
    X, G = problem(size, high, volts)
    solver = TileSolver(tile(size, wire), EXACT)
    fast = TileSolver(tile(size, wire), FAST, cell=solver.cell)
    reference = SparseNewton(solver, G)
    expected = np.stack([reference.solve(x)[0] for x in X])
    found = solver.solve(X, G)
    return (
        relative(found.currents, expected),
        relative(fast.solve(X, G).currents, expected),
        int(found.steps.max()),
    )


def _against_ngspice(workers: Workers, size: int, wire: float, high: float, volts: float) -> float:
    spec = tile(size, wire)
    X, G = problem(size, high, volts)
    expected = NgspiceEngine(spec, workers).mvm(G, X)
    return relative(TileSolver(spec, EXACT).solve(X, G).currents, expected)
