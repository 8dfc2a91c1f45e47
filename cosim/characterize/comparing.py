"""Every kind of surrogate fitted to one dataset, and judged on the matrices that none has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosim.cell import TileCell
from cosim.characterize.dataset import Dataset
from cosim.characterize.fitting import provenance_of, samples_of
from cosim.progress import Bar, no_bar
from cosim.surrogate import (
    AlphaBeta,
    Certificate,
    Compared,
    Domain,
    FitSettings,
    IdealProduct,
    LineModeFields,
    LineModeGalerkin,
    Provenance,
    SeriesResistance,
    Surrogate,
    TileSamples,
    compare,
    domain_of,
    fit,
    load,
)
from cosim.surrogate.low_rank import LowRank, fit_low_rank
from cosim.surrogate.small_network import SmallNetwork, fit_small_network
from netlists.specs import TileSpec


# Refined on samples as `cosim fit` does, if that helps.
REFINED: dict[str, type[LineModeGalerkin]] = {
    kind.kind: kind for kind in (SeriesResistance, AlphaBeta, LineModeGalerkin)
}
# A step of its refinement takes as long as thousands of samples, for an error that is small anyway.
CLOSED_FORM: dict[str, type[LineModeGalerkin]] = {LineModeFields.kind: LineModeFields}
# From samples alone: for tiles whose inside is unknown.
FROM_SAMPLES: dict[str, Callable[[TileSamples, Domain, int], Surrogate]] = {
    LowRank.kind: fit_low_rank,
    SmallNetwork.kind: fit_small_network,
}
OF_STRUCTURE = (IdealProduct.kind, *REFINED, *CLOSED_FORM)
KINDS = (*OF_STRUCTURE, *FROM_SAMPLES)


@dataclass(frozen=True)
class Comparison:
    """Surrogates of one tile side by side.

    Attributes:
        rows: error and time of each kind, the fastest first.
        fits: how each came about: `closed form`, `refined` on the held-in samples, fitted to
            `samples` alone, or `stored`; a stored one that may have seen the held-out samples
            says so.
        held_in: number of samples that fits have seen.
        held_out: number of samples that errors are measured on.
        matrices: number of conductance matrices among these.
    """

    rows: tuple[Compared, ...]
    fits: Mapping[str, str]
    held_in: int
    held_out: int
    matrices: int


def usual_kinds(spec: TileSpec) -> tuple[str, ...]:
    """The kinds that suit a tile: those from samples alone only where its inside is unknown."""
    return OF_STRUCTURE if spec.external is None else KINDS


def compare_dataset(
    dataset: Dataset,
    kinds: Sequence[str] | None = None,
    held_out: float = 0.3,
    seed: int = 0,
    repeats: int = 25,
    stored: Sequence[Path] = (),
    bar: Bar = no_bar,
) -> Comparison:
    """Build every kind of surrogate of a dataset's tile and compare them on held-out samples.

    Args:
        dataset: samples of a tile.
        kinds: which surrogates, out of `KINDS`; None takes the usual ones.
        held_out: share of the conductance matrices that no fit sees.
        seed: of the splits; with the same one, the split is that of `fit_dataset`.
        repeats: turns of the timing.
        stored: folders of surrogates of the same tile, rows under the folders' names.
        bar: opens a progress bar over the kinds and the timing.

    Raises:
        ShapeError: too few matrices for the splits.
        DatasetError: a folder that holds no surrogate of this tile.
    """
    spec = dataset.spec
    samples = samples_of(dataset)
    provenance = provenance_of(dataset, seed)
    seen, unseen = samples.split(1 - held_out, seed)
    surrogates: dict[str, Surrogate] = {}
    fits: dict[str, str] = {}
    for folder in stored:
        found = load(folder, spec.content_hash())
        surrogates[str(folder)] = found.surrogate
        fits[str(folder)] = _history(found.certificate, provenance, seen)
    settings = FitSettings(held_out=held_out, seed=seed)
    wanted = dict.fromkeys(usual_kinds(spec) if kinds is None else kinds)
    with bar("fitting and timing", len(wanted) + 1) as advance:
        for kind in wanted:
            if kind in REFINED:
                start = REFINED[kind].from_spec(spec, TileCell(spec).current)
                result = fit(start, samples, provenance, settings)
                surrogates[kind] = result.surrogate
                fits[kind] = "refined" if result.certificate.refined else "closed form"
            elif kind in FROM_SAMPLES:
                surrogates[kind] = FROM_SAMPLES[kind](seen, domain_of(spec), seed)
                fits[kind] = "samples"
            else:
                surrogates[kind] = _closed_form(kind, spec)
                fits[kind] = "closed form"
            advance(1)
        rows = tuple(compare(surrogates, unseen, repeats))
        advance(1)
    return Comparison(rows, fits, len(seen), len(unseen), unseen.matrices)


def _closed_form(kind: str, spec: TileSpec) -> Surrogate:
    if kind in CLOSED_FORM:
        return CLOSED_FORM[kind].from_spec(spec, TileCell(spec).current)
    return IdealProduct(spec.rows, spec.cols, domain_of(spec))


def _history(certificate: Certificate | None, here: Provenance, seen: TileSamples) -> str:
    """Whether a stored surrogate may have been fitted to what it is now judged on."""
    if certificate is None:
        return "stored"
    there = certificate.provenance
    same_samples = there.seeds.get("samples") == here.seeds["samples"]
    same_split = there.seeds.get("split") == here.seeds["split"]
    if same_samples and not (same_split and certificate.counts.fit_samples == len(seen)):
        return "stored, may have seen them"
    return "stored"
