"""The tile solver against ngspice and against sparse Newton, over sizes, wires, cells and voltages.

Errors are relative to the largest current of each circuit. Cells: the gap model in series with a
compiled EKV transistor, with ngspice's own level-1 and BSIM4 transistors (the solver has their
tables), and a hyperbolic-sine device alone. `measured` does one part of the grid.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from benchmarks.peers.kept import kept
from benchmarks.peers.sparse_newton import SparseNewton
from compact_models import load_card
from compact_models.catalog import ROOT as MODELS
from cosim.ngspice import DcSweep, Simulation, Workers, ngspice_info
from cosim.solver.cells import SolverCell, tile_cell
from cosim.solver.solve import EXACT, FAST, TileSolver
from cosim.solver.table import Table
from cosim.spice_cells import OPTIONS, SpiceTransistor, native_testbench, tabulated
from netlists.cells import Gates
from netlists.specs import TileSpec
from netlists.testbench import read_testbench


TILE = Path(__file__).resolve().parents[1] / "examples" / "tile_32x32.toml"
GAP, SINH = "rram_gap__stanford_jiang2016", "resistor_sinh__accuracy"
LOWEST, HIGHEST, MOST_VOLTS = 5e-6, 1e-3, 0.5
SAMPLES = 2
PATIENCE_S = 3600.0
SINH_CARD = """name = "resistor_sinh__accuracy"
model = "resistor_sinh"
description = "a sharp device for this benchmark"
source = "none: a test of the solver"
doi = ""
temperature = 300.15
[conductance]
parameter = "G"
low = 1e-7
high = 1e-3
read_voltage = 0.2
[values]
G  = { value = 1e-5, unit = "S", low = 1e-9, high = 1e-2 }
V0 = { value = 0.1, unit = "V", low = 0.01, high = 2.0 }
"""
NATIVE = {
    "level-1": SpiceTransistor.of_model(
        "first",
        ".model first nmos level=1 vto=0.4 kp=300u gamma=0.4 phi=0.7 lambda=0.05",
        1.2,
        "w=0.65u l=0.13u",
    ),
    "BSIM4": SpiceTransistor.of_model(
        "nch",
        ".model nch nmos level=54 version=4.8.2 toxe=2.5n vth0=0.35 u0=0.04",
        1.2,
        "w=2u l=0.13u",
    ),
}
CELLS = ("EKV", *NATIVE, "sinh")


@dataclass(frozen=True)
class Errors:
    """The largest errors over a part of the grid; NaN for what was not compared.

    Attributes:
        exact_vs_newton: of the exact mode against sparse Newton.
        fast_vs_newton: of the fast mode against sparse Newton.
        exact_vs_ngspice: of the exact mode against ngspice.
        fast_vs_ngspice: of the fast mode against ngspice.
        cases: number of circuits.
        steps: most Newton steps.
    """

    exact_vs_newton: float
    fast_vs_newton: float
    exact_vs_ngspice: float
    fast_vs_ngspice: float
    cases: int
    steps: int


def run(quick: bool) -> dict[str, Any]:
    """Solve the grid; the quick one has the ends of every range."""
    wires = (0.1, 20.0) if quick else (0.1, 1.0, 5.0, 20.0)
    volts = (0.05, MOST_VOLTS) if quick else (0.05, 0.2, MOST_VOLTS)
    highs = (150e-6, HIGHEST)
    ends = ((0.1, 20.0), (HIGHEST,), (0.05, MOST_VOLTS))
    figures: dict[str, Any] = {}
    with Workers(1) as workers:
        for cell in CELLS:
            sizes = (8,) if quick else (8, 16, 32)
            parts = [measured(cell, sizes, wires, highs, volts, workers)]
            if not quick:
                parts.append(measured(cell, (64,), *ends, workers))
                parts.append(measured(cell, (128,), (20.0,), (HIGHEST,), (MOST_VOLTS,), workers))
            for part, where in zip(parts, ("up to 32", "64", "128"), strict=False):
                figures[f"{cell}, n {where}"] = vars(part)
    return {
        "figures": figures,
        "references": [
            {"name": "sparse Newton (SuperLU)", "version": scipy.__version__},
            {"name": "ngspice", "version": str(ngspice_info().version)},
        ],
        "ratios": {},
    }


def measured(
    cell: str,
    sizes: Sequence[int],
    wires: Sequence[float],
    highs: Sequence[float],
    volts: Sequence[float],
    workers: Workers | None,
) -> Errors:
    """Compare over a product of ranges; without workers, ngspice is left out."""
    rows = [_compared(cell, *point, workers) for point in product(sizes, wires, highs, volts)]
    worst = np.array(rows).max(axis=0)
    newton, fast, ngspice, fast_ngspice, steps = (float(value) for value in worst)
    return Errors(newton, fast, ngspice, fast_ngspice, len(rows), int(steps))


def _compared(
    cell: str, size: int, wire: float, high: float, volts: float, workers: Workers | None
) -> tuple[float, ...]:
    """Errors of one circuit, in the order of `Errors`, and its Newton steps."""
    spec = tile(size, wire, cell)
    X, G = problem(size, high, volts)
    solver = TileSolver(spec, EXACT, cell=solver_cell(cell), threads=1)
    exact = solver.solve(X, G)
    fast = TileSolver(spec, FAST, cell=solver.cell, threads=1).solve(X, G).currents
    newton = SparseNewton(solver, G)
    expected = np.stack([newton.solve(x)[0] for x in X])
    simulated = np.full_like(expected, np.nan)
    if workers is not None:
        simulated = _simulated(spec, cell, X, G, workers)
    return (
        relative(exact.currents, expected),
        relative(fast, expected),
        relative(exact.currents, simulated),
        relative(fast, simulated),
        float(exact.steps.max()),
    )


def _simulated(
    spec: TileSpec, cell: str, X: np.ndarray, G: np.ndarray, workers: Workers
) -> np.ndarray:
    """The same circuit in ngspice, at tight tolerances; kept on disk."""
    bench = (
        native_testbench(spec, G, X, NATIVE[cell])
        if cell in NATIVE
        else read_testbench(spec, G, X, gates=Gates.HELD)
    )
    outputs = bench.netlist.outputs
    sweep = DcSweep("vindex", 0, len(X) - 1, 1)
    deck = bench.netlist.text(options=OPTIONS)
    # At n = 128 an operating point takes minutes.
    found = kept(
        "accuracy",
        [deck.encode()],
        lambda: workers.run_many([Simulation(deck, sweep, outputs)], PATIENCE_S)[0].matrix(outputs),
    )
    return np.full((len(X), spec.cols), np.nan) if found is None else found


@cache
def card(name: str) -> str:
    """The path of a card that allows conductances up to `HIGHEST`."""
    text = SINH_CARD
    if name == GAP:
        text = (
            (MODELS / "cards" / f"{GAP}.toml")
            .read_text()
            .replace("high = 500e-6", f"high = {HIGHEST}")
        )
    path = Path(tempfile.mkdtemp(prefix="accuracy-")) / f"{name}.toml"
    path.write_text(text)
    return str(load_card(str(path)) and path)


@cache
def table(cell: str) -> Table:
    """The table of one of ngspice's own transistors."""
    return tabulated(NATIVE[cell], 0.0, MOST_VOLTS)


@cache
def solver_cell(cell: str) -> SolverCell:
    """The compiled cell, shared by all circuits."""
    return tile_cell(tile(8, 1.0, cell), access=table(cell) if cell in NATIVE else None)


def tile(size: int, wire: float, cell: str = "EKV") -> TileSpec:
    """The example tile at another size, wire resistance and cell."""
    data = TileSpec.from_toml(TILE).model_dump()
    limits = {"conductance_min": LOWEST, "conductance_max": HIGHEST}
    parts = {**data["cell"], **limits, "device": card(GAP)}
    if cell == "sinh":
        parts = {"topology": "1R", "device": card(SINH), **limits}
    wires = {"input_line_resistance": wire, "output_line_resistance": wire}
    return TileSpec.from_dict({**data, "rows": size, "cols": size, "wires": wires, "cell": parts})


def problem(size: int, high: float, volts: float) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs [V] and conductances [S]."""
    generator = np.random.default_rng(size)
    conductances = generator.uniform(LOWEST, high, (size, size))
    return generator.uniform(0.0, volts, (SAMPLES, size)), conductances


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, relative to the largest current."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())
