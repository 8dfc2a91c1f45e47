"""ngspice as a program: `ngspice -b` on a deck in a temporary folder, results through a raw file.

Slower to start than the shared library, but needs nothing except the program. A process per
simulation also means that no simulation can disturb another.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

from cosim.errors import SimulatorError, SimulatorMissing
from cosim.ngspice import log
from cosim.ngspice.advice import how_to_install
from cosim.ngspice.deck import Build, runnable_deck
from cosim.ngspice.environment import simulator_environment
from cosim.ngspice.outcome import outcome, plot_name
from cosim.ngspice.priming import priming_lines
from cosim.ngspice.rawfile import read_rawfile
from cosim.ngspice.simulation import Result, Simulation
from cosim.results import Code, Status


EXECUTABLE_VARIABLE = "NGSPICE_EXECUTABLE"


def executable_path() -> str:
    """The program: `NGSPICE_EXECUTABLE` if set, else `ngspice` on the path.

    Raises:
        SimulatorMissing: there is none.
    """
    wanted = os.environ.get(EXECUTABLE_VARIABLE, "ngspice")
    found = shutil.which(wanted)
    if not found:
        raise SimulatorMissing(f"the program `{wanted}` was not found; {how_to_install()}")
    return found


@cache
def executable_build(executable: str) -> Build:
    """Version and solver of an ngspice program."""
    run = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False)
    return Build.from_banner(run.stdout)


class BatchRunner:
    """Runs simulations through an ngspice program.

    Attributes:
        executable: path of the program.
        build: its version and solver.
        alive: always True: no state survives a simulation.
    """

    alive = True

    def __init__(self, executable: str | None = None) -> None:
        self.executable = executable or executable_path()
        self.build = executable_build(self.executable)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, simulation: Simulation, timeout: float | None = None) -> Result:
        """Run one simulation for at most `timeout` seconds."""
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="cosim-ngspice-") as folder:
            said, failure = self._execute(simulation, Path(folder), timeout)
            result = failure or _read(simulation, Path(folder) / "out.raw", said)
        return replace(result, seconds=time.perf_counter() - begin)

    def kill(self) -> None:
        """End the simulation that is running, if any."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    close = kill

    def _execute(
        self, simulation: Simulation, folder: Path, timeout: float | None
    ) -> tuple[str, Result | None]:
        """Run ngspice in a folder; what it said, and the result if it already failed."""
        (folder / "deck.cir").write_text(self._script(simulation))
        self._process = subprocess.Popen(
            [self.executable, "-b", "deck.cir"],
            cwd=folder,
            env=simulator_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with self._process as process:
            try:
                said = process.communicate(timeout=timeout)[0].decode(errors="replace")
            except BaseException as error:
                process.kill()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                return "", Result(Status(Code.TIMEOUT, f"no result after {timeout:g} s"))
        if process.returncode < 0:
            name = signal.Signals(-process.returncode).name
            status = Status(Code.CRASH, f"ngspice ended with signal {name}")
            return said, Result(status, log=log.shortened(said))
        return said, None

    def _script(self, simulation: Simulation) -> str:
        """The deck with the commands that run it and write the raw file."""
        commands = (
            ".control",
            "set num_threads=1",
            "set filetype=binary",
            simulation.analysis.command,
            "write out.raw",
            "quit 0",  # otherwise ngspice looks for analyses in the deck and fails without
            ".endc",
        )
        priming = priming_lines(simulation, self.build)
        return runnable_deck(simulation, self.build, (*priming, *commands))


def _read(simulation: Simulation, rawfile: Path, said: str) -> Result:
    """The result of a finished ngspice from its raw file and its words."""
    status = log.load_status(said)
    if not status.ok:
        return Result(status, log=log.shortened(said))
    try:
        vectors = read_rawfile(rawfile) if rawfile.exists() else {}
    except SimulatorError:  # ngspice writes its table of constants when there is no plot
        vectors = {}
    return outcome(simulation, {plot_name(name): vectors[name] for name in vectors}, said)
