"""A worker process, seen from the process that owns it.

The owner sends a simulation and waits for its result, but never longer than asked: a process that
dies costs a result with status CRASH, one that hangs is killed and costs one with status TIMEOUT.
In both cases the process is gone and its owner starts another.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from cosim.errors import SimulatorError, SimulatorMissing
from cosim.ngspice.advice import how_to_install
from cosim.ngspice.deck import Build, runnable_deck
from cosim.ngspice.environment import simulator_environment
from cosim.ngspice.priming import priming_lines
from cosim.ngspice.simulation import Result, Simulation
from cosim.ngspice.worker import Answer, Hello, Request
from cosim.results import Code, Status


_MAIN = "from cosim.ngspice.worker import main; main()"
_START_LIMIT = 120.0  # [s] from a cold disk on a busy machine


class StartFailed(SimulatorError):  # noqa: N818 - reads as the fact it states
    """A worker process ended, or was silent, before it was ready."""


class WorkerProcess:
    """One process with one copy of the ngspice library.

    Attributes:
        build: the ngspice it has loaded.
        library: where the library came from.

    Raises:
        SimulatorMissing: there is no library that can be loaded.
        StartFailed: the process ended before it was ready.
    """

    def __init__(self) -> None:
        # A folder of its own: ngspice executes a `.spiceinit` that it finds where it is started.
        self._folder = tempfile.TemporaryDirectory(prefix="cosim-ngspice-")
        self._words = Path(self._folder.name) / "stderr"
        self._last_words = ""
        ours, theirs = socket.socketpair()
        with theirs, self._words.open("wb") as words:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                cwd=self._folder.name,
                pass_fds=[theirs.fileno()],
                env=_environment(),
            )
        self._connection = Connection(ours.detach())
        self._closed = False
        hello = self._hello()
        if hello.build is None:
            self.close()
            raise SimulatorMissing(f"{hello.problem}; {how_to_install()}")
        self.build: Build = hello.build
        self.library = hello.library

    @property
    def alive(self) -> bool:
        """False once it has crashed, hung, or become unfit; start another then."""
        return not self._closed and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def run(self, simulation: Simulation, timeout: float) -> Result:
        """Run one simulation for at most `timeout` seconds."""
        text = runnable_deck(simulation, self.build, priming_lines(simulation, self.build))
        return self.run_text(text, simulation, timeout)

    def run_text(self, text: str, simulation: Simulation, timeout: float) -> Result:
        """Run a deck that is already complete; `simulation` tells analysis and outputs."""
        begin = time.perf_counter()
        try:
            self._connection.send(Request(text, simulation))
            if not self._connection.poll(timeout):
                self.close()
                status = Status(Code.TIMEOUT, f"no result after {timeout:g} s")
                return Result(status, seconds=time.perf_counter() - begin)
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            self.close()
            return Result(self._crash(), seconds=time.perf_counter() - begin)
        if not answer.healthy:
            self.close()
        return answer.result

    def kill(self) -> None:
        """End the process from another thread; the one that waits in `run` sees it crash."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def close(self) -> None:
        """End the process and forget it."""
        if self._closed:
            return
        self._closed = True
        self.kill()
        self._process.wait()
        self._connection.close()
        if self._words.exists():
            self._last_words = " ".join(self._words.read_text(errors="replace").split())[-300:]
        self._folder.cleanup()

    def _hello(self) -> Hello:
        """What the process found, once it is ready."""
        try:
            if self._connection.poll(_START_LIMIT):
                return self._connection.recv()
        except (EOFError, OSError):
            pass
        self.close()
        raise StartFailed(self._crash().message)

    def _crash(self) -> Status:
        code = self._process.returncode
        cause = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return Status(
            Code.CRASH, f"the ngspice process ended with {cause} {self._last_words}".rstrip()
        )


def _environment() -> dict[str, str]:
    """The same with this process's import path."""
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    return {**simulator_environment(), "PYTHONPATH": path}
