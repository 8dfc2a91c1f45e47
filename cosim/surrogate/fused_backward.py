"""Compiled gradient of the forward kernels of the network, derived by hand.

Write g_X for the gradient of a loss in X, and follow the forward steps backwards, from
the gradients in transfer, fields and unknowns that `fused_weights_backward` has made.

**Solves.** transfer = own a + R Y and gam = S^-1 r with Y = S^-1 T, r the sum of R's rows. With
Z = S^-1 R^T g_transfer and v = S^-1 g_gam,

    g_T = Z      g_R = g_transfer Y^T + v      g_S = -(Z Y^T + v gam^T)

**Elimination.** S = B - C^T A^-1 C, T = C^T A^-1 F - H, rho = A^-1 C gam - u, u = A^-1 f. Only the
symmetric part of g_S counts. With AC = A^-1 C, AF = A^-1 F, r = A^-1 g_rho and w = A^-1 g_u,

    g_C = (AC Z) Y^T + (AC Y + AF) Z^T + (AC v + r) gam^T + (AC gam) v^T      one product
    g_F = AC Z + w 1^T
    D = g_A + g_A^T = - (AC Z) (AC Y + AF)^T - (AC gam) (AC v + r)^T - w u^T - their transposes

and g_B + g_B^T are the diagonal blocks of -(Z Y^T + v gam^T) and its transpose.

**Modes.** A = load K load^T + phi diag(a) phi^T with phi = load K is symmetric; D gives
g_load = D phi, g_phi = D (a phi), g_a = phi^T D phi / 2, and the columns alike. What reaches phi
goes on through the row kernel, which is its own transpose. Mode shapes, means along the lines and
the lift choose a basis and carry no gradient.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.surrogate.fused_algebra import (
    ENTRY,
    KERNEL,
    along_cols,
    along_rows,
    saturation,
    slope,
)
from cosim.surrogate.fused_arrays import (
    Gradients,
    Network,
    Products,
    Tile,
    Work,
)


@njit(**ENTRY)
def balance_tiles(
    net: Network, products: Products, grad: Gradients, left: np.ndarray, work: Work
) -> None:
    """Finish the gradients in the own voltages, and set up the product that gives g_C (`left`)."""
    for t in range(net.a.shape[0]):
        _drives(
            (net.a[t], net.own[t], net.psi[t], net.gam[t]),
            products.R[t],
            grad.v[t],
            products.YZ[t],
            grad.rise[t],
            (grad.a[t], grad.own[t], work.psi[t]),
        )
        _answers(
            (net.phi[t], net.A_inv[t], grad.own[t], grad.rho[t]), work.from_rho[t], work.from_u[t]
        )
        _row_blocks(
            (net.u[t], work.from_rho[t], work.from_u[t]),
            products.AF[t],
            products.AYZ[t],
            work.blocks[t],
            left[t],
        )


@njit(**ENTRY)
def unreduce_tiles(
    G: np.ndarray,
    tile: Tile,
    net: Network,
    products: Products,
    grad: Gradients,
    gC: np.ndarray,
    work: Work,
) -> None:
    """From the solves back to the conductances; finishes `grad.conductance`."""
    wires = tile.wires
    shape = net.phi.shape[1:]
    gphi, gload = np.empty(shape, G.dtype), np.empty(shape, G.dtype)
    D = np.empty(net.B.shape[1:], G.dtype)
    for t in range(G.shape[0]):
        a, phi, psi = net.a[t], net.phi[t], net.psi[t]
        ga, gpsi, blocks, lift = grad.a[t], work.psi[t], work.blocks[t], net.lift[t]
        _couplings((a, phi, psi), products.AYZ[t], gC[t], gphi, gpsi)
        _row_modes(
            (a, phi, net.rho[t], net.u[t], work.from_u[t], blocks),
            grad.shared[t],
            grad.own[t],
            gphi,
            ga,
        )
        along_rows(gphi, wires[0], wires[2], gload)
        _row_loads((phi, net.row_shapes[t], net.row_means[t], blocks), lift, gload, ga)
        _col_blocks(products.YZ[t], D)
        _col_modes(a, psi, D, gpsi, ga)
        along_cols(gpsi, wires[1], wires[3])
        _col_loads((psi, net.col_shapes[t], net.col_means[t], D), lift, gpsi, ga)
        _conductances(G[t], tile, ga, grad.conductance[t])


@njit(**KERNEL)
def _drives(
    network: tuple[np.ndarray, ...],
    R: np.ndarray,
    v: np.ndarray,
    YZ: np.ndarray,
    grise: np.ndarray,
    grads: tuple[np.ndarray, ...],
) -> None:
    """Gradients through R and the drops H, and what the rises ask of the columns' modes."""
    a, own, psi, gam = network
    ga, gown, gpsi = grads
    rows, kc, cols = psi.shape
    drop = np.empty(cols, a.dtype)
    for q in range(kc):
        first = q * cols
        for j in range(cols):
            drop[j] = YZ[first + j, cols + j]
        for i in range(rows):
            for j in range(cols):
                gr = R[i, first + j] + v[first + j]
                gh = gr * own[i, j] - drop[j]
                gown[i, j] += gr * a[i, j] * psi[i, q, j]
                ga[i, j] += gh * psi[i, q, j]
                gpsi[i, q, j] = gam[first + j] * grise[i, j] + a[i, j] * gh


