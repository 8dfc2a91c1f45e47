"""The worker process: the only process that loads the ngspice library.

Its `main` gets the file descriptor of one end of a socket as its only argument. It first sends what
ngspice it found, or why there is none, and then answers every simulation with its result and with
whether the process is fit for another one.

It ends itself when its owner is gone (even in the middle of a simulation: the socket closes) and
when nothing was asked of it for a while, so that nothing is left behind on a cluster.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection

from cosim.errors import SimulatorMissing
from cosim.ngspice.deck import Build
from cosim.ngspice.simulation import Result, Simulation


IDLE_LIMIT = 600.0  # [s]


@dataclass(frozen=True)
class Hello:
    """The first message of a worker.

    Attributes:
        build: the ngspice it has loaded; None when there is none.
        library: the file or name it was loaded from.
        problem: why there is none.
    """

    build: Build | None
    library: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Request:
    """A simulation with its completed deck."""

    text: str
    simulation: Simulation


@dataclass(frozen=True)
class Answer:
    """A result, and whether the process can take another simulation."""

    result: Result
    healthy: bool


def _inbox(connection: Connection) -> queue.SimpleQueue[Request]:
    """Requests as they arrive, read by a thread that ends the process when the owner has gone."""
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def read() -> None:
        try:
            while True:
                requests.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return requests


def serve(connection: Connection) -> None:
    """Answer requests until there are no more."""
    requests = _inbox(connection)
    try:
        from cosim.ngspice.shared import SharedRunner, library_path

        runner = SharedRunner()
    except SimulatorMissing as error:
        connection.send(Hello(None, problem=str(error)))
        return
    connection.send(Hello(runner.build, library_path()))
    while True:
        try:
            request = requests.get(timeout=IDLE_LIMIT)
        except queue.Empty:
            return
        result = runner.run_text(request.text, request.simulation)
        connection.send(Answer(result, runner.healthy))


def main() -> None:
    """Serve on the file descriptor given as the only argument."""
    # Ctrl-C reaches the whole process group; the owner decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(Connection(int(sys.argv[1])))
    sys.stdout.flush()
    os._exit(0)  # ngspice's own exit handlers can crash after a failed load
