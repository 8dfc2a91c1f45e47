"""`cosim validate`: check a surrogate against fresh SPICE samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cosim.characterize import SamplingPlan
from cosim.characterize.fitting import Validation, validate
from cosim.characterize.tiles import TileValidation
from cosim.characterize.transients import fresh_transients
from cosim.cli.files import print_json
from cosim.cli.options import (
    COUNT,
    FILE,
    SEED,
    Number,
    engine_options,
    json_option,
    progress_bar,
    working,
)
from cosim.engine.base import AbstractEngine
from cosim.engine.opening import open_engine
from cosim.errors import CheckFailed, DatasetError
from cosim.ngspice import Workers
from cosim.surrogate import OutsideSamples, StoredSurrogate, Surrogate, load, outside_domain
from cosim.surrogate.outside import cases, outside_table
from cosim.surrogate.tile_certificate import tile_errors
from netlists.specs import TileSpec


@click.command("validate")
@click.argument("surrogate", type=FILE)
@click.option(
    "--samples",
    type=COUNT,
    default=96,
    show_default=True,
    help="Fresh samples to draw.",
)
@click.option(
    "--tolerance",
    type=Number(min=0, min_open=True),
    default=None,
    help="Largest range-NRMSE that passes, as a fraction; by default twice the certificate's.",
)
@click.option(
    "--seed",
    type=SEED,
    default=1_000_003,
    show_default=True,
    help="Seed of the fresh draws.",
)
@click.option(
    "--outside",
    is_flag=True,
    help="Also print the errors beyond the domain, by 10, 25 and 50 %; nothing is promised there.",
)
@click.option(
    "--transients",
    type=click.IntRange(0, 100_000),
    default=2,
    show_default=True,
    help="Fresh sequences of 8 reads over time, if the surrogate was fitted to some.",
)
@json_option
@engine_options
def command(
    surrogate: Path,
    samples: int,
    tolerance: float | None,
    seed: int,
    outside: bool,
    transients: int,
    as_json: bool,
    **where: Any,
) -> None:
    """Draw fresh samples in ngspice and hold the certificate of SURROGATE against them.

    Exits with 1 when the certificate does not hold.

    Example: cosim validate surrogate/ --samples 200 --tolerance 0.002
    """
    quiet = bool(where.pop("quiet"))
    stored = load(surrogate)
    certificate = stored.certificate
    if certificate is None:
        raise DatasetError(f"{surrogate} has no certificate to check; fit it with `cosim fit`")
    if seed == certificate.provenance.seeds.get("samples"):
        raise DatasetError(f"seed {seed} is the one of the fit's own samples; give another --seed")
    spec = TileSpec.from_dict(dict(stored.spec), origin=str(surrogate))
    plan = SamplingPlan(samples=samples, inputs_per_matrix=min(16, samples), seed=seed)
    with (
        open_engine("ngspice", spec, **where) as engine,
        progress_bar(f"ngspice: {spec.name}", samples, quiet) as advance,
    ):
        outcome = validate(stored.surrogate, certificate, engine, plan, tolerance, advance)
        beyond = _beyond(stored.surrogate, engine, quiet) if outside else ""
    tile = _over_time(stored, spec, transients, seed, where)
    if as_json:
        print_json(_data(outcome, tile))
    else:
        parts = (_table(outcome), beyond, "" if tile is None else tile.table())
        click.echo("\n".join(part for part in parts if part))
    if not outcome.holds or (tile is not None and not tile.holds):
        raise CheckFailed(
            f"the certificate of {surrogate} does not hold on {outcome.samples} fresh samples; "
            "characterize with more samples and fit again"
        )


def _over_time(
    stored: StoredSurrogate, spec: TileSpec, transients: int, seed: int, where: dict[str, Any]
) -> TileValidation | None:
    """A tile's surrogate against fresh reads over time; None where nothing was certified."""
    if stored.tile is None or stored.tile_certificate is None or not transients:
        return None
    plan = SamplingPlan(samples=1, seed=seed, transients=transients)
    timeout = where.pop("timeout")
    with Workers(where.pop("workers"), **where) as workers, working("reads over time"):
        reads = fresh_transients(spec, plan, workers, timeout)
    return TileValidation(tile_errors(stored.tile, reads), stored.tile_certificate.errors)


def _beyond(surrogate: Surrogate, engine: AbstractEngine, quiet: bool) -> str:
    """Errors outside of the domain, as lines of text."""
    draws = OutsideSamples()
    total = len(cases()) * draws.matrices * draws.samples
    with progress_bar("outside the domain", total, quiet) as advance:
        rows = outside_domain(surrogate, lambda tasks: engine.mvm_many(tasks, advance), draws=draws)
    return outside_table(rows, surrogate.domain)


def _data(outcome: Validation, tile: TileValidation | None) -> dict[str, Any]:
    """The outcome for machines."""
    return {
        "holds": outcome.holds and (tile is None or tile.holds),
        "samples": outcome.samples,
        "matrices": outcome.matrices,
        "accuracy": outcome.accuracy.to_dict(),
        "nrmse_limit": outcome.nrmse_limit,
        "bounds": [{**vars(one), "holds": one.holds} for one in outcome.coverages],
        "over_time": None if tile is None else {"holds": tile.holds, **vars(tile.errors)},
    }


def _table(outcome: Validation) -> str:
    """The outcome as lines of text."""
    a = outcome.accuracy
    lines = [
        f"fresh samples   {outcome.samples}, {outcome.matrices} matrices",
        f"NRMSE           {100 * a.nrmse:.4f} % of the output range"
        f" (limit {100 * outcome.nrmse_limit:.4f} %)",
        f"largest error   {100 * a.max_error:.4f} % of the range",
    ]
    for coverage in outcome.coverages:
        lines.append(
            f"{100 * coverage.level:g} % bound      holds for {100 * coverage.share:.2f} % of the "
            f"outputs (needed {100 * coverage.needed:.2f} %)"
        )
    return "\n".join([*lines, "holds" if outcome.holds else "does not hold"])
