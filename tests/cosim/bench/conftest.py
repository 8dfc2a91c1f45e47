"""Measuring benches in tests: one pool of workers for all of them."""

from collections.abc import Callable, Iterator

import pytest

from cosim.bench import Bench, Condition, Measurement, measure
from cosim.ngspice import Workers


@pytest.fixture(scope="session")
def _pool() -> Iterator[Workers]:
    with Workers(1) as pool:
        yield pool


@pytest.fixture(scope="session")
def measured(_pool) -> Callable[..., list[Measurement]]:
    """`measured(bench, condition, ...)`: a measurement under each condition."""

    def run(bench: Bench, *conditions: Condition) -> list[Measurement]:
        return measure([bench], conditions, _pool, timeout=120.0)

    return run


@pytest.fixture(scope="session")
def kept(measured) -> Callable[..., dict[str, list[float]]]:
    """As `measured`, every figure within its limits; the values by figure."""

    def run(bench: Bench, *conditions: Condition) -> dict[str, list[float]]:
        values: dict[str, list[float]] = {}
        for one in measured(bench, *conditions):
            assert one.status.ok, (one.condition.label, str(one.status))
            wrong = [
                (figure.name, figure.shown, figure.limits)
                for figure in one.figures
                if not figure.ok
            ]
            assert not wrong, (one.condition.label, wrong)
            for figure in one.figures:
                values.setdefault(figure.name, []).append(figure.value)
        return values

    return run


@pytest.fixture(scope="session")
def outside(measured) -> Callable[..., set[str]]:
    """Names of the figures that leave their limits under some condition."""

    def run(bench: Bench, *conditions: Condition) -> set[str]:
        return {
            figure.name
            for one in measured(bench, *conditions)
            for figure in one.figures
            if not figure.ok
        }

    return run
