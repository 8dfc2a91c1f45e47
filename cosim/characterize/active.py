"""Take the samples where a surrogate is most likely wrong, instead of all of a plan.

The plan is a pool: some of its matrices are taken as they come, then surrogates fitted to different
parts of them say on which of the others they disagree most (`cosim.surrogate.active`), and these
are taken next. What is never taken stays open in the dataset, and no fit looks at it.

Matrices that were chosen are worse than those of the plan as they come. A certificate that is
measured on some of them says more error than fresh matrices have; it does not say less.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cosim.characterize.dataset import Dataset
from cosim.characterize.fitting import closed_form, provenance_of, samples_of
from cosim.characterize.plan import SamplingPlan
from cosim.characterize.sweep import sampled
from cosim.engine.base import AbstractEngine
from cosim.errors import InputError
from cosim.progress import Advance
from cosim.surrogate import (
    FitSettings,
    LineModeGalerkin,
    Surrogate,
    TileSamples,
    domain_of,
    fit,
)
from cosim.surrogate.active import ActiveSettings, next_samples
from cosim.surrogate.low_rank import fit_low_rank


# As many matrices of the plan as stand for each that is taken.
POOL = 4
# Part of the matrices that is taken as it comes, and at least so many for each of a committee.
FIRST_SHARE = 0.5
COMMITTEE = 3
# Members need not be as good as what is fitted in the end to disagree where it is not known.
ROUGHLY = FitSettings(held_out=0.2, iterations=2)


def pool_of(plan: SamplingPlan) -> SamplingPlan:
    """The plan that an active characterisation chooses from.

    Raises:
        InputError: a plan with several conditions, or too few matrices to choose by.
    """
    if plan.conditions.count > 1:
        raise InputError(
            f"active sampling was asked for at {plan.conditions.count} conditions; it chooses"
            " matrices for one circuit; leave the conditions out, or sample without `--active`"
        )
    if plan.matrices < 4 * COMMITTEE:
        raise InputError(
            f"{plan.samples} samples are {plan.matrices} conductance matrices; active sampling"
            f" needs {4 * COMMITTEE} to choose by; give more samples, or fewer inputs per matrix"
        )
    return plan.model_copy(update={"samples": POOL * plan.samples})


def characterize_actively(
    engine: AbstractEngine,
    plan: SamplingPlan,
    path: str | Path,
    rounds: int,
    progress: Advance = lambda count: None,
) -> Dataset:
    """Take as many matrices as a plan has, half of them where surrogates disagree most.

    Args:
        engine: evaluates the tile.
        plan: how many samples.
        path: of the Zarr folder; created, or continued when it holds the same work.
        rounds: how often is chosen; each takes an equal part.
        progress: called with the number of samples as they arrive.

    Raises:
        InputError: a plan that nothing can be chosen from.
        DatasetError: the folder holds something else.
    """
    spec, pool = engine.spec, pool_of(plan)
    about = {**engine.provenance(), "seed": str(plan.seed), "active": f"{rounds} rounds"}
    dataset = Dataset.create(path, spec, pool, about)
    taken = pool.matrices - len(dataset.pending())
    progress(taken * plan.inputs_per_matrix)
    first = max(round(FIRST_SHARE * plan.matrices), 2 * COMMITTEE)
    goals = np.linspace(first, plan.matrices, rounds + 1).round().astype(int).tolist()
    for number, goal in enumerate(goals):
        if goal <= taken:
            continue
        pending = dataset.pending()
        chosen = pending if number == 0 else _worst(dataset, pending, goal - taken)
        for matrix in sampled(engine, dataset, chosen[: goal - taken]):
            vectors = pool.vectors_of(matrix)
            progress(vectors.stop - vectors.start)
        taken = goal
    return dataset


def _worst(dataset: Dataset, pending: list[int], count: int) -> list[int]:
    """The open matrices on which surrogates of the samples so far disagree most."""
    spec, plan = dataset.spec, dataset.plan
    pool = [(plan.conductances(spec, matrix), plan.inputs(spec, matrix)) for matrix in pending]
    settings = ActiveSettings(per_round=count, committee=COMMITTEE, seed=plan.seed)

    def fitted(samples: TileSamples) -> Surrogate:
        if spec.external is not None:
            return fit_low_rank(samples, domain_of(spec), plan.seed)
        start = closed_form(LineModeGalerkin, spec)
        return fit(start, samples, provenance_of(dataset, 0), ROUGHLY).surrogate

    return [pending[index] for index in next_samples(samples_of(dataset), pool, fitted, settings)]
