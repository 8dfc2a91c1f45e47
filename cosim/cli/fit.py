"""`cosim fit`: fit a surrogate to a dataset."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.characterize import Dataset
from cosim.characterize.choosing import choose
from cosim.characterize.tiles import temperatures_of, tile_of
from cosim.cli.options import FILE
from cosim.surrogate import save


@click.command("fit")
@click.argument("data", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="SURROGATE folder to write.",
)
@click.option(
    "--held-out",
    type=click.FloatRange(0.05, 0.9),
    default=0.3,
    show_default=True,
    help="Share of the conductance matrices kept for the certificate.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the splits."
)
@click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    default=None,
    metavar="MILLISECONDS",
    help="Longest training step of 100 vectors on one tile; by default the surrogates that cost "
    "matrix products only.",
)
def command(data: Path, output: Path, held_out: float, seed: int, budget: float | None) -> None:
    """Fit surrogates to DATA.zarr, keep the most accurate and print its certificate.

    What decides is the error on matrices that no fit has seen. The certificate is measured on yet
    others. Of a tile that is a netlist of its own, kinds that learn from samples alone take part.
    The surrogate of a tile with [readout] goes from codes to codes; its laws are fitted to the
    reads over time that DATA.zarr holds.

    Example: cosim fit data.zarr -o surrogate/

    Example: cosim fit data.zarr --budget 20 -o surrogate/
    """
    dataset = Dataset.open(data)
    choice = choose(dataset, held_out, seed, None if budget is None else 1e-3 * budget)
    line, spec = choice.best.surrogate, dataset.spec
    tile, proof = tile_of(dataset, line, seed=seed)
    save(
        output,
        line,
        spec.model_dump(mode="json"),
        spec.content_hash(),
        choice.best.certificate,
        tile=tile,
        tile_certificate=proof,
        temperatures=temperatures_of(spec, line),
    )
    click.echo(choice.table())
    click.echo(choice.best.certificate.table())
    if proof is not None:
        click.echo(proof.table())
    elif tile is not None:
        click.echo(
            "codes by the behavioural twins of the read-out; characterize with --transients to fit "
            "them, energies and latencies to reads over time"
        )
