"""Which surrogate to fit: the most accurate one that a budget of time allows, and why.

Every candidate is built and, where it can be, refined on samples; what decides is its error on
matrices that the refinement has not seen and that the certificate is not measured on either, so the
certificate of the winner is as honest as that of a surrogate without rivals.

The cost of a surrogate is the time of a training step. Without a budget all those take part that
cost a few matrix products per batch of vectors; one that works through every cell for every vector
takes part when a budget is given that it keeps.

Of a tile that is a netlist of its own nobody knows what is inside, so that those that assume a
structure may all be wrong. There the kinds that are fitted to samples alone take part as well. They
see what a refinement sees, choose their size on matrices of that, and are judged as the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cosim.characterize.comparing import CLOSED_FORM, FROM_SAMPLES, REFINED
from cosim.characterize.dataset import Dataset
from cosim.characterize.fitting import closed_form, provenance_of, samples_of
from cosim.errors import InputError
from cosim.progress import Bar, no_bar
from cosim.surrogate import (
    Certificate,
    FitSettings,
    IdealProduct,
    LowRank,
    Provenance,
    Surrogate,
    TileSamples,
    accuracy_of,
    certify,
    domain_of,
    fit,
)
from cosim.surrogate.comparison import BATCH, step_times
from netlists.specs import TileSpec


# Of two candidates whose errors differ by less than this part, the cheaper kind is as good.
SAME = 0.02
TURNS = 9
# Kinds from samples choose their size on some of the matrices they see, so they need two.
LEAST_MATRICES = 2
TINY = 1e-300


@dataclass(frozen=True)
class Candidate:
    """One kind of surrogate, fitted.

    Attributes:
        kind: its name.
        surrogate: as it would be used.
        certificate: its certificate.
        error: range-NRMSE on the matrices that decide.
        step: time of a training step [s]; None where no budget was given.
    """

    kind: str
    surrogate: Surrogate
    certificate: Certificate
    error: float
    step: float | None = None


@dataclass(frozen=True)
class Choice:
    """The surrogate that was chosen.

    Attributes:
        best: the winner.
        candidates: all that took part, the most accurate first.
        budget: largest time of a training step [s]; None without one.
        samples: number of samples that decided.
        reason: why the winner is the winner.
    """

    best: Candidate
    candidates: tuple[Candidate, ...]
    budget: float | None
    samples: int
    reason: str

    def table(self) -> str:
        """The candidates and the reason, as lines of text."""
        lines = [f"candidates on {self.samples} samples that decide:"]
        for one in self.candidates:
            step = "" if one.step is None else f"  {1e3 * one.step:9.3f} ms per step"
            mark = "*" if one is self.best else " "
            lines.append(f"{mark} {one.kind:20s}  NRMSE {100 * one.error:8.3g} %{step}")
        return "\n".join([*lines, f"chosen: {self.best.kind}, {self.reason}"])


def choose(
    dataset: Dataset,
    held_out: float = 0.3,
    seed: int = 0,
    budget: float | None = None,
    bar: Bar = no_bar,
) -> Choice:
    """Fit every candidate to a dataset and choose one.

    Args:
        dataset: samples of a tile.
        held_out: share of the conductance matrices kept for the certificate.
        seed: of the splits; with the same one, they are those of `fit_dataset`.
        budget: largest time of a training step [s]; None as the module says.
        bar: opens a progress bar over the candidates, and their timing if there is a budget.

    Raises:
        ShapeError: too few matrices for the splits.
        InputError: no candidate keeps the budget.
    """
    samples, provenance = samples_of(dataset), provenance_of(dataset, seed)
    settings = FitSettings(held_out=held_out, seed=seed)
    unseen = samples.split(1.0 - held_out, seed)[1]
    training, deciding = _parts(samples, settings)
    kinds = _kinds(dataset.spec, budget is not None, training.matrices)
    found = []
    with bar("fitting candidates", len(kinds) + (budget is not None)) as advance:
        for kind in kinds:
            found.append(_candidate(kind, dataset.spec, samples, provenance, settings))
            advance(1)
        if budget is not None:
            times = step_times({one.kind: one.surrogate for one in found}, unseen, TURNS)
            found = [_timed(one, times) for one in found]
            advance(1)
    found.sort(key=lambda one: one.error)
    affordable = [one for one in found if budget is None or (one.step or 0.0) <= budget]
    if not affordable:
        fastest = min(one.step or 0.0 for one in found)
        raise InputError(
            f"no surrogate keeps a training step within {1e3 * (budget or 0.0):g} ms; the fastest "
            f"needs {1e3 * fastest:.3g} ms here; give more time"
        )
    close = [one for one in affordable if one.error <= (1.0 + SAME) * affordable[0].error]
    best = min(close, key=lambda one: kinds.index(one.kind))
    reason = _limit(budget) + _of_inside(dataset.spec, best, found)
    return Choice(best, tuple(found), budget, len(deciding), reason)


def _parts(samples: TileSamples, settings: FitSettings) -> tuple[TileSamples, TileSamples]:
    """What candidates may be fitted to, and what decides between them."""
    held_in = samples.split(1.0 - settings.held_out, settings.seed)[0]
    return held_in.split(1.0 - settings.validation, settings.seed + 1)


def _kinds(spec: TileSpec, timed: bool, matrices: int) -> list[str]:
    """Who takes part, the cheaper first; `matrices` is the number that a fit may see."""
    kinds = [IdealProduct.kind, *REFINED]
    learned = [] if spec.external is None or matrices < LEAST_MATRICES else [*FROM_SAMPLES]
    if not timed:
        return [*kinds, *(kind for kind in learned if kind == LowRank.kind)]
    return [*kinds, *learned, *CLOSED_FORM]


def _limit(budget: float | None) -> str:
    if budget is None:
        return (
            "the smallest error of those that cost matrix products only; give a budget to let "
            "slower ones take part"
        )
    return (
        f"the smallest error within {1e3 * budget:g} ms for a training step of {BATCH} "
        "vectors on one tile"
    )


def _of_inside(spec: TileSpec, best: Candidate, found: Sequence[Candidate]) -> str:
    """What the winner says about a tile whose inside is unknown."""
    learned = [one.kind for one in found if one.kind in FROM_SAMPLES]
    if spec.external is None:
        return ""
    if not learned:
        return "; too few matrices to fit those that learn from samples alone"
    if best.kind not in FROM_SAMPLES:
        return "; the netlist behaves as the structure that it assumes"
    rival = min(one.error for one in found if one.kind not in FROM_SAMPLES)
    return (
        "; fitted to samples alone, as nobody knows the inside of the netlist: the best that "
        f"assumes a structure has {rival / max(best.error, TINY):.3g} times its error"
    )


def _candidate(
    kind: str, spec: TileSpec, samples: TileSamples, provenance: Provenance, settings: FitSettings
) -> Candidate:
    """One kind, refined or fitted where it can be."""
    if kind in REFINED:
        result = fit(closed_form(REFINED[kind], spec), samples, provenance, settings)
        error = min(result.closed_form_nrmse, result.refined_nrmse)
        return Candidate(kind, result.surrogate, result.certificate, error)
    held_in, held_out = samples.split(1.0 - settings.held_out, settings.seed)
    training, deciding = _parts(samples, settings)
    surrogate: Surrogate
    if kind in FROM_SAMPLES:
        surrogate = FROM_SAMPLES[kind](training, domain_of(spec), settings.seed)
    elif kind in CLOSED_FORM:
        surrogate = closed_form(CLOSED_FORM[kind], spec)
    else:
        surrogate = IdealProduct(spec.rows, spec.cols, domain_of(spec))
    certificate = certify(surrogate, held_in, held_out, provenance, refined=kind in FROM_SAMPLES)
    return Candidate(kind, surrogate, certificate, accuracy_of(surrogate, deciding).nrmse)


def _timed(one: Candidate, times: Mapping[str, tuple[float, float]]) -> Candidate:
    return Candidate(one.kind, one.surrogate, one.certificate, one.error, 1e-3 * times[one.kind][1])
