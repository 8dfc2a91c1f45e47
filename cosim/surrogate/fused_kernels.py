"""Compiled forward kernels of the default surrogate, tile by tile.

They compute what `line_modes` and `line_mode_galerkin` define, in three steps with dense products
between them, which stay with torch:

    reduce_tiles      conductances ─► load modes, row blocks A, [C | F] and A^-1 [C | F]
                      product          A^-1 C transposed, times [C | F]
    invert_tiles      ─► S^-1 and T
                      products         Y = S^-1 T and R Y
    weigh_tiles       ─► weights of the inputs' powers (`fused_weights`)

Dense products are all that grows with the third power of the size; the kernels visit each cell a
few times and keep what the gradient needs. The wires enter as sums along the lines instead of
products with their kernels: row kernel times load is the sum of a sum.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.surrogate.fused_algebra import (
    ENTRY,
    KERNEL,
    along_cols,
    along_rows,
    invert,
    invert_blocks,
    mode_shapes,
    polynomial,
    saturation,
)
from cosim.surrogate.fused_arrays import LIFT, Network, Tile


@njit(**ENTRY)
def reduce_tiles(G: np.ndarray, tile: Tile, net: Network, CF: np.ndarray, ACF: np.ndarray) -> bool:
    """The Galerkin systems of tiles; False when the block of a row is not positive definite.

    Args:
        G: conductances [S], `[tiles, rows, cols]`.
        tile: constants of the surrogate.
        net: filled, except for the fields and unknowns with every row at 1 V.
        CF: C and F side by side, `[tiles, rows kr, (kc + 1) cols]`, written.
        ACF: the same with the blocks of the rows inverted upon it, written.
    """
    load, wires = np.empty(net.phi.shape[1:], G.dtype), tile.wires
    for t in range(G.shape[0]):
        a, own, phi, psi = net.a[t], net.own[t], net.phi[t], net.psi[t]
        row_shapes, col_shapes = net.row_shapes[t], net.col_shapes[t]
        row_means, col_means = net.row_means[t], net.col_means[t]
        A_inv, u = net.A_inv[t], net.u[t]
        average = _linearise(G[t], tile.conductance, tile.values, a, row_means, col_means)
        net.lift[t] = LIFT * average
        lift = net.lift[t]
        mode_shapes(
            tile, tile.shape_mean if tile.shape_mean >= 0 else average, row_shapes, col_shapes
        )
        _col_loads(a, lift, col_shapes, col_means, psi)
        along_cols(psi, wires[1], wires[3])
        _col_blocks(a, lift, col_shapes, col_means, psi, net.B[t], net.H[t])
        _row_loads(a, lift, row_shapes, row_means, load)
        along_rows(load, wires[0], wires[2], phi)
        if not _row_blocks(a, load, phi, A_inv, u):
            return False
        _own_voltages(phi, u, own)
        _drives(a, phi, psi, own, CF[t], net.R[t])
        _times_blocks(A_inv, CF[t], ACF[t])
    return True


@njit(**KERNEL)
def _linearise(
    G: np.ndarray,
    scales: np.ndarray,
    values: np.ndarray,
    a: np.ndarray,
    row_means: np.ndarray,
    col_means: np.ndarray,
) -> float:
    """Secants and their means along the lines; returns the mean of all."""
    rows, cols = G.shape
    line = np.empty((1, cols), G.dtype)
    y, z = np.empty(cols, G.dtype), np.empty(cols, G.dtype)
    for j in range(cols):
        col_means[j] = 0
    total = 0.0
    for i in range(rows):
        saturation(G, i, scales, y, z)
        polynomial(y, z, values, 0, line)
        mean = G.dtype.type(0)
        for j in range(cols):
            a[i, j] = line[0, j]
            mean += line[0, j]
            col_means[j] += line[0, j]
        row_means[i] = mean / cols
        total += row_means[i]
    for j in range(cols):
        col_means[j] = col_means[j] / rows
    return total / rows


@njit(**KERNEL)
def _col_loads(
    a: np.ndarray, lift: float, shapes: np.ndarray, means: np.ndarray, load: np.ndarray
) -> None:
    """Loads of the columns' modes, `[rows, kc, cols]`."""
    rows, kc, cols = load.shape
    for i in range(rows):
        for q in range(kc):
            shape = shapes[q, i]
            for j in range(cols):
                load[i, q, j] = (a[i, j] + lift) / (means[j] + lift) * shape


@njit(**KERNEL)
def _row_loads(
    a: np.ndarray, lift: float, shapes: np.ndarray, means: np.ndarray, load: np.ndarray
) -> None:
    """Loads of the rows' modes, `[rows, kr, cols]`."""
    rows, kr, cols = load.shape
    for i in range(rows):
        scale = a.dtype.type(1) / (means[i] + lift)
        for p in range(kr):
            for j in range(cols):
                load[i, p, j] = (a[i, j] + lift) * scale * shapes[p, j]


@njit(**KERNEL)
def _col_blocks(
    a: np.ndarray,
    lift: float,
    shapes: np.ndarray,
    means: np.ndarray,
    psi: np.ndarray,
    B: np.ndarray,
    H: np.ndarray,
) -> None:
    """Blocks and drops of the columns."""
    rows, kc, cols = psi.shape
    for q in range(kc):
        for j in range(cols):
            H[q, j] = 0
        for r in range(kc):
            for j in range(cols):
                B[q, r, j] = 0
    for i in range(rows):
        for q in range(kc):
            shape = shapes[q, i]
            for j in range(cols):
                H[q, j] += a[i, j] * psi[i, q, j]
            for r in range(kc):
                for j in range(cols):
                    load = (a[i, j] + lift) / (means[j] + lift) * shape
                    B[q, r, j] += (load + a[i, j] * psi[i, q, j]) * psi[i, r, j]


