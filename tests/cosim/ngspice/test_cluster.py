"""A Dask cluster of separate processes: workers come and go, the results stay the same."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cosim.errors import SimulatorError
from cosim.ngspice import Workers, run_many


START = 60.0  # s for a process of the cluster to be ready


def dask(*arguments, folder):
    """A process of the cluster; its words go to a file."""
    with (folder / f"{arguments[0]}.log").open("ab") as words:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=words,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=START)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Cluster:
    """A scheduler on a free port, and workers."""

    def __init__(self, folder, workers):
        self.folder = folder
        file = folder / "scheduler.json"
        self.scheduler = dask(
            *("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard"),
            *("--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)),
            folder=folder,
        )
        limit = time.monotonic() + START
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < limit, (folder / "scheduler.log").read_text()
            time.sleep(0.1)
        self.file = file
        self.workers = [self.worker() for _ in range(workers)]

    @property
    def address(self):
        return json.loads(self.file.read_text())["address"]

    def worker(self):
        return dask(
            *("worker", "--scheduler-file", str(self.file), "--no-dashboard", "--no-nanny"),
            *("--local-directory", str(self.folder)),
            *("--nthreads", "1", "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"),
            folder=self.folder,
        )

    def close(self):
        for process in (*self.workers, self.scheduler):
            stop(process)


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path, workers=2)
    yield cluster
    cluster.close()


@pytest.mark.slow
def test_a_killed_worker_of_a_cluster_costs_no_sample(cluster, make_ladder):
    seeds = range(40)
    expected = run_many((make_ladder(seed) for seed in seeds), workers=2)
    seen = []

    def replace_a_worker(index, _):
        seen.append(index)
        if len(seen) == 10:
            victim = cluster.workers.pop(0)
            victim.kill()
            victim.wait()
            cluster.workers.append(cluster.worker())

    with Workers(scheduler=cluster.address) as workers:
        results = workers.run_many(
            (make_ladder(seed) for seed in seeds), on_result=replace_a_worker
        )
    assert sorted(seen) == list(seeds)
    for result, reference in zip(results, expected, strict=True):
        assert result.ok, result.status
        for name, values in reference.vectors.items():
            np.testing.assert_array_equal(result.vectors[name], values)


@pytest.mark.slow
def test_a_lost_scheduler_is_said_after_what_came_in(cluster, make_ladder):
    received = []

    def receive(workers):
        for index, result in workers.iter_many(make_ladder(seed) for seed in range(2000)):
            received.append((index, result.ok))
            if len(received) == 10:
                cluster.scheduler.kill()

    with (
        Workers(scheduler=cluster.address) as workers,
        pytest.raises(SimulatorError, match="what came in is complete: run the rest again"),
    ):
        receive(workers)
    assert 10 <= len(received) < 2000
    assert all(ok for _, ok in received)
    assert len({index for index, _ in received}) == len(received)
