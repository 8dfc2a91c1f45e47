"""Options and helpers that several commands share."""

from __future__ import annotations

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
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for one load of the circuit in ngspice.",
)
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but results.")


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


@contextmanager
def progress_bar(title: str, total: int, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error with count, rate and time left; yields its advance."""
    console = Console(stderr=True, quiet=quiet)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)
