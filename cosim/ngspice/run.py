"""Many simulations at once, on this machine or on a cluster.

Dask's distributed scheduler hands out the simulations, one at a time per worker; each worker keeps
an ngspice process of its own (`cosim.ngspice.pool`). Results arrive as they complete, every
simulation gives exactly one, and only a few simulations wait inside the scheduler at any time, so
a plan of a million decks is never in memory at once.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from cosim.errors import InputError, SimulatorError
from cosim.ngspice.pool import Job, abort_call, close_pool, run_job
from cosim.ngspice.simulation import Result, Simulation
from cosim.results import Code, Status


if TYPE_CHECKING:  # importing distributed takes a second; a worker process needs none of it
    from distributed import Client, Future


DEFAULT_TIMEOUT = 600.0  # [s] for one simulation
# Dask insists on web servers; these have no pages and cannot be reached from outside.
_LOOPBACK = "127.0.0.1:0"
_NO_PAGES: dict[str, list[str]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
_CONNECT_LIMIT = 5.0  # [s] for a scheduler to answer
_COUNT_INTERVAL = 2.0  # [s] between looking how many workers a cluster has
_QUEUED_PER_WORKER = 4  # keeps a worker busy while results travel


class Workers:
    """Processes that simulate, kept for several calls.

        with Workers(2) as workers:
            results = workers.run_many(simulations)

    Args:
        workers: number of simulations at a time; one per core when None.
        runner: `shared` (the library, faster) or `batch` (the program).
        scheduler: address of a running Dask scheduler, such as `tcp://node7:8786`; its workers are
            then used, and `workers` is ignored.

    Raises:
        InputError: fewer than one worker, or an unknown runner.
        SimulatorError: no scheduler answers at the address.
    """

    def __init__(
        self, workers: int | None = None, runner: str = "shared", scheduler: str | None = None
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"{workers} workers cannot simulate; give at least 1")
        self._runner = runner
        self._key = uuid.uuid4().hex
        self._job("check", DEFAULT_TIMEOUT)
        self._threads, self._next_count = 1, 0.0
        self._stack = ExitStack()
        self._client = (
            _connect(scheduler, self._stack)
            if scheduler
            else _start(workers or len(os.sched_getaffinity(0)), self._stack)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; no simulation is left running."""
        self._on_all_workers(close_pool, self._key)
        self._stack.close()

    def run_many(
        self,
        simulations: Iterable[Simulation],
        timeout: float = DEFAULT_TIMEOUT,
        on_result: Callable[[int, Result], None] | None = None,
    ) -> list[Result]:
        """All results, in the order of the simulations; see `run_many`."""
        results: dict[int, Result] = {}
        for index, result in self.iter_many(simulations, timeout):
            results[index] = result
            if on_result is not None:
                on_result(index, result)
        return [results[index] for index in range(len(results))]

    def iter_many(
        self, simulations: Iterable[Simulation], timeout: float = DEFAULT_TIMEOUT
    ) -> Iterator[tuple[int, Result]]:
        """Results as they complete; see `iter_many`."""
        from distributed import as_completed

        job = self._job(uuid.uuid4().hex, timeout)
        waiting = enumerate(simulations)
        running: dict[Future, int] = {}
        completed = as_completed(loop=self._client.loop)

        def submit_up_to(count: int) -> None:
            while len(running) < count:
                index, simulation = next(waiting, (None, None))
                if index is None:
                    return
                key = f"ngspice-{job.call}-{index}"
                future = self._client.submit(run_job, simulation, job, key=key, pure=False)
                running[future] = index
                completed.add(future)

        try:
            submit_up_to(self._window())
            while running:
                future = next(completed)
                result = _result_of(future)
                index = running.pop(future)
                future.release()
                submit_up_to(self._window())
                yield index, result
        finally:
            self._abandon(running, job)

    def _job(self, call: str, timeout: float) -> Job:
        return Job(self._key, call, self._runner, timeout)

    def _window(self) -> int:
        """How many simulations to have in the scheduler."""
        if time.monotonic() > self._next_count:  # on a cluster, workers come and go
            self._threads = max(sum(self._client.nthreads().values()), 1)
            self._next_count = time.monotonic() + _COUNT_INTERVAL
        return _QUEUED_PER_WORKER * self._threads

    def _abandon(self, running: dict[Future, int], job: Job) -> None:
        """Stop what an interrupted call has started."""
        if running:
            with suppress(OSError, TimeoutError):
                self._client.cancel(list(running), force=True)
            self._on_all_workers(abort_call, self._key, job.call)

    def _on_all_workers(self, function: Callable[..., None], *arguments: str) -> None:
        """Call a function in every worker; workers that are gone need nothing."""
        with suppress(OSError, TimeoutError, RuntimeError):
            self._client.run(function, *arguments, on_error="ignore")


