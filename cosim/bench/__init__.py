"""Testbenches of circuit blocks: what a block does, measured in ngspice over corners and draws."""

from cosim.bench.base import Bench, Condition, Figure, Measurement
from cosim.bench.conditions import CORNERS, NOMINAL, draws
from cosim.bench.measure import measure


__all__ = [
    "CORNERS",
    "NOMINAL",
    "Bench",
    "Condition",
    "Figure",
    "Measurement",
    "draws",
    "measure",
]
