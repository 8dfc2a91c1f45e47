"""A surrogate of a tile whose inside is unknown: a polynomial whose place dependence has low rank.

All that is taken for granted is what a tile does: the output of a column is a sum over its cells.
With inputs and conductances scaled to one, v and g, a cell may contribute

    powers       v[i]^a s[j]^b                    s[j] = mean_i v[i] g[i, j], the column's own load
    times        g, g^2, g^3, and products with the mean conductances of its row and its column

(`FEATURES`), so saturating cells, loaded lines and curved devices can all be met. A coefficient for
every feature of every cell would take more samples than there are; instead coefficients follow the
place of a cell as sums of a few products,

    coefficient[f, i, j] = sum_r  feature[f, r] row[i, r] col[j, r]

found by alternating least squares, one factor after the other. The rank is the one with the least
error on matrices that the least squares have not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cosim.surrogate.accuracy import accuracy_of
from cosim.surrogate.base import Operator, Surrogate
from cosim.surrogate.cell_polynomial import Term
from cosim.surrogate.dataset import TileSamples
from cosim.surrogate.domain import Domain


# Exponents of a cell's own input and of its column's load; the first, linear, has finer features.
POWERS: tuple[Term, ...] = ((1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2))
# Exponents of g, of the mean of its row and of the mean of its column.
LINEAR = ((1, 0, 0), (2, 0, 0), (3, 0, 0), (1, 1, 0), (1, 0, 1), (2, 1, 0), (2, 0, 1), (1, 1, 1))
BEYOND = ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1))
FEATURES = tuple(
    (power, place) for power in POWERS for place in (LINEAR if power == (1, 0) else BEYOND)
)

RANKS = (1, 2, 3)
ROUNDS = 12
RIDGE = 1e-9  # of the mean square of the unknowns' columns
VALIDATION = 0.25


@dataclass(frozen=True)
class LowRankOperator(Operator):
    """A tile with fixed conductances: one product for every pair of powers.

    Attributes:
        weights: of each pair of powers, for scaled inputs [A].
        load: weight of each scaled input in the load of each column.
        read_voltage: the scale of the inputs [V].
    """

    weights: Float[Tensor, "powers *tiles rows cols"]
    load: Float[Tensor, "*tiles rows cols"]
    read_voltage: float

    def __call__(
        self, V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] for the input voltages `V` [V]."""
        v = V / self.read_voltage
        s = v @ self.load
        square = v * v
        powers = torch.stack([v, square, square * v, v, square, v])
        axes = max(powers.dim(), self.weights.dim())
        parts = _with_axes(powers, axes) @ _with_axes(self.weights, axes)
        return parts[:3].sum(0) + s * (parts[3] + parts[4] + s * parts[5])


def _with_axes(x: Float[Tensor, "powers ..."], axes: int) -> Float[Tensor, "powers ..."]:
    """With axes of one behind the first, so that inputs and tiles match axis by axis."""
    return x.reshape(len(x), *[1] * (axes - x.dim()), *x.shape[1:])


