"""From a dataset to a certified surrogate, and from a surrogate back to fresh samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import cosim
from cosim.cell import TileCell
from cosim.characterize.dataset import Dataset
from cosim.characterize.plan import SamplingPlan
from cosim.engine import AbstractEngine
from cosim.surrogate import (
    Accuracy,
    Certificate,
    Fit,
    FitSettings,
    LineModeGalerkin,
    Provenance,
    Surrogate,
    TileSamples,
    accuracy,
    fit,
)


def samples_of(dataset: Dataset) -> TileSamples:
    """The samples of a dataset that have a result, with the matrices renumbered."""
    data = dataset.arrays()
    used, matrix = np.unique(data["matrix_of_sample"].to_numpy(), return_inverse=True)
    return TileSamples(
        data["conductance"].to_numpy()[used],
        data["input"].to_numpy(),
        data["output"].to_numpy(),
        matrix,
    )


def fit_dataset(dataset: Dataset, held_out: float = 0.3, seed: int = 0) -> Fit:
    """Fit the default surrogate to a dataset and certify it on matrices it has not seen.

    Args:
        dataset: samples of a tile.
        held_out: share of the conductance matrices kept for the certificate.
        seed: of the splits.

    Raises:
        ShapeError: too few matrices for the splits.
    """
    spec = dataset.spec
    versions = {name: text for name, text in dataset.provenance.items() if name != "engine"}
    provenance = Provenance(
        spec_hash=spec.content_hash(),
        engine=dataset.provenance["engine"],
        versions={**versions, "cosim": cosim.__version__},
        seeds={"samples": dataset.plan.seed, "split": seed},
    )
    start = LineModeGalerkin.from_spec(spec, TileCell(spec).current)
    settings = FitSettings(held_out=held_out, seed=seed)
    return fit(start, samples_of(dataset), provenance, settings)


@dataclass(frozen=True)
class Validation:
    """A surrogate against fresh samples of the reference.

    Attributes:
        accuracy: errors on the fresh samples.
        inside: for each level of the certificate's bounds ("0.95"), the share of fresh outputs
            that lie inside the bound.
        samples: number of fresh samples.
        matrices: number of fresh conductance matrices.
        nrmse_limit: largest range-NRMSE that passes.
    """

    accuracy: Accuracy
    inside: dict[str, float]
    samples: int
    matrices: int
    nrmse_limit: float

    @property
    def holds(self) -> bool:
        """Whether the error is within the limit and the bounds cover what they promise.

        Outputs of one read are not independent, so a bound may miss its level by as much as the
        level itself allows to fail: 95 % passes from 90 %, 99 % from 98 %.
        """
        covered = all(share >= 2 * float(level) - 1 for level, share in self.inside.items())
        return covered and self.accuracy.nrmse <= self.nrmse_limit


def validate(
    surrogate: Surrogate,
    certificate: Certificate,
    engine: AbstractEngine,
    plan: SamplingPlan,
    tolerance: float | None = None,
    progress: Callable[[int], object] | None = None,
) -> Validation:
    """Draw fresh samples from the reference and hold a surrogate's certificate against them.

    Args:
        surrogate: what is judged.
        certificate: what it promises.
        engine: the reference.
        plan: fresh samples; its seed must not be one that the fit has seen.
        tolerance: largest range-NRMSE that passes; twice the certificate's when None.
        progress: called with the number of samples as they arrive.

    Raises:
        SimulationFailed: the reference gave no result.
    """
    spec = engine.spec
    jobs = [(plan.conductances(spec, m), plan.inputs(spec, m)) for m in range(plan.matrices)]
    reference = np.concatenate(engine.mvm_many(jobs, progress))
    predicted = np.concatenate(surrogate.mvm_many(jobs))
    matrix = np.repeat(np.arange(len(jobs)), [len(inputs) for _, inputs in jobs])
    errors = np.abs(predicted - reference)
    return Validation(
        accuracy=accuracy(predicted, reference, matrix),
        inside={level: float(np.mean(errors <= b)) for level, b in certificate.bounds.items()},
        samples=len(reference),
        matrices=len(jobs),
        nrmse_limit=2 * certificate.accuracy.nrmse if tolerance is None else tolerance,
    )
