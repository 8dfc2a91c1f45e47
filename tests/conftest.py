"""Fixtures that several test folders share, and what makes every run of the tests the same."""

import os
import random
import sys
from collections.abc import Callable

import jaxtyping
import pytest
from browser import Browser
from hypothesis import settings

from netlists.specs import TileSpec


# One thread per process: test processes share the cores, and sums come out the same each time.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers that the fixtures here know."""
    config.addinivalue_line(
        "markers",
        "wrong_input: gives wrong arguments on purpose, so annotations are not checked meanwhile",
    )


@pytest.fixture(autouse=True)
def _annotations_checked_unless_wrong_on_purpose(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a function see wrong arguments itself when that is what a test is about."""
    if request.node.get_closest_marker("wrong_input"):
        monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(autouse=True)
def _same_draws_in_every_run() -> None:
    """Start the generators that libraries keep to themselves; ours are given seeds."""
    random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def resistive_tile() -> Callable[..., TileSpec]:
    """A maker of tiles with ideal resistors as cells."""

    def make(rows: int, cols: int, **changes: dict) -> TileSpec:
        data = {
            "name": "resistive",
            "rows": rows,
            "cols": cols,
            "cell": {
                "topology": "1R",
                "device": "resistor",
                "conductance_min": 5e-6,
                "conductance_max": 150e-6,
            },
            "wires": {"input_line_resistance": 1.0, "output_line_resistance": 1.5},
            "drivers": {"read_voltage": 0.2, "source_resistance": 10.0},
            "sensing": {"input_resistance": 3.0},
        }
        for table, values in changes.items():
            data[table] = {**data.get(table, {}), **values}
        return TileSpec.from_dict(data)

    return make


@pytest.fixture(scope="session")
def rram_tile() -> Callable[..., TileSpec]:
    """A maker of 1T1R tiles with the shipped RRAM and access transistor."""

    def make(rows: int, cols: int, **changes: dict) -> TileSpec:
        data = {
            "name": "rram",
            "rows": rows,
            "cols": cols,
            "cell": {
                "topology": "1T1R",
                "device": "rram_gap__stanford_jiang2016",
                "access_transistor": "nmos_ekv__generic_130nm",
                "gate_voltage": 1.2,
                "conductance_min": 5e-6,
                "conductance_max": 150e-6,
            },
            "wires": {"input_line_resistance": 1.0, "output_line_resistance": 1.0},
            "drivers": {"read_voltage": 0.2, "source_resistance": 10.0},
        }
        for table, values in changes.items():
            data[table] = {**data.get(table, {}), **values}
        return TileSpec.from_dict(data)

    return make


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium, started once."""
    opened = Browser(tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()
