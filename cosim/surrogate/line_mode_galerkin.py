"""The default surrogate of a tile whose structure is known: closed-form wires, polynomial cells.

The linear part of a tile is `line_modes.linear_response` of its secant conductances. What the
cells do beyond their secant is a correction current per cell, a polynomial in the voltage d across
the cell and the voltage c of its column node (`cell_polynomial`). Both come from the mean field

    d[i, j] = own[i, j] V[i] + shared[i, j] s      c[i, j] = rise[i, j] s      s = sum_i w[i] V[i]

with `shared = common - own`: the part of the drop that follows the whole input vector is taken
from one mean s of it, weighted by how much each row loads the columns. Inserting these makes the
correction current a polynomial in V[i] and s, and each reaches the output through the local adjoint
factor transfer / a. Sorted by powers, a batch of vectors is one matrix product:

    I = [V, V^2, V^3, s V, s V^2, s^2 V] weights + [s, s^2, s^3] offsets

Nothing is learned from arrays, so nothing limits it to the conductances of a training set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.surrogate import fused
from cosim.surrogate.base import Operator, Surrogate, beside, subtracted
from cosim.surrogate.cell_polynomial import CUBIC, CellCurrent, CellPolynomial, CellRange, Term
from cosim.surrogate.domain import Domain
from cosim.surrogate.line_modes import LIFT, LinearResponse, linear_response, reduced
from cosim.surrogate.wire_kernels import WireKernels, WireResistances


if TYPE_CHECKING:
    from netlists.specs import TileSpec

# Line modes by the electrical length of a line, segments x sqrt(conductance x segment resistance).
ONE_MODE_LENGTH = 0.6
TWO_MODES_LENGTH = 2.5


@dataclass(frozen=True)
class MeanFieldOperator(Operator):
    """A tile with fixed conductances: a polynomial in the inputs and one weighted mean of them.

    Attributes:
        powers: exponents (of V[i], of s) of the blocks of weights.
        table: one block of rows per entry of `powers`, then the offsets, one row per power of s,
            from the first on [A/V^n].
        mean_weights: weight of each row in s; sums to one.
    """

    powers: tuple[Term, ...]
    table: Float[Tensor, "*tiles features cols"]
    mean_weights: Float[Tensor, " rows"]

    @property
    def weights(self) -> Float[Tensor, "*tiles weights cols"]:
        """The blocks of weights [A/V^n]."""
        return self.table[..., : self._blocks, :]

    @property
    def offsets(self) -> Float[Tensor, "*tiles degree cols"]:
        """The rows of the powers of s alone [A/V^n]."""
        return self.table[..., self._blocks :, :]

    @property
    def _blocks(self) -> int:
        return len(self.powers) * len(self.mean_weights)

    def __call__(
        self, V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] for the input voltages `V` [V]."""
        if self.powers == fused.POWERS and fused.applies(V, self.table):
            return fused.currents(V, self.table, self.mean_weights, self._currents)
        return self._currents(V, self.table)

    def features(
        self, V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*inputs samples features"]:
        """What the rows of `table` multiply."""
        s = V @ self.mean_weights[:, None]
        degree = self.table.shape[-2] - self._blocks
        inputs = _powers(V, degree)
        means = _powers(s, degree)
        blocks = [inputs[a - 1] if b == 0 else inputs[a - 1] * means[b - 1] for a, b in self.powers]
        return torch.cat([*blocks, *means], -1)

    def _currents(self, V: Tensor, table: Tensor) -> Tensor:
        return self.features(V) @ table


class LineModeGalerkin(Surrogate):
    """Line-mode Galerkin with a fitted cell polynomial.

    Attributes:
        wires: resistances of the tile.
        cell: polynomial of the cell's current.
        modes: load modes per line, 1 to 3.
        shape_conductance: mean conductance that the mode shapes are made for [S]; None takes each
            tile's own.
        patience: what the torch form answers in each precision before kernels are compiled for it
            (`fused.cost`); 0 compiles at once. Both forms agree to rounding.
        spent: what it has answered so far, by precision.
    """

    kind: ClassVar[str] = "line_mode_galerkin"
    default_terms: ClassVar[tuple[Term, ...]] = CUBIC
    fewest_modes: ClassVar[int] = 1

    mean_weights: Tensor

    def __init__(
        self,
        rows: int,
        cols: int,
        wires: WireResistances,
        cell: CellPolynomial,
        domain: Domain,
        modes: int | None = None,
        shape_conductance: float | None = None,
    ) -> None:
        super().__init__(rows, cols, domain)
        self.wires = wires
        recommended = max(recommended_modes(rows, cols, wires, domain), self.fewest_modes)
        self.modes = recommended if modes is None else modes
        self.cell = cell
        self.shape_conductance = shape_conductance
        self.patience = fused.PATIENCE
        self.spent: dict[torch.dtype, int] = {}
        self.kernels = WireKernels(rows, cols, wires, self.modes)
        loading = self.kernels.col.sum(0)
        self.register_buffer("mean_weights", loading / loading.sum(), persistent=False)
        self._tile: tuple[tuple[torch.dtype, int, int], fused.Tile] | None = None

    @classmethod
    def from_cell(
        cls,
        rows: int,
        cols: int,
        wires: WireResistances,
        current: CellCurrent,
        domain: Domain,
        modes: int | None = None,
        terms: tuple[Term, ...] | None = None,
    ) -> Self:
        """The closed form: wires as stated, cell polynomial from a sweep of one cell.

        Args:
            rows: inputs of the tile.
            cols: outputs of the tile.
            wires: its resistances.
            current: current [A] of one cell from row node voltage [V], column node voltage [V] and
                conductance [S]; float64, vectorised.
            domain: inputs and conductances to fit for.
            modes: load modes per line; None chooses by the electrical length of the lines.
            terms: exponents of the cell polynomial; None takes those that suit the class.
        """
        column_resistance = float(WireKernels(rows, cols, wires, 1).col.sum(0).max())
        span = CellRange.of_tile(domain, column_resistance)
        cell = CellPolynomial.fit(current, span, terms or cls.default_terms)
        return cls(rows, cols, wires, cell, domain, modes)

    @classmethod
    def from_spec(cls, spec: TileSpec, current: CellCurrent, modes: int | None = None) -> Self:
        """The closed form of a tile's specification and its cell."""
        return cls.from_cell(
            spec.rows,
            spec.cols,
            WireResistances.from_spec(spec),
            current,
            domain_of(spec),
            modes,
        )

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> Operator:
        """The operator of a tile whose cells have the conductances `G` [S]."""
        self.check_conductances(G)
        if self._kernels_answer(G):
            return self._with(fused.table(G, self._fused(), self.table))
        return self._with(self.table(G))

    def prepare_pairs(self, G: Float[Tensor, "*blocks side rows cols"]) -> Operator:
        """The operator of differential columns of tiles side by side, in one product."""
        if type(self).prepare is not LineModeGalerkin.prepare:  # a class with another operator
            return super().prepare_pairs(G)
        self.check_conductances(G)
        if self._kernels_answer(G):
            return self._with(fused.table_of_pairs(G, self._fused(), self._table_of_pairs))
        return self._with(self._table_of_pairs(G))

    def _with(self, table: Tensor) -> MeanFieldOperator:
        return MeanFieldOperator(_powers_of(self.cell.terms), table, self.mean_weights)

    def _table_of_pairs(self, G: Tensor) -> Tensor:
        return beside(subtracted(self.table(G)))

    def _kernels_answer(self, G: Tensor) -> bool:
        return fused.covers(self.cell) and fused.applies(G) and self._patience_is_over(G)

    def _patience_is_over(self, G: Tensor) -> bool:
        """Whether the kernels answer; counts what the torch form answers before."""
        spent = self.spent.get(G.dtype, 0)
        if spent >= self.patience:
            return True
        self.spent[G.dtype] = spent + fused.cost(G)
        return False

    def table(self, G: Float[Tensor, "*tiles rows cols"]) -> Float[Tensor, "*tiles features cols"]:
        """`MeanFieldOperator.table` of conductances `G` [S], written in torch."""
        coefficients = self.cell.coefficients(G)
        a = self.secant(coefficients)
        response = linear_response(reduced(a, self.kernels, self.shape_mean(a)))
        by_power = _by_power(self.cell.terms, coefficients, a, response)

        degree = max(p + q for p, q in self.cell.terms)
        zero = torch.zeros_like(a[..., 0, :])
        offsets = [
            by_power[0, b].sum(-2) if (0, b) in by_power else zero for b in range(1, degree + 1)
        ]
        blocks = [by_power[key] for key in _powers_of(self.cell.terms)]
        return torch.cat([*blocks, torch.stack(offsets, -2)], -2)

    def tensors(self) -> dict[str, Tensor]:
        """Coefficients of the cell polynomial."""
        return {"cell_coefficient": self.cell.coefficient.detach().double().cpu()}

    def settings(self) -> dict[str, Any]:
        """Size, wires, domain and the form of the polynomial."""
        wires = self.wires
        return {
            "rows": self.rows,
            "cols": self.cols,
            "modes": self.modes,
            "shape_conductance": self.shape_conductance,
            "domain": self.domain.to_dict(),
            "wires": {
                "input_line": wires.input_line,
                "output_line": wires.output_line,
                "source": wires.source,
                "sense": wires.sense,
            },
            "cell": {
                "terms": [list(term) for term in self.cell.terms],
                "g_half": self.cell.g_half,
                "g_high": self.cell.g_high,
                "read_voltage": self.cell.read_voltage,
            },
        }

    @classmethod
    def rebuild(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The surrogate that `settings` and `tensors` describe, in float64."""
        cell = settings["cell"]
        terms = tuple((int(p), int(q)) for p, q in cell["terms"])
        polynomial = CellPolynomial(
            terms,
            tensors["cell_coefficient"],
            float(cell["g_half"]),
            float(cell["g_high"]),
            float(cell["read_voltage"]),
        )
        return cls(
            int(settings["rows"]),
            int(settings["cols"]),
            WireResistances(**settings["wires"]),
            polynomial,
            Domain.from_dict(settings["domain"]),
            int(settings["modes"]),
            settings["shape_conductance"],
        )

    def replaced(
        self, wires: WireResistances | None = None, coefficient: Tensor | None = None
    ) -> Self:
        """The same surrogate with other wires or other cell coefficients."""
        cell = self.cell if coefficient is None else self.cell.with_coefficient(coefficient)
        return type(self)(
            self.rows,
            self.cols,
            wires or self.wires,
            cell,
            self.domain,
            self.modes,
            self.shape_conductance,
        )

    def secant(
        self, coefficients: Float[Tensor, "terms *tiles rows cols"]
    ) -> Float[Tensor, "*tiles rows cols"]:
        """Linearised conductance of every cell [S]."""
        weights = coefficients.new_tensor(self.cell.secant_weights())
        return torch.tensordot(weights, coefficients, dims=([0], [0]))

    def _fused(self) -> fused.Tile:
        """The constants of the fused kernels, made once per precision."""
        coefficient = self.cell.coefficient
        made_for = (coefficient.dtype, coefficient.data_ptr(), coefficient._version)
        if self._tile is None or self._tile[0] != made_for:
            tile = fused.constants(self.cell, self.kernels, self.shape_conductance)
            self._tile = (made_for, tile)
        return self._tile[1]

    def shape_mean(self, a: Float[Tensor, "*tiles rows cols"]) -> Float[Tensor, "*tiles"] | None:
        """Mean conductance that the mode shapes are made for; None for each tile's own."""
        if self.shape_conductance is None:
            return None
        return a.new_full(a.shape[:-2], self.shape_conductance)


def domain_of(spec: TileSpec) -> Domain:
    """Inputs from zero to the read voltage, conductances over the range of the mapping."""
    return Domain(
        0.0,
        spec.drivers.read_voltage,
        spec.cell.conductance_min,
        spec.cell.conductance_max,
    )


def recommended_modes(rows: int, cols: int, wires: WireResistances, domain: Domain) -> int:
    """Load modes per line that keep the wire error below that of the mean field."""
    mean = 0.5 * (domain.conductance_low + domain.conductance_high)
    length = max(cols * (mean * wires.input_line) ** 0.5, rows * (mean * wires.output_line) ** 0.5)
    if length <= ONE_MODE_LENGTH:
        return 1
    return 2 if length <= TWO_MODES_LENGTH else 3


def _powers_of(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Exponents (of V[i], of s) of the blocks of weights that `terms` produce."""
    powers = {(p - r, q + r) for p, q in terms for r in range(p)}
    return tuple(sorted(powers, key=lambda key: (key[1], key[0])))


def _by_power(
    terms: tuple[Term, ...], coefficients: Tensor, a: Tensor, response: LinearResponse
) -> dict[Term, Tensor]:
    """Weight of V[i]^a s^b on each output, for every (a, b) that the terms produce.

    The linear transfer already holds the secant, so the first-order term enters without it.
    """
    lift = LIFT * a.detach().mean((-2, -1), keepdim=True)
    degree = max(p + q for p, q in terms)
    shared = _powers(response.common - response.own, degree)  # d = own V + shared s
    rise = _powers(response.rise, degree)
    through = [(response.transfer + lift) / (a + lift)]  # adjoint times a power of own
    for _ in range(degree):
        through.append(through[-1] * response.own)

    sums: dict[Term, Tensor] = {}
    for (p, q), coefficient in zip(terms, coefficients, strict=True):
        beyond = coefficient - a if (p, q) == (1, 0) else coefficient
        beyond = beyond * rise[q - 1] if q else beyond
        for r in range(p + 1):
            part = beyond * shared[r - 1] if r else beyond
            key = (p - r, q + r)
            many = comb(p, r)
            if key in sums:
                sums[key] = torch.add(sums[key], part, alpha=many)
            else:
                sums[key] = part if many == 1 else part * many
    weights = {key: through[key[0]] * total for key, total in sums.items()}
    return {**weights, (1, 0): weights[1, 0] + response.transfer}


def _powers(x: Tensor, degree: int) -> list[Tensor]:
    """The powers of `x` from the first to `degree`."""
    powers = [x]
    for _ in range(degree - 1):
        powers.append(powers[-1] * x)
    return powers
