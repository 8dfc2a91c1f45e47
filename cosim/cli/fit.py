"""`cosim fit`: fit a surrogate to a dataset."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.characterize import Dataset
from cosim.characterize.choosing import choose
from cosim.characterize.tiles import temperatures_of, tile_of
from cosim.cli.files import check_folder, print_json
from cosim.cli.options import (
    FILE,
    SEED,
    Number,
    json_option,
    note,
    progress_bar,
    silent_option,
    working,
)
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
    type=Number(0.05, 0.9),
    default=0.3,
    show_default=True,
    help="Share of the conductance matrices kept for the certificate.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the splits.")
@click.option(
    "--budget",
    type=Number(0, min_open=True),
    default=None,
    metavar="MILLISECONDS",
    help="Longest training step of 100 vectors on one tile; by default the surrogates that cost "
    "matrix products only.",
)
@json_option
@silent_option
def command(
    data: Path, output: Path, held_out: float, seed: int, budget: float | None, as_json: bool
) -> None:
    """Fit surrogates to DATA.zarr, keep the most accurate and print its certificate.

    What decides is the error on matrices that no fit has seen. The certificate is measured on yet
    others. Of a tile that is a netlist of its own, kinds that learn from samples alone take part.
    The surrogate of a tile with [readout] goes from codes to codes; its laws are fitted to the
    reads over time that DATA.zarr holds.

    Example: cosim fit data.zarr -o surrogate/

    Example: cosim fit data.zarr --budget 20 -o surrogate/
    """
    dataset = Dataset.open(data)
    check_folder(output, "surrogate.json")
    limit = None if budget is None else 1e-3 * budget
    choice = choose(dataset, held_out, seed, limit, progress_bar)
    line, spec = choice.best.surrogate, dataset.spec
    with working("fitting the read-out"):
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
    if as_json:
        candidates = {
            one.kind: {"nrmse": one.error, "step_s": one.step} for one in choice.candidates
        }
        print_json(
            {
                "surrogate": output,
                "kind": choice.best.kind,
                "reason": choice.reason,
                "candidates": candidates,
                "certificate": choice.best.certificate.to_dict(),
                "tile_certificate": None if proof is None else proof.to_dict(),
            }
        )
        return
    click.echo(choice.table())
    click.echo(choice.best.certificate.table())
    if proof is not None:
        click.echo(proof.table())
    elif tile is not None:
        note(
            "codes by the behavioural twins of the read-out; characterize with --transients to fit "
            "them, energies and latencies to reads over time"
        )
