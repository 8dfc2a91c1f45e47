"""Line-mode Galerkin: the wire network of a tile, reduced to a few unknowns per line.

Every cell carries the current a d, with a its linearised conductance and d the voltage across it.
The unknown fields are written as

    vr[i, j] = V[i] + sum_p rho[i, p] Phi[i, p, j]        Phi[i, p] = row kernel (a[i] P_p)
    vc[i, j] =        sum_q gam[j, q] Psi[i, q, j]        Psi[q, j] = col kernel (a[:, j] Q_q)

`Phi` and `Psi` are *load modes*: the fields that a line has when its cells' voltages follow a
smooth shape (`wire_kernels.mode_shapes`). The end conditions of the wires and the randomness of the
conductances are in them exactly; only the shape of the cell voltage along a line is approximated.
Galerkin's conditions then hold without any wire matrix, because the wires of row i turn Phi[i, p]
back into the load a[i] P_p.

The column currents are read as the sum of a d over the rows. This output functional mirrors the
drive, so the error of the currents is the product of the errors of the fields and of their adjoint;
reading the voltage at the sense resistor instead costs a factor of several hundred.

Elimination order: the rows are independent of each other (blocks A), the columns are coupled
through them (Schur complement S, symmetric and positive definite, one Cholesky factor per tile).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.errors import CosimError
from cosim.surrogate.wire_kernels import WireKernels


# Loads are normalised per line and lifted by this much of the mean, so that a line of empty cells
# still has a well-conditioned basis in float32.
LIFT = 1e-6


@dataclass(frozen=True)
class ReducedNetwork:
    """The Galerkin system of tiles, with the rows eliminated.

    Attributes:
        a: linearised conductances [S].
        phi: load modes of the rows [V per unit].
        psi: load modes of the columns [V per unit].
        A_inv: inverses of the row blocks.
        AC: row unknowns per column unknown.
        u: row unknowns per volt of the row's own input, all columns grounded (with a minus sign).
        own: voltage of a cell's row node per volt on that row, all columns grounded.
        S: Schur complement of the columns.
        R: drive of the column unknowns per volt of the inputs.
    """

    a: Float[Tensor, "*tiles rows cols"]
    phi: Float[Tensor, "*tiles rows kr cols"]
    psi: Float[Tensor, "*tiles rows kc cols"]
    A_inv: Float[Tensor, "*tiles rows kr kr"]
    AC: Float[Tensor, "*tiles rows_kr kc_cols"]
    u: Float[Tensor, "*tiles rows kr 1"]
    own: Float[Tensor, "*tiles rows cols"]
    S: Float[Tensor, "*tiles kc_cols kc_cols"]
    R: Float[Tensor, "*tiles rows kc_cols"]

    def fields(
        self,
        V: Float[Tensor, "*inputs samples rows"],
        excess: Float[Tensor, "*tiles samples rows cols"] | None = None,
    ) -> tuple[
        Float[Tensor, "*tiles samples rows cols"], Float[Tensor, "*tiles samples rows cols"]
    ]:
        """Voltage across every cell and voltage of every column node [V].

        Args:
            V: inputs [V].
            excess: currents that the cells draw beyond a d [A]; None for linear cells.
        """
        rows, kr, cols = self.phi.shape[-3:]
        kc = self.psi.shape[-2]
        drive = V @ self.R
        rho = -V[..., None] * self.u[..., None, :, :, 0]
        if excess is not None:
            into_rows = torch.einsum("...sij,...ipj->...sip", excess, self.phi)
            into_cols = torch.einsum("...sij,...iqj->...sqj", excess, self.psi)
            drive = drive + into_cols.flatten(-2) - into_rows.flatten(-2) @ self.AC
            rho = rho - torch.einsum("...sip,...ipr->...sir", into_rows, self.A_inv)
        gam = _solve_spd(self.S, drive.transpose(-1, -2)).transpose(-1, -2)
        rho = rho + (gam @ self.AC.transpose(-1, -2)).unflatten(-1, (rows, kr))
        vr = V[..., None] + torch.einsum("...sip,...ipj->...sij", rho, self.phi)
        vc = torch.einsum("...sqj,...iqj->...sij", gam.unflatten(-1, (kc, cols)), self.psi)
        return vr - vc, vc


@dataclass(frozen=True)
class LinearResponse:
    """What the reduced network of a tile does, per volt.

    Attributes:
        transfer: current of column j per volt on row i [S].
        own: voltage of a cell's row node per volt on that row, all columns grounded.
        common: voltage across each cell when every row is at 1 V.
        rise: voltage of each column node when every row is at 1 V.
    """

    transfer: Float[Tensor, "*tiles rows cols"]
    own: Float[Tensor, "*tiles rows cols"]
    common: Float[Tensor, "*tiles rows cols"]
    rise: Float[Tensor, "*tiles rows cols"]


def reduced(
    a: Float[Tensor, "*tiles rows cols"],
    kernels: WireKernels,
    mean: Float[Tensor, "*tiles"] | None = None,
) -> ReducedNetwork:
    """The Galerkin system of tiles whose cells have the linearised conductances `a` [S].

    Args:
        a: conductances; gradients flow through them.
        kernels: the wires.
        mean: conductance that the mode shapes are made for; None takes each tile's own mean.
            The shapes only choose a basis and carry no gradient.
    """
    batch, (rows, cols) = a.shape[:-2], a.shape[-2:]
    kr, kc = kernels.row_modes, kernels.col_modes
    average = a.detach().mean((-2, -1))
    row_shapes, col_shapes = kernels.mode_shapes(average if mean is None else mean)

    row_load, col_load = _loads(a, average, row_shapes, col_shapes)
    phi = row_load @ kernels.row
    psi = (kernels.col @ col_load.flatten(-2)).unflatten(-1, (kc, cols))
    f = a[..., :, None, :] * phi
    h = a[..., :, None, :] * psi

    A_inv = _inverse((row_load + f) @ phi.transpose(-1, -2))
    B = _by_column(col_load + h) @ _by_column(psi).transpose(-1, -2)
    u = A_inv @ f.sum(-1, keepdim=True)
    own = 1 - (u * phi).sum(-2)
    C = (f[..., :, :, None, :] * psi[..., :, None, :, :]).reshape(*batch, rows, kr, kc * cols)
    AC = (A_inv @ C).reshape(*batch, rows * kr, kc * cols)
    S = _block_diagonal(B) - AC.transpose(-1, -2) @ C.reshape(*batch, rows * kr, kc * cols)
    R = (own[..., :, None, :] * h).reshape(*batch, rows, kc * cols)
    return ReducedNetwork(a, phi, psi, A_inv, AC, u, own, S, R)


def linear_response(network: ReducedNetwork) -> LinearResponse:
    """The response of a reduced network to its inputs.

    Raises:
        CosimError: the reduced system is not positive definite in this precision.
    """
    a, phi, psi, AC = network.a, network.phi, network.psi, network.AC
    batch, (rows, cols) = a.shape[:-2], a.shape[-2:]
    kr, kc = phi.shape[-2], psi.shape[-2]
    F = (a[..., :, None, :] * phi).reshape(*batch, rows * kr, cols)
    H = (a[..., :, None, :] * psi).sum(-3)
    T = AC.transpose(-1, -2) @ F - torch.diag_embed(H).reshape(*batch, kc * cols, cols)
    X = _solve_spd(network.S, network.R.transpose(-1, -2))
    gam = X.sum(-1, keepdim=True)
    rho = (AC @ gam).reshape(*batch, rows, kr, 1) - network.u
    rise = (psi * gam.reshape(*batch, 1, kc, cols)).sum(-2)
    return LinearResponse(
        transfer=network.own * a + X.transpose(-1, -2) @ T,
        own=network.own,
        common=1 + (rho * phi).sum(-2) - rise,
        rise=rise,
    )


def _loads(
    a: Tensor, average: Tensor, row_shapes: Tensor, col_shapes: Tensor
) -> tuple[Float[Tensor, "*tiles rows kr cols"], Float[Tensor, "*tiles rows kc cols"]]:
    """Loads of the modes; scaling a line's load does not change what its modes span."""
    constant = a.detach()
    lift = LIFT * average[..., None, None]
    row_scale = constant.mean(-1, keepdim=True) + lift
    col_scale = constant.mean(-2, keepdim=True) + lift
    row_load = ((a + lift) / row_scale)[..., :, None, :] * row_shapes[..., None, :, :]
    col_load = ((a + lift) / col_scale)[..., :, None, :] * col_shapes.transpose(-1, -2)[..., None]
    return row_load, col_load


