"""Options and helpers that several commands share."""

from __future__ import annotations

import math
import time
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
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cosim.ngspice import DEFAULT_TIMEOUT


FILE = click.Path(path_type=Path)
PATIENCE = 2.0  # [s] after which people want to know what is going on
SEED = click.IntRange(0, 2**62)
COUNT = click.IntRange(1, 10**7)  # of samples, draws, repeats: more fits no memory


class Number(click.FloatRange):
    """A number within limits; unlike click's, never infinite and never NaN."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
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
    """A progress bar on standard error with count, rate and time left; yields its advance.

    Where nobody watches, such as in a log, one line tells of the end if it took a while. An error
    takes the bar away, so that its message stands alone.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with _shown(title, total, columns, quiet=quiet) as advance:
        yield advance


@contextmanager
def working(title: str) -> Iterator[None]:
    """A sign of life on standard error with the time since, where the end is not known."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with _shown(title, None, columns):
        yield


@contextmanager
def _shown(
    title: str, total: int | None, columns: tuple[ProgressColumn, ...], *, quiet: bool = False
) -> Iterator[Callable[[int], None]]:
    """Progress on a terminal; a line at the end elsewhere."""
    quiet = quiet or is_quiet()
    console = Console(stderr=True, quiet=quiet)
    began = time.perf_counter()
    if not console.is_terminal:
        yield lambda count: None
        seconds = time.perf_counter() - began
        if not quiet and seconds > PATIENCE:
            click.echo(
                f"{title}: {'' if total is None else f'{total} '}in {seconds:.1f} s", err=True
            )
        return
    with Progress(*columns, console=console, transient=total is None) as progress:
        task = progress.add_task(title, total=total)
        try:
            yield lambda count: progress.advance(task, count)
        except BaseException:
            progress.live.transient = True
            raise
