"""Programming as the laws of a card: what an algorithm leaves, without simulating a pulse.

For each algorithm a card may have three laws over the target conductance,

    programming_spread_<algorithm>   standard deviation at the end of the algorithm [S]
    programming_shift_<algorithm>    mean excess over the target [S]
    programming_pulses_<algorithm>   mean number of pulses

with the algorithm's name in underscores. Where only `programming_spread` is known, it serves every
algorithm that has no law of its own, with no shift. The spread is that at the end, relaxation
included; the conductance right after the verification has the spread of relaxation taken out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from compact_models import Card
from compact_models.variability import Population
from cosim.errors import InputError
from cosim.programming.outcome import Outcome


PULSE_TIME = 2e-6  # [s], pulse and verification together


def from_laws(card: Card, algorithm: str, targets: Float[ndarray, " cells"], seed: int) -> Outcome:
    """Draw what an algorithm leaves.

    Args:
        card: with the laws.
        algorithm: its name, such as `igvva-10`.
        targets: wanted conductances [S].
        seed: of the chip.

    Raises:
        CardError: the card knows no spread after programming.
        InputError: a target outside of the card's range.
    """
    check_range(card, targets)
    own = algorithm.replace("-", "_")
    spread_law = f"programming_spread_{own}"
    spread = card.law(spread_law if spread_law in card.laws else "programming_spread")(targets)
    shift = _optional(card, f"programming_shift_{own}", targets, 0.0)
    pulses = _optional(card, f"programming_pulses_{own}", targets, 0.0)
    relaxing = _optional(card, "relaxation_spread", targets, 0.0)
    population = Population(card, targets.size, seed)
    verifying = np.sqrt(np.maximum(spread**2 - relaxing**2, 0.0))
    verified = targets + shift + verifying * population.normal(f"programming {own}")
    verified = np.maximum(verified, 0.0)
    final = np.maximum(verified + relaxing * population.normal("relaxation"), 0.0)
    count = np.rint(pulses).astype(np.int64)
    return Outcome(
        algorithm=algorithm,
        targets=targets,
        verified=verified,
        final=final,
        state=final,
        pulses=count,
        converged=np.ones(targets.size, dtype=bool),
        seconds=count * PULSE_TIME,
        joules=np.full(targets.size, np.nan),
    )


def _optional(
    card: Card, law: str, x: Float[ndarray, " cells"], otherwise: float
) -> Float[ndarray, " cells"]:
    rule: Callable[..., Float[ndarray, " cells"]] | None = card.laws.get(law)
    return np.full(x.shape, otherwise) if rule is None else rule(x)


def check_range(card: Card, targets: Float[ndarray, " cells"]) -> None:
    """Refuse targets that the card's device cannot have.

    Raises:
        InputError: a target outside of the card's range, or not a number; or no memory device.
    """
    limits = card.conductance
    if limits is None:
        raise InputError(
            f"{card.name} is no memory device; nothing in it can be programmed; take another card"
        )
    inside = (targets >= limits.low * (1 - 1e-12)) & (targets <= limits.high * (1 + 1e-12))
    if not np.all(inside):
        worst = targets[~inside][0]
        raise InputError(
            f"a target of {worst:g} S is given; {card.name} covers [{limits.low:g}, "
            f"{limits.high:g}] S; bring all targets into that range"
        )
