"""`cosim compare`: all kinds of surrogate on one dataset, error against time."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.characterize import Dataset
from cosim.characterize.comparing import KINDS, Comparison, compare_dataset
from cosim.cli.files import check_output, print_json
from cosim.cli.options import COUNT, FILE, SEED, Number, json_option, progress_bar, silent_option
from cosim.errors import InputError
from cosim.surrogate.comparison import BATCH


HEADER = ("model", "fit", "NRMSE %", "largest error %", "forward ms", "both ms", "front")
COLUMNS = ("model", "fit", "nrmse", "max_error", "forward_ms", "both_ms", "front")


@click.command("compare")
@click.argument("data", type=FILE)
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("-o", "--output", type=FILE, help="Also write the table, as .csv or .md.")
@click.option(
    "--held-out",
    type=Number(0.05, 0.9),
    default=0.3,
    show_default=True,
    help="Share of the conductance matrices that no fit sees.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the splits.")
@click.option(
    "--repeats",
    type=COUNT,
    default=25,
    show_default=True,
    help="Runs that the median of the times is taken over.",
)
@json_option
@silent_option
def command(
    data: Path,
    models: tuple[str, ...],
    output: Path | None,
    held_out: float,
    seed: int,
    repeats: int,
    as_json: bool,
) -> None:
    """Fit kinds of surrogate to DATA.zarr and compare error and time.

    A MODEL is a kind, or the folder of a stored surrogate of the same tile. Without any, all kinds
    that suit the tile are compared: those that need no structure where there is none to know.

    Errors are measured on conductances and inputs that no fit has seen, in parts of the output
    range. `both` is a forward and a backward pass. A model on the front has no other that is as
    accurate and as fast.

    Example: cosim compare data.zarr

    Example: cosim compare data.zarr alpha_beta line_mode_galerkin surrogate/ -o compared.md
    """
    check_output(output, (".csv", ".md"))
    kinds, stored = _sorted_out(models)
    dataset = Dataset.open(data)
    found = compare_dataset(dataset, kinds, held_out, seed, repeats, stored, progress_bar)
    if as_json:
        print_json(_data(found))
    else:
        click.echo(_text(found))
    if output is not None:
        written = _csv(found) if output.suffix == ".csv" else _markdown(found)
        output.write_text(written, encoding="utf-8")


def _sorted_out(models: tuple[str, ...]) -> tuple[list[str] | None, list[Path]]:
    """Kinds and folders among the models; None for the usual kinds.

    Raises:
        InputError: a model that is neither.
    """
    kinds = [name for name in models if name in KINDS]
    stored = [Path(name) for name in models if name not in KINDS]
    for path in stored:
        if not path.is_dir():
            raise InputError(
                f"'{path}' is not one of {', '.join(KINDS)}, nor a folder; name a kind of "
                "surrogate, or the folder of a stored one"
            )
    return (kinds if models else None), stored


def _about(found: Comparison) -> str:
    """What the figures are of."""
    return (
        f"errors on {found.held_out} samples of {found.matrices} unseen matrices, "
        f"fitted on {found.held_in} samples; median times of {BATCH} vectors on one tile, "
        "single precision, one thread"
    )


def _rows(found: Comparison) -> list[tuple[str, ...]]:
    """The table as people read it."""
    return [
        (
            row.name,
            found.fits[row.name],
            f"{100 * row.accuracy.nrmse:.4f}",
            f"{100 * row.accuracy.max_error:.4f}",
            f"{row.forward_ms:.3f}",
            f"{row.both_ms:.3f}",
            "yes" if row.front else "",
        )
        for row in found.rows
    ]


def _text(found: Comparison) -> str:
    table = [HEADER, *_rows(found)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in table
    ]
    return "\n".join([*lines, _about(found)])


def _markdown(found: Comparison) -> str:
    table = [HEADER, tuple("---" for _ in HEADER), *_rows(found)]
    lines = ["| " + " | ".join(cells) + " |" for cells in table]
    return "\n".join([*lines, "", _about(found) + "."]) + "\n"


def _data(found: Comparison) -> dict[str, object]:
    """The figures for machines."""
    rows = [
        {
            "model": row.name,
            "fit": found.fits[row.name],
            "accuracy": row.accuracy.to_dict(),
            "forward_ms": row.forward_ms,
            "both_ms": row.both_ms,
            "front": row.front,
        }
        for row in found.rows
    ]
    counts = {"held_in": found.held_in, "held_out": found.held_out, "matrices": found.matrices}
    return {**counts, "models": rows}


def _csv(found: Comparison) -> str:
    """The figures themselves, errors as fractions."""
    lines = [",".join(COLUMNS)]
    for row in found.rows:
        numbers = (row.accuracy.nrmse, row.accuracy.max_error, row.forward_ms, row.both_ms)
        cells = [
            row.name,
            found.fits[row.name].replace(",", ";"),
            *(f"{value:.6g}" for value in numbers),
        ]
        lines.append(",".join([*cells, "yes" if row.front else "no"]))
    return "\n".join(lines) + "\n"
