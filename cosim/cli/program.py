"""`cosim program`: bring the cells of a tile to conductances."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from cosim.cli.files import print_json, read_array
from cosim.cli.options import FILE, SEED, json_option, progress_bar, silent_option
from cosim.errors import CheckFailed
from cosim.ngspice import WorkerProcess
from cosim.programming import ALGORITHMS, ENGINES, ProgrammedState, check_targets, program_tile
from cosim.programming.state import check_free
from cosim.progress import Advance
from netlists.specs import TileSpec


SIMULATION_LIMIT = 600.0  # [s] for one pulse in ngspice


@click.command("program")
@click.argument("tile", type=FILE)
@click.option(
    "--targets",
    type=FILE,
    required=True,
    help="Wanted conductances [S], rows x cols, as .npy or .csv.",
)
@click.option(
    "--algorithm",
    type=click.Choice(list(ALGORITHMS)),
    required=True,
    help="How the cells are programmed.",
)
@click.option(
    "--engine",
    type=click.Choice(list(ENGINES)),
    default="compiled",
    show_default=True,
    help="The compiled equations, every pulse in ngspice, or the card's statistical laws.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of every draw.")
@click.option("-o", "--output", type=FILE, required=True, help="STATE folder to write.")
@json_option
@silent_option
def command(
    tile: Path,
    targets: Path,
    algorithm: str,
    engine: str,
    seed: int,
    output: Path,
    as_json: bool,
) -> None:
    """Program TILE.toml and keep conductances, pulses and provenance in a folder.

    STATE/conductance.npy is what `cosim simulate --conductances` takes.

    Example: cosim program tile.toml --targets G.npy --algorithm igvva-10 -o state/
    """
    spec = TileSpec.from_toml(tile)
    wanted = read_array(targets, "the targets")
    check_targets(spec, wanted)
    check_free(output)
    with progress_bar("programming cells", wanted.size) as advance:
        state = _program(spec, wanted, algorithm, engine, seed, advance)
    state.save(output)
    missed = int((~state.converged).sum())
    if as_json:
        counts = {"cells": wanted.size, "converged": wanted.size - missed}
        print_json({"state": output, **counts, **state.provenance})
    else:
        click.echo(state.provenance["summary"])
    if missed == state.converged.size:
        raise CheckFailed(f"no cell converged; the state is in {output}; see docs/devices.md")


def _program(
    spec: TileSpec,
    wanted: np.ndarray,
    algorithm: str,
    engine: str,
    seed: int,
    watch: Advance,
) -> ProgrammedState:
    if engine != "ngspice":
        return program_tile(spec, wanted, algorithm, seed, engine, watch=watch)
    worker = WorkerProcess()
    try:
        return program_tile(
            spec, wanted, algorithm, seed, engine, lambda s: worker.run(s, SIMULATION_LIMIT), watch
        )
    finally:
        worker.close()
