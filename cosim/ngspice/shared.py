"""ngspice as a shared library, through PySpice 1.5.

Only worker processes import this module (`cosim.ngspice.worker`): the library keeps its state in
global variables, so a process has one instance, and what kills ngspice kills the process.

Points in which PySpice 1.5 and ngspice differ, and how they are met here:

- the library is found by the dynamic loader under its versioned name, no variable needed;
- versions that PySpice does not know use its newest table of vector types, which has not changed;
- PySpice raises on any text on stderr, although most of it is harmless; success is decided by
  `cosim.ngspice.log` and by the lengths of the vectors;
- OpenMP threads spin against each other on a busy machine, so there is one per process;
- memory stays flat only when the circuit and all plots are removed after every run.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray
from PySpice.Spice.NgSpice import SimulationType
from PySpice.Spice.NgSpice.Shared import (
    NgSpiceCircuitError,
    NgSpiceCommandError,
    NgSpiceShared,
)

from cosim.errors import SimulatorMissing
from cosim.ngspice import log
from cosim.ngspice.deck import Build, runnable_deck
from cosim.ngspice.outcome import outcome, plot_name
from cosim.ngspice.simulation import Result, Simulation
from cosim.results import Code, Status


LIBRARY_VARIABLE = "NGSPICE_LIBRARY_PATH"
_NEWEST_EXPECTED_VERSION = 99
_NO_PLOT = "const"


def library_path() -> str:
    """The library to load: `NGSPICE_LIBRARY_PATH` if set, else what the dynamic loader knows.

    Raises:
        SimulatorMissing: there is none.
    """
    found = os.environ.get(LIBRARY_VARIABLE) or ctypes.util.find_library("ngspice")
    if not found:
        raise SimulatorMissing("the shared library of ngspice (libngspice) was not found")
    return found


def _instance() -> NgSpiceShared:
    """This process's ngspice."""
    known = SimulationType.SIMULATION_TYPE
    for version in range(SimulationType.LAST_VERSION, _NEWEST_EXPECTED_VERSION):
        known.setdefault(version, known["last"])
    # Every note on stderr would be logged as an error.
    logging.getLogger("PySpice").setLevel(logging.CRITICAL)
    NgSpiceShared.LIBRARY_PATH = library_path()
    try:
        instance = NgSpiceShared.new_instance()
    except OSError as error:
        raise SimulatorMissing(f"the library of ngspice cannot be loaded: {error}") from error
    return instance


class SharedRunner:
    """Runs simulations in this process's copy of the ngspice library.

    Attributes:
        build: version and solver of the library.
        healthy: False after a failure that the library does not survive; the process is then
            replaced before the next simulation.
    """

    def __init__(self) -> None:
        self._ngspice = _instance()
        self._command("set num_threads=1")
        self.build = Build.from_banner(self._command("version -f"))
        self.healthy = True

    def run(self, simulation: Simulation) -> Result:
        """Load, analyse, read, and remove every trace."""
        return self.run_text(runnable_deck(simulation, self.build), simulation)

    def run_text(self, text: str, simulation: Simulation) -> Result:
        """Run a deck that `cosim.ngspice.deck` has already completed."""
        begin = time.perf_counter()
        with self._cleaned_up():
            said, status = self._load(text)
            if status.ok:
                said += self._command(simulation.analysis.command)
                result = outcome(simulation, self._plot(), said)
            else:
                result = Result(status, log=log.shortened(said))
        return replace(result, seconds=time.perf_counter() - begin)

    def _load(self, text: str) -> tuple[str, Status]:
        """Give a deck to ngspice; what it said, and whether it can be run."""
        try:
            self._ngspice.load_circuit(text)
        except NgSpiceCircuitError:
            pass  # the word "error" somewhere on stdout, such as in a title
        except NameError:
            # ngSpice_Circ returned non-zero: "cannot recover and awaits to be detached".
            self.healthy = False
        said = self._said()
        status = log.load_status(said)
        if status.ok and not self.healthy:
            status = Status(Code.OTHER, "ngspice refused the deck without a reason")
        return said, status

    def _plot(self) -> dict[str, NDArray[Any]]:
        """The vectors of the last analysis by plot name, lower case; empty without an analysis."""
        try:
            name = self._ngspice.last_plot
            plot = {} if name == _NO_PLOT else self._ngspice.plot(None, name)
        except RuntimeError:  # a plot without a single vector is a null pointer
            return {}
        return {plot_name(key): vector._data for key, vector in plot.items()}

    def _command(self, command: str) -> str:
        """Run a command; everything it printed."""
        try:
            self._ngspice.exec_command(command)
        except NgSpiceCommandError:
            pass  # raised for any note on stderr; the log decides
        except NameError:
            self.healthy = False
        return self._said()

    def _said(self) -> str:
        return "\n".join([*self._ngspice._stdout, *self._ngspice._stderr, ""])

    @contextlib.contextmanager
    def _cleaned_up(self) -> Iterator[None]:
        """Remove circuit and plots afterwards; without, a load costs 600 kB and ever more time."""
        try:
            yield
        finally:
            self._command("remcirc")
            self._command("destroy all")