def _by_column(x: Float[Tensor, "*tiles rows kc cols"]) -> Float[Tensor, "*tiles cols kc rows"]:
    return x.transpose(-1, -3)


def _block_diagonal(
    B: Float[Tensor, "*tiles cols kc kc"],
) -> Float[Tensor, "*tiles kc_cols kc_cols"]:
    """Blocks of the columns placed at unknowns that are numbered mode by mode."""
    cols, kc = B.shape[-3], B.shape[-1]
    spread = torch.diag_embed(B.movedim(-3, -1))  # [kc, kc, cols, cols]
    return spread.transpose(-3, -2).reshape(*B.shape[:-3], kc * cols, kc * cols)


def _inverse(A: Float[Tensor, "*blocks k k"]) -> Float[Tensor, "*blocks k k"]:
    """Inverse of many tiny symmetric blocks; one and two modes are written out for speed."""
    k = A.shape[-1]
    if k == 1:
        return 1 / A
    if k == 2:
        a, b, d = A[..., 0, 0], A[..., 0, 1], A[..., 1, 1]
        adjugate = torch.stack([d, -b, -b, a], -1) / (a * d - b * b)[..., None]
        return adjugate.unflatten(-1, (2, 2))
    return torch.linalg.inv(A)


class _SpdSolve(torch.autograd.Function):
    """Solution of S X = R with a symmetric positive definite S; one factor serves both passes."""

    @staticmethod
    def forward(ctx: Any, S: Tensor, R: Tensor) -> Tensor:  # noqa: ANN401 - torch gives no type
        factor, info = torch.linalg.cholesky_ex(S)
        if bool((info != 0).any()):
            raise CosimError(
                f"the reduced system of a tile is not positive definite in {S.dtype}; it must be;"
                " use float64 or fewer modes per line, and check the conductances for negative ones"
            )
        X = torch.cholesky_solve(R, factor)
        ctx.save_for_backward(factor, X)
        return X

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        factor, X = ctx.saved_tensors
        grad_R = torch.cholesky_solve(grad, factor)
        return -grad_R @ X.transpose(-1, -2), grad_R


def _solve_spd(S: Tensor, R: Tensor) -> Tensor:
    if torch.compiler.is_compiling():  # an exported program cannot stop to look at the factor
        return torch.cholesky_solve(R, torch.linalg.cholesky(S))
    return _SpdSolve.apply(S, R)
