"""How a sweep scales: two workers against one, and memory over a thousand loads.

Every simulation of the sweep is a new state of a 16 x 16 tile with its input vectors, as in
characterisation. The two-worker ratio means something only on two idle cores: the machine's load
when the case starts is among the figures.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.ngspice_sampling import tile_read
from cosim.ngspice import Simulation, WorkerProcess, Workers, ngspice_info


SIZE, VECTORS = 16, 100
LOADS = 1000
WARM_UP = 50  # loads until the allocator's pools have their size


def run(quick: bool) -> dict[str, Any]:
    """Measure the wall time of a sweep on one and two workers, and growth over 1000 loads."""
    load = os.getloadavg()[0]
    simulations = [tile_read(SIZE, VECTORS)] * (8 if quick else 40)
    one, two = sweep_seconds(simulations, 1), sweep_seconds(simulations, 2)
    info = ngspice_info()
    version = f"{info.version} ({info.solver})"
    return {
        "figures": {
            "seconds_2_workers": two,
            "growth_mb_1000_loads": growth(LOADS),
            "machine_load_at_start": load,
        },
        "references": [{"name": "one worker", "version": version, "seconds": one}],
        "ratios": {"speedup_2_workers": one / two},
    }


def sweep_seconds(simulations: list[Simulation], count: int) -> float:
    """Wall time of a sweep on workers that have already started [s]."""
    with Workers(count) as workers:
        workers.run_many([tile_read(4, 2)] * 2 * count)
        start = time.perf_counter()
        for result in workers.run_many(simulations):
            result.require()
        return time.perf_counter() - start


def growth(loads: int) -> float:
    """How much the memory of a worker process grows over many loads [MB]."""
    simulation = tile_read(8, 5)
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
