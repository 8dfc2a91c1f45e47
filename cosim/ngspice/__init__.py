"""ngspice, the reference engine: every transistor, every wire, every transient.

    simulation ─► deck ─► pool ─► process ─► worker (one process: shared.py, PySpice) ─► result
                              └─► batch (`ngspice -b`) ─► rawfile ─────────────────────┘
                   log: what ngspice says ─► status          run: many of them, through Dask

Only the worker process loads the library; a simulation that kills ngspice costs that process.
"""

from __future__ import annotations

from cosim.ngspice.batch import BatchRunner
from cosim.ngspice.info import NgspiceInfo, ngspice_info
from cosim.ngspice.process import WorkerProcess
from cosim.ngspice.run import DEFAULT_TIMEOUT, Workers, iter_many, run_many
from cosim.ngspice.safety import assert_plain_value
from cosim.ngspice.simulation import (
    AcSweep,
    DcSweep,
    OperatingPoint,
    Result,
    Simulation,
    Transient,
)


__all__ = [
    "DEFAULT_TIMEOUT",
    "AcSweep",
    "BatchRunner",
    "DcSweep",
    "NgspiceInfo",
    "OperatingPoint",
    "Result",
    "Simulation",
    "Transient",
    "WorkerProcess",
    "Workers",
    "assert_plain_value",
    "iter_many",
    "ngspice_info",
    "run_many",
]
