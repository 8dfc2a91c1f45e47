"""What a read costs: the energy that the sources of each block deliver, from currents and volts.

Physics gives the form, reads in SPICE the factors. With T the time that inputs are applied for,

    level      T U sum_j I_j          all that flows out of the lines comes from their level U
    drivers    T sum_r V_r I_r        the current I_r of a row is not known to a surrogate of column
                                      currents, but lies between two bounds, and is fitted as their
                                      mean: all of a column's drop in the rows,
                                      sum_j (sum_r g V_r^2) I_j / sum_r g V_r, or all of it common,
                                      sum_j (sum_r g V_r^2) - (drop of I_j) sum_r g V_r / sum_r g
    lines      sum_r V_r (V_r - V before)        charge of their capacitance
    lag        U sum_j (I_j - I_j before) / rate_j     while an amplifier settles, its line moves
    conversions 1, sum_j x_j, sum_j x_j^2     x the input of a converter in its full scale
    switching   what the capacitors of a charge-redistribution converter take (`switching`)

and one factor each, per block, by least squares. A block that takes nothing gets zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


BLOCKS = ("drivers", "level", "sensing", "adc")
# Those of a conversion stand last.
FEATURES = (
    *("cells", "drop", "level", "lines", "lag"),
    *("reads", "volts", "squares", "switching", "restoring"),
)
OF_CONVERSIONS = 5
# Which of the features the energy of a block may depend on.
USED: Mapping[str, tuple[str, ...]] = {
    "drivers": ("cells", "drop", "lines"),
    "level": ("level", "lag", "lines"),
    "sensing": ("level", "reads", "volts", "squares"),
    "adc": ("reads", "volts", "squares", "switching", "restoring"),
}
TINY = 1e-30


@dataclass(frozen=True)
class ReadState:
    """What a read consists of; all reads of a sequence, or each by itself.

    Attributes:
        volts: of the rows [V].
        currents: of the columns [A].
        before: volts of the rows in the read before [V].
        currents_before: of the columns in the read before [A].
        seen: inputs of the converters in their full scale.
        switching: what the references of the converters deliver in a conversion [J].
        restoring: what the level of their capacitors delivers before it [J].
        rates: at which the lines' amplifiers settle [1/s].
        time: that inputs are applied for [s].
        level: of the lines [V].
    """

    volts: Float[Tensor, "*inputs reads rows"]
    currents: Float[Tensor, "*tiles reads cols"]
    before: Float[Tensor, "*inputs reads rows"]
    currents_before: Float[Tensor, "*tiles reads cols"]
    seen: Float[Tensor, "*tiles reads cols"]
    switching: Float[Tensor, "*tiles reads cols"]
    restoring: Float[Tensor, "*tiles reads cols"]
    rates: Float[Tensor, "*lines"]
    time: float
    level: float


def features(
    state: ReadState, G: Float[Tensor, "*tiles rows cols"]
) -> Float[Tensor, "*tiles reads features"]:
    """What the energy of a read is a sum of, in the order of `FEATURES`."""
    V, currents = state.volts, state.currents
    ideal, squared = V @ G, V.square() @ G
    safe = torch.where(ideal.abs() > TINY, ideal, torch.ones_like(ideal))
    kept = torch.where(ideal.abs() > TINY, currents / safe, torch.ones_like(ideal))
    total = G.sum(-2)[..., None, :]
    cells = (squared * kept).sum(-1)
    common = (squared - (ideal - currents) * ideal / total.clamp(min=TINY)).sum(-1)
    moved = (currents - state.currents_before) / state.rates
    values = {
        "cells": state.time * cells,
        "drop": state.time * (common - cells),
        "level": state.time * state.level * currents.sum(-1),
        "lines": (V * (V - state.before)).sum(-1).expand_as(cells),
        "lag": state.level * moved.sum(-1),
        "reads": torch.full_like(cells, float(currents.shape[-1])),
        "volts": state.seen.sum(-1),
        "squares": state.seen.square().sum(-1),
        "switching": state.switching.sum(-1),
        "restoring": state.restoring.sum(-1),
    }
    return torch.stack([values[name] for name in FEATURES], -1)


@dataclass(frozen=True)
class EnergyModel:
    """Factors of the features, per block.

    Attributes:
        factors: block -> one per feature; joule, or farad and the like, as the feature asks.
    """

    factors: Mapping[str, Float[Tensor, " features"]]

    def energy(
        self, values: Float[Tensor, "*reads features"]
    ) -> dict[str, Float[Tensor, "*reads"]]:
        """Energy of each block [J]."""
        return {block: values @ one.to(values) for block, one in self.factors.items()}

    @staticmethod
    def fit(
        values: Float[np.ndarray, "reads features"],
        energy: Mapping[str, Float[np.ndarray, " reads"]],
    ) -> EnergyModel:
        """The factors that fit reads best, in the sense of least squares."""
        factors = {}
        for block, joule in energy.items():
            used = [FEATURES.index(name) for name in USED.get(block, FEATURES)]
            scale = np.abs(values[:, used]).max(0)
            columns = values[:, used] / np.where(scale > 0.0, scale, 1.0)
            unit = float(np.abs(joule).max()) or 1.0
            # Features that the samples do not tell apart share what they explain.
            ridge = 1e-6 * np.sqrt(len(joule)) * np.eye(len(used))
            system = np.concatenate([columns, ridge])
            wanted = np.concatenate([joule / unit, np.zeros(len(used))])
            found = np.linalg.lstsq(system, wanted, rcond=None)[0]
            full = np.zeros(len(FEATURES))
            full[used] = unit * found / np.where(scale > 0.0, scale, 1.0)
            factors[block] = torch.from_numpy(full)
        return EnergyModel(factors)
