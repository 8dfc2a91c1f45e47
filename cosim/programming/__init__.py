"""Programming: algorithms that bring cells to conductances, and the cells they work on."""

from cosim.programming.algorithms import (
    AbstractAlgorithm,
    Igvva,
    Ispva,
    ReadVerifyWrite,
    Reset,
    SingleShot,
)
from cosim.programming.cells import AbstractCells, CellKind, Pulse
from cosim.programming.cost import (
    FASTEST_WRITE,
    SLOWEST_WRITE,
    ChipTraining,
    Cost,
    cost,
    rewriting_seconds,
)
from cosim.programming.outcome import Outcome
from cosim.programming.phase_change import IterativeProgramVerify
from cosim.programming.spice import SpiceCells
from cosim.programming.state import ProgrammedState
from cosim.programming.statistical import from_laws
from cosim.programming.tile import ALGORITHMS, ENGINES, check_targets, program_tile
from cosim.programming.vectorised import VectorisedCells


__all__ = [
    "ALGORITHMS",
    "ENGINES",
    "FASTEST_WRITE",
    "SLOWEST_WRITE",
    "AbstractAlgorithm",
    "AbstractCells",
    "CellKind",
    "ChipTraining",
    "Cost",
    "Igvva",
    "Ispva",
    "IterativeProgramVerify",
    "Outcome",
    "ProgrammedState",
    "Pulse",
    "ReadVerifyWrite",
    "Reset",
    "SingleShot",
    "SpiceCells",
    "VectorisedCells",
    "check_targets",
    "cost",
    "from_laws",
    "program_tile",
    "rewriting_seconds",
]
