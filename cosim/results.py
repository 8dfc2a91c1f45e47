"""What a simulation ends with: a status with advice instead of a bare success flag.

Failure is a value first. A sweep keeps the failed sample with its status and goes on; only a caller
who needs the numbers turns a failed status into an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Code(Enum):
    """The classes of outcome of a simulation; the value is the advice that goes with it."""

    OK = "nothing to do"
    SYNTAX = "correct the netlist line that ngspice quotes"
    UNKNOWN_MODEL = "define the model or subcircuit, or include the library that holds it"
    MISSING_INCLUDE = "check the path of the .include or .lib line"
    FLOATING_NODE = "give every node a DC path to ground"
    SINGULAR = "look for loops of voltage sources and for nodes without a DC path to ground"
    NO_CONVERGENCE = "start nearer to the solution (.nodeset), or loosen reltol and raise itl1"
    TIME_STEP = "shorten the source edges or the maximum step, or loosen reltol"
    DOMAIN = "keep the arguments of ln, sqrt and division inside their domains"
    NO_OUTPUT = "check the names of the requested outputs against the netlist"
    CRASH = "run the kept deck with `ngspice -b` to see where it dies, and report it"
    TIMEOUT = "allow more time, or make the circuit smaller"
    OTHER = "read ngspice's own words above"


@dataclass(frozen=True)
class Status:
    """How a simulation ended.

    Attributes:
        code: the class of outcome.
        message: the line of the simulator's log that explains it; empty when all is well.
        hint: what to do about it, where the advice of the class does not fit the engine.
    """

    code: Code
    message: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.code is Code.OK

    @property
    def advice(self) -> str:
        """What to do about it."""
        return self.hint or self.code.value

    def __str__(self) -> str:
        if self.ok:
            return "ok"
        return f"{self.code.name.lower().replace('_', ' ')}: {self.message} — {self.advice}"


OK = Status(Code.OK)
