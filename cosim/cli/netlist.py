"""`cosim netlist`: write the deck of a tile."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from cosim.cli.files import check_output, read_array, write_or_print
from cosim.cli.options import FILE
from netlists.specs import TileSpec
from netlists.testbench import operating_point_deck, read_testbench


@click.command("netlist")
@click.argument("tile", type=FILE)
@click.option("--conductances", type=FILE, help="G.npy or .csv, [rows, cols], siemens.")
@click.option("--inputs", type=FILE, help="X.npy or .csv, [samples, rows], volt.")
@click.option("-o", "--output", type=FILE, help="Deck to write; default: print.")
def command(
    tile: Path, conductances: Path | None, inputs: Path | None, output: Path | None
) -> None:
    """Write a deck of TILE.toml that plain `ngspice -b` runs.

    Without conductances every cell is at the middle of the programming range; without inputs every
    row is at the read voltage.

    Example: cosim netlist tile.toml --conductances G.npy --inputs X.npy -o tile.cir
    """
    check_output(output, ())
    spec = TileSpec.from_toml(tile)
    middle = 0.5 * (spec.cell.conductance_min + spec.cell.conductance_max)
    G = np.full((spec.rows, spec.cols), middle)
    if conductances is not None:
        G = read_array(conductances, "conductances [rows, cols] in siemens")
    if inputs is None:
        deck = operating_point_deck(spec, G, np.full(spec.rows, spec.drivers.read_voltage))
    else:
        X = read_array(inputs, "inputs [samples, rows] in volt")
        deck = read_testbench(spec, G, X).standalone_deck()
    write_or_print(output, deck)
