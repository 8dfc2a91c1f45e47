"""`cosim characterize`: sample a tile into a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cosim.characterize import Dataset, SamplingPlan, characterize
from cosim.cli.files import check_folder, print_json
from cosim.cli.options import (
    COUNT,
    FILE,
    SEED,
    engine_options,
    json_option,
    progress_bar,
)
from cosim.engine.base import AbstractEngine
from cosim.engine.opening import open_engine
from cosim.errors import InputError, SimulationFailed
from cosim.progress import Advance
from netlists.specs import TileSpec
from netlists.toml_files import read_toml, validated


GIVEN = ("samples", "inputs_per_matrix", "transients", "reads_per_transient", "seed")


@click.command("characterize")
@click.argument("tile", type=FILE)
@click.option("--samples", type=COUNT, help="MVM samples at each condition.")
@click.option(
    "--inputs-per-matrix",
    type=click.IntRange(1, 10_000),
    help="Input vectors per conductance matrix, 32 by default.",
)
@click.option(
    "--transients",
    type=click.IntRange(0, 100_000),
    help="Sequences of reads over time in ngspice, of a tile with [readout]; none by default. The "
    "surrogate's codes, energies and latencies are fitted to them.",
)
@click.option(
    "--reads-per-transient", type=click.IntRange(2, 1000), help="Reads of each, 8 by default."
)
@click.option("--seed", type=SEED, help="Seed of every draw, 0 by default.")
@click.option(
    "--plan",
    "plan_file",
    type=FILE,
    help="PLAN.toml: all of these, corners, temperatures, times, Monte Carlo "
    "(see `cosim schema plan`); options given here take precedence.",
)
@click.option(
    "--active",
    "rounds",
    type=click.IntRange(1, 100),
    metavar="ROUNDS",
    help="Take half of the samples where surrogates of those so far disagree most, chosen anew in "
    "each round.",
)
@click.option("--again", is_flag=True, help="Also try once more what failed before.")
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
    required=True,
    help="DATA.zarr; continued when it holds the same work.",
)
@json_option
@engine_options
def command(
    tile: Path,
    plan_file: Path | None,
    rounds: int | None,
    again: bool,
    engine_name: str,
    output: Path,
    as_json: bool,
    **options: Any,
) -> None:
    """Draw conductances and inputs, simulate TILE.toml, keep the samples in a Zarr folder.

    A run that was interrupted goes on where it stopped when it is started again.

    Example: cosim characterize tile.toml --samples 1000 -o data.zarr

    Example: cosim characterize mac_tile.toml --samples 96 --transients 8 -o mac.zarr

    Example: cosim characterize tile.toml --samples 1000 --active 3 -o data.zarr

    Example: cosim characterize tile.toml --plan examples/corners.toml -o corners.zarr
    """
    given = {name: options.pop(name) for name in GIVEN}
    quiet = bool(options.pop("quiet"))
    check_folder(output, "zarr.json")
    spec = TileSpec.from_toml(tile)
    plan = _plan(plan_file, {name: value for name, value in given.items() if value is not None})
    _check_transients(spec, plan)
    with (
        open_engine(engine_name, spec, **options) as engine,
        progress_bar(f"{engine.name}: {spec.name}", plan.all_samples, quiet) as advance,
    ):
        if rounds is None:
            dataset = characterize(engine, plan, output, advance, again)
        else:
            dataset = _actively(engine, plan, output, rounds, advance)
    if plan.transients:
        _take_transients(dataset, quiet, **options)
    _report(dataset, as_json, quiet)


def _actively(
    engine: AbstractEngine,
    plan: SamplingPlan,
    output: Path,
    rounds: int,
    advance: Advance,
) -> Dataset:
    """Samples where surrogates disagree; their fits need torch, so it is imported here."""
    from cosim.characterize.active import characterize_actively

    return characterize_actively(engine, plan, output, rounds, advance)


def _check_transients(spec: TileSpec, plan: SamplingPlan) -> None:
    """Refuse reads over time that the tile cannot give, before any work is done."""
    if plan.transients:
        from cosim.characterize.transients import check_transients

        check_transients(spec, plan)


def _take_transients(
    dataset: Dataset,
    quiet: bool,
    workers: int | None,
    scheduler: str | None,
    runner: str,
    timeout: float,
) -> None:
    """Reads over time, which only ngspice gives."""
    from cosim.characterize.transients import take_transients
    from cosim.ngspice import Workers

    plan, missing = dataset.plan, len(dataset.pending_transients())
    with (
        Workers(workers, scheduler=scheduler, runner=runner) as pool,
        progress_bar("reads over time", missing * plan.reads_per_transient, quiet) as advance,
    ):
        take_transients(dataset, pool, advance, timeout)


def _plan(file: Path | None, given: dict[str, int]) -> SamplingPlan:
    """The plan of a file with what was given on the command line.

    Raises:
        SpecError: the plan is not complete or not valid.
    """
    if file is None and "samples" not in given:
        raise InputError("no samples are asked for; give `--samples N`, or `--plan PLAN.toml`")
    fields = read_toml(file) if file else {}
    return validated(SamplingPlan, {**fields, **given}, str(file or "options"))


def _report(dataset: Dataset, as_json: bool, quiet: bool) -> None:
    """Say what was taken and what failed.

    Raises:
        SimulationFailed: nothing could be simulated.
    """
    plan, failures = dataset.plan, dataset.failures()
    for matrix, status in failures.items():
        click.echo(f"matrix {matrix}: {status}", err=True)
    if failures and dataset.decks.exists():
        click.echo(f"the decks that failed are in {dataset.decks}", err=True)
    open_matrices = len(dataset.pending())  # active sampling leaves some
    samples = plan.all_samples - open_matrices * plan.inputs_per_matrix
    matrices = plan.matrices - open_matrices
    if as_json:
        print_json(
            {
                "dataset": dataset.path,
                "samples": samples,
                "conditions": plan.conditions.count,
                "matrices": matrices,
                "transients": plan.transients,
                "failures": {matrix: str(status) for matrix, status in failures.items()},
            }
        )
    if len(failures) == matrices:
        raise SimulationFailed(f"all {matrices} conductance matrices failed; see above")
    if not quiet and not as_json:
        kept = matrices - len(failures)
        at = f" at {plan.conditions.count} conditions" if plan.conditions.count > 1 else ""
        click.echo(
            f"{dataset.path}: {samples} samples{at}, {kept} of {matrices} "
            "matrices simulated" + (f", {plan.transients} transients" if plan.transients else "")
        )
