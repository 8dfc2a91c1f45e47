"""The alpha-beta closed form of IR drop: one share of the voltage per line, from its open end.

The input reaches a cell through its row and the cell's current leaves through its column. Take a
column alone, with its rows at equal voltage. At its open end the cell has the voltage u, and if
every cell of the column drew a current in proportion, a[k, j] u, the cell i would see more than u
by what the wire drops between both:

    voltage of cell i = u (1 + sum_k (col kernel[0, k] - col kernel[i, k]) a[k, j])
    applied voltage   = u (1 + sum_k  col kernel[0, k] a[k, j])

Their ratio is alpha[i, j]. The row gives beta[i, j] in the same way, from its own open end, and
with both as independent losses

    effective[i, j] = alpha[i, j] a[i, j] beta[i, j]

The sums of either ratio are one product with a kernel, whose row or column of the open end is the
lower sum: alpha = 1 - drop / (1 + drop at the open end).

This is the "alpha-beta" model of the public comparison Crossbar_Models_Comparison (github.com,
alambertini01, 2025), written here with the kernels of `wire_kernels`: there with one segment
resistance and nothing else, here with drivers and sensors as well, which it would be judged
unfairly without. The cells enter by their secant, so what a cell does beyond it is not in it.
`fit` refines it like the others.
"""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from cosim.surrogate.ideal import Product
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin


class AlphaBeta(LineModeGalerkin):
    """Every cell behind one loss along its column and one along its row."""

    kind: ClassVar[str] = "alpha_beta"

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> Product:
        """The product with the effective conductances of cells of conductance `G` [S]."""
        self.check_conductances(G)
        a = self.cell.secant(G)
        # Both kernels are symmetric; columns end openly at their first node, rows at their last.
        up, along = self.kernels.col @ a, a @ self.kernels.row
        alpha = 1 - up / (1 + up[..., :1, :])
        beta = 1 - along / (1 + along[..., -1:])
        return Product(alpha * a * beta)
