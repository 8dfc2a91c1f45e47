"""What one solution of a tile costs: ours, ngspice's, sparse Newton's, and a plain matrix product.

All times are processor time of one core, because wall time on a shared machine measures the others.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from benchmarks.peers.sparse_newton import SparseNewton
from benchmarks.run import missing_reference
from benchmarks.solver_accuracy import TILE
from cosim.ngspice import ngspice_info
from cosim.solver.gradients import gradients
from cosim.solver.solve import EXACT, FAST, Accuracy, TileSolver
from netlists.specs import TileSpec
from netlists.testbench import operating_point_deck, read_testbench


SWEPT = 20
REPEATS = 5
SAME_TOLERANCE = Accuracy(1e-6, single=False)


def run(quick: bool) -> dict[str, Any]:
    """Time the solver at several sizes, and the references at n = 64 (32 when quick)."""
    sizes = (32, 64) if quick else (32, 64, 128, 256)
    figures: dict[str, float] = {}
    for size in sizes:
        figures.update(_solver_times(size, samples=max(4, 20_000 // size**2)))
    size = 32 if quick else 64
    op, sweep = _ngspice_times(size)
    newton = _sparse_newton_time(size)
    product = _product_time(size)
    ours = 1e-3 * figures[f"ms_n{size}"]
    info = ngspice_info()
    return {
        "figures": figures,
        "references": [
            {
                "name": "ngspice",
                "version": str(info.version),
                "op_s": op,
                "sweep_s_per_input": sweep,
            },
            {"name": "sparse Newton (SuperLU)", "version": scipy.__version__, "seconds": newton},
            {"name": "matrix product (numpy)", "version": np.__version__, "seconds": product},
            missing_reference("badcrossbar", "not measured here; it belongs into its own venv"),
        ],
        "ratios": {
            f"speedup_vs_ngspice_op_n{size}": op / ours,
            f"speedup_vs_ngspice_sweep_n{size}": sweep / ours,
            f"speedup_vs_sparse_newton_n{size}": newton / ours,
            f"times_matmul_n{size}": ours / product,
        },
    }


def tile(size: int) -> TileSpec:
    """The example tile at another size."""
    data = TileSpec.from_toml(TILE).model_dump()
    return TileSpec.from_dict({**data, "rows": size, "cols": size})


def problem(size: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs [V] and conductances [S] over the tile's ranges."""
    generator = np.random.default_rng(size)
    conductances = generator.uniform(5e-6, 150e-6, (size, size))
    return generator.uniform(0.0, 0.2, (samples, size)), conductances


def processor_time(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The shortest processor time of this thread over some repeats [s]."""
    times = []
    for _ in range(repeats):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


def _solver_times(size: int, samples: int) -> dict[str, float]:
    """Milliseconds per solution: fast mode, double precision at 1e-6 and exact, and the adjoint."""
    X, G = problem(size, samples)
    solver = TileSolver(tile(size), FAST, threads=1)
    parameters = solver.cell.parameters(G)
    results = {}
    for name, accuracy in (("ms", FAST), ("ms_double", SAME_TOLERANCE), ("ms_exact", EXACT)):
        timed = TileSolver(tile(size), accuracy, threads=1, cell=solver.cell)
        batch = timed.batch(X, parameters)
        timed.solve_batch(batch)
        seconds = processor_time(lambda timed=timed, batch=batch: timed.solve_batch(batch))
        results[f"{name}_n{size}"] = 1e3 * seconds / samples
    batch = solver.batch(X, parameters)
    solution = solver.solve_batch(batch, fields=True)
    seeds, fields = np.ones_like(solution.currents), solution.fields
    if fields is not None:
        gradients(solver, batch, fields, seeds)
        seconds = processor_time(lambda: gradients(solver, batch, fields, seeds))
        results[f"ms_adjoint_n{size}"] = 1e3 * seconds / samples
    return results


def _ngspice_times(size: int) -> tuple[float, float]:
    """Processor time of an operating point, and of each further input of a sweep [s]."""
    X, G = problem(size, SWEPT)
    spec = tile(size)
    op = _batch_time(operating_point_deck(spec, G, X[:1]))
    one = _batch_time(read_testbench(spec, G, X[:2]).standalone_deck())
    all_of_them = _batch_time(read_testbench(spec, G, X).standalone_deck())
    return op, (all_of_them - one) / (SWEPT - 2)


def _batch_time(deck: str) -> float:
    """Processor time of one `ngspice -b` [s]."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deck.cir"
        path.write_text(deck)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [str(ngspice_info().executable), "-b", str(path)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _sparse_newton_time(size: int) -> float:
    """Processor time of one solution to 1e-6 [s]."""
    X, G = problem(size, 1)
    reference = SparseNewton(TileSolver(tile(size), FAST), G)
    reference.solve(X[0])
    return processor_time(lambda: reference.solve(X[0], tolerance=1e-6), repeats=2)


def _product_time(size: int) -> float:
    """Processor time of one row of a matrix product of a large batch [s]."""
    X, G = problem(size, 4096)
    return processor_time(lambda: X @ G) / len(X)
