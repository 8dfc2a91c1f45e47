"""What one solution of a tile costs: ours, ngspice's, sparse Newton's, and a plain matrix product.

All times are processor time of one core, because wall time on a shared machine measures the others.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from benchmarks.peers.crossbar_peers import (
    PYTHON_VARIABLE,
    badcrossbar_currents,
    relaxed_currents,
)
from benchmarks.peers.sparse_newton import SparseNewton
from benchmarks.run import missing_reference
from benchmarks.solver_accuracy import TILE, relative
from cosim.ngspice import ngspice_info
from cosim.solver.circuit import Circuit
from cosim.solver.gradients import gradients
from cosim.solver.solve import EXACT, FAST, Accuracy, TileSolver
from netlists.specs import TileSpec
from netlists.testbench import operating_point_deck, read_testbench


SWEPT = 20
REPEATS = 5
LINEAR_SAMPLES = 100
SAME_TOLERANCE = Accuracy(1e-6, single=False)


def run(quick: bool) -> dict[str, Any]:
    """Time the solver at several sizes, and the references at n = 64 (32 when quick)."""
    sizes = (32, 64) if quick else (32, 64, 128, 256, 512, 1024)
    figures: dict[str, float] = {}
    for size in sizes:
        figures.update(_solver_times(size, min(100, max(2, 800_000 // size**2))))
    size = 32 if quick else 64
    op, sweep = _ngspice_times(size)
    newton = _sparse_newton_time(size)
    product = _product_time(size)
    ours = 1e-3 * figures[f"ms_n{size}"]
    info = ngspice_info()
    linear, references = _linear_peers(size)
    figures.update(linear)
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
            *references,
        ],
        "ratios": {
            f"speedup_vs_ngspice_op_n{size}": op / ours,
            f"speedup_vs_ngspice_sweep_n{size}": sweep / ours,
            f"speedup_vs_sparse_newton_n{size}": newton / ours,
            f"times_matmul_n{size}": ours / product,
            **_adjoint_ratios(figures, sizes),
            **{
                f"linear_speedup_vs_{row['name'].partition(' ')[0]}_n{size}": row["ms"]
                / figures[f"linear_ms_n{size}"]
                for row in references
                if "ms" in row
            },
        },
    }


def _adjoint_ratios(figures: dict[str, float], sizes: tuple[int, ...]) -> dict[str, float]:
    """What a gradient costs relative to the solution that it belongs to."""
    return {
        f"adjoint_of_{name}_n{size}": figures[f"{name}_adjoint_n{size}"]
        / figures[f"{name}_n{size}"]
        for size in sizes
        for name in ("ms", "ms_exact")
    }


def _linear_peers(size: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Ours and the peers' milliseconds per input on ideal resistors, and everybody's error."""
    X, G = problem(size, LINEAR_SAMPLES)
    wire = TileSpec.from_toml(TILE).wires.input_line_resistance
    circuit = Circuit.uniform(size, size, row_wire=wire, row_end=wire, col_wire=wire, col_end=wire)
    resistive = TileSpec.from_toml(TILE).model_dump()
    limits = {"conductance_min": 5e-6, "conductance_max": 150e-6}
    spec = TileSpec.from_dict(
        {**resistive, "cell": {"topology": "1R", "device": "resistor", **limits}}
    )
    exact = TileSolver(spec, EXACT, circuit=circuit, threads=1)
    expected = exact.solve(X, G).currents
    solver = TileSolver(spec, FAST, circuit=circuit, cell=exact.cell, threads=1)
    batch = solver.batch(X, G)
    found = solver.solve_batch(batch).currents
    seconds = processor_time(lambda: solver.solve_batch(batch))
    figures = {
        f"linear_ms_n{size}": 1e3 * seconds / len(X),
        f"linear_error_n{size}": relative(found, expected),
    }
    rows: list[dict[str, Any]] = []
    bad = badcrossbar_currents(X, G, wire)
    if bad is None:
        rows.append(missing_reference("badcrossbar", f"set {PYTHON_VARIABLE}; see the peer"))
    else:
        version, seconds, found = bad
        errors = {"ms": 1e3 * seconds / len(X), "error": relative(found, expected)}
        rows.append({"name": "badcrossbar", "version": version, **errors})
    seconds, found, count = relaxed_currents(X, G, wire, tolerance=1e-7)
    errors = {"ms": 1e3 * seconds / len(X), "error": relative(found, expected)}
    rows.append({"name": "relaxation (CrossSim's)", "version": None, "iterations": count, **errors})
    return figures, rows


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
        solution = timed.solve_batch(batch, fields=True)
        seconds = processor_time(partial(timed.solve_batch, batch))
        results[f"{name}_n{size}"] = 1e3 * seconds / samples
        if solution.fields is None or accuracy is SAME_TOLERANCE:
            continue
        one = timed.batch(X[:1], parameters)
        timed.solve_batch(one)
        seconds = processor_time(partial(timed.solve_batch, one))
        results[f"{name}_alone_n{size}"] = 1e3 * seconds
        seeds = np.random.default_rng(1).normal(size=solution.currents.shape)
        backward = partial(gradients, timed, batch, solution.fields, seeds)
        backward()
        results[f"{name}_adjoint_n{size}"] = 1e3 * processor_time(backward) / samples
    results[f"megabytes_n{size}"] = 1e-6 * _workspace_bytes(solver)
    return results


def _workspace_bytes(solver: TileSolver) -> int:
    """Memory that one thread computes in [bytes]."""
    with solver.workspace(np.float32) as space:
        return space.state.nbytes + sum(array.nbytes for array in space.system)


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
