"""`cosim simulate`: evaluate a tile on given inputs and conductances."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import click
import numpy as np

from cosim.cli.files import check_output, read_array, write_array
from cosim.cli.options import FILE, engine_options, open_engine, progress_bar
from netlists.arrays import checked_conductances, checked_inputs
from netlists.specs import TileSpec


@click.command("simulate")
@click.argument("tile", type=FILE)
@click.option(
    "--inputs",
    type=FILE,
    required=True,
    help="X.npy or .csv, [samples, rows], volt.",
)
@click.option(
    "--conductances",
    type=FILE,
    required=True,
    help="G.npy or .csv, [rows, cols], siemens.",
)
@click.option(
    "--engine",
    "engine_name",
    default="ngspice",
    show_default=True,
    help="ngspice, or the path of a surrogate folder.",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Y.npy or .csv, [samples, cols], ampere; default: print as csv.",
)
@engine_options
def command(
    tile: Path,
    inputs: Path,
    conductances: Path,
    engine_name: str,
    output: Path | None,
    **where: Any,
) -> None:
    """Output currents of TILE.toml for every input vector.

    Example: cosim simulate tile.toml --inputs X.npy --conductances G.npy -o Y.npy
    """
    check_output(output, (".npy", ".csv"))
    quiet = bool(where.pop("quiet"))
    spec = TileSpec.from_toml(tile)
    X = checked_inputs(spec, read_array(inputs, "inputs [samples, rows] in volt"))
    G = checked_conductances(spec, read_array(conductances, "conductances [rows, cols] in siemens"))
    with (
        open_engine(engine_name, spec, **where) as engine,
        progress_bar(f"{engine.name}: {spec.name}", len(X), quiet) as advance,
    ):
        currents = engine.mvm_many([(G, X)], advance)[0]
    if output is not None:
        write_array(output, currents)
        return
    text = io.StringIO()
    np.savetxt(text, currents, delimiter=",", fmt="%.12g")
    click.echo(text.getvalue(), nl=False)
