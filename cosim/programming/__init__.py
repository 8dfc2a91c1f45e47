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
from cosim.programming.outcome import Outcome
from cosim.programming.vectorised import VectorisedCells


__all__ = [
    "AbstractAlgorithm",
    "AbstractCells",
    "CellKind",
    "Igvva",
    "Ispva",
    "Outcome",
    "Pulse",
    "ReadVerifyWrite",
    "Reset",
    "SingleShot",
    "VectorisedCells",
]