@njit(**KERNEL)
def _answers(network: tuple[np.ndarray, ...], from_rho: np.ndarray, from_u: np.ndarray) -> None:
    """A^-1 g_rho and A^-1 g_u of every row."""
    phi, A_inv, gown, grho = network
    rows, kr, cols = phi.shape
    gu = np.empty(kr, phi.dtype)
    for i in range(rows):
        for p in range(kr):
            total = grho[i, p]
            for j in range(cols):
                total += gown[i, j] * phi[i, p, j]
            gu[p] = -total
        for p in range(kr):
            from_rho[i, p] = from_u[i, p] = 0
            for r in range(kr):
                from_rho[i, p] += A_inv[i, p, r] * grho[i, r]
                from_u[i, p] += A_inv[i, p, r] * gu[r]


@njit(**KERNEL)
def _row_blocks(
    network: tuple[np.ndarray, ...],
    AF: np.ndarray,
    AYZ: np.ndarray,
    D: np.ndarray,
    left: np.ndarray,
) -> None:
    """g_A + g_A^T of every row, and the left factor of g_C."""
    u, from_rho, from_u = network
    rows, kr = u.shape
    cols = AF.shape[1]
    last = 2 * cols
    for i in range(rows):
        for p in range(kr):
            k = i * kr + p
            for r in range(kr):
                m = i * kr + r
                total = u.dtype.type(0)
                for j in range(cols):
                    total -= AYZ[k, cols + j] * (AYZ[m, j] + AF[m, j])
                    total -= AYZ[m, cols + j] * (AYZ[k, j] + AF[k, j])
                total -= AYZ[k, last] * (AYZ[m, last + 1] + from_rho[i, r])
                total -= AYZ[m, last] * (AYZ[k, last + 1] + from_rho[i, p])
                D[i, p, r] = total - from_u[i, p] * u[i, r] - from_u[i, r] * u[i, p]
            for j in range(cols):
                left[k, j] = AYZ[k, cols + j]
            for j in range(cols):
                left[k, cols + j] = AYZ[k, j] + AF[k, j]
            left[k, last] = AYZ[k, last + 1] + from_rho[i, p]
            left[k, last + 1] = AYZ[k, last]


@njit(**KERNEL)
def _couplings(
    network: tuple[np.ndarray, ...],
    AYZ: np.ndarray,
    gC: np.ndarray,
    gF: np.ndarray,
    gpsi: np.ndarray,
) -> None:
    """Gradients in the products of both kinds of modes: writes that in F, adds to `gpsi`."""
    a, phi, psi = network
    rows, kr, cols = phi.shape
    for i in range(rows):
        for p in range(kr):
            k = i * kr + p
            for j in range(cols):
                gF[i, p, j] = AYZ[k, cols + j]
            for q in range(psi.shape[1]):
                first = q * cols
                for j in range(cols):
                    gF[i, p, j] += gC[k, first + j] * psi[i, q, j]
                    gpsi[i, q, j] += gC[k, first + j] * a[i, j] * phi[i, p, j]


