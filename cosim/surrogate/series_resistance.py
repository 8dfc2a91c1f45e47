"""The oldest closed form of IR drop: every cell behind its own share of the wires.

If all cells of a tile drew the same current, the drop at cell (i, j) would be that current times
the sum of its row's kernel plus the sum of its column's. Taking each cell for itself,

    1 / effective[i, j] = 1 / a[i, j] + sum_j' row kernel[j, j'] + sum_i' col kernel[i, i']

which is the model of Jeong, Zidan and Lu (IEEE Transactions on Nanotechnology 17, 184, 2018; there
with the wire segments alone, here with drivers and sensors as well). It knows nothing of what the
other cells really draw, and is here to be compared with.
"""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from cosim.surrogate.ideal import Product
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin


class SeriesResistance(LineModeGalerkin):
    """Every cell in series with the resistance that equal cells would see."""

    kind: ClassVar[str] = "series_resistance"

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> Product:
        """The product with the effective conductances of cells of conductance `G` [S]."""
        self.check_conductances(G)
        a = self.secant(self.cell.coefficients(G))
        wire = self.kernels.row.sum(1)[None, :] + self.kernels.col.sum(1)[:, None]
        return Product(a / (1 + a * wire))
