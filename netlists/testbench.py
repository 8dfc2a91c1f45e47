"""Testbenches: sources and analyses around a tile.

A read testbench applies input vectors and measures the output currents. The deck either carries
its own analysis, for plain `ngspice -b`, or leaves it to the engine that loads it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from netlists import names
from netlists.arrays import checked_inputs
from netlists.cells import CellParts, Gates
from netlists.drivers import constant_input_lines, indexed_input_lines
from netlists.specs import TileSpec
from netlists.spice import Netlist, wrapped
from netlists.tile import tile_netlist


@dataclass(frozen=True)
class ReadTestbench:
    """A tile with input vectors applied.

    Attributes:
        netlist: the tile with its input sources.
        samples: number of input vectors; sample k is found at index k of a DC sweep of `vindex`.
    """

    netlist: Netlist
    samples: int

    def deck(self) -> str:
        """The deck without an analysis, for an engine that issues its own."""
        return self.netlist.text()

    def standalone_deck(self) -> str:
        """The deck with its analysis and a printed table, for plain `ngspice -b`."""
        sweep = f".dc {names.INDEX_SOURCE} 0 {max(self.samples - 1, 0)} 1"
        return self.netlist.text(sweep, *wrapped(".print dc", self.netlist.outputs))


def read_testbench(
    spec: TileSpec,
    conductances: ArrayLike,
    inputs: ArrayLike,
    parts: CellParts | None = None,
    gates: Gates = Gates.WORDLINES,
) -> ReadTestbench:
    """Apply input vectors to a tile, one per point of a DC sweep.

    Args:
        spec: the tile.
        conductances: `[rows, cols]` [S].
        inputs: `[samples, rows]` [V].
        parts: the cell's compact models when they are already loaded.
        gates: whether access transistors have their word lines, or held gates.

    Raises:
        ShapeError: an array of the wrong shape or not finite.
        CardError: a conductance outside the range of the device's card.
    """
    voltages = checked_inputs(spec, inputs)
    tile = tile_netlist(spec, conductances, parts, gates)
    return ReadTestbench(tile.with_elements(*indexed_input_lines(voltages)), len(voltages))


def operating_point_deck(
    spec: TileSpec, conductances: ArrayLike, inputs: ArrayLike, parts: CellParts | None = None
) -> str:
    """A standalone deck with one input vector [V] and an operating-point analysis."""
    vector = checked_inputs(spec, np.atleast_2d(np.asarray(inputs)))[0]
    tile = tile_netlist(spec, conductances, parts).with_elements(*constant_input_lines(vector))
    return tile.text(".op", *wrapped(".print op", tile.outputs))


def line_voltage_testbench(
    spec: TileSpec,
    conductances: ArrayLike,
    inputs: ArrayLike,
    parts: CellParts | None = None,
    gates: Gates = Gates.WORDLINES,
) -> ReadTestbench:
    """As `read_testbench`, but the outputs are the line voltages of every cell.

    Outputs are `v(il_r_c)` of all cells in row-major order, then `v(ol_r_c)` of all cells.
    """
    bench = read_testbench(spec, conductances, inputs, parts, gates)
    grids = (
        names.input_line_nodes(spec.rows, spec.cols),
        names.output_line_nodes(spec.rows, spec.cols),
    )
    outputs = tuple(f"v({node})" for grid in grids for row in grid for node in row)
    return ReadTestbench(replace(bench.netlist, outputs=outputs), bench.samples)
