"""How a sweep scales: two workers against one, and memory over a thousand loads.

Every simulation of the sweep is a new state of a 16 x 16 tile with its input vectors, as in
characterisation. The two-worker ratio means something only on two idle cores: the machine's load
when the case starts is among the figures. Two cores of a virtual machine are not always worth two:
what two bare ngspice processes gain at the same time, over one, is the reference.
"""

from __future__ import annotations

import contextlib
import functools
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

from benchmarks.ngspice_sampling import COMPILED, Case, best_deck, in_batch, median_ratio
from cosim.ngspice import BatchRunner, Simulation, WorkerProcess, Workers, ngspice_info


SIZE, VECTORS = 16, 100
ROUNDS = 5
LOADS = 1000
WARM_UP = 50  # loads until the allocator's pools have their size


def run(quick: bool) -> dict[str, Any]:
    """Measure the wall time of a sweep on one and two workers, and growth over 1000 loads."""
    load = os.getloadavg()[0]
    loads, rounds = (4, 2) if quick else (24, ROUNDS)
    simulations = [Case("tile", COMPILED, SIZE).read(VECTORS)] * loads
    decks = [best_deck(simulations[0])] * loads
    with Workers(1) as one, Workers(2) as two:
        times = rounds_of(
            rounds,
            functools.partial(sweep, one, simulations),
            functools.partial(sweep, two, simulations),
            functools.partial(bare, decks, 1),
            functools.partial(bare, decks, 2),
        )
    info = ngspice_info()
    version = f"{info.version} ({info.solver})"
    medians = [statistics.median(own) for own in times]
    bare_speedup = median_ratio(times[2], times[3])
    return {
        "figures": {
            "seconds_2_workers": medians[1],
            "growth_mb_1000_loads": growth(LOADS),
            "machine_load_at_start": load,
        },
        "references": [
            {"name": "one worker", "version": version, "seconds": medians[0]},
            {
                "name": "bare ngspice -b, two at a time against one",
                "version": version,
                "seconds": medians[3],
                "speedup": bare_speedup,
            },
        ],
        "ratios": {
            "speedup_2_workers": median_ratio(times[0], times[1]),
            "speedup_2_workers_of_possible": median_ratio(times[0], times[1]) / bare_speedup,
        },
    }


def rounds_of(rounds: int, *works: Callable[[], None]) -> list[list[float]]:
    """Wall time of each piece of work at each of its turns [s]; the first round warms up."""
    times: list[list[float]] = [[] for _ in works]
    for turn in range(rounds + 1):
        for work, own in zip(works, times, strict=True):
            begin = time.perf_counter()
            work()
            if turn:
                own.append(time.perf_counter() - begin)
    return times


def sweep(workers: Workers, simulations: list[Simulation]) -> None:
    """A sweep of several loads through the engine."""
    for result in workers.run_many(simulations):
        result.require()


def bare(decks: list[str], processes: int) -> None:
    """The same loads by hand, some processes at a time."""
    program = BatchRunner().executable
    with ThreadPool(processes) as pool:
        pool.map(functools.partial(in_batch, program=program), decks, chunksize=1)


def growth(loads: int) -> float:
    """How much the memory of a worker process grows over many loads [MB]."""
    simulation = Case("small tile", COMPILED, 8).read(5)
    with contextlib.closing(WorkerProcess()) as worker:
        before = 0
        for load in range(loads + WARM_UP):
            if load == WARM_UP:
                before = resident(worker.pid)
            worker.run(simulation, 600.0).require()
        return (resident(worker.pid) - before) / 1e6


def resident(pid: int) -> int:
    """Bytes of memory that a process occupies."""
    words = Path(f"/proc/{pid}/status").read_text().split()
    return 1024 * int(words[words.index("VmRSS:") + 1])
