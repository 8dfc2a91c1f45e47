"""Every kind of surrogate fitted to one dataset, and judged on the matrices that none has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosim.cell import TileCell
from cosim.characterize.dataset import Dataset
from cosim.characterize.fitting import provenance_of, samples_of
from cosim.surrogate import (
    AlphaBeta,
    Compared,
    FitSettings,
    IdealProduct,
    LineModeFields,
    LineModeGalerkin,
    SeriesResistance,
    Surrogate,
    compare,
    domain_of,
    fit,
)


# Refined on samples as `cosim fit` does, if that helps.
REFINED: dict[str, type[LineModeGalerkin]] = {
    kind.kind: kind for kind in (SeriesResistance, AlphaBeta, LineModeGalerkin)
}
# A step of its refinement takes as long as thousands of samples, for an error that is small anyway.
CLOSED_FORM: dict[str, type[LineModeGalerkin]] = {LineModeFields.kind: LineModeFields}
KINDS = (IdealProduct.kind, *REFINED, *CLOSED_FORM)


@dataclass(frozen=True)
class Comparison:
    """Surrogates of one tile side by side.

    Attributes:
        rows: error and time of each kind, the fastest first.
        refined: kinds that are better with their parameters refined on the held-in samples; the
            others are closed forms.
        held_in: number of samples that fits have seen.
        held_out: number of samples that errors are measured on.
        matrices: number of conductance matrices among these.
    """

    rows: tuple[Compared, ...]
    refined: frozenset[str]
    held_in: int
    held_out: int
    matrices: int


def compare_dataset(
    dataset: Dataset,
    kinds: Sequence[str] = KINDS,
    held_out: float = 0.3,
    seed: int = 0,
    repeats: int = 25,
) -> Comparison:
    """Build every kind of surrogate of a dataset's tile and compare them on held-out samples.

    Args:
        dataset: samples of a tile.
        kinds: which surrogates, out of `KINDS`.
        held_out: share of the conductance matrices that no fit sees.
        seed: of the splits; with the same one, the split is that of `fit_dataset`.
        repeats: turns of the timing.

    Raises:
        ShapeError: too few matrices for the splits.
    """
    spec = dataset.spec
    samples = samples_of(dataset)
    provenance = provenance_of(dataset, seed)
    seen, unseen = samples.split(1 - held_out, seed)
    surrogates: dict[str, Surrogate] = {}
    refined = set()
    for kind in dict.fromkeys(kinds):
        if kind in REFINED:
            start = REFINED[kind].from_spec(spec, TileCell(spec).current)
            result = fit(start, samples, provenance, FitSettings(held_out=held_out, seed=seed))
            surrogates[kind] = result.surrogate
            if result.certificate.refined:
                refined.add(kind)
        elif kind in CLOSED_FORM:
            surrogates[kind] = CLOSED_FORM[kind].from_spec(spec, TileCell(spec).current)
        else:
            surrogates[kind] = IdealProduct(spec.rows, spec.cols, domain_of(spec))
    rows = tuple(compare(surrogates, unseen, repeats))
    return Comparison(rows, frozenset(refined), len(seen), len(unseen), unseen.matrices)
