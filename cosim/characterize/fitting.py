"""From a dataset to a certified surrogate, and from a surrogate back to fresh samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

import cosim
from cosim.cell import TileCell
from cosim.characterize.dataset import Dataset
from cosim.characterize.plan import SamplingPlan
from cosim.engine.base import AbstractEngine
from cosim.errors import DatasetError
from cosim.progress import Advance
from cosim.surrogate import (
    Accuracy,
    Certificate,
    Fit,
    FitSettings,
    LineModeGalerkin,
    Provenance,
    Surrogate,
    TileSamples,
    WireResistances,
    accuracy,
    domain_of,
    fit,
)
from netlists.specs import TileSpec


def samples_of(dataset: Dataset) -> TileSamples:
    """The samples of a dataset that have a result, with the matrices renumbered.

    Only conditions that leave the circuit as it is specified count: a dataset holds the
    conductances as time and chance have made them, but a surrogate stands for one circuit.

    Raises:
        DatasetError: every condition is another circuit.
    """
    spec, plan = dataset.spec, dataset.plan
    same = [plan.tile(spec, number) == spec for number in range(plan.conditions.count)]
    if not any(same):
        raise DatasetError(
            f"{dataset.path} holds no samples of the tile as it is specified, only of corners, "
            "temperatures or chips that differ; take some under nominal conditions to fit to"
        )
    data = dataset.arrays()
    of_sample = data["condition_of_matrix"].to_numpy()[data["matrix_of_sample"].to_numpy()]
    data = data.isel(sample=np.flatnonzero(np.array(same)[of_sample]))
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
    start = closed_form(LineModeGalerkin, dataset.spec)
    settings = FitSettings(held_out=held_out, seed=seed)
    return fit(start, samples_of(dataset), provenance_of(dataset, seed), settings)


def closed_form(kind: type[LineModeGalerkin], spec: TileSpec) -> LineModeGalerkin:
    """A surrogate of a tile before anything is fitted to arrays.

    Where cells draw their current out of the lines, inputs are below the level of the lines; such a
    surrogate is for inputs of either sign.
    """
    current, domain = TileCell(spec).current, domain_of(spec)
    if spec.readout is None or not spec.readout.draws:
        return kind.from_spec(spec, current)
    domain = replace(domain, input_low=-domain.input_high)
    wires = WireResistances.from_spec(spec)
    return kind.from_cell(spec.rows, spec.cols, wires, current, domain)


def provenance_of(dataset: Dataset, seed: int) -> Provenance:
    """Where a dataset's samples came from; `seed` is that of the splits."""
    versions = {name: text for name, text in dataset.provenance.items() if name != "engine"}
    return Provenance(
        spec_hash=dataset.spec.content_hash(),
        engine=dataset.provenance["engine"],
        versions={**versions, "cosim": cosim.__version__},
        seeds={"samples": dataset.plan.seed, "split": seed},
    )


@dataclass(frozen=True)
class Coverage:
    """How often one bound of a certificate held on fresh samples.

    Attributes:
        level: which bound, such as 0.95.
        share: share of the fresh outputs inside the bound.
        needed: smallest share that passes; see `needed_coverage`.
    """

    level: float
    share: float
    needed: float

    @property
    def holds(self) -> bool:
        """Whether the bound covers as much as it must."""
        return self.share >= self.needed


@dataclass(frozen=True)
class Validation:
    """A surrogate against fresh samples of the reference.

    Attributes:
        accuracy: errors on the fresh samples.
        coverages: one for every bound of the certificate.
        samples: number of fresh samples.
        matrices: number of fresh conductance matrices.
        nrmse_limit: largest range-NRMSE that passes.
    """

    accuracy: Accuracy
    coverages: tuple[Coverage, ...]
    samples: int
    matrices: int
    nrmse_limit: float

    @property
    def holds(self) -> bool:
        """Whether the error is within the limit and every bound covers what it must."""
        covered = all(coverage.holds for coverage in self.coverages)
        return covered and self.accuracy.nrmse <= self.nrmse_limit


def needed_coverage(level: float, fresh: int, calibration: int) -> float:
    """The smallest share of fresh outputs inside a bound that is no evidence against it.

    Three standard errors below what it promises: of a share counted on `fresh` samples, under a
    bound that was itself set from `calibration` samples. A sample counts once, whatever its number
    of columns, because the errors of the columns of one read are not independent.
    """
    variance = level * (1 - level) * (1 / fresh + 1 / calibration)
    return max(level - 3 * math.sqrt(variance), 0.0)


def validate(
    surrogate: Surrogate,
    certificate: Certificate,
    engine: AbstractEngine,
    plan: SamplingPlan,
    tolerance: float | None = None,
    progress: Advance | None = None,
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
        coverages=tuple(
            Coverage(
                float(level),
                float(np.mean(errors <= bound)),
                needed_coverage(
                    certificate.promised(float(level)),
                    len(reference),
                    certificate.counts.held_out_samples,
                ),
            )
            for level, bound in certificate.bounds.items()
        ),
        samples=len(reference),
        matrices=len(jobs),
        nrmse_limit=2 * certificate.accuracy.nrmse if tolerance is None else tolerance,
    )
