"""The stage that looks inside one tile of one chip, in ngspice.

I-V curves of the cell, what the wires take of its voltage, and where over the array the surrogate
is wrong: one row is driven at a time, so a column's current is that of one cell.
"""

from __future__ import annotations

import numpy as np

from cosim.cell import TileCell
from cosim.errors import SimulationFailed
from cosim.loop.context import Context
from cosim.loop.networks import load_network
from cosim.loop.programming import chips_of
from cosim.loop.stages import Results
from cosim.loop.surrogates import surrogate_of
from cosim.ngspice import DcSweep, Simulation
from netlists import names
from netlists.cells import Gates
from netlists.testbench import line_voltage_testbench


SHOWN_CONDUCTANCES = 4
POINTS = 41


def look(context: Context) -> Results:
    """Curves of one cell, and maps of one programmed tile."""
    training = context.study.training.networks[-1]
    chip = chips_of(context, training, load_network(context, training))[0]
    G = chip.conductances[0][0].numpy()
    return {
        "training": training,
        "cell": _cell_curves(context),
        "cell_voltage_share": _cell_voltages(context, G).tolist(),
        **_single_cells(context, G),
    }


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


def _single_cells(context: Context, G: np.ndarray) -> Results:
    """Currents with one row driven, and with all of them."""
    tile = context.tile
    X = tile.drivers.read_voltage * np.vstack([np.eye(tile.rows), np.ones(tile.rows)])
    true = context.engine.mvm(G, X)
    error = surrogate_of(context).mvm(X, G) - true
    return {
        "cell_current": true[:-1].tolist(),
        "cell_error": error[:-1].tolist(),
        # Columns are at ground, so that all of the power comes from the rows.
        "power": float(tile.drivers.read_voltage * true[-1].sum()),
    }


def _cell_voltages(context: Context, conductances: np.ndarray) -> np.ndarray:
    """Share of the read voltage that each cell sees, every row driven, in ngspice."""
    tile = context.tile
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
