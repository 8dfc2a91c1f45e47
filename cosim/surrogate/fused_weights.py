"""Compiled weights of the inputs' powers, from the reduced network.

The kernels write out `line_mode_galerkin`'s sums for the cubic cell polynomial. Where columns are
read in pairs, their difference is all that is kept: half the weights, and half the products with
inputs. The gradient stands in `fused_weights_backward`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.surrogate.fused_algebra import ENTRY, KERNEL, polynomial, saturation
from cosim.surrogate.fused_arrays import (
    BLOCKS,
    C10,
    C11,
    C12,
    C20,
    C21,
    C30,
    Network,
    Tile,
)


@njit(**ENTRY)
def weigh_tiles(
    G: np.ndarray,
    tile: Tile,
    net: Network,
    AC: np.ndarray,
    RY: np.ndarray,
    table: np.ndarray,
    per_output: int,
) -> None:
    """Weights of the powers of the inputs and of their mean.

    Args:
        G: conductances [S].
        tile: constants of the surrogate.
        net: fields and row unknowns with every row at 1 V are written.
        AC: its first `kc cols` columns are A^-1 C, `[tiles, rows kr, ...]`.
        RY: R times Y, `[tiles, rows, cols]`.
        table: blocks of weights and the offsets of tiles side by side, written,
            `[tables, BLOCKS rows + DEGREE, side, outputs]`.
        per_output: columns of an output: 1, or 2 for the difference of two neighbours.
    """
    side = table.shape[2]
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
            table,
            (t // side, t % side),
            per_output,
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
    place: tuple[int, int],
    per_output: int,
) -> None:
    """Blocks of weights and offsets of a tile.

    Rows are made aside: a loop whose results lie in different arrays uses vector registers.
    """
    rows, cols = G.shape
    c, two, three = np.empty((7, cols), G.dtype), G.dtype.type(2), G.dtype.type(3)
    y, y_z, th = np.empty(cols, G.dtype), np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    # A column more where one is without a neighbour.
    groups, n = (-(-cols // per_output), per_output), -(-cols // per_output) * per_output
    w10, w20, w30 = np.empty(n, G.dtype), np.empty(n, G.dtype), np.empty(n, G.dtype)
    w11, w21, w12 = np.empty(n, G.dtype), np.empty(n, G.dtype), np.empty(n, G.dtype)
    w01, w02, w03 = np.zeros(n, G.dtype), np.zeros(n, G.dtype), np.zeros(n, G.dtype)
    g10, g20, g30 = w10.reshape(groups), w20.reshape(groups), w30.reshape(groups)
    g11, g21, g12 = w11.reshape(groups), w21.reshape(groups), w12.reshape(groups)
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
        _write_row(i, (g10, g20, g30, g11, g21, g12), table, place)
    last = BLOCKS * rows
    _write(w01.reshape(groups), table, last, place)
    _write(w02.reshape(groups), table, last + 1, place)
    _write(w03.reshape(groups), table, last + 2, place)


@njit(**KERNEL)
def _write_row(
    i: int, weights: tuple[np.ndarray, ...], table: np.ndarray, place: tuple[int, int]
) -> None:
    """Weights of row `i` into every block of the table."""
    w10, w20, w30, w11, w21, w12 = weights
    rows = table.shape[1] // BLOCKS  # what is left over are the offsets
    _write(w10, table, i, place)
    _write(w20, table, rows + i, place)
    _write(w30, table, 2 * rows + i, place)
    _write(w11, table, 3 * rows + i, place)
    _write(w21, table, 4 * rows + i, place)
    _write(w12, table, 5 * rows + i, place)


@njit(**KERNEL)
def _write(weights: np.ndarray, table: np.ndarray, k: int, place: tuple[int, int]) -> None:
    """Weights of a tile's columns into its part of row `k` of the table.

    They are given in groups, `[outputs, columns of an output]`; two are subtracted.
    """
    t, s = place
    if weights.shape[1] == 1:
        for j in range(table.shape[3]):
            table[t, k, s, j] = weights[j, 0]
    else:
        for j in range(table.shape[3]):
            table[t, k, s, j] = weights[j, 0] - weights[j, 1]
