"""Take a plan's reads over time: transients of a tile with its read-out, in ngspice."""

from __future__ import annotations

import numpy as np

from cosim.characterize.dataset import Dataset
from cosim.characterize.plan import SamplingPlan
from cosim.engine.transient import TransientReadout, iter_transients
from cosim.errors import SpecError
from cosim.ngspice import DEFAULT_TIMEOUT, Workers
from cosim.progress import Advance
from cosim.read_sequences import ReadSequences
from netlists.specs import TileSpec


def check_transients(spec: TileSpec, plan: SamplingPlan) -> None:
    """Refuse a plan whose reads over time the tile cannot give.

    Raises:
        SpecError: the tile has no read-out.
    """
    if plan.transients and (spec.readout is None or spec.external is not None):
        raise SpecError(
            f"the plan asks for {plan.transients} transients, and the tile {spec.name} has no "
            "[readout] around a generated crossbar; add the table, or leave them out"
        )


def take_transients(
    dataset: Dataset,
    workers: Workers,
    progress: Advance | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> None:
    """Take the sequences of a dataset's plan that are still missing.

    Args:
        dataset: where they belong.
        workers: where ngspice runs.
        progress: called with the number of reads as they are kept.
        timeout: longest time of one sequence [s].

    Raises:
        SpecError: the tile has no read-out.
        SimulationFailed: ngspice failed; what was taken before is kept.
    """
    spec, plan = dataset.spec, dataset.plan
    check_transients(spec, plan)
    pending = dataset.pending_transients()
    jobs = [plan.transient(spec, number) for number in pending]
    for place, readout in iter_transients(spec, jobs, workers, timeout):
        dataset.write_transient(pending[place], as_sequence(*jobs[place], readout))
        if progress is not None:
            progress(plan.reads_per_transient)


def fresh_transients(
    spec: TileSpec, plan: SamplingPlan, workers: Workers, timeout: float = DEFAULT_TIMEOUT
) -> ReadSequences:
    """The sequences of a plan, without keeping them.

    Raises:
        SpecError: the tile has no read-out.
        SimulationFailed: ngspice failed.
    """
    check_transients(spec, plan)
    jobs = [plan.transient(spec, number) for number in range(plan.transients)]
    found = dict(iter_transients(spec, jobs, workers, timeout))
    return ReadSequences.joined([as_sequence(*job, found[place]) for place, job in enumerate(jobs)])


def as_sequence(G: np.ndarray, X: np.ndarray, readout: TransientReadout) -> ReadSequences:
    """One transient as a set of one sequence."""

    def one(values: np.ndarray) -> np.ndarray:
        return np.asarray(values, dtype=np.float64)[None]

    return ReadSequences(
        one(G),
        one(X),
        one(readout.outputs),
        one(readout.codes),
        one(readout.sensed),
        one(readout.latency),
        {block: one(joule) for block, joule in readout.energy.items()},
    )
