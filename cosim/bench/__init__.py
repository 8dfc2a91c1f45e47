"""Testbenches of circuit blocks: what a block does, measured in ngspice over corners and draws.

The drift study of the conductance-ratio multiplier is here too (`ratio_study`).
"""

from cosim.bench.base import Bench, Condition, Figure, Measurement
from cosim.bench.catalog import BENCHES, find_bench
from cosim.bench.conditions import CORNERS, NOMINAL, draws
from cosim.bench.measure import measure
from cosim.bench.ratio_response import RatioResponse, ratio_response, write_ratio_response
from cosim.bench.ratio_study import (
    DriftCase,
    DriftRow,
    DriftSimulations,
    comma_separated,
    twin_rows,
)


__all__ = [
    "BENCHES",
    "CORNERS",
    "NOMINAL",
    "Bench",
    "Condition",
    "DriftCase",
    "DriftRow",
    "DriftSimulations",
    "Figure",
    "Measurement",
    "RatioResponse",
    "comma_separated",
    "draws",
    "find_bench",
    "measure",
    "ratio_response",
    "twin_rows",
    "write_ratio_response",
]
