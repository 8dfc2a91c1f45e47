"""The current of one cell as a polynomial, fitted to any cell at all.

With d the voltage across a cell and c the voltage of its column node,

    I(d, c, g) = sum over terms (p, q) of  coefficient[p, q](g) d^p c^q

The dependence on c is the access transistor: a raised column node takes gate overdrive away. Every
coefficient is  z(y) * polynomial(y)  with  y = g / (g + g_half)  and  z = g g_half / (g + g_half) :
the series connection of a device with something that saturates at the conductance `g_half`. For a
cell without a transistor `g_half` is large and y is simply proportional to g.

Voltages are scaled by the read voltage, conductances so that y runs to one; the fit is one linear
least-squares problem over a low-discrepancy set of single-cell currents, and takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import qmc
from torch import Tensor, nn

from cosim.surrogate.domain import Domain


CellCurrent = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

Term = tuple[int, int]
CUBIC: tuple[Term, ...] = ((1, 0), (1, 1), (2, 0), (3, 0), (1, 2), (2, 1))
QUINTIC: tuple[Term, ...] = (*CUBIC, (3, 1), (4, 0), (5, 0))

DEGREE_IN_Y = 4
SWEEP_POINTS = 6000
# Cells are linearised at the secant through this part of the read voltage, not at zero bias:
# the root mean square of a uniformly distributed input, raised a little towards the strong ones
# because they carry the current.
SECANT = 0.7
# Largest `g_half` in units of the largest conductance; beyond it y is proportional to g.
STIFFEST = 1e3


@dataclass(frozen=True)
class CellRange:
    """Over which voltages and conductances a cell is fitted.

    Attributes:
        d_low: lowest voltage across a cell [V].
        d_high: highest voltage across a cell [V].
        c_low: lowest voltage of a column node [V].
        c_high: highest voltage of a column node [V].
        g_low: smallest conductance [S].
        g_high: largest conductance [S].
    """

    d_low: float
    d_high: float
    c_low: float
    c_high: float
    g_low: float
    g_high: float

    @staticmethod
    def of_tile(domain: Domain, column_resistance: float) -> CellRange:
        """What the cells of a tile may see.

        Args:
            domain: inputs and conductances of the tile.
            column_resistance: shared resistance of the farthest cell of a column, summed over the
                column [ohm]; with the largest conductance it bounds how far a column rises.
        """
        load = column_resistance * domain.conductance_high
        rise = max(0.1, 0.6 * load / (1 + load))
        c_high = rise * max(domain.input_high, 0.0)
        c_low = rise * min(domain.input_low, 0.0)
        return CellRange(
            d_low=domain.input_low - c_high,
            d_high=domain.input_high - c_low,
            c_low=c_low,
            c_high=c_high,
            g_low=domain.conductance_low,
            g_high=domain.conductance_high,
        )


class CellPolynomial(nn.Module):
    """Coefficients of the cell current as differentiable functions of the conductance.

    Attributes:
        terms: exponents (p, q) of d and c.
        coefficient: [terms, degree + 1] in scaled units.
        g_half: saturation conductance [S].
        g_high: conductance at which the scaled y is one [S].
        read_voltage: the scale of the voltages [V].
    """

    coefficient: Tensor

    def __init__(
        self,
        terms: tuple[Term, ...],
        coefficient: Float[Tensor, "terms powers"],
        g_half: float,
        g_high: float,
        read_voltage: float,
    ) -> None:
        super().__init__()
        self.terms = terms
        self.g_half = g_half
        self.g_high = g_high
        self.read_voltage = read_voltage
        self.register_buffer("coefficient", coefficient, persistent=False)

    @classmethod
    def fit(
        cls,
        current: CellCurrent,
        span: CellRange,
        terms: tuple[Term, ...] = CUBIC,
        points: int = SWEEP_POINTS,
        seed: int = 0,
    ) -> CellPolynomial:
        """The polynomial nearest to a cell.

        Args:
            current: current [A] into the row port from the voltages of the row node and the column
                node [V] and the conductance [S]; float64, vectorised.
            span: where to fit.
            terms: exponents to use.
            points: number of single-cell currents taken.
            seed: of the scrambled low-discrepancy set.
        """
        d, c, g = _sweep(span, points, seed)
        read_voltage = max(abs(span.d_low), abs(span.d_high))
        g_half = _saturation(current, span, 0.05 * read_voltage)
        y, z = _scaled(g, g_half, span.g_high)
        columns = [
            (d / read_voltage) ** p * (c / read_voltage) ** q * y**power
            for p, q in terms
            for power in range(DEGREE_IN_Y + 1)
        ]
        # Errors count as they do in a column's sum: strong cells more, weak ones not to nothing.
        weight = np.sqrt(g / span.g_high) + 0.1
        target = current(c + d, c, g) / (z * read_voltage)
        solution = np.linalg.lstsq(np.stack(columns, 1) * weight[:, None], target * weight)[0]
        return cls(
            terms,
            torch.from_numpy(solution.reshape(len(terms), DEGREE_IN_Y + 1)),
            g_half,
            span.g_high,
            read_voltage,
        )

    def with_coefficient(self, coefficient: Float[Tensor, "terms powers"]) -> CellPolynomial:
        """The same form with other coefficients."""
        return CellPolynomial(self.terms, coefficient, self.g_half, self.g_high, self.read_voltage)

    def coefficients(self, G: Float[Tensor, "*cells"]) -> Float[Tensor, "terms ..."]:
        """Coefficient of each term at the conductances `G` [S], in A/V^(p+q)."""
        share = G / (G + self.g_half)
        y = share * ((self.g_high + self.g_half) / self.g_high)
        powers = [share * self.g_half]
        for _ in range(self.coefficient.shape[1] - 1):
            powers.append(powers[-1] * y)
        exponents = torch.tensor([1 - p - q for p, q in self.terms], device=G.device)
        scale = (self.read_voltage ** exponents.double()).to(G.dtype)
        scaled = self.coefficient * scale[:, None]
        return (scaled @ torch.stack(powers).flatten(1)).unflatten(-1, G.shape)

    def secant(self, G: Float[Tensor, "*cells"]) -> Float[Tensor, "*cells"]:
        """Linearised conductance [S], as one polynomial: faster than from all coefficients."""
        scaled = [
            weight * self.read_voltage ** (1 - p - q)
            for (p, q), weight in zip(self.terms, self.secant_weights(), strict=True)
        ]
        *lower, total = (self.coefficient.new_tensor(scaled) @ self.coefficient).unbind()
        share = G / (G + self.g_half)
        y = share * ((self.g_high + self.g_half) / self.g_high)
        for c in reversed(lower):
            total = torch.addcmul(c, total, y)
        return total * share * self.g_half

    def secant_weights(self) -> list[float]:
        """Weight of each coefficient in the linearised conductance [V^(p-1)]."""
        secant = SECANT * self.read_voltage
        return [secant ** (p - 1) if q == 0 and p % 2 == 1 else 0.0 for p, q in self.terms]

    def current(
        self, d: Float[Tensor, "*cells"], c: Float[Tensor, "*cells"], G: Float[Tensor, "*cells"]
    ) -> Float[Tensor, "*cells"]:
        """Current [A] of cells with the voltages `d` across them and `c` on their column nodes."""
        values = self.coefficients(G)
        powers = torch.stack([d**p * c**q for p, q in self.terms])
        return (values * powers).sum(0)


def _sweep(span: CellRange, points: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voltages and conductances of the single-cell currents, denser where columns are low."""
    unit = qmc.Halton(3, rng=np.random.default_rng(seed)).random(points)
    d = span.d_low + (span.d_high - span.d_low) * unit[:, 0]
    side = np.where(unit[:, 1] < 0.5, span.c_low, span.c_high)
    c = side * np.abs(2 * unit[:, 1] - 1) ** 1.5
    if span.c_low == 0:
        c = span.c_high * unit[:, 1] ** 1.5
    g = span.g_low + (span.g_high - span.g_low) * unit[:, 2] ** 1.5
    return d, c, g


def _scaled(g: np.ndarray, g_half: float, g_high: float) -> tuple[np.ndarray, np.ndarray]:
    """The variables y (one at `g_high`) and z [S]."""
    y = g / (g + g_half) * (g_high + g_half) / g_high
    return y, g * g_half / (g + g_half)


def _saturation(current: CellCurrent, span: CellRange, voltage: float) -> float:
    """Conductance in series with the device, from small currents at two conductances [S].

    1 / (cell conductance) = shape / g + 1 / g_half is a straight line in 1 / g.
    """
    g = np.array([0.5 * span.g_high, span.g_high])
    v = np.full(2, voltage)
    resistance = v / current(v, np.zeros(2), g)
    in_series = 2 * resistance[1] - resistance[0]
    if in_series <= 1 / (STIFFEST * span.g_high):
        return STIFFEST * span.g_high
    return float(1 / in_series)