def run_many(
    simulations: Iterable[Simulation],
    workers: int | None = None,
    runner: str = "shared",
    scheduler: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    on_result: Callable[[int, Result], None] | None = None,
) -> list[Result]:
    """Run simulations in parallel.

    A simulation that fails gives a result with its status; it never stops the others. A process
    that dies is replaced, and its simulation tried again, three times in all. Ctrl-C stops all
    processes before it is raised.

    Args:
        simulations: what to run; an iterator is read as results come in.
        workers: number of simulations at a time; one per core when None.
        runner: `shared` (the library, faster) or `batch` (the program).
        scheduler: address of a running Dask scheduler instead of workers on this machine.
        timeout: longest time for one simulation [s]; a longer one ends with status TIMEOUT.
        on_result: called with index and result of every simulation as it completes.

    Returns:
        One result per simulation, in their order.

    Raises:
        SimulatorMissing: there is no ngspice where the workers run.
        SimulatorError: the scheduler is lost.
    """
    with Workers(workers, runner, scheduler) as pool:
        return pool.run_many(simulations, timeout, on_result)


def iter_many(
    simulations: Iterable[Simulation],
    workers: int | None = None,
    runner: str = "shared",
    scheduler: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Iterator[tuple[int, Result]]:
    """Like `run_many`, but yields `(index, result)` as each completes, in any order."""
    with Workers(workers, runner, scheduler) as pool:
        yield from pool.iter_many(simulations, timeout)


def _start(workers: int, stack: ExitStack) -> Client:
    """A client of a cluster in this process: its workers are threads that own a process each.

    Threads start at once and need no `if __name__ == "__main__"` in the caller's script; what
    needs isolation, ngspice, runs in the processes that they own.
    """
    import dask
    from distributed import Client, LocalCluster

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cosim-dask-"))
    with dask.config.set({**_NO_PAGES, "temporary-directory": folder}):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=False,
            memory_limit=0,
            dashboard_address=_LOOPBACK,
            worker_dashboard_address=_LOOPBACK,
            silence_logs=logging.CRITICAL,
            local_directory=folder,
            scheduler_kwargs={"dashboard": False},
        )
        stack.enter_context(cluster)
        return stack.enter_context(Client(cluster, set_as_default=False))


def _connect(address: str, stack: ExitStack) -> Client:
    """A client of a running scheduler."""
    from distributed import Client

    try:
        return stack.enter_context(Client(address, set_as_default=False, timeout=_CONNECT_LIMIT))
    except (OSError, ValueError) as error:
        raise SimulatorError(
            f"no Dask scheduler answers at `{address}`; start one with `dask scheduler`, or leave "
            "the address out to use this machine"
        ) from error


def _result_of(future: Future) -> Result:
    """The result of a task; one that took its Dask worker down with it has crashed."""
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return Result(Status(Code.CRASH, "the Dask worker died several times on it"))
    except (CancelledError, OSError) as error:
        raise SimulatorError(
            "the Dask scheduler is lost; what came in is complete: run the rest again"
        ) from error
