"""The circuit itself as the arithmetic of a layer: every product is solved, with its gradient.

    set_arithmetic(network, SolvedTile(spec))

The forward pass solves the nonlinear circuit of every tile for every input vector, the backward
pass one transposed linear system each. That is slower than a surrogate by orders of magnitude, and
exact: for the last epochs of a small network, and to see what a surrogate leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor, nn

from cosim.nn.quantize import clamped


if TYPE_CHECKING:
    from cosim.solver.solve import Accuracy, TileSolver
    from netlists.specs import TileSpec


class SolvedTile(nn.Module):
    """A tile whose currents the solver finds; in the place of a surrogate.

    Attributes:
        spec: the tile.
        accuracy: how exactly its circuit is solved; None for the solver's `FAST`.
        threads: of the solver; None for all cores.
    """

    def __init__(
        self, spec: TileSpec, accuracy: Accuracy | None = None, threads: int | None = None
    ) -> None:
        """Keep what the solver is made from; it is made with the first product."""
        super().__init__()
        self.spec = spec
        self.accuracy = accuracy
        self.threads = threads
        self._solver: TileSolver | None = None

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> Callable[[Tensor], Tensor]:
        """The tile with its conductances `G` [S] fixed: currents [A] of input voltages [V]."""
        return lambda V: self(V, G)

    def forward(
        self, V: Float[Tensor, "*inputs samples rows"], G: Float[Tensor, "*tiles rows cols"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] for input voltages `V` [V] and conductances `G` [S].

        Raises:
            SimulationFailed: a sample has no solution.
        """
        # The solver is compiled when it is imported, which only those wait for who use it.
        from cosim.solver.operation import tile_currents

        # In single precision, the ends of the range may be rounded to the wrong side.
        cell = self.spec.cell
        inside = clamped(G.double(), cell.conductance_min, cell.conductance_max)
        return tile_currents(self.solver, V, inside)

    @property
    def solver(self) -> TileSolver:
        """The solver, made when it is first asked for."""
        from cosim.solver.solve import FAST, TileSolver

        if self._solver is None:
            accuracy = self.accuracy or FAST
            self._solver = TileSolver(self.spec, accuracy, threads=self.threads)
        return self._solver

    def __getstate__(self) -> dict[str, Any]:
        """Copies and saved networks make a solver of their own."""
        return {**self.__dict__, "_solver": None}
