"""The stage that looks inside: I-V curves of the cell, and what the wires take of its voltage."""

from __future__ import annotations

import numpy as np

from cosim.cell import TileCell
from cosim.errors import SimulationFailed
from cosim.loop.context import Context
from cosim.loop.networks import chips_of, load_network
from cosim.loop.stages import Results
from cosim.ngspice import DcSweep, Simulation
from netlists import names
from netlists.cells import Gates
from netlists.testbench import line_voltage_testbench


SHOWN_CONDUCTANCES = 4
POINTS = 41


def look(context: Context) -> Results:
    """Curves of one cell, and a map of the cell voltages of one programmed tile."""
    return {"cell": _cell_curves(context), "cell_voltage_share": _cell_voltages(context).tolist()}


def _cell_curves(context: Context) -> Results:
    """Current of the whole cell over its voltage, output line at ground."""
    cell = context.tile.cell
    top = context.tile.drivers.read_voltage
    voltage = np.linspace(-top, top, POINTS)
    conductance = np.geomspace(cell.conductance_min, cell.conductance_max, SHOWN_CONDUCTANCES)
    current = TileCell(context.tile).current(voltage, 0.0, conductance[:, None])
    return {
        "voltage": voltage.tolist(),
        "conductance": conductance.tolist(),
        "current": current.tolist(),
    }


def _cell_voltages(context: Context) -> np.ndarray:
    """Share of the read voltage that each cell sees, every row driven, in ngspice."""
    tile = context.tile
    chip = chips_of(context, load_network(context, "variability-aware"))[0]
    conductances = chip.conductances[0][0].numpy()
    inputs = np.full((1, tile.rows), tile.drivers.read_voltage)
    bench = line_voltage_testbench(tile, conductances, inputs, gates=Gates.HELD)
    sweep = DcSweep(names.INDEX_SOURCE, 0, 0, 1)
    simulation = Simulation(bench.deck(), sweep, bench.netlist.outputs)
    result = context.engine.workers.run_many([simulation])[0]
    if not result.status.ok:
        raise SimulationFailed(f"line voltages of one tile: {result.status}")
    lines = np.array([result.vectors[name][0] for name in bench.netlist.outputs])
    top, bottom = lines.reshape(2, tile.rows, tile.cols)
    return (top - bottom) / tile.drivers.read_voltage
