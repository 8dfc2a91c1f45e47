"""The section of a report on the circuit: drawings, the cell's curves, maps over the array."""

from __future__ import annotations

import numpy as np

from cosim.loop.told import Told
from cosim.report.model import (
    Axis,
    CellDrawing,
    Figure,
    HeatMap,
    LineChart,
    Section,
    Series,
    TileDrawing,
)
from netlists.si_numbers import readable


def circuit_section(told: Told) -> Section:
    """The tile, its cell, and maps over the array."""
    look = told.outcome.records["look"].results
    cell, voltage = look["cell"], np.array(look["cell"]["voltage"])
    curves = tuple(
        Series(readable(G, "S"), voltage, np.array(current))
        for G, current in zip(cell["conductance"], cell["current"], strict=True)
    )
    tile = told.tile
    return Section(
        "The circuit",
        (
            (
                f"{tile.rows} x {tile.cols} cells ({tile.cell.topology}), "
                f"{readable(tile.cell.conductance_min, 'S')} to "
                f"{readable(tile.cell.conductance_max, 'S')}, "
                f"{readable(tile.drivers.read_voltage, 'V')} at a full-scale input, "
                f"{readable(tile.wires.input_line_resistance, 'ohm')} per segment of wire. "
                f"The device is the card `{tile.cell.device}`."
            ),
            Figure("The tile", TileDrawing(tile), wide=True),
            Figure("The cell", CellDrawing(tile.cell)),
            Figure(
                "Current of the cell",
                LineChart(Axis("cell voltage", "V"), Axis("current", "A"), curves),
                "Device and access transistor in series, compiled from the Verilog-A that the "
                "netlist uses; labelled by the conductance of the device.",
            ),
            Figure(
                "What is left of the read voltage at every cell",
                HeatMap(np.array(look["cell_voltage_share"]), "share of the read voltage", "%"),
                f"First tile of the {look['training']} network on chip 0, all rows driven, in "
                "ngspice; the rest is lost in drivers and wires (IR drop). The rows give "
                f"{readable(look['power'], 'W')} to the tile then.",
                wide=True,
            ),
            Figure(
                "Current of every cell",
                HeatMap(np.array(look["cell_current"]), "current", "A"),
                "The same tile in ngspice, one row driven at a time.",
            ),
            Figure(
                "Error of the surrogate at every cell",
                HeatMap(
                    np.array(look["cell_error"]), "surrogate minus ngspice", "A", diverging=True
                ),
                "The same reads.",
            ),
        ),
    )


def _parts(told: Told) -> str:
    """What a cell consists of."""
    return "The device" if told.tile.cell.access_transistor is None else "Device and transistor"
