"""The pytest plugin: the `tile` mark, the `tile_regression` fixture and their options.

pytest imports this module in every run of whoever has the package installed, so nothing else of it
is imported before a test asks for the fixture.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest


if TYPE_CHECKING:
    from cosim.engine.base import AbstractEngine
    from cosim.ngspice import Workers
    from cosim.testing.regression import TileRegression
    from netlists.specs import TileSpec

MARK = (
    'tile(tile, tolerance=0.01, model="closed-form", samples=12, matrices=3, seed=0,'
    " golden_tolerance=1e-6): the tile of the fixture `tile_regression`"
)
GOLDENS = "goldens"
WRITTEN = pytest.StashKey[list[Path]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the plugin."""
    group = parser.getgroup("cosim", "tiles against SPICE")
    group.addoption(
        "--update-goldens",
        action="store_true",
        help="Simulate and rewrite the golden results of the selected tests.",
    )
    group.addoption(
        "--tile-plots",
        metavar="DIR",
        default="tile-plots",
        help="Folder for plots of comparisons that fail, from the root folder of the tests.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", MARK)
    config.stash[WRITTEN] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """List the golden results that were written."""
    for path in config.stash[WRITTEN]:
        terminalreporter.write_line(f"golden result written: {path}")


@pytest.fixture(scope="session")
def tile_reference() -> Iterator[Callable[[TileSpec], AbstractEngine]]:
    """What opens the reference for a tile: ngspice, in one process for the whole run.

    A test suite that wants another reference, or ngspice on a cluster, overrides this fixture.
    """
    from cosim.engine.ngspice import NgspiceEngine
    from cosim.ngspice import Workers

    with _one_for_all(Workers) as workers:
        yield lambda spec: NgspiceEngine(spec, workers())


@pytest.fixture
def tile_regression(
    request: pytest.FixtureRequest, tile_reference: Callable[[TileSpec], AbstractEngine]
) -> Iterator[TileRegression]:
    """The tile of the test's `tile` mark, to be compared with SPICE and with golden results."""
    from cosim.testing.regression import Places, TileRegression
    from cosim.testing.settings import settings_of

    mark = request.node.get_closest_marker("tile")
    if mark is None:
        pytest.fail(
            f"{request.node.name} uses `tile_regression` without a mark; name its tile with "
            '`@pytest.mark.tile("tile.toml", tolerance=0.01)`',
            pytrace=False,
        )
    name = re.sub(r"[^\w.-]+", "_", f"{request.path.stem}.{request.node.name}").strip("_")
    places = Places(
        folder=request.path.parent,
        golden=request.path.parent / GOLDENS / f"{name}.json",
        plot=request.config.rootpath / request.config.getoption("tile_plots") / f"{name}.svg",
        update=request.config.getoption("update_goldens"),
    )
    settings = settings_of(mark.args, mark.kwargs, request.node.name)
    regression = TileRegression(settings, places, tile_reference)
    yield regression
    request.config.stash[WRITTEN] += regression.written


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what a comparison says, not the lines of this package that found it out."""
    report = yield
    errors = sys.modules.get("cosim.errors")
    if call.excinfo is not None and errors is not None and item.get_closest_marker("tile"):
        error = call.excinfo.value
        if isinstance(error, errors.CosimError):
            report.longrepr = str(error)
    return report


@contextmanager
def _one_for_all(make: type[Workers]) -> Iterator[Callable[[], Workers]]:
    """Workers that are started when they are first needed, and ended with the run.

    A program per simulation starts faster than a process that keeps the library.
    """
    started: list[Workers] = []

    def workers() -> Workers:
        if not started:
            _quiet()
            started.append(make(1, runner="batch"))
        return started[0]

    try:
        yield workers
    finally:
        for one in started:
            one.close()


def _quiet() -> None:
    """Keep the scheduler's comings and goings out of what pytest captures of a failing test."""
    import distributed

    logging.getLogger(distributed.__name__).setLevel(logging.WARNING)
