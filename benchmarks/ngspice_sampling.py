"""What one MVM sample costs: our runner, the bare best deck, and one operating point per process.

The tile is the shipped 1T1R tile in other sizes. The best deck is what an expert writes by hand for
`ngspice -b`: all input vectors in one DC sweep over an index source, only the outputs saved, KLU or
the primed order of Sparse 1.3, results to a raw file. Ours is the same sweep through the engine,
with everything it adds: checks, priming, processes, scheduling, reading. One operating point per
process is the plain deck, loaded anew for every vector.

Figures are processor time, of all processes together, so that a busy machine blurs them less. The
speed of a shared machine still wanders by half within seconds: the pieces of work take turns, and
a ratio is the median of the ratios of neighbours.
"""

from __future__ import annotations

import functools
import os
import resource
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cosim.ngspice import (
    BatchRunner,
    DcSweep,
    OperatingPoint,
    Simulation,
    Workers,
    ngspice_info,
)
from cosim.ngspice.deck import runnable_deck
from cosim.ngspice.priming import priming_lines
from netlists.cells import Gates, load_cell
from netlists.specs import TileSpec
from netlists.testbench import read_testbench


TILE = Path(__file__).resolve().parents[1] / "examples" / "tile_32x32.toml"
# Size of the tile to vectors per load and repetitions.
PLAN = {16: (100, 15), 32: (100, 7), 64: (50, 5), 128: (20, 2)}
QUICK_PLAN = {16: (100, 5), 32: (30, 3), 64: (10, 1)}
COMPARED = 64  # the size at which a process per operating point is measured
TIMEOUT = 3600.0  # s
SEED = 20


def run(quick: bool) -> dict[str, Any]:
    """Measure milliseconds of processor time per sample at several sizes."""
    plan = QUICK_PLAN if quick else PLAN
    info = ngspice_info()
    figures: dict[str, float] = {}
    best: dict[str, float] = {}
    ratios: dict[str, float] = {}
    single = plain_deck(tile_read(COMPARED, 1))
    with Workers(1) as workers:
        for size, (samples, repeats) in plan.items():
            sweep = tile_read(size, samples)
            # The process has started and knows the structure, as in all but the first load.
            workers.run_many([tile_read(size, 2)], timeout=TIMEOUT)
            works = [
                functools.partial(ours, workers, sweep),
                functools.partial(in_batch, best_deck(sweep)),
            ]
            if size == COMPARED:
                works.append(functools.partial(in_batch, single))
            own, theirs, *others = taking_turns(works, repeats)
            figures[f"ms_n{size}"] = 1e3 * statistics.median(own) / samples
            best[f"ms_n{size}"] = 1e3 * statistics.median(theirs) / samples
            ratios[f"vs_best_deck_n{size}"] = median_ratio(own, theirs)
            for seconds in others:
                op = 1e3 * statistics.median(seconds)
                ratios[f"speedup_vs_op_per_process_n{size}"] = samples * median_ratio(seconds, own)
    version = f"{info.version} ({info.solver})"
    return {
        "figures": {**figures, "ngspice": info.version, "solver": info.solver},
        "references": [
            {"name": "bare best deck, ngspice -b", "version": version, **best},
            {"name": "one op per process", "version": version, f"ms_n{COMPARED}": op},
        ],
        "ratios": ratios,
    }


def tile_read(size: int, samples: int) -> Simulation:
    """A square tile with random conductances and input vectors: a sweep, or one point."""
    spec = TileSpec.from_toml(TILE).model_copy(update={"rows": size, "cols": size})
    draw = np.random.default_rng(SEED)
    cell = spec.cell
    G = draw.uniform(cell.conductance_min, cell.conductance_max, (size, size))
    X = draw.uniform(0, spec.drivers.read_voltage, (samples, size))
    bench = read_testbench(spec, G, X, load_cell(spec), Gates.HELD)
    sweep = DcSweep("vindex", 0, samples - 1, 1) if samples > 1 else OperatingPoint()
    structure = f"{size} x {size}, as the engine names it"
    return Simulation(bench.deck(), sweep, bench.netlist.outputs, structure=structure)


def ours(workers: Workers, simulation: Simulation) -> None:
    """The simulation through the engine."""
    workers.run_many([simulation], timeout=TIMEOUT)[0].require()


def best_deck(simulation: Simulation) -> str:
    """The expert's deck; the time to work it out is not counted."""
    build = BatchRunner().build
    priming = priming_lines(simulation, build)
    return runnable_deck(simulation, build, (*priming, *_commands(simulation)))


def plain_deck(simulation: Simulation) -> str:
    """The deck as it comes, with its outputs saved."""
    circuit = simulation.deck.rstrip().removesuffix(".end")
    saves = f".save {' '.join(simulation.outputs)}"
    return "\n".join([circuit, saves, *_commands(simulation), ".end", ""])


def taking_turns(works: Sequence[Callable[[], None]], repeats: int) -> list[list[float]]:
    """Processor time of each piece of work [s], with all its processes, at each of its turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, own in zip(works, times, strict=True):
            before = processor_seconds()
            work()
            own.append(processor_seconds() - before)
    return times


def median_ratio(times: Sequence[float], others: Sequence[float]) -> float:
    """Median of the ratios of turns that followed each other."""
    return statistics.median(a / b for a, b in zip(times, others, strict=True))


def processor_seconds() -> float:
    """Processor time of this process, its finished children, and its living ones."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    finished = sum(entry.ru_utime + entry.ru_stime for entry in usage)
    tick = os.sysconf("SC_CLK_TCK")
    return finished + sum(_ticks(pid) for pid in _children()) / tick


def _children() -> list[str]:
    """Process ids of the living children."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [pid for file in tasks for pid in file.read_text().split()]


def _ticks(pid: str) -> int:
    """Clock ticks that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _commands(simulation: Simulation) -> tuple[str, ...]:
    """A command section that runs the analysis and writes a raw file."""
    steps = ("set num_threads=1", simulation.analysis.command, "write out.raw", "quit 0")
    return (".control", *steps, ".endc")


def in_batch(deck: str) -> None:
    """Run a deck with its commands under plain `ngspice -b`, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "deck.cir").write_text(deck)
        subprocess.run(
            [BatchRunner().executable, "-b", "deck.cir"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        if not (Path(folder) / "out.raw").exists():
            raise RuntimeError("the reference deck gave no results")
