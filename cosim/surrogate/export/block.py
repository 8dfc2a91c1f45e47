"""A tile with given conductances as polynomials: what a circuit simulator can take in its place.

    out[j]  = sum_i sum_ab  out_weights[a, b][i, j] V[i]^a s^b  + sum_b offsets[b][j] s^b
              - output_conductance[j] v[j]
    into[i] =       sum_ab  input_weights[a, b][i] V[i]^a s^b            s = sum_i mean[i] V[i]

`out` is exactly the surrogate's current as long as the output is held at 0 V. Where a load lets it
rise to v, the cells of its column see less voltage; to first order the tile then is a Norton source
whose conductance is the sum of the column's linear weights.

`into` is what the tile takes from its drivers. The surrogate's mean field gives it: every cell's
current at the voltages that the mean field puts across it, summed along the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb

import numpy as np
import torch
from jaxtyping import Float

from cosim.errors import InputError
from cosim.surrogate.base import Surrogate
from cosim.surrogate.cell_polynomial import Term
from cosim.surrogate.ideal import Product
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin, MeanFieldOperator
from cosim.surrogate.line_modes import linear_response, reduced
from cosim.surrogate.policy import Guarded


@dataclass(frozen=True)
class TileBlock:
    """A tile with fixed conductances, as polynomials in its inputs.

    Attributes:
        rows: number of inputs.
        cols: number of outputs.
        mean: weight of each input in s; zeros when no power of s is used.
        out_weights: by exponents (of V[i], of s), the first at least one [A/V^n].
        offsets: by exponent of s [A/V^n].
        input_weights: by exponents (of V[i], of s) [A/V^n].
        output_conductance: of each output [S].
    """

    rows: int
    cols: int
    mean: Float[np.ndarray, " rows"]
    out_weights: Mapping[Term, Float[np.ndarray, "rows cols"]]
    offsets: Mapping[int, Float[np.ndarray, " cols"]]
    input_weights: Mapping[Term, Float[np.ndarray, " rows"]]
    output_conductance: Float[np.ndarray, " cols"]

    def output_currents(
        self, V: Float[np.ndarray, "samples rows"]
    ) -> Float[np.ndarray, "samples cols"]:
        """Current out of every output held at 0 V [A]."""
        s = V @ self.mean[:, None]
        total = np.zeros((len(V), self.cols))
        for (a, b), weights in self.out_weights.items():
            total += (V**a * s**b) @ weights
        for b, weights in self.offsets.items():
            total += s**b * weights
        return total

    def input_currents(
        self, V: Float[np.ndarray, "samples rows"]
    ) -> Float[np.ndarray, "samples rows"]:
        """Current into every input with the outputs held at 0 V [A]."""
        s = V @ self.mean[:, None]
        return sum((V**a * s**b * w for (a, b), w in self.input_weights.items()), np.zeros(V.shape))


def block_of(surrogate: Surrogate, conductances: Float[np.ndarray, "rows cols"]) -> TileBlock:
    """The block of a tile whose cells have given conductances [S].

    Raises:
        ShapeError: the conductances do not fit the tile.
        InputError: the surrogate is of a kind that is no polynomial of its inputs.
    """
    surrogate = surrogate.inside if isinstance(surrogate, Guarded) else surrogate
    like = next(surrogate.buffers())
    G = torch.as_tensor(np.asarray(conductances), dtype=like.dtype)
    with torch.no_grad():
        operator = surrogate.prepare(G)
        if isinstance(operator, Product):
            W = operator.conductance.double().numpy()
            drawn, linear = {(1, 0): W.sum(1)}, {(1, 0): W}
            rows, cols = W.shape
            return TileBlock(rows, cols, np.zeros(rows), linear, {}, drawn, W.sum(0))
        if isinstance(operator, MeanFieldOperator) and isinstance(surrogate, LineModeGalerkin):
            return _mean_field_block(surrogate, operator, G)
    raise InputError(
        f"a surrogate of the kind {surrogate.kind} is no polynomial in the inputs; circuits take"
        " ideal, series_resistance, alpha_beta and line_mode_galerkin; fit one of these"
    )


def _mean_field_block(
    surrogate: LineModeGalerkin, operator: MeanFieldOperator, G: torch.Tensor
) -> TileBlock:
    rows = surrogate.rows
    blocks = operator.weights.double().numpy().reshape(len(operator.powers), rows, -1)
    out = dict(zip(operator.powers, blocks, strict=True))
    offsets = operator.offsets.double().numpy()
    return TileBlock(
        rows,
        surrogate.cols,
        operator.mean_weights.double().numpy(),
        out,
        {power: row for power, row in enumerate(offsets, 1) if row.any()},
        _input_weights(surrogate, G),
        out[1, 0].sum(0),
    )


def _input_weights(surrogate: LineModeGalerkin, G: torch.Tensor) -> dict[Term, np.ndarray]:
    """Every cell's current at its mean-field voltages, by powers, summed along the rows."""
    coefficients = surrogate.cell.coefficients(G)
    a = surrogate.secant(coefficients)
    response = linear_response(reduced(a, surrogate.kernels, surrogate.shape_mean(a)))
    own, shared = response.own, response.common - response.own
    sums: dict[Term, torch.Tensor] = {}
    for (p, q), coefficient in zip(surrogate.cell.terms, coefficients, strict=True):
        for r in range(p + 1):
            part = comb(p, r) * coefficient * own ** (p - r) * shared**r * response.rise**q
            key = (p - r, q + r)
            sums[key] = sums.get(key, torch.zeros(len(G), dtype=G.dtype)) + part.sum(1)
    return {key: total.double().numpy() for key, total in sums.items()}
