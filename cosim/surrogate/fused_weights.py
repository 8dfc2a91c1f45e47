"""Compiled weights of the inputs' powers, from the reduced network, and their gradient.

The forward kernels write out `line_mode_galerkin`'s sums for the cubic cell polynomial. For the
gradient, with th = transfer / a, o, x, z the own, shared and rise voltages of a cell, c its
coefficients (the first without the secant), and w_rs the gradient of the weight of V^r s^s (w_0s of
an offset), the loss is linear in

    sum over terms (p, q) of  c_pq th K_pq      K_pq = z^q sum_r comb(p, r) x^r o^(p-r) w_(p-r)(q+r)

so that g_c = th K, g_th = sum c K, and o, x, z follow by differentiating K. All K are made of

    N1 = o w11 + x w02    D2 = o w21 + x w12    D1 = o w20 + x w11
    N2 = o w12 + x w03    N3 = o D2 + x N2      D3 = o (o w30 + x w21) + x D2
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.surrogate.fused_algebra import ENTRY, KERNEL, polynomial, saturation, slope
from cosim.surrogate.fused_arrays import (
    BLOCKS,
    C10,
    C11,
    C12,
    C20,
    C21,
    C30,
    Gradients,
    Network,
    Tile,
)


@njit(**ENTRY)
def weigh_tiles(
    G: np.ndarray, tile: Tile, net: Network, AC: np.ndarray, RY: np.ndarray, table: np.ndarray
) -> None:
    """Weights of the powers of the inputs and of their mean.

    Args:
        G: conductances [S].
        tile: constants of the surrogate.
        net: fields and row unknowns with every row at 1 V are written.
        AC: its first `kc cols` columns are A^-1 C, `[tiles, rows kr, ...]`.
        RY: R times Y, `[tiles, rows, cols]`.
        table: blocks of weights and the offsets, `[tiles, BLOCKS rows + DEGREE, cols]`, written.
    """
    for t in range(G.shape[0]):
        a, own, shared, rise = net.a[t], net.own[t], net.shared[t], net.rise[t]
        for i in range(G.shape[1]):
            for j in range(G.shape[2]):
                net.transfer[t, i, j] = own[i, j] * a[i, j] + RY[t, i, j]
        _fields(net.phi[t], net.psi[t], net.u[t], AC[t], net.gam[t], net.rho[t], own, shared, rise)
        _rows(
            G[t],
            tile.conductance,
            tile.values,
            net.lift[t],
            a,
            own,
            shared,
            rise,
            net.transfer[t],
            table[t],
        )


@njit(**KERNEL)
def _fields(  # noqa: PLR0913 - arrays of one tile; in a tuple they would all be counted twice
    phi: np.ndarray,
    psi: np.ndarray,
    u: np.ndarray,
    AC: np.ndarray,
    gam: np.ndarray,
    rho: np.ndarray,
    own: np.ndarray,
    shared: np.ndarray,
    rise: np.ndarray,
) -> None:
    """The fields when every row is at 1 V."""
    rows, kr, cols = phi.shape
    kc = psi.shape[1]
    one = phi.dtype.type(1)
    for i in range(rows):
        for j in range(cols):
            rise[i, j] = psi[i, 0, j] * gam[j]
        for q in range(1, kc):
            first = q * cols
            for j in range(cols):
                rise[i, j] += psi[i, q, j] * gam[first + j]
        for j in range(cols):
            shared[i, j] = one - own[i, j] - rise[i, j]
        for p in range(kr):
            total = -u[i, p]
            for k in range(gam.shape[0]):
                total += AC[i * kr + p, k] * gam[k]
            rho[i, p] = total
            for j in range(cols):
                shared[i, j] += total * phi[i, p, j]


@njit(**KERNEL)
def _rows(  # noqa: PLR0913
    G: np.ndarray,
    scales: np.ndarray,
    values: np.ndarray,
    lift: float,
    a: np.ndarray,
    own: np.ndarray,
    shared: np.ndarray,
    rise: np.ndarray,
    transfer: np.ndarray,
    table: np.ndarray,
) -> None:
    """Blocks of weights and offsets of a tile.

    Rows are made aside: a loop whose results lie in different arrays uses vector registers.
    """
    rows, cols = G.shape
    c = np.empty((7, cols), G.dtype)
    y, y_z, th = np.empty(cols, G.dtype), np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    w10, w20, w30 = np.empty(cols, G.dtype), np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    w11, w21, w12 = np.empty(cols, G.dtype), np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    w01, w02, w03 = np.zeros(cols, G.dtype), np.zeros(cols, G.dtype), np.zeros(cols, G.dtype)
    two, three = G.dtype.type(2), G.dtype.type(3)
    for i in range(rows):
        saturation(G, i, scales, y, y_z)
        for k in range(C10, C21 + 1):
            polynomial(y, y_z, values, k, c)
        for j in range(cols):
            once, square = own[i, j], own[i, j] * own[i, j]
            th[j] = (transfer[i, j] + lift) / (a[i, j] + lift)
            w10[j] = transfer[i, j] + th[j] * once * (c[C10, j] - a[i, j])
            w20[j] = th[j] * square * c[C20, j]
            w30[j] = th[j] * square * once * c[C30, j]
        for j in range(cols):
            x, z = shared[i, j], rise[i, j]
            once, thrice, turned = th[j] * own[i, j], three * c[C30, j] * x, c[C21, j] * z
            w11[j] = once * (c[C11, j] * z + two * c[C20, j] * x)
            w21[j] = once * own[i, j] * (thrice + turned)
            w12[j] = once * (c[C12, j] * z * z + x * (thrice + two * turned))
        for j in range(cols):
            x, z = shared[i, j], rise[i, j]
            w01[j] += th[j] * x * (c[C10, j] - a[i, j])
            w02[j] += th[j] * x * (c[C11, j] * z + c[C20, j] * x)
            w03[j] += th[j] * x * (c[C12, j] * z * z + x * (c[C21, j] * z + c[C30, j] * x))
        for j in range(cols):
            table[i, j] = w10[j]
            table[rows + i, j] = w20[j]
            table[2 * rows + i, j] = w30[j]
            table[3 * rows + i, j] = w11[j]
            table[4 * rows + i, j] = w21[j]
            table[5 * rows + i, j] = w12[j]
    last = BLOCKS * rows
    for j in range(cols):
        table[last, j], table[last + 1, j], table[last + 2, j] = w01[j], w02[j], w03[j]


@njit(**ENTRY)
def unweigh_tiles(
    G: np.ndarray,
    tile: Tile,
    net: Network,
    AC: np.ndarray,
    S_inv: np.ndarray,
    table: np.ndarray,
    grad: Gradients,
) -> None:
    """From the gradient `table` of the weights to those of the fields and the transfer."""
    size = net.gam.shape[1]
    gam = np.empty(size, G.dtype)
    for t in range(G.shape[0]):
        _row_gradients(
            (G[t], net.a[t], net.own[t], net.shared[t], net.rise[t], net.transfer[t]),
            tile,
            net.lift[t],
            table[t],
            (grad.a[t], grad.own[t], grad.shared[t], grad.rise[t], grad.transfer[t]),
            grad.conductance[t],
        )
        for k in range(size):
            gam[k] = 0
        _unknowns(net.phi[t], net.psi[t], AC[t], grad.shared[t], grad.rise[t], grad.rho[t], gam)
        for k in range(size):
            total = G.dtype.type(0)
            for m in range(size):
                total += S_inv[t, k, m] * gam[m]
            grad.v[t, k] = total


@njit(**KERNEL)
def _row_gradients(
    cells: tuple[np.ndarray, ...],
    tile: Tile,
    lift: float,
    table: np.ndarray,
    grads: tuple[np.ndarray, ...],
    conductance: np.ndarray,
) -> None:
    """Gradients in the secant, the fields and the transfer, and directly in the conductances.

    The last of them lacks the square of z / G, which is the same for the secant's part.
    """
    G, a, own, shared, rise, transfer = cells
    rows, cols = G.shape
    c, y, z = np.empty((7, cols), G.dtype), np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    n1, n3, zn2 = np.empty(cols, G.dtype), np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    k10, k20, k30 = np.empty(cols, G.dtype), np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    th, thz, direct = np.empty(cols, G.dtype), np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    for i in range(rows):
        saturation(G, i, tile.conductance, y, z)
        for k in range(C10, C21 + 1):
            polynomial(y, z, tile.values, k, c)
        for j in range(cols):
            c[C10, j] -= a[i, j]
            th[j] = (transfer[i, j] + lift) / (a[i, j] + lift)
            thz[j] = th[j] * rise[i, j]
        _sums(i, (own, shared, rise), table, (n1, n3, zn2), (k10, k20, k30))
        _field_gradients(i, cells, c, table, (th, n1, n3, zn2), grads)
        _transfer_gradients(i, lift, cells, (c, table, th), (n1, n3, zn2, k10, k20, k30), grads)
        for j in range(cols):
            direct[j] = 0
        slope(y, tile.slopes, C10, k10, th, direct)
        slope(y, tile.slopes, C20, k20, th, direct)
        slope(y, tile.slopes, C30, k30, th, direct)
        slope(y, tile.slopes, C11, n1, thz, direct)
        slope(y, tile.slopes, C21, n3, thz, direct)
        slope(y, tile.slopes, C12, zn2, thz, direct)
        for j in range(cols):
            conductance[i, j] = direct[j]


@njit(**KERNEL)
def _sums(
    i: int,
    fields: tuple[np.ndarray, ...],
    table: np.ndarray,
    n: tuple[np.ndarray, ...],
    k: tuple[np.ndarray, ...],
) -> None:
    """N1, N3, z N2 and the K of the first column of terms, along row `i`."""
    own, shared, rise = fields
    (n1, n3, zn2), (k10, k20, k30) = n, k
    rows, cols = own.shape
    i20, i30, i11, i21, i12 = rows + i, 2 * rows + i, 3 * rows + i, 4 * rows + i, 5 * rows + i
    last = BLOCKS * rows
    for j in range(cols):
        o, x = own[i, j], shared[i, j]
        n1[j] = o * table[i11, j] + x * table[last + 1, j]
        zn2[j] = rise[i, j] * (o * table[i12, j] + x * table[last + 2, j])
        k10[j] = o * table[i, j] + x * table[last, j]
    for j in range(cols):
        o, x = own[i, j], shared[i, j]
        n2 = o * table[i12, j] + x * table[last + 2, j]
        n3[j] = o * (o * table[i21, j] + x * table[i12, j]) + x * n2
    for j in range(cols):
        o, x = own[i, j], shared[i, j]
        d2 = o * table[i21, j] + x * table[i12, j]
        k20[j] = o * (o * table[i20, j] + x * table[i11, j]) + x * n1[j]
        k30[j] = o * (o * (o * table[i30, j] + x * table[i21, j]) + x * d2) + x * n3[j]


@njit(**KERNEL)
def _field_gradients(
    i: int,
    cells: tuple[np.ndarray, ...],
    c: np.ndarray,
    table: np.ndarray,
    sums: tuple[np.ndarray, ...],
    grads: tuple[np.ndarray, ...],
) -> None:
    """Gradients in x and in the rise along row `i`; x = 1 + rows' part - own - rise."""
    own, shared, rise = cells[2], cells[3], cells[4]
    gshared, grise = grads[2], grads[3]
    th, n1, n3, zn2 = sums
    rows, cols = own.shape
    i12, last = 5 * rows + i, BLOCKS * rows
    two, three = own.dtype.type(2), own.dtype.type(3)
    for j in range(cols):
        x, z, w03 = shared[i, j], rise[i, j], table[last + 2, j]
        n2 = own[i, j] * table[i12, j] + x * w03
        raised = c[C11, j] * table[last + 1, j] + two * c[C21, j] * n2 + c[C12, j] * z * w03
        moved = c[C10, j] * table[last, j] + two * c[C20, j] * n1[j]
        moved = th[j] * (moved + three * c[C30, j] * n3[j] + z * raised)
        bent = c[C11, j] * n1[j] + c[C21, j] * n3[j] + two * c[C12, j] * zn2[j]
        gshared[i, j] = moved
        grise[i, j] = th[j] * bent - moved


