"""Run a sampling plan through an engine into a dataset, resuming where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from cosim.characterize.dataset import Dataset
from cosim.characterize.plan import SamplingPlan
from cosim.engine.base import AbstractEngine
from cosim.progress import Advance


def characterize(
    engine: AbstractEngine,
    plan: SamplingPlan,
    path: str | Path,
    progress: Advance | None = None,
    again: bool = False,
) -> Dataset:
    """Take the samples of a plan that are still missing.

    Args:
        engine: evaluates the tile.
        plan: which samples.
        path: of the Zarr folder; created, or continued when it holds the same plan.
        progress: called with the number of samples as they arrive, those on disk first.
        again: whether matrices that failed before are tried once more.

    Returns:
        The dataset; matrices that failed are in it with their status, and their decks beside it.

    Raises:
        DatasetError: the folder holds something else.
        SpecError, CardError: a condition of the plan is none that the tile can have; nothing is
            written then.
    """
    spec = engine.spec
    dataset = Dataset.create(path, spec, plan, {**engine.provenance(), "seed": str(plan.seed)})
    pending = dataset.pending(again)
    if progress is not None:
        progress(plan.all_samples - sum(_count(plan, matrix) for matrix in pending))
    for condition, matrices in groupby(pending, plan.condition_of):
        there = engine.at(plan.tile(spec, condition))
        for matrix in sampled(there, dataset, list(matrices)):
            if progress is not None:
                progress(_count(plan, matrix))
    return dataset


def sampled(engine: AbstractEngine, dataset: Dataset, matrices: list[int]) -> Iterator[int]:
    """Take the samples of some matrices, all under one condition; yields each when it is kept."""
    spec, plan = dataset.spec, dataset.plan
    jobs = [(plan.conductances(spec, matrix), plan.inputs(spec, matrix)) for matrix in matrices]
    for readout in engine.iter_mvm(jobs):
        matrix = matrices[readout.index]
        deck = "" if readout.status.ok else engine.deck(jobs[readout.index])
        if deck:
            dataset.keep_deck(matrix, deck)
        dataset.write(matrix, readout.currents, "" if readout.status.ok else str(readout.status))
        yield matrix


def _count(plan: SamplingPlan, matrix: int) -> int:
    """Number of samples of one matrix."""
    vectors = plan.vectors_of(matrix)
    return vectors.stop - vectors.start
