"""Which ngspice is there, found out without loading it here."""

from __future__ import annotations

from dataclasses import dataclass

from cosim.errors import SimulatorMissing
from cosim.ngspice.advice import how_to_get_klu, how_to_install
from cosim.ngspice.batch import executable_build, executable_path
from cosim.ngspice.process import WorkerProcess


@dataclass(frozen=True)
class NgspiceInfo:
    """The ngspice on this machine.

    Attributes:
        version: major version of the library, or of the program where there is no library.
        library: name or path of the shared library; None when there is none.
        executable: path of the program; None when there is none.
        klu: whether the KLU solver is built in.
    """

    version: int
    library: str | None
    executable: str | None
    klu: bool

    @property
    def solver(self) -> str:
        """The linear solver that simulations use."""
        return "KLU" if self.klu else "Sparse 1.3"

    @property
    def advice(self) -> str:
        """What would make simulations faster; empty when nothing would."""
        return "" if self.klu else how_to_get_klu()


def ngspice_info() -> NgspiceInfo:
    """Find ngspice; the library is loaded in a child process only.

    Raises:
        SimulatorMissing: neither the library nor the program is there.
    """
    build = library = executable = None
    try:
        worker = WorkerProcess()
        worker.close()
        build, library = worker.build, worker.library
    except SimulatorMissing:
        pass
    try:
        executable = executable_path()
        build = build or executable_build(executable)
    except SimulatorMissing:
        pass
    if build is None:
        raise SimulatorMissing(
            f"neither the library nor the program of ngspice was found; {how_to_install()}"
        )
    return NgspiceInfo(build.version, library, executable, build.klu)