@njit(**KERNEL)
def _transfer_gradients(
    i: int,
    lift: float,
    cells: tuple[np.ndarray, ...],
    given: tuple[np.ndarray, ...],
    sums: tuple[np.ndarray, ...],
    grads: tuple[np.ndarray, ...],
) -> None:
    """Gradients in the transfer, the secant and the own voltage along row `i`."""
    a, own, shared, rise = cells[1], cells[2], cells[3], cells[4]
    ga, gown, gshared, gtransfer = grads[0], grads[1], grads[2], grads[4]
    c, table, th = given
    n1, n3, zn2, k10, k20, k30 = sums
    rows, cols = own.shape
    i20, i30, i11, i21, i12 = rows + i, 2 * rows + i, 3 * rows + i, 4 * rows + i, 5 * rows + i
    two, three = own.dtype.type(2), own.dtype.type(3)
    for j in range(cols):
        ratio = c[C10, j] * k10[j] + c[C20, j] * k20[j] + c[C30, j] * k30[j]
        ratio += rise[i, j] * (c[C11, j] * n1[j] + c[C21, j] * n3[j] + c[C12, j] * zn2[j])
        ratio /= a[i, j] + lift
        through = table[i, j] + ratio
        gtransfer[i, j] = through
        ga[i, j] = through * own[i, j] - th[j] * (k10[j] + ratio)
    for j in range(cols):
        o, x, z = own[i, j], shared[i, j], rise[i, j]
        d1 = o * table[i20, j] + x * table[i11, j]
        d2 = o * table[i21, j] + x * table[i12, j]
        d3 = o * (o * table[i30, j] + x * table[i21, j]) + x * d2
        raised = c[C11, j] * table[i11, j] + two * c[C21, j] * d2 + c[C12, j] * z * table[i12, j]
        direct = c[C10, j] * table[i, j] + two * c[C20, j] * d1 + three * c[C30, j] * d3
        direct = th[j] * (direct + z * raised)
        gown[i, j] = direct + gtransfer[i, j] * a[i, j] - gshared[i, j]


@njit(**KERNEL)
def _unknowns(
    phi: np.ndarray,
    psi: np.ndarray,
    AC: np.ndarray,
    shared: np.ndarray,
    rise: np.ndarray,
    rho: np.ndarray,
    gam: np.ndarray,
) -> None:
    """Gradients in the rows' unknowns (`rho`) and in the columns' (`gam`)."""
    rows, kr, cols = phi.shape
    for i in range(rows):
        for q in range(psi.shape[1]):
            first = q * cols
            for j in range(cols):
                gam[first + j] += psi[i, q, j] * rise[i, j]
        for p in range(kr):
            total = gam.dtype.type(0)
            for j in range(cols):
                total += shared[i, j] * phi[i, p, j]
            rho[i, p] = total
            for k in range(gam.shape[0]):
                gam[k] += AC[i * kr + p, k] * total
