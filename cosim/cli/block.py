"""`cosim block`: the circuit blocks, their netlists, and what their testbenches measure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cosim.bench import CORNERS, NOMINAL, draws, measure
from cosim.bench.base import Measurement
from cosim.bench.catalog import BENCHES, find_bench
from cosim.bench.kept import KeptMeasurements
from cosim.bench.spread import spread_markdown, spreads
from cosim.bench.table import comma_separated, markdown, rows
from cosim.cli.files import check_output, print_json, write_or_print
from cosim.cli.options import FILE, SEED, engine_options, json_option, progress_bar, silent_option
from cosim.errors import CheckFailed
from cosim.ngspice import Workers, ngspice_info


@click.group("block")
def command() -> None:
    """Circuit blocks: drivers, amplifiers, comparators, converters and the rest of a macro."""


@command.command("list")
@json_option
@silent_option
def list_blocks(as_json: bool) -> None:
    """List the blocks that have a testbench.

    Example: cosim block list
    """
    if as_json:
        print_json({bench.name: bench.title for bench in BENCHES})
        return
    width = max(len(bench.name) for bench in BENCHES)
    for bench in sorted(BENCHES, key=lambda bench: bench.name):
        click.echo(f"{bench.name:<{width}}  {bench.title}")


@command.command("deck")
@click.argument("name")
@click.option("-o", "--output", type=FILE, help="Deck to write; default: print.")
@silent_option
def deck(name: str, output: Path | None) -> None:
    """Write the first deck of a block's testbench, with its analysis, for `ngspice -b`.

    Example: cosim block deck strongarm -o strongarm.cir && ngspice -b strongarm.cir
    """
    check_output(output, ())
    simulation = next(iter(find_bench(name).runs(NOMINAL).values()))
    kind = simulation.analysis.command.split()[0]
    ending = f".{simulation.analysis.command}\n.print {kind} {' '.join(simulation.outputs)}\n.end\n"
    write_or_print(output, simulation.deck.removesuffix(".end\n") + ending)


@command.command("measure")
@click.argument("names", nargs=-1)
@click.option("--corners", is_flag=True, help="Process, supply and temperature corners.")
@click.option("--draws", "count", type=click.IntRange(0, 10**6), default=0, help="Mismatch draws.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="First draw.")
@click.option("-o", "--output", type=FILE, help="Table to write, .csv or .md; default: print.")
@json_option
@engine_options
def measure_blocks(
    names: tuple[str, ...],
    corners: bool,
    count: int,
    seed: int,
    output: Path | None,
    as_json: bool,
    timeout: float,
    quiet: bool,
    **where: Any,
) -> None:
    """Measure blocks in ngspice; exit code 1 when a figure leaves its limits.

    Without names every block is measured. Measurements that are made are kept in OUTPUT.partial
    until the table is written: cut off, the same command goes on.

    Example: cosim block measure strongarm --corners --draws 20
    """
    check_output(output, (".csv", ".md"))
    benches = [find_bench(name) for name in names] or list(BENCHES)
    conditions = [*(CORNERS if corners else (NOMINAL,)), *draws(count, seed)]
    kept = _kept(output)
    with (
        Workers(where.pop("workers"), **where) as pool,
        progress_bar("measuring", len(benches) * len(conditions), quiet) as advance,
    ):
        measured = measure(benches, conditions, pool, lambda _: advance(1), timeout, kept)
    if as_json:
        print_json({"figures": [_data(one) for one in measured]})
    if output is not None and output.suffix == ".csv":
        write_or_print(output, comma_separated(measured))
    elif output is not None or not as_json:
        heading = "" if output is None else _heading(names, corners, count, seed)
        write_or_print(output, heading + markdown(measured))
    if kept:
        kept.remove()
    outside = [row for row in rows([one for one in measured if not one.ok]) if row[-1] == "no"]
    if outside:
        faults = "; ".join(", ".join(word for word in row[:-1] if word) for row in outside[:5])
        raise CheckFailed(f"{len(outside)} figures leave their limits: {faults}")


def _kept(output: Path | None) -> KeptMeasurements | None:
    """What was measured before this table was cut off."""
    return KeptMeasurements(output.with_name(f"{output.name}.partial")) if output else None


def _data(one: Measurement) -> dict[str, object]:
    """A measurement for machines."""
    figures = [
        {
            "figure": figure.name,
            "value": figure.value,
            "unit": figure.unit,
            "low": figure.low,
            "high": figure.high,
            "ok": figure.ok,
        }
        for figure in one.figures
    ]
    place = {"block": one.bench, "condition": one.condition.label}
    return {**place, "status": str(one.status), "ok": one.ok, "figures": figures}


def _heading(names: tuple[str, ...], corners: bool, count: int, seed: int) -> str:
    """What a page with measurements begins with: how they were made."""
    words = ["cosim", "block", "measure", *names]
    words += ["--corners"] * corners + ["--draws", str(count)] * bool(count)
    words += ["--seed", str(seed)] * bool(seed)
    conditions = f"{len(CORNERS)} corners" if corners else "nominal conditions"
    return (
        f"# Figures of the circuit blocks\n\nMade by `{' '.join(words)}` with ngspice "
        f"{ngspice_info().version}: {conditions}, {count} mismatch draws. Limits are those of the "
        "testbenches; where they differ from one condition to another, those of the first are "
        "shown. `kept` counts the conditions whose figure keeps its limits.\n\n"
    )


@command.command("spread")
@click.argument("names", nargs=-1)
@click.option(
    "--draws",
    "count",
    type=click.IntRange(2, 10**6),
    default=64,
    show_default=True,
    help="Mismatch draws.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="First draw.")
@click.option("-o", "--output", type=FILE, help="Table to write, .md; default: print.")
@json_option
@engine_options
def spread_of_blocks(
    names: tuple[str, ...],
    count: int,
    seed: int,
    output: Path | None,
    as_json: bool,
    timeout: float,
    quiet: bool,
    **where: Any,
) -> None:
    """Measure mismatch draws and compare their deviation with the blocks' twins.

    Without names every block is drawn; exit code 1 when a deviation is not the twin's. Measurements
    that are made are kept in OUTPUT.partial until the table is written: cut off, the same command
    goes on.

    Example: cosim block spread strongarm latch_sense_amplifier --draws 64
    """
    check_output(output, (".md",))
    benches = [find_bench(name) for name in names] or list(BENCHES)
    kept = _kept(output)
    with (
        Workers(where.pop("workers"), **where) as pool,
        progress_bar("drawing", len(benches) * count, quiet) as advance,
    ):
        measured = measure(benches, draws(count, seed), pool, lambda _: advance(1), timeout, kept)
    found = spreads(measured)
    if as_json:
        print_json({"spreads": [{**vars(one), "deviation": one.deviation} for one in found]})
    if output is not None or not as_json:
        write_or_print(output, spread_markdown(found))
    if kept:
        kept.remove()
    failed = [str(one.status) for one in measured if not one.status.ok]
    faults = [f"{one.bench}, {one.figure}" for one in found if one.agrees is False] + failed
    if faults:
        raise CheckFailed(f"{len(faults)} deviations are not the twin's: {'; '.join(faults[:5])}")