@njit(**KERNEL)
def _row_blocks(
    a: np.ndarray,
    load: np.ndarray,
    phi: np.ndarray,
    A_inv: np.ndarray,
    u: np.ndarray,
) -> bool:
    """Inverted blocks of the rows and their answers u."""
    rows, kr, cols = phi.shape
    f, block = np.empty(kr, a.dtype), np.empty((kr, kr), a.dtype)
    zero = a.dtype.type(0)
    for i in range(rows):
        for p in range(kr):
            drop = zero
            for j in range(cols):
                drop += a[i, j] * phi[i, p, j]
            f[p] = drop
            for r in range(kr):
                total = zero
                for j in range(cols):
                    total += (load[i, p, j] + a[i, j] * phi[i, p, j]) * phi[i, r, j]
                block[p, r] = total
        if not invert(block):
            return False
        for p in range(kr):
            u[i, p] = zero
            for r in range(kr):
                A_inv[i, p, r] = block[p, r]
                u[i, p] += block[p, r] * f[r]
    return True


@njit(**KERNEL)
def _own_voltages(phi: np.ndarray, u: np.ndarray, own: np.ndarray) -> None:
    """The cells' own voltages."""
    rows, kr, cols = phi.shape
    for i in range(rows):
        for j in range(cols):
            own[i, j] = 1
        for p in range(kr):
            answer = u[i, p]
            for j in range(cols):
                own[i, j] -= answer * phi[i, p, j]


@njit(**KERNEL)
def _drives(
    a: np.ndarray,
    phi: np.ndarray,
    psi: np.ndarray,
    own: np.ndarray,
    CF: np.ndarray,
    R: np.ndarray,
) -> None:
    """C and F side by side, and R."""
    rows, kr, cols = phi.shape
    kc = psi.shape[1]
    for i in range(rows):
        for q in range(kc):
            first = q * cols
            for j in range(cols):
                R[i, first + j] = own[i, j] * a[i, j] * psi[i, q, j]
        for p in range(kr):
            k = i * kr + p
            for q in range(kc):
                first = q * cols
                for j in range(cols):
                    CF[k, first + j] = a[i, j] * phi[i, p, j] * psi[i, q, j]
            first = kc * cols
            for j in range(cols):
                CF[k, first + j] = a[i, j] * phi[i, p, j]


@njit(**KERNEL)
def _times_blocks(A_inv: np.ndarray, CF: np.ndarray, ACF: np.ndarray) -> None:
    """The rows' inverted blocks times C and F."""
    rows, kr = A_inv.shape[:2]
    for i in range(rows):
        for p in range(kr):
            factor = A_inv[i, p, 0]
            for j in range(CF.shape[1]):
                ACF[i * kr + p, j] = factor * CF[i * kr, j]
            for r in range(1, kr):
                factor = A_inv[i, p, r]
                for j in range(CF.shape[1]):
                    ACF[i * kr + p, j] += factor * CF[i * kr + r, j]


@njit(**ENTRY)
def invert_tiles(net: Network, ST: np.ndarray, S_inv: np.ndarray, T: np.ndarray) -> bool:
    """Inverses of the columns' systems, and the column unknowns with every row at 1 V.

    Args:
        net: `gam` is written.
        ST: A^-1 C transposed, times [C | F], `[tiles, kc cols, (kc + 1) cols]`.
        S_inv: `[tiles, n, n]` with n padded to whole blocks of pivots, written.
        T: `[tiles, kc cols, cols]`, written.
    """
    for t in range(T.shape[0]):
        _systems(ST[t], net.B[t], net.H[t], S_inv[t], T[t])
        if not invert_blocks(S_inv[t]):
            return False
        _common_unknowns(net.R[t], S_inv[t], net.gam[t])
    return True


@njit(**KERNEL)
def _systems(ST: np.ndarray, B: np.ndarray, H: np.ndarray, S: np.ndarray, T: np.ndarray) -> None:
    """S, padded with a unit matrix, and T."""
    kc, cols = H.shape
    size = kc * cols
    for k in range(size, S.shape[0]):
        for m in range(S.shape[0]):
            S[k, m] = S[m, k] = 0
        S[k, k] = 1
    for k in range(size):
        for m in range(size):
            S[k, m] = -ST[k, m]
        for j in range(cols):
            T[k, j] = ST[k, size + j]
    for q in range(kc):
        for j in range(cols):
            T[q * cols + j, j] -= H[q, j]
            for r in range(kc):
                S[q * cols + j, r * cols + j] += B[q, r, j]


@njit(**KERNEL)
def _common_unknowns(R: np.ndarray, S_inv: np.ndarray, gam: np.ndarray) -> None:
    """Column unknowns with every row at 1 V."""
    size = gam.shape[0]
    drive = np.empty(size, R.dtype)
    for k in range(size):
        drive[k] = 0
    for i in range(R.shape[0]):
        for k in range(size):
            drive[k] += R[i, k]
    for k in range(size):
        total = R.dtype.type(0)
        for m in range(size):
            total += S_inv[k, m] * drive[m]
        gam[k] = total
