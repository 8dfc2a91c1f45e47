"""`cosim fit`: fit a surrogate to a dataset."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.characterize import Dataset
from cosim.characterize.fitting import fit_dataset
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
def command(data: Path, output: Path, held_out: float, seed: int) -> None:
    """Fit a surrogate to DATA.zarr and print its certificate.

    The certificate is measured on conductances and inputs that the fit has not seen.

    Example: cosim fit data.zarr -o surrogate/
    """
    dataset = Dataset.open(data)
    result = fit_dataset(dataset, held_out, seed)
    spec = dataset.spec
    save(
        output,
        result.surrogate,
        spec.model_dump(mode="json"),
        spec.content_hash(),
        result.certificate,
    )
    click.echo(result.certificate.table())
