"""Active sampling: the next samples where a surrogate is most likely wrong.

A simulation is spent best where it says most. Surrogates that were fitted to different parts of the
same samples agree where these determine them, and disagree where they do not; what they disagree by
estimates the error without any reference:

    samples ──► committee, each fitted without a part of the matrices
    pool    ──► disagreement of the committee on every candidate
            ──► the candidates with the most of it, not too near to each other ──► reference

Two models of different kinds do as well, such as a closed form and its correction: their
disagreement is the predicted correction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cosim.errors import ShapeError
from cosim.surrogate.base import Surrogate
from cosim.surrogate.dataset import TileSamples


Candidate = tuple[Float[np.ndarray, "rows cols"], Float[np.ndarray, "_ rows"]]
Reference = Callable[[list[Candidate]], list[Float[np.ndarray, "_ cols"]]]
Fitter = Callable[[TileSamples], Surrogate]


@dataclass(frozen=True)
class ActiveSettings:
    """How samples are added.

    Attributes:
        rounds: how often the committee is asked.
        per_round: candidates taken each time.
        committee: number of surrogates in it.
        seed: of the parts that its members are fitted without.
    """

    rounds: int = 3
    per_round: int = 4
    committee: int = 3
    seed: int = 0


def disagreement(
    surrogates: Sequence[Surrogate], pool: Sequence[Candidate]
) -> Float[np.ndarray, " candidates"]:
    """Root mean square spread of the surrogates' currents on each candidate [A].

    Raises:
        ShapeError: fewer than two surrogates.
    """
    if len(surrogates) < 2:
        raise ShapeError(
            f"{len(surrogates)} surrogate cannot disagree; at least two are needed; add one of"
            " another kind, or one that was fitted to other samples"
        )
    answers = [one.mvm_many(list(pool)) for one in surrogates]
    spreads = [np.std(np.stack(given), axis=0) for given in zip(*answers, strict=True)]
    return np.array([np.sqrt(np.mean(spread**2)) for spread in spreads])


def choose(
    scores: Float[np.ndarray, " candidates"], pool: Sequence[Candidate], count: int
) -> Int[np.ndarray, " chosen"]:
    """The candidates with the highest scores, one after the other, each away from those before.

    A score counts by the distance to the nearest candidate that is already chosen, so that a batch
    does not ask the same question several times.
    """
    places = np.stack([np.concatenate([G.ravel(), X.mean(0)]) for G, X in pool])
    places = (places - places.min(0)) / np.maximum(np.ptp(places, axis=0), np.finfo(float).tiny)
    nearest = np.ones(len(pool))
    chosen: list[int] = []
    for _ in range(min(count, len(pool))):
        weighted = scores * nearest
        weighted[chosen] = -np.inf
        chosen.append(int(np.argmax(weighted)))
        distance = np.linalg.norm(places - places[chosen[-1]], axis=1)
        distance = distance / max(float(distance.max()), np.finfo(float).tiny)
        nearest = distance if len(chosen) == 1 else np.minimum(nearest, distance)
    return np.array(chosen, dtype=int)


def next_samples(
    samples: TileSamples,
    pool: Sequence[Candidate],
    fitter: Fitter,
    settings: ActiveSettings | None = None,
) -> Int[np.ndarray, " chosen"]:
    """Which candidates of a pool to simulate next, given what was simulated so far.

    Args:
        samples: on at least as many conductance matrices as the committee has members.
        pool: conductances [S] and inputs [V] that may be simulated.
        fitter: makes a surrogate from samples.
        settings: size of the committee and of the choice.

    Raises:
        ShapeError: too few matrices, or a committee of fewer than two.
    """
    settings = settings or ActiveSettings()
    return choose(
        disagreement(_committee(samples, fitter, settings), pool), pool, settings.per_round
    )


def grow(
    samples: TileSamples,
    pool: Sequence[Candidate],
    reference: Reference,
    fitter: Fitter,
    settings: ActiveSettings | None = None,
) -> TileSamples:
    """Add samples in rounds, each where the surrogates of the samples so far disagree most.

    Args:
        samples: what there is.
        pool: candidates; each is taken at most once.
        reference: column currents of candidates [A], such as an engine's `mvm_many`.
        fitter: makes a surrogate from samples.
        settings: how many, and how.

    Raises:
        ShapeError: too few matrices, or a committee of fewer than two.
    """
    settings = settings or ActiveSettings()
    left = list(pool)
    for _ in range(settings.rounds):
        if not left:
            break
        chosen = next_samples(samples, left, fitter, settings)
        taken = [left[index] for index in chosen]
        samples = added(samples, taken, reference(taken))
        gone = set(chosen.tolist())
        left = [candidate for index, candidate in enumerate(left) if index not in gone]
    return samples


def added(
    samples: TileSamples,
    candidates: Sequence[Candidate],
    currents: Sequence[Float[np.ndarray, "_ cols"]],
) -> TileSamples:
    """Samples with those of further conductance matrices behind them."""
    counts = [len(X) for _, X in candidates]
    numbers = samples.matrices + np.repeat(np.arange(len(candidates)), counts)
    return TileSamples(
        np.concatenate([samples.conductance, np.stack([G for G, _ in candidates])]),
        np.concatenate([samples.inputs, *(X for _, X in candidates)]),
        np.concatenate([samples.outputs, *currents]),
        np.concatenate([samples.matrix, numbers]),
    )


def _committee(samples: TileSamples, fitter: Fitter, settings: ActiveSettings) -> list[Surrogate]:
    """Surrogates that each miss another part of the conductance matrices."""
    members = settings.committee
    if samples.matrices < 2 * members:
        raise ShapeError(
            f"the samples were taken on {samples.matrices} conductance matrices; a committee of"
            f" {members} needs at least {2 * members}; take more, or make it smaller"
        )
    order = np.random.default_rng(settings.seed).permutation(samples.matrices)
    parts = np.array_split(order, members)
    return [fitter(samples.of_matrices(np.sort(np.setdiff1d(order, part)))) for part in parts]