class LowRank(Surrogate):
    """Polynomial features of cells, with coefficients of low rank over the places.

    Attributes:
        feature: factor of the features.
        row: factor of the rows.
        col: factor of the columns.
    """

    kind: ClassVar[str] = "low_rank"

    feature: Tensor
    row: Tensor
    col: Tensor

    def __init__(
        self,
        domain: Domain,
        feature: Float[Tensor, "features rank"],
        row: Float[Tensor, "rows rank"],
        col: Float[Tensor, "cols rank"],
    ) -> None:
        super().__init__(len(row), len(col), domain)
        for name, factor in (("feature", feature), ("row", row), ("col", col)):
            self.register_buffer(name, factor, persistent=False)

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> LowRankOperator:
        """The operator of a tile whose cells have the conductances `G` [S]."""
        self.check_conductances(G)
        g = G / self.domain.conductance_high
        row, col = g.mean(-1, keepdim=True), g.mean(-2, keepdim=True)
        places = {place: _monomial(g, row, col, place) for place in LINEAR}
        features = torch.stack([places[place] for _, place in FEATURES])
        coefficient = torch.einsum("fr,ir,jr->fij", self.feature, self.row, self.col)
        tiles = [1] * (G.dim() - 2)
        features = features * coefficient.reshape(len(FEATURES), *tiles, self.rows, self.cols)
        linear, beyond = features.split([len(LINEAR), len(FEATURES) - len(LINEAR)])
        beyond = beyond.unflatten(0, (len(POWERS) - 1, len(BEYOND))).sum(1)
        unit = self.domain.read_voltage * self.domain.conductance_high
        weights = torch.cat([linear.sum(0, keepdim=True), beyond]) * unit
        return LowRankOperator(weights, g / self.rows, self.domain.read_voltage)

    def tensors(self) -> dict[str, Tensor]:
        """The factors."""
        factors = {"feature": self.feature, "row": self.row, "col": self.col}
        return {name: x.detach().double().cpu() for name, x in factors.items()}

    def settings(self) -> dict[str, Any]:
        """The domain; the rest are the factors."""
        return {"domain": self.domain.to_dict()}

    @classmethod
    def rebuild(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The surrogate that `settings` and `tensors` describe, in float64."""
        domain = Domain.from_dict(settings["domain"])
        return cls(domain, tensors["feature"], tensors["row"], tensors["col"])


def fit_low_rank(samples: TileSamples, domain: Domain, seed: int = 0) -> LowRank:
    """The low-rank polynomial that fits samples of a tile best.

    Args:
        samples: on at least two conductance matrices.
        domain: inputs and conductances it is meant for.
        seed: of the split that chooses the rank, and of the factors that the search starts from.

    Raises:
        ShapeError: the samples are of one conductance matrix.
    """
    training, validation = samples.split(1 - VALIDATION, seed)
    _, rows, cols = samples.conductance.shape
    ranks = [rank for rank in RANKS if rank <= min(rows, cols)]
    errors = [
        accuracy_of(_of_rank(training, domain, rank, seed), validation).nrmse for rank in ranks
    ]
    return _of_rank(samples, domain, ranks[int(np.argmin(errors))], seed)


def _of_rank(samples: TileSamples, domain: Domain, rank: int, seed: int) -> LowRank:
    """Alternating least squares from factors that are nearly constant over the places."""
    _, rows, cols = samples.conductance.shape
    generator = np.random.default_rng(seed)
    row = 1 + 0.1 * generator.standard_normal((rows, rank)) * (np.arange(rank) > 0)
    col = 1 + 0.1 * generator.standard_normal((cols, rank)) * (np.arange(rank) > 0)
    feature = np.zeros((len(FEATURES), rank))
    problem = _Problem(samples, domain)
    for _ in range(ROUNDS):
        feature = problem.solved(feature, partial(_of_features, row=row, col=col))
        row = problem.solved(row, partial(_of_rows, feature=feature, col=col))
        col = problem.solved(col, partial(_of_cols, feature=feature, row=row))
        row, col = row / np.abs(row).mean(0), col / np.abs(col).mean(0)
    feature = problem.solved(feature, partial(_of_features, row=row, col=col))
    return LowRank(domain, *(torch.from_numpy(factor) for factor in (feature, row, col)))


class _Problem:
    """The samples as features of every cell, one conductance matrix after the other."""

    def __init__(self, samples: TileSamples, domain: Domain) -> None:
        self._parts = []
        unit = domain.read_voltage * domain.conductance_high
        for index, G in enumerate(samples.conductance):
            mine = samples.matrix == index
            if mine.any():
                v = samples.inputs[mine] / domain.read_voltage
                phi = _features(v, G / domain.conductance_high)
                self._parts.append((phi, samples.outputs[mine] / unit))

    def solved(
        self,
        start: Float[np.ndarray, "_ rank"],
        design: Callable[[np.ndarray], np.ndarray],
    ) -> Float[np.ndarray, "_ rank"]:
        """The factor in the shape of `start` that fits best, weakly held where it was."""
        size = start.size
        normal, slope = np.zeros((size, size)), np.zeros(size)
        for phi, target in self._parts:
            columns = design(phi).reshape(-1, size)
            normal += columns.T @ columns
            slope += columns.T @ (target.ravel() - columns @ start.ravel())
        ridge = RIDGE * np.trace(normal) / size + np.finfo(np.float64).tiny
        change = np.linalg.solve(normal + ridge * np.eye(size), slope)
        return start + change.reshape(start.shape)


def _features(
    v: Float[np.ndarray, "samples rows"], g: Float[np.ndarray, "rows cols"]
) -> Float[np.ndarray, "features samples rows cols"]:
    """Every feature of every cell."""
    row, col = g.mean(-1, keepdims=True), g.mean(-2, keepdims=True)
    s = v @ g / len(g)
    return np.stack(
        [
            (v**a)[:, :, None] * (s**b)[:, None, :] * _monomial(g, row, col, place)
            for (a, b), place in FEATURES
        ]
    )


def _monomial(g: Any, row: Any, col: Any, place: tuple[int, int, int]) -> Any:  # noqa: ANN401
    """Powers of a conductance and of the means of its row and column, numpy or torch."""
    p, q, r = place
    value = g**p
    value = value * row**q if q else value
    return value * col**r if r else value


def _of_features(phi: np.ndarray, row: np.ndarray, col: np.ndarray) -> np.ndarray:
    """Derivative of the outputs with respect to the factor of the features."""
    return np.einsum("fnij,ir,jr->njfr", phi, row, col, optimize=True)


def _of_rows(phi: np.ndarray, feature: np.ndarray, col: np.ndarray) -> np.ndarray:
    return np.einsum("fnij,fr,jr->njir", phi, feature, col, optimize=True)


def _of_cols(phi: np.ndarray, feature: np.ndarray, row: np.ndarray) -> np.ndarray:
    """An output depends on the factor of its own column only."""
    own = np.einsum("fnij,fr,ir->njr", phi, feature, row, optimize=True)
    n, cols, rank = own.shape
    spread = np.zeros((n, cols, cols, rank))
    spread[:, np.arange(cols), np.arange(cols)] = own
    return spread
