"""What one MVM sample costs: our runner, the bare best deck, and one operating point per process.

Two tiles, in several sizes: the shipped one, of compiled Verilog-A, and `foundry`, whose cells are
SPICE's own elements, a BSIM4 transistor and a resistor. The best deck is what an expert writes by
hand for `ngspice -b`: all input vectors in one DC sweep over an index source, only the outputs
saved, KLU or the primed order of Sparse 1.3, results to a raw file. Ours is the same sweep through
the engine, with everything it adds: checks, priming, processes, scheduling, reading. One operating
point per process is the plain deck, loaded anew for every vector; where the system's ngspice is
another version than the one in use, by that one as well.

Figures are processor time, of all processes together, so that a busy machine blurs them less. The
speed of a shared machine still wanders by half within seconds: the pieces of work take turns, and
a ratio is the median of the ratios of neighbours.
"""

from __future__ import annotations

import functools
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
COMPILED, FOUNDRY = EXAMPLES / "tile_32x32.toml", EXAMPLES / "foundry_transistor.toml"
TIMEOUT = 3600.0  # s
SEED = 20


@dataclass(frozen=True)
class Case:
    """A tile to be read.

    Attributes:
        name: in the figures.
        tile: its file.
        size: its rows and its columns.
        samples: input vectors per load.
        repeats: turns.
        compared: whether a process per operating point takes its turn too.
    """

    name: str
    tile: Path
    size: int
    samples: int = 1
    repeats: int = 1
    compared: bool = False

    def read(self, samples: int) -> Simulation:
        """Random conductances and input vectors: a sweep, or one point."""
        size = self.size
        spec = TileSpec.from_toml(self.tile).model_copy(update={"rows": size, "cols": size})
        draw = np.random.default_rng(SEED)
        cell = spec.cell
        G = draw.uniform(cell.conductance_min, cell.conductance_max, (size, size))
        X = draw.uniform(0, spec.drivers.read_voltage, (samples, size))
        bench = read_testbench(spec, G, X, load_cell(spec), Gates.HELD)
        sweep = DcSweep("vindex", 0, samples - 1, 1) if samples > 1 else OperatingPoint()
        structure = f"{self.name}, as the engine names it"
        return Simulation(bench.deck(), sweep, bench.netlist.outputs, structure=structure)


PLAN = (
    Case("n16", COMPILED, 16, 100, 15),
    Case("n32", COMPILED, 32, 100, 7),
    Case("n64", COMPILED, 64, 100, 3, compared=True),
    Case("n128", COMPILED, 128, 20, 2),
    Case("foundry_n64", FOUNDRY, 64, 100, 3, compared=True),
)
QUICK_PLAN = (
    Case("n16", COMPILED, 16, 100, 5),
    Case("n32", COMPILED, 32, 30, 3),
    Case("foundry_n64", FOUNDRY, 64, 10, 1, compared=True),
)


def run(quick: bool) -> dict[str, Any]:
    """Measure milliseconds of processor time per sample."""
    info = ngspice_info()
    own: dict[str, float] = {}
    best: dict[str, float] = {}
    single: dict[str, dict[str, float]] = {}
    ratios: dict[str, float] = {}
    with Workers(1) as workers:
        for case in QUICK_PLAN if quick else PLAN:
            sweep = case.read(case.samples)
            # The process has started and knows the structure, as in all but the first load.
            workers.run_many([case.read(2)], timeout=TIMEOUT)
            works = [
                functools.partial(ours, workers, sweep),
                functools.partial(in_batch, best_deck(sweep), BatchRunner().executable),
            ]
            names = one_per_process() if case.compared else {}
            plain = plain_deck(case.read(1))
            works += [functools.partial(in_batch, plain, program) for program in names.values()]
            times, bare, *points = taking_turns(works, case.repeats)
            figure = f"ms_{case.name}"
            own[figure] = 1e3 * statistics.median(times) / case.samples
            best[figure] = 1e3 * statistics.median(bare) / case.samples
            ratios[f"vs_best_deck_{case.name}"] = median_ratio(times, bare)
            for version, seconds in zip(names, points, strict=True):
                single.setdefault(version, {})[figure] = 1e3 * statistics.median(seconds)
                ratio = f"speedup_vs_op_per_process_{version}_{case.name}"
                ratios[ratio] = case.samples * median_ratio(seconds, times)
    version = f"{info.version} ({info.solver})"
    return {
        "figures": {**own, "ngspice": info.version, "solver": info.solver},
        "references": [
            {"name": "bare best deck, ngspice -b", "version": version, **best},
            *(
                {"name": "one op per process", "version": version, **figures}
                for version, figures in single.items()
            ),
        ],
        "ratios": ratios,
    }


def one_per_process() -> dict[str, str]:
    """Programs that the plain way is measured with, by version: ours, and the system's."""
    programs = (BatchRunner().executable, shutil.which("ngspice"))
    return {str(BatchRunner(path).build.version): path for path in programs if path}


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


def in_batch(deck: str, program: str) -> None:
    """Run a deck with its commands under plain `ngspice -b`, in a folder of its own."""
    other = program != BatchRunner().executable
    hidden = {"SPICE_LIB_DIR", "SPICE_SCRIPTS"} if other else set()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "deck.cir").write_text(deck)
        subprocess.run(
            [program, "-b", "deck.cir"],
            env={name: value for name, value in os.environ.items() if name not in hidden},
            cwd=folder,
            check=True,
            capture_output=True,
        )
        if not (Path(folder) / "out.raw").exists():
            raise RuntimeError("the reference deck gave no results")
