"""Weak RESET: conductance pulse by pulse, for a population of HfOx cells.

A weak RESET pulse raises a cell's resistance by a part in a thousand. After n pulses

    R = R0 exp(w),     w = mean(n) + telegraph + alpha * flicker
    mean(n) = c1 + m1 n  for n < t_star,   c1 + m2 n + t_star (m1 - m2)  from there on

with R0, m1, t_star, c1, m2 drawn per device. Telegraph noise is a two-state chain per pulse; 1/f
noise is white noise through the first taps of the fractional integrator h_k = h_{k-1} (k-1/2)/k
(N. J. Kasdin, Proc. IEEE 83, 802 (1995), doi 10.1109/5.381848). Both advance by any number of
pulses at once. The taps and the chain are those of A. Majumdar et al., arXiv 2107.06064.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from compact_models.card import Card
from compact_models.errors import ShapeError
from compact_models.variability import Population, stream


@dataclass(frozen=True)
class WeakResetState:
    """Where a population stands.

    Attributes:
        pulses: weak RESET pulses that each cell has had.
        upper: whether the telegraph noise is in its upper state.
        history: the last draws of the 1/f noise, newest first, `[cells, taps]`.
        step: how often the population was advanced; names the next draws.
    """

    pulses: Int[ndarray, " cells"]
    upper: Bool[ndarray, " cells"]
    history: Float[ndarray, "cells taps"]
    step: int


def flicker_taps(count: int) -> Float[ndarray, " count"]:
    """The first coefficients of (1 - z)^(-1/2): 1, 1/2, 3/8, 5/16 ..."""
    k = np.arange(1, count)
    return np.concatenate([[1.0], np.cumprod((k - 0.5) / k)])


def telegraph_probability(
    upper: Bool[ndarray, " cells"], pulses: Int[ndarray, " cells"], up: float, down: float
) -> Float[ndarray, " cells"]:
    """Probability of the upper state after a number of pulses: the chain's matrix to that power.

    Args:
        upper: the state now.
        pulses: how many pulses follow.
        up: probability per pulse of going up.
        down: probability per pulse of going down.
    """
    settled = up / (up + down)
    return settled + (upper - settled) * (1.0 - up - down) ** pulses


@dataclass(frozen=True)
class WeakResetPopulation:
    """Cells under weak RESET, with every imperfection switchable.

    Attributes:
        card: a card of the model `rram_weak_reset` with `draws`.
        size: number of cells.
        seed: of every draw.
        device_to_device: whether the cells differ; else all have the card's values.
        telegraph: whether there is random telegraph noise.
        flicker: whether there is 1/f noise.
    """

    card: Card
    size: int
    seed: int
    device_to_device: bool = True
    telegraph: bool = True
    flicker: bool = True

    @property
    def taps(self) -> int:
        """Length of the 1/f filter."""
        return round(self.card.number("flicker_taps"))

    def devices(self) -> dict[str, Float[ndarray, " size"]]:
        """R0, m1, t_star, c1, m2 and the telegraph amplitude A of each cell."""
        drawn = Population(self.card, self.size, self.seed).drawn()
        if self.device_to_device:
            return drawn
        typical = {**self.card.values, "A": self.card.number("A_mean")}
        return {name: np.full(self.size, typical[name]) for name in drawn}

    def start(self) -> WeakResetState:
        """Fresh cells, with a noise history as if they had been there for long."""
        random = stream(self.seed, "weak reset start")
        up, down = self.card.number("telegraph_up"), self.card.number("telegraph_down")
        return WeakResetState(
            pulses=np.zeros(self.size, dtype=np.int64),
            upper=random.random(self.size) < up / (up + down),
            history=random.random((self.size, self.taps)),
            step=0,
        )

    def advance(self, state: WeakResetState, pulses: Int[ndarray, " cells"]) -> WeakResetState:
        """The state after a number of pulses, which may differ from cell to cell and may be 0.

        Raises:
            ShapeError: not one number per cell, or a negative one.
        """
        if pulses.shape != (self.size,) or np.any(pulses < 0):
            raise ShapeError(
                f"numbers of pulses of shape {pulses.shape} with minimum {pulses.min()} are given; "
                f"allowed is one number from 0 on for each of {self.size} cells; weak RESET cannot "
                "be undone"
            )
        random = stream(self.seed, "weak reset pulses", state.step)
        up, down = self.card.number("telegraph_up"), self.card.number("telegraph_down")
        above = telegraph_probability(state.upper, pulses, up, down)
        # A pulse brings one draw; with more pulses than taps none of the old ones is left.
        fresh = random.random((self.size, self.taps))
        shift = np.minimum(pulses, self.taps)[:, None]
        place = np.arange(self.taps)[None, :]
        kept = np.take_along_axis(state.history, np.maximum(place - shift, 0), axis=1)
        return replace(
            state,
            pulses=state.pulses + pulses,
            upper=random.random(self.size) < above,
            history=np.where(place < shift, fresh, kept),
            step=state.step + 1,
        )

    def logarithm(self, state: WeakResetState) -> Float[ndarray, " cells"]:
        """ln(R/R0) of each cell, noise included."""
        d = self.devices()
        n = state.pulses.astype(np.float64)
        w = d["c1"] + d["m1"] * np.minimum(n, d["t_star"])
        w = w + d["m2"] * np.maximum(n - d["t_star"], 0.0)
        if self.telegraph:
            random = stream(self.seed, "weak reset telegraph", state.step)
            depth = random.random(self.size) * random.random(self.size)
            w = w + np.where(state.upper, depth * d["A"], 0.0)
        if self.flicker:
            w = w + self.card.number("flicker_coupling") * (state.history @ flicker_taps(self.taps))
        return w

    def resistance(self, state: WeakResetState) -> Float[ndarray, " cells"]:
        """Resistance of each cell [ohm], noise included."""
        return self.devices()["R0"] * np.exp(self.logarithm(state))

    def conductance(self, state: WeakResetState) -> Float[ndarray, " cells"]:
        """Conductance of each cell [S], noise included."""
        return 1.0 / self.resistance(state)
