"""Gradient of the weights of the inputs' powers in the reduced network, compiled.

With th = transfer / a, o, x, z the own, shared and rise voltages of a cell, c its coefficients (the
first without the secant), and w_rs the gradient of the weight of V^r s^s (w_0s of an offset), the
loss is linear in

    sum over terms (p, q) of  c_pq th K_pq      K_pq = z^q sum_r comb(p, r) x^r o^(p-r) w_(p-r)(q+r)

so that g_c = th K, g_th = sum c K, and o, x, z follow by differentiating K. All K are made of

    N1 = o w11 + x w02    D2 = o w21 + x w12    D1 = o w20 + x w11
    N2 = o w12 + x w03    N3 = o D2 + x N2      D3 = o (o w30 + x w21) + x D2
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.surrogate.fused_algebra import ENTRY, KERNEL, polynomial, saturation, slopes
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
def unweigh_tiles(
    G: np.ndarray,
    tile: Tile,
    net: Network,
    AC: np.ndarray,
    S_inv: np.ndarray,
    table: np.ndarray,
    per_output: int,
    grad: Gradients,
) -> None:
    """From the gradient `table` of the weights to those of the fields and the transfer."""
    size = net.gam.shape[1]
    gam = np.empty(size, G.dtype)
    side = table.shape[2]
    for t in range(G.shape[0]):
        _row_gradients(
            (G[t], net.a[t], net.own[t], net.shared[t], net.rise[t], net.transfer[t]),
            tile,
            net.lift[t],
            table,
            (t // side, t % side),
            per_output,
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
    place: tuple[int, int],
    per_output: int,
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
    groups, n = (-(-cols // per_output), per_output), -(-cols // per_output) * per_output
    w10, w20, w30 = np.empty(n, G.dtype), np.empty(n, G.dtype), np.empty(n, G.dtype)
    w11, w21, w12 = np.empty(n, G.dtype), np.empty(n, G.dtype), np.empty(n, G.dtype)
    w01, w02, w03 = np.empty(n, G.dtype), np.empty(n, G.dtype), np.empty(n, G.dtype)
    g10, g20, g30 = w10.reshape(groups), w20.reshape(groups), w30.reshape(groups)
    g11, g21, g12 = w11.reshape(groups), w21.reshape(groups), w12.reshape(groups)
    w = (w10, w20, w30, w11, w21, w12, w01, w02, w03)
    last = BLOCKS * rows
    _read(table, last, place, w01.reshape(groups))
    _read(table, last + 1, place, w02.reshape(groups))
    _read(table, last + 2, place, w03.reshape(groups))
    for i in range(rows):
        _read(table, i, place, g10)
        _read(table, rows + i, place, g20)
        _read(table, 2 * rows + i, place, g30)
        _read(table, 3 * rows + i, place, g11)
        _read(table, 4 * rows + i, place, g21)
        _read(table, 5 * rows + i, place, g12)
        saturation(G, i, tile.conductance, y, z)
        for k in range(C10, C21 + 1):
            polynomial(y, z, tile.values, k, c)
        for j in range(cols):
            c[C10, j] -= a[i, j]
            th[j] = (transfer[i, j] + lift) / (a[i, j] + lift)
            thz[j] = th[j] * rise[i, j]
        _sums(i, (own, shared, rise), w, (n1, n3, zn2), (k10, k20, k30))
        _field_gradients(i, cells, c, w, (th, n1, n3, zn2), grads)
        _transfer_gradients(i, lift, cells, (c, w, th), (n1, n3, zn2, k10, k20, k30), grads)
        for j in range(cols):
            direct[j] = 0
        slopes(y, tile.slopes, (C10, C20, C30), (k10, k20, k30), th, direct)
        slopes(y, tile.slopes, (C11, C21, C12), (n1, n3, zn2), thz, direct)
        for j in range(cols):
            conductance[i, j] = direct[j]


@njit(**KERNEL)
def _read(table: np.ndarray, k: int, place: tuple[int, int], grad: np.ndarray) -> None:
    """Gradient in the weights of a tile's columns from its part of row `k` of the table's."""
    t, s = place
    if grad.shape[1] == 1:
        for j in range(table.shape[3]):
            grad[j, 0] = table[t, k, s, j]
    else:
        for j in range(table.shape[3]):
            grad[j, 0] = table[t, k, s, j]
            grad[j, 1] = -table[t, k, s, j]
        for j in range(table.shape[3], grad.shape[0]):
            grad[j, 0] = grad[j, 1] = 0


@njit(**KERNEL)
def _sums(
    i: int,
    fields: tuple[np.ndarray, ...],
    w: tuple[np.ndarray, ...],
    n: tuple[np.ndarray, ...],
    k: tuple[np.ndarray, ...],
) -> None:
    """N1, N3, z N2 and the K of the first column of terms, along row `i`."""
    own, shared, rise = fields
    w10, w20, w30, w11, w21, w12, w01, w02, w03 = w
    (n1, n3, zn2), (k10, k20, k30) = n, k
    cols = own.shape[1]
    for j in range(cols):
        o, x = own[i, j], shared[i, j]
        n1[j] = o * w11[j] + x * w02[j]
        zn2[j] = rise[i, j] * (o * w12[j] + x * w03[j])
        k10[j] = o * w10[j] + x * w01[j]
    for j in range(cols):
        o, x = own[i, j], shared[i, j]
        n2 = o * w12[j] + x * w03[j]
        n3[j] = o * (o * w21[j] + x * w12[j]) + x * n2
    for j in range(cols):
        o, x = own[i, j], shared[i, j]
        d2 = o * w21[j] + x * w12[j]
        k20[j] = o * (o * w20[j] + x * w11[j]) + x * n1[j]
        k30[j] = o * (o * (o * w30[j] + x * w21[j]) + x * d2) + x * n3[j]


@njit(**KERNEL)
def _field_gradients(
    i: int,
    cells: tuple[np.ndarray, ...],
    c: np.ndarray,
    w: tuple[np.ndarray, ...],
    sums: tuple[np.ndarray, ...],
    grads: tuple[np.ndarray, ...],
) -> None:
    """Gradients in x and in the rise along row `i`; x = 1 + rows' part - own - rise."""
    own, shared, rise = cells[2], cells[3], cells[4]
    gshared, grise = grads[2], grads[3]
    w12, w01, w02, w03 = w[5], w[6], w[7], w[8]
    th, n1, n3, zn2 = sums
    cols = own.shape[1]
    two, three = own.dtype.type(2), own.dtype.type(3)
    for j in range(cols):
        x, z = shared[i, j], rise[i, j]
        n2 = own[i, j] * w12[j] + x * w03[j]
        raised = c[C11, j] * w02[j] + two * c[C21, j] * n2 + c[C12, j] * z * w03[j]
        moved = c[C10, j] * w01[j] + two * c[C20, j] * n1[j]
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
    c, w, th = given
    w10, w20, w30, w11, w21, w12 = w[:6]
    n1, n3, zn2, k10, k20, k30 = sums
    cols = own.shape[1]
    two, three = own.dtype.type(2), own.dtype.type(3)
    for j in range(cols):
        ratio = c[C10, j] * k10[j] + c[C20, j] * k20[j] + c[C30, j] * k30[j]
        ratio += rise[i, j] * (c[C11, j] * n1[j] + c[C21, j] * n3[j] + c[C12, j] * zn2[j])
        ratio /= a[i, j] + lift
        through = w10[j] + ratio
        gtransfer[i, j] = through
        ga[i, j] = through * own[i, j] - th[j] * (k10[j] + ratio)
    for j in range(cols):
        o, x, z = own[i, j], shared[i, j], rise[i, j]
        d1 = o * w20[j] + x * w11[j]
        d2 = o * w21[j] + x * w12[j]
        d3 = o * (o * w30[j] + x * w21[j]) + x * d2
        raised = c[C11, j] * w11[j] + two * c[C21, j] * d2 + c[C12, j] * z * w12[j]
        direct = c[C10, j] * w10[j] + two * c[C20, j] * d1 + three * c[C30, j] * d3
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
