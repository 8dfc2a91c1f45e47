"""Run a sampling plan through an engine into a dataset, resuming where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cosim.characterize.dataset import Dataset
from cosim.characterize.plan import SamplingPlan
from cosim.engine import AbstractEngine


def characterize(
    engine: AbstractEngine,
    plan: SamplingPlan,
    path: str | Path,
    progress: Callable[[int], object] | None = None,
) -> Dataset:
    """Take the samples of a plan that are still missing.

    Args:
        engine: evaluates the tile.
        plan: which samples.
        path: of the Zarr folder; created, or continued when it holds the same plan.
        progress: called with the number of samples as they arrive, those on disk first.

    Returns:
        The dataset; matrices that failed are in it with their status.

    Raises:
        DatasetError: the folder holds something else.
    """
    spec = engine.spec
    dataset = Dataset.create(path, spec, plan, {**engine.provenance(), "seed": str(plan.seed)})
    pending = dataset.pending()
    if progress is not None:
        progress(plan.samples - sum(_count(plan, matrix) for matrix in pending))
    jobs = [(plan.conductances(spec, matrix), plan.inputs(spec, matrix)) for matrix in pending]
    for readout in engine.iter_mvm(jobs):
        matrix = pending[readout.index]
        failure = "" if readout.status.ok else str(readout.status)
        dataset.write(matrix, readout.currents, failure)
        if progress is not None:
            progress(_count(plan, matrix))
    return dataset


def _count(plan: SamplingPlan, matrix: int) -> int:
    """Number of samples of one matrix."""
    vectors = plan.vectors_of(matrix)
    return vectors.stop - vectors.start
