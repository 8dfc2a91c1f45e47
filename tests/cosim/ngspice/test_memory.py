"""A worker process that simulates for days does not grow."""

import contextlib
from pathlib import Path

import numpy as np

from cosim.ngspice import DcSweep, Simulation, WorkerProcess
from netlists.testbench import read_testbench


LOADS = 1000
WARM_UP = 50  # loads until ngspice's own tables and the allocator's pools have their size
LIMIT = 20e6  # bytes


def resident(pid: int) -> int:
    """Bytes of memory that a process occupies."""
    words = Path(f"/proc/{pid}/status").read_text().split()
    return 1024 * int(words[words.index("VmRSS:") + 1])


def read(spec, draw) -> Simulation:
    """Five input vectors on a new state."""
    G, X = draw.uniform(5e-6, 1.5e-4, (8, 8)), draw.uniform(0, 0.2, (5, 8))
    bench = read_testbench(spec, G, X)
    return Simulation(bench.deck(), DcSweep("vindex", 0, 4, 1), bench.netlist.outputs)


def test_a_thousand_loads_grow_a_worker_by_less_than_twenty_megabytes(resistive_tile):
    draw = np.random.default_rng(11)
    spec = resistive_tile(rows=8, cols=8)
    simulations = [read(spec, draw) for _ in range(25)]
    with contextlib.closing(WorkerProcess()) as worker:
        for load in range(LOADS):
            assert worker.run(simulations[load % 25], 60.0).ok
            if load == WARM_UP:
                before = resident(worker.pid)
        assert resident(worker.pid) - before < LIMIT
