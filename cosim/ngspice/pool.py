"""The processes behind one set of Dask workers.

A task that Dask hands out borrows a runner, uses it, and gives it back; a runner that died is not
given back, and the simulation that it died on is tried again with a new one. Isolation is therefore
here, one process per simulation at any time, and Dask's own workers never crash.

A pool is found by its key in the process where a task happens to run, so the same code serves a
local cluster, whose workers are threads of this process, and workers on other machines.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from cosim.errors import InputError
from cosim.ngspice.batch import BatchRunner
from cosim.ngspice.process import StartFailed, WorkerProcess
from cosim.ngspice.simulation import Result, Simulation
from cosim.results import Code, Status


ATTEMPTS = 3  # a process can also die of something that is not its simulation's fault

_STARTS = 10


class Runner(Protocol):
    """Something that runs one simulation at a time and can be killed from another thread."""

    @property
    def alive(self) -> bool:
        """Whether it can run another simulation."""

    def run(self, simulation: Simulation, timeout: float) -> Result:
        """Run one simulation for at most `timeout` seconds."""

    def kill(self) -> None:
        """End what is running."""

    def close(self) -> None:
        """End for good."""


RUNNERS: Mapping[str, Callable[[], Runner]] = {"shared": WorkerProcess, "batch": BatchRunner}


@dataclass(frozen=True)
class Job:
    """How to run the simulations of one call.

    Attributes:
        pool: key of the pool.
        call: key of the call, by which its simulations can be aborted.
        runner: a key of `RUNNERS`.
        timeout: longest time for one simulation [s].
    """

    pool: str
    call: str
    runner: str
    timeout: float

    def __post_init__(self) -> None:
        if self.runner not in RUNNERS:
            raise InputError(f"there is no runner `{self.runner}`; choose one of {sorted(RUNNERS)}")


class RunnerPool:
    """Runners that wait for simulations."""

    def __init__(self, make: Callable[[], Runner]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._idle: list[Runner] = []
        self._busy: dict[str, list[Runner]] = {}
        self._aborted: set[str] = set()
        self._closed = False

    def run(self, simulation: Simulation, job: Job) -> Result:
        """Run one simulation, with another runner if one dies on it."""
        result = Result()
        for _ in range(ATTEMPTS):
            with self._borrowed(job.call) as runner:
                result = runner.run(simulation, job.timeout)
            if result.status.code is not Code.CRASH or job.call in self._aborted:
                return result
        message = f"{result.status.message} ({ATTEMPTS} times)"
        return replace(result, status=Status(Code.CRASH, message))

    def abort(self, call: str) -> None:
        """Kill what runs for a call; nothing of it is tried again."""
        with self._lock:
            self._aborted.add(call)
            for runner in self._busy.get(call, []):
                runner.kill()

    def close(self) -> None:
        """End all runners; those at work are closed by the threads that use them."""
        with self._lock:
            self._closed = True
            self._aborted.update(self._busy)
            for runners in self._busy.values():
                for runner in runners:
                    runner.kill()
            idle, self._idle = self._idle, []
        for runner in idle:
            runner.close()

    @contextlib.contextmanager
    def _borrowed(self, call: str) -> Iterator[Runner]:
        runner = self._take()
        with self._lock:
            self._busy.setdefault(call, []).append(runner)
            if call in self._aborted:  # while it started
                runner.kill()
        try:
            yield runner
        finally:
            with self._lock:
                self._busy[call].remove(runner)
                if not self._busy[call]:
                    del self._busy[call]
                keep = runner.alive and not self._closed
                if keep:
                    self._idle.append(runner)
            if not keep:
                runner.close()

    def _take(self) -> Runner:
        """A living runner: one that waits, or a new one."""
        while True:
            with self._lock:
                if not self._idle:
                    break
                runner = self._idle.pop()
            if runner.alive:
                return runner
            runner.close()
        return self._started()

    def _started(self) -> Runner:
        """A new runner; something may kill processes faster than they start."""
        for _ in range(_STARTS - 1):
            try:
                return self._make()
            except StartFailed:
                pass
        return self._make()


_pools: dict[str, RunnerPool] = {}
_pools_lock = threading.Lock()


def run_job(simulation: Simulation, job: Job) -> Result:
    """The task that Dask runs."""
    with _pools_lock:
        if job.pool not in _pools:
            _pools[job.pool] = RunnerPool(RUNNERS[job.runner])
        pool = _pools[job.pool]
    try:
        return pool.run(simulation, job)
    except OSError as error:  # no space, no more processes: nothing that stops other samples
        return Result(Status(Code.OTHER, f"the system refused: {error}"))


def abort_call(pool: str, call: str) -> None:
    """Stop the simulations of one call in this process."""
    found = _pools.get(pool)
    if found:
        found.abort(call)


def close_pool(pool: str) -> None:
    """End the runners of a pool in this process."""
    with _pools_lock:
        found = _pools.pop(pool, None)
    if found:
        found.close()


@atexit.register
def _close_all() -> None:
    for key in tuple(_pools):
        close_pool(key)
