"""Measure benches under conditions, all runs on shared workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cosim.bench.base import Bench, Condition, Measurement
from cosim.bench.kept import KeptMeasurements
from cosim.ngspice import DEFAULT_TIMEOUT, Result, Workers
from cosim.results import OK


@dataclass
class _Pending:
    """A measurement some of whose runs are still out."""

    bench: Bench
    condition: Condition
    names: tuple[str, ...]
    key: str
    results: dict[str, Result] = field(default_factory=dict)

    def measurement(self) -> Measurement:
        """The figures, when every run ended well."""
        statuses = [result.status for result in self.results.values()]
        status = next((status for status in statuses if not status.ok), OK)
        figures = self.bench.figures(self.condition, self.results) if status.ok else ()
        seconds = sum(result.seconds for result in self.results.values())
        return Measurement(self.bench.name, self.condition, figures, status, seconds)


def measure(
    benches: Sequence[Bench],
    conditions: Sequence[Condition],
    workers: Workers,
    progress: Callable[[Measurement], object] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    kept: KeptMeasurements | None = None,
) -> list[Measurement]:
    """Every bench under every condition.

    Args:
        benches: what to measure.
        conditions: where.
        workers: where ngspice runs.
        progress: called with each finished measurement.
        timeout: longest time of one run [s].
        kept: where measurements that were made before are found, and new ones are kept.

    Returns:
        Measurements, benches outer and conditions inner. A run that failed gives a measurement
        without figures and with its status.
    """
    finished: dict[int, Measurement] = {}
    for number, measurement in _finished(benches, conditions, workers, timeout, kept):
        finished[number] = measurement
        if progress is not None:
            progress(measurement)
    return [finished[number] for number in sorted(finished)]


def _finished(
    benches: Sequence[Bench],
    conditions: Sequence[Condition],
    workers: Workers,
    timeout: float,
    kept: KeptMeasurements | None,
) -> Iterator[tuple[int, Measurement]]:
    """Measurements with their numbers, as they are done."""
    pending: dict[int, _Pending] = {}
    owners: list[tuple[int, str]] = []
    simulations = []
    for place, (bench, condition) in enumerate(itertools.product(benches, conditions)):
        runs = bench.runs(condition)
        key = kept.key(bench, condition, runs) if kept else ""
        found = kept.find(key, bench, condition) if kept else None
        if found is not None:
            yield place, found
            continue
        owners += [(place, name) for name in runs]
        simulations += list(runs.values())
        pending[place] = _Pending(bench, condition, tuple(runs), key)
    for number, result in workers.iter_many(simulations, timeout):
        place, name = owners[number]
        one = pending[place]
        one.results[name] = result
        if len(one.results) == len(one.names):
            measurement = pending.pop(place).measurement()  # waveforms are large; figures are not
            if kept:
                kept.keep(one.key, measurement)
            yield place, measurement