@njit(**KERNEL)
def _row_modes(
    network: tuple[np.ndarray, ...],
    gshared: np.ndarray,
    gown: np.ndarray,
    gphi: np.ndarray,
    ga: np.ndarray,
) -> None:
    """From the gradient in F, given in `gphi`, to that in the rows' modes."""
    a, phi, rho, u, gf, D = network
    rows, kr, cols = phi.shape
    half = phi.dtype.type(0.5)
    for i in range(rows):
        for p in range(kr):
            level, answer, common = rho[i, p], u[i, p], gf[i, p]
            for j in range(cols):
                gF = gphi[i, p, j] + common
                ga[i, j] += gF * phi[i, p, j]
                gphi[i, p, j] = level * gshared[i, j] - answer * gown[i, j] + a[i, j] * gF
            for r in range(kr):
                factor = D[i, p, r]
                for j in range(cols):
                    ga[i, j] += half * factor * phi[i, p, j] * phi[i, r, j]
                    gphi[i, p, j] += factor * a[i, j] * phi[i, r, j]


@njit(**KERNEL)
def _row_loads(
    network: tuple[np.ndarray, ...], lift: float, gload: np.ndarray, ga: np.ndarray
) -> None:
    """From the loads of the rows, whose modes have gone through the kernel, to the secants."""
    phi, shapes, means, D = network
    rows, kr, cols = phi.shape
    for i in range(rows):
        scale = phi.dtype.type(1) / (means[i] + lift)
        for p in range(kr):
            for r in range(kr):
                factor = D[i, p, r]
                for j in range(cols):
                    gload[i, p, j] += factor * phi[i, r, j]
            for j in range(cols):
                ga[i, j] += gload[i, p, j] * shapes[p, j] * scale


@njit(**KERNEL)
def _col_blocks(YZ: np.ndarray, D: np.ndarray) -> None:
    """g_B + g_B^T of every column, the diagonal blocks of g_SS."""
    kc, cols = D.shape[1:]
    for q in range(kc):
        for r in range(kc):
            for j in range(cols):
                k, m = q * cols + j, r * cols + j
                total = D.dtype.type(0)
                for n in range(cols):
                    total -= YZ[k, n] * YZ[m, cols + n] + YZ[m, n] * YZ[k, cols + n]
                total -= YZ[k, 2 * cols] * YZ[m, 2 * cols + 1]
                D[q, r, j] = total - YZ[m, 2 * cols] * YZ[k, 2 * cols + 1]


@njit(**KERNEL)
def _col_modes(
    a: np.ndarray, psi: np.ndarray, D: np.ndarray, gpsi: np.ndarray, ga: np.ndarray
) -> None:
    """What the blocks of the columns add."""
    rows, kc, cols = psi.shape
    half = psi.dtype.type(0.5)
    for i in range(rows):
        for q in range(kc):
            for r in range(kc):
                for j in range(cols):
                    ga[i, j] += half * D[q, r, j] * psi[i, q, j] * psi[i, r, j]
                    gpsi[i, q, j] += D[q, r, j] * a[i, j] * psi[i, r, j]


@njit(**KERNEL)
def _col_loads(
    network: tuple[np.ndarray, ...], lift: float, gload: np.ndarray, ga: np.ndarray
) -> None:
    """From the loads of the columns, whose modes have gone through the kernel, to the secants."""
    psi, shapes, means, D = network
    rows, kc, cols = psi.shape
    for i in range(rows):
        for q in range(kc):
            shape = shapes[q, i]
            for r in range(kc):
                for j in range(cols):
                    gload[i, q, j] += D[q, r, j] * psi[i, r, j]
            for j in range(cols):
                ga[i, j] += gload[i, q, j] * shape / (means[j] + lift)


@njit(**KERNEL)
def _conductances(G: np.ndarray, tile: Tile, ga: np.ndarray, out: np.ndarray) -> None:
    """From the secants to the conductances; `out` holds what came directly from the terms."""
    rows, cols = G.shape
    half = tile.conductance[0]
    y, y_z = np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    one, total = np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    for j in range(cols):
        one[j] = 1
    for i in range(rows):
        saturation(G, i, tile.conductance, y, y_z)
        for j in range(cols):
            total[j] = out[i, j]
        slope(y, tile.slopes, 0, ga[i], one, total)
        for j in range(cols):
            rest = half / (G[i, j] + half)
            out[i, j] = total[j] * rest * rest
