"""Every exception that `cosim` raises on purpose, with the exit code the command line gives it.

CosimError                     (exit code 1 unless said otherwise)
 ├── InputError                something the user gave is wrong                (2)
 │    ├── SpecError            a field of a TOML specification
 │    ├── CardError            a parameter card, or a value outside its range
 │    ├── ShapeError           an array of the wrong shape or with NaN
 │    ├── VerilogAError        a Verilog-A source, with line, column and caret
 │    ├── DatasetError         a dataset or surrogate folder that is foreign or damaged
 │    └── MissingFileError     a path that is not there
 ├── SimulatorError            ngspice                                         (3)
 │    ├── SimulatorMissing     not installed, or its library cannot be loaded
 │    └── SimulationFailed     a run that ended without a result; carries its status
 └── CheckFailed               a comparison that was asked for does not hold   (1)
"""

from __future__ import annotations

from compact_models.errors import (
    CardError,
    CosimError,
    InputError,
    ShapeError,
    SpecError,
    VerilogAError,
)


__all__ = [
    "CardError",
    "CheckFailed",
    "CosimError",
    "DatasetError",
    "InputError",
    "MissingFileError",
    "ShapeError",
    "SimulationFailed",
    "SimulatorError",
    "SimulatorMissing",
    "SpecError",
    "VerilogAError",
]


class DatasetError(InputError):
    """A dataset, state or surrogate folder is damaged, truncated, or made by something else."""


class MissingFileError(InputError):
    """A file or folder that was named does not exist."""


class SimulatorError(CosimError):
    """ngspice could not give a result."""

    exit_code = 3


class SimulatorMissing(SimulatorError):  # noqa: N818 - reads as the fact it states
    """ngspice is not installed, or its shared library cannot be loaded."""


class SimulationFailed(SimulatorError):  # noqa: N818
    """A simulation ended without a result; the message quotes ngspice and advises."""


class CheckFailed(CosimError):  # noqa: N818
    """A comparison that the user asked for does not hold."""

    exit_code = 1
