"""`cosim netlist`: write the deck of a tile."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from cosim.cli.files import check_output, read_array, write_or_print
from cosim.cli.options import FILE, silent_option
from netlists.arrays import full_scale, middle_conductances
from netlists.mac_tile import STEPS_PER_READ, TRANSIENT_OPTIONS, mac_tile
from netlists.si_numbers import literal
from netlists.signal_chain import SignalChain
from netlists.specs import TileSpec
from netlists.spice import wrapped
from netlists.testbench import operating_point_deck, read_testbench


@click.command("netlist")
@click.argument("tile", type=FILE)
@click.option("--conductances", type=FILE, help="G.npy or .csv, [rows, cols], siemens.")
@click.option("--inputs", type=FILE, help="X.npy or .csv, [samples, rows], volt or codes.")
@click.option("--transient", is_flag=True, help="The whole tile over time; needs [readout].")
@click.option("-o", "--output", type=FILE, help="Deck to write; default: print.")
@silent_option
def command(
    tile: Path,
    conductances: Path | None,
    inputs: Path | None,
    transient: bool,
    output: Path | None,
) -> None:
    """Write a deck of TILE.toml that plain `ngspice -b` runs.

    Without conductances every cell is at the middle of the programming range; without inputs every
    row is at the read voltage.

    Example: cosim netlist tile.toml --conductances G.npy --inputs X.npy -o tile.cir
    """
    check_output(output, ())
    spec = TileSpec.from_toml(tile)
    G = middle_conductances(spec)
    if conductances is not None:
        G = read_array(conductances, "conductances [rows, cols] in siemens")
    if transient:
        deck = _transient_deck(spec, G, inputs)
    elif inputs is None:
        deck = operating_point_deck(spec, G, full_scale(spec, spec.drivers.read_voltage))
    else:
        X = read_array(inputs, "inputs [samples, rows] in volt or codes")
        voltages = SignalChain(spec).voltages(X).reshape(-1, spec.rows)
        deck = read_testbench(spec, G, voltages).standalone_deck()
    write_or_print(output, deck)


def _transient_deck(spec: TileSpec, G: np.ndarray, inputs: Path | None) -> str:
    """The whole tile over time, with its analysis."""
    largest = spec.drivers.read_voltage if spec.inputs is None else spec.inputs.largest
    X = full_scale(spec, largest)
    if inputs is not None:
        X = read_array(inputs, "inputs [samples, rows] in volt or codes")
    tile = mac_tile(spec, G, X)
    step = literal(tile.timing.period / STEPS_PER_READ)
    outputs = [vector for vector in tile.netlist.outputs if vector.startswith("v(")]
    analysis = f".tran {step} {literal(tile.timing.duration)}"
    return tile.netlist.text(analysis, *wrapped(".print tran", outputs), options=TRANSIENT_OPTIONS)
