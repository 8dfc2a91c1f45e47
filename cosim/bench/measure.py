"""Measure benches under conditions, all runs on shared workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cosim.bench.base import Bench, Condition, Measurement
from cosim.ngspice import DEFAULT_TIMEOUT, Result, Workers
from cosim.results import OK


@dataclass
class _Pending:
    """A measurement some of whose runs are still out."""

    bench: Bench
    condition: Condition
    names: tuple[str, ...]
    results: dict[str, Result]

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
) -> list[Measurement]:
    """Every bench under every condition.

    Args:
        benches: what to measure.
        conditions: where.
        workers: where ngspice runs.
        progress: called with each finished measurement.
        timeout: longest time of one run [s].

    Returns:
        Measurements, benches outer and conditions inner. A run that failed gives a measurement
        without figures and with its status.
    """
    finished: dict[int, Measurement] = {}
    for number, measurement in _finished(benches, conditions, workers, timeout):
        finished[number] = measurement
        if progress is not None:
            progress(measurement)
    return [finished[number] for number in sorted(finished)]


def _finished(
    benches: Sequence[Bench], conditions: Sequence[Condition], workers: Workers, timeout: float
) -> Iterator[tuple[int, Measurement]]:
    """Measurements with their numbers, as they are done."""
    pending: list[_Pending] = []
    owners: list[tuple[int, str]] = []
    simulations = []
    for bench in benches:
        for condition in conditions:
            runs = bench.runs(condition)
            owners += [(len(pending), name) for name in runs]
            simulations += list(runs.values())
            pending.append(_Pending(bench, condition, tuple(runs), {}))
    for number, result in workers.iter_many(simulations, timeout):
        owner, name = owners[number]
        pending[owner].results[name] = result
        if len(pending[owner].results) == len(pending[owner].names):
            measurement = pending[owner].measurement()
            pending[owner].results.clear()  # waveforms are large; figures are not
            yield owner, measurement
