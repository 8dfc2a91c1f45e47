"""Options and helpers that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cosim.engine.base import AbstractEngine
from cosim.errors import InputError
from cosim.ngspice import DEFAULT_TIMEOUT, Workers
from netlists.specs import TileSpec


FILE = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**62)
COUNT = click.IntRange(1, 10**7)  # of samples, draws, repeats: more fits no memory


class Number(click.FloatRange):
    """A number within limits; unlike click's, never infinite and never NaN."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number.

        Raises:
            click.BadParameter: it is none, or outside of the limits.
        """
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=None,
    help="Worker processes for ngspice; by default one per core.",
)
scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    default=None,
    help="Address of a running Dask scheduler, such as tcp://host:8786, instead of local workers.",
)
runner_option = click.option(
    "--runner",
    type=click.Choice(["shared", "batch"]),
    default="shared",
    help="How ngspice runs: its shared library through PySpice, or `ngspice -b`.",
)
timeout_option = click.option(
    "--timeout",
    type=Number(0, min_open=True),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for one load of the circuit in ngspice.",
)
QUIET = "cosim.quiet"  # in the context's notes, where every part of a command finds it


def _keep_quiet(context: click.Context, _: click.Parameter, value: bool) -> bool:
    context.meta[QUIET] = context.meta.get(QUIET, False) or value
    return value


QUIET_HELP = "Print nothing but results."
quiet_option = click.option("--quiet", is_flag=True, callback=_keep_quiet, help=QUIET_HELP)
# Of commands that need not know: their notes and progress ask the context.
silent_option = click.option(
    "--quiet", is_flag=True, callback=_keep_quiet, expose_value=False, help=QUIET_HELP
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object, in SI units, instead of text.",
)


def worker_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose where ngspice runs."""
    for option in (quiet_option, runner_option, scheduler_option, workers_option):
        function = option(function)
    return function


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose where ngspice runs, and for how long at most."""
    return worker_options(timeout_option(function))


@contextmanager
def open_engine(
    name: str,
    spec: TileSpec,
    workers: int | None,
    scheduler: str | None,
    runner: str,
    timeout: float = DEFAULT_TIMEOUT,
) -> Iterator[AbstractEngine]:
    """An engine by name: `ngspice`, `solver`, or the path of a surrogate folder.

    Each engine is imported where it is opened: torch alone takes seconds.

    Raises:
        InputError: an unknown engine, or a surrogate of another tile.
        SimulatorMissing: ngspice is not installed.
    """
    if name == "ngspice":
        from cosim.engine.ngspice import NgspiceEngine

        with Workers(workers, scheduler=scheduler, runner=runner) as pool:
            yield NgspiceEngine(spec, pool, timeout)
        return
    if name == "solver":
        from cosim.engine.solver import SolverEngine

        yield SolverEngine(spec, threads=workers)
        return
    if not Path(name).is_dir():
        raise InputError(
            f"engine `{name}` is unknown; use `ngspice`, `solver`, or a surrogate's folder"
        )
    from cosim.engine.surrogate import SurrogateEngine
    from cosim.surrogate import load

    stored = load(name, spec.content_hash())
    yield SurrogateEngine(spec, stored.surrogate, stored.tile)


def is_quiet() -> bool:
    """Whether `--quiet` was given to the command that runs."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(QUIET, False))


def note(text: str) -> None:
    """Say something beside the result, on standard error, unless `--quiet`."""
    if not is_quiet():
        click.echo(text, err=True)


@contextmanager
def progress_bar(title: str, total: int, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error with count, rate and time left; yields its advance."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, quiet=quiet or is_quiet())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)


@contextmanager
def working(title: str) -> Iterator[None]:
    """A sign of life on standard error with the time since, where the end is not known."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True, quiet=is_quiet())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(title, total=None)
        yield
