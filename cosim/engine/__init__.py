"""Engines: things that evaluate a tile. All answer one question, in the same units.

    mvm_many([(conductances, inputs), ...]) -> [output currents, ...]

`cosim.engine.ngspice` simulates the full netlist; `cosim.engine.solver` solves the same circuit,
from the same models, with a method made for crossbars; `cosim.engine.surrogate` evaluates a fitted
stand-in. Because they are interchangeable, any two can be compared, and one conformance suite runs
against all. Each is a module of its own, so that who simulates in ngspice waits for no other's
libraries.
"""

from typing import TYPE_CHECKING

from cosim.lazy import lazy_names


if TYPE_CHECKING:
    from cosim.engine.base import AbstractEngine, Readout
    from cosim.engine.ngspice import NgspiceEngine
    from cosim.engine.solver import SolverEngine
    from cosim.engine.surrogate import SurrogateEngine


__all__ = ["AbstractEngine", "NgspiceEngine", "Readout", "SolverEngine", "SurrogateEngine"]
__getattr__ = lazy_names(
    __name__,
    {
        "AbstractEngine": "base",
        "NgspiceEngine": "ngspice",
        "Readout": "base",
        "SolverEngine": "solver",
        "SurrogateEngine": "surrogate",
    },
)
