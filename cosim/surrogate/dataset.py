"""Samples of a tile as plain arrays: what a surrogate is fitted to and judged on.

Several matrices of conductances, and for each some input vectors with the column currents that the
reference (ngspice, as a rule) gave. Splits go by matrix: a held-out sample has inputs *and*
conductances that the fit has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from cosim.errors import ShapeError
from cosim.surrogate.base import Surrogate


# Tiles prepared in one batch; more would only cost memory.
MATRICES_AT_ONCE = 32


@dataclass(frozen=True)
class TileSamples:
    """Column currents of a tile for known inputs and conductances.

    Attributes:
        conductance: one matrix per programmed tile [S].
        inputs: one vector per sample [V].
        outputs: column currents of each sample [A].
        matrix: which conductance matrix each sample was taken on.

    Raises:
        ShapeError: the arrays do not belong together, or hold values that are not finite.
    """

    conductance: Float[np.ndarray, "matrices rows cols"]
    inputs: Float[np.ndarray, "samples rows"]
    outputs: Float[np.ndarray, "samples cols"]
    matrix: Int[np.ndarray, " samples"]

    def __post_init__(self) -> None:
        for name in ("conductance", "inputs", "outputs"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        object.__setattr__(self, "matrix", np.asarray(self.matrix))
        self._check_shapes()
        self._check_values()

    def __len__(self) -> int:
        return len(self.matrix)

    @property
    def matrices(self) -> int:
        """Number of conductance matrices."""
        return len(self.conductance)

    def of_matrices(self, which: Int[np.ndarray, " chosen"]) -> TileSamples:
        """The samples taken on some of the matrices."""
        which = np.asarray(which)
        renumbered = np.full(self.matrices, -1)
        renumbered[which] = np.arange(len(which))
        keep = np.isin(self.matrix, which)
        return TileSamples(
            self.conductance[which],
            self.inputs[keep],
            self.outputs[keep],
            renumbered[self.matrix[keep]],
        )

    def split(self, fraction: float, seed: int) -> tuple[TileSamples, TileSamples]:
        """Two sets without a common matrix, the first with about `fraction` of the matrices.

        Raises:
            ShapeError: there are fewer than two matrices.
        """
        if self.matrices < 2:
            raise ShapeError(
                f"the samples were taken on {self.matrices} conductance matrix; a split needs at"
                " least 2, because held-out samples must have conductances of their own;"
                " characterize the tile with more matrices"
            )
        order = np.random.default_rng(seed).permutation(self.matrices)
        count = min(max(round(fraction * self.matrices), 1), self.matrices - 1)
        return self.of_matrices(np.sort(order[:count])), self.of_matrices(np.sort(order[count:]))

    def predict(self, surrogate: Surrogate) -> Float[np.ndarray, "samples cols"]:
        """What a surrogate says for these inputs and conductances [A]."""
        like = next(surrogate.buffers())
        predicted = np.empty_like(self.outputs)
        with torch.no_grad():
            for first in range(0, self.matrices, MATRICES_AT_ONCE):
                G = self.conductance[first : first + MATRICES_AT_ONCE]
                place, V = self._by_matrix(first, len(G))
                operator = surrogate.prepare(torch.from_numpy(G).to(like))
                currents = operator(torch.from_numpy(V).to(like)).double().cpu().numpy()
                used = place >= 0
                predicted[place[used]] = currents[used]
        return predicted

    def _by_matrix(
        self, first: int, count: int
    ) -> tuple[Int[np.ndarray, "matrices slots"], Float[np.ndarray, "matrices slots rows"]]:
        """Samples of some matrices side by side: their positions (-1 where none) and inputs."""
        of_each = [np.flatnonzero(self.matrix == first + m) for m in range(count)]
        place = np.full((count, max(map(len, of_each))), -1)
        for row, positions in zip(place, of_each, strict=True):
            row[: len(positions)] = positions
        return place, np.where(place[..., None] >= 0, self.inputs[place], 0.0)

    def _check_shapes(self) -> None:
        shapes = {
            name: getattr(self, name).shape
            for name in ("conductance", "inputs", "outputs", "matrix")
        }
        consistent = (
            self.conductance.ndim == 3
            and self.matrix.ndim == 1
            and self.inputs.shape == (len(self.matrix), self.conductance.shape[1])
            and self.outputs.shape == (len(self.matrix), self.conductance.shape[2])
        )
        if not consistent:
            given = ", ".join(f"`{name}` {shape}" for name, shape in shapes.items())
            raise ShapeError(
                f"the samples of a tile were given as {given}; allowed are `conductance` (matrices,"
                " rows, cols), `inputs` (samples, rows), `outputs` (samples, cols) and `matrix`"
                " (samples,); check the dimensions of the dataset"
            )

    def _check_values(self) -> None:
        for name in ("conductance", "inputs", "outputs"):
            bad = int((~np.isfinite(getattr(self, name))).sum())
            if bad:
                raise ShapeError(
                    f"`{name}` holds {bad} values that are not finite; all must be numbers;"
                    " leave out the samples whose simulation failed"
                )
        inside = (self.matrix >= 0) & (self.matrix < self.matrices)
        if not inside.all():
            raise ShapeError(
                f"`matrix` names {int(self.matrix[~inside][0])}, but there are {self.matrices}"
                " conductance matrices counted from 0; correct the index"
            )
