"""`cosim characterize`: sample a tile into a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cosim.characterize import SamplingPlan, characterize
from cosim.cli.options import engine_options, open_engine, progress_bar
from cosim.errors import SimulationFailed
from netlists.specs import TileSpec


@click.command("characterize")
@click.argument("tile", type=click.Path(path_type=Path))
@click.option("--samples", type=click.IntRange(1), required=True, help="MVM samples in all.")
@click.option(
    "--inputs-per-matrix",
    type=click.IntRange(1, 10_000),
    default=32,
    show_default=True,
    help="Input vectors per conductance matrix.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of every draw."
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
    type=click.Path(path_type=Path),
    required=True,
    help="DATA.zarr; continued when it holds the same work.",
)
@engine_options
def command(
    tile: Path,
    samples: int,
    inputs_per_matrix: int,
    seed: int,
    engine_name: str,
    output: Path,
    **where: Any,
) -> None:
    """Draw conductances and inputs, simulate TILE.toml, keep the samples in a Zarr folder.

    A run that was interrupted goes on where it stopped when it is started again.

    Example: cosim characterize tile.toml --samples 1000 -o data.zarr
    """
    quiet = bool(where.pop("quiet"))
    spec = TileSpec.from_toml(tile)
    plan = SamplingPlan(samples=samples, inputs_per_matrix=inputs_per_matrix, seed=seed)
    with (
        open_engine(engine_name, spec, **where) as engine,
        progress_bar(f"{engine.name}: {spec.name}", samples, quiet) as advance,
    ):
        dataset = characterize(engine, plan, output, advance)
    failures = dataset.failures()
    for matrix, status in failures.items():
        click.echo(f"matrix {matrix}: {status}", err=True)
    if len(failures) == plan.matrices:
        raise SimulationFailed(f"all {plan.matrices} conductance matrices failed; see above")
    if not quiet:
        kept = plan.matrices - len(failures)
        click.echo(f"{output}: {samples} samples, {kept} of {plan.matrices} matrices simulated")
