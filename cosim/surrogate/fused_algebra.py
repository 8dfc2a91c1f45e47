"""Compiled algebra of the fused surrogate: polynomials, wires and small symmetric inverses.

Everything here is called per tile by the kernels next door, in single or double precision: all
constants take the type of the arrays, because one double-precision literal would make a whole loop
double. Loops run along the columns, the axis that is contiguous.
They are written out where numpy has a word for them: assigning a whole array compiles for seconds.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.surrogate.fused_arrays import Tile


# Reassociation lets sums use vector registers; NaN and infinity keep their meaning.
ENTRY = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
}
# Kernels that only other kernels call: ways in from elsewhere take a quarter of the compilation.
KERNEL = {**ENTRY, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

# Pivots that are eliminated together: as many rows as stay in vector registers.
PIVOTS = 8


@njit(**KERNEL)
def saturation(G: np.ndarray, i: int, scales: np.ndarray, y: np.ndarray, z: np.ndarray) -> None:
    """The variables y and z [S] of the cell polynomial along row `i` of the cells."""
    half, scale = scales[0], scales[1]
    for j in range(G.shape[1]):
        share = G[i, j] / (G[i, j] + half)
        y[j] = share * scale
        z[j] = share * half


@njit(**KERNEL)
def polynomial(y: np.ndarray, z: np.ndarray, c: np.ndarray, k: int, out: np.ndarray) -> None:
    """Z times polynomial `k` in y."""
    c0, c1, c2, c3, c4 = c[k, 0], c[k, 1], c[k, 2], c[k, 3], c[k, 4]
    for j in range(y.shape[0]):
        x = y[j]
        out[k, j] = z[j] * (c0 + x * (c1 + x * (c2 + x * (c3 + x * c4))))


@njit(**KERNEL)
def slope(
    y: np.ndarray, c: np.ndarray, k: int, grad: np.ndarray, factor: np.ndarray, out: np.ndarray
) -> None:
    """Add the slope in G of polynomial `k` of `Tile.slopes` times `grad` times `factor`.

    The slope of z y^m in G is (m + 1) y^m times the square of z / G, which is left to the caller.
    """
    c0, c1, c2, c3, c4 = c[k, 0], c[k, 1], c[k, 2], c[k, 3], c[k, 4]
    for j in range(y.shape[0]):
        x = y[j]
        out[j] += grad[j] * factor[j] * (c0 + x * (c1 + x * (c2 + x * (c3 + x * c4))))


@njit(**KERNEL)
def slopes(
    y: np.ndarray,
    c: np.ndarray,
    k: tuple[int, int, int],
    grads: tuple[np.ndarray, np.ndarray, np.ndarray],
    factor: np.ndarray,
    out: np.ndarray,
) -> None:
    """The same for three polynomials with a common factor."""
    (a, b, d), (p, q, r) = k, grads
    a0, a1, a2, a3, a4 = c[a, 0], c[a, 1], c[a, 2], c[a, 3], c[a, 4]
    b0, b1, b2, b3, b4 = c[b, 0], c[b, 1], c[b, 2], c[b, 3], c[b, 4]
    d0, d1, d2, d3, d4 = c[d, 0], c[d, 1], c[d, 2], c[d, 3], c[d, 4]
    for j in range(y.shape[0]):
        x = y[j]
        total = p[j] * (a0 + x * (a1 + x * (a2 + x * (a3 + x * a4))))
        total += q[j] * (b0 + x * (b1 + x * (b2 + x * (b3 + x * b4))))
        total += r[j] * (d0 + x * (d1 + x * (d2 + x * (d3 + x * d4))))
        out[j] += factor[j] * total


@njit(**KERNEL)
def along_rows(load: np.ndarray, segment: float, end: float, out: np.ndarray) -> None:
    """Row kernel times loads `[rows, k, cols]`: sums from the open ends, and sums of them back.

    Four rows at a time, because each addition waits for the one before in its row.
    """
    rows, k, cols = load.shape
    last = rows - 1
    for i in range(0, rows, 4):
        i1, i2, i3 = min(i + 1, last), min(i + 2, last), min(i + 3, last)
        for p in range(k):
            s0 = s1 = s2 = s3 = load.dtype.type(0)
            for j in range(cols - 1, -1, -1):
                s0 += load[i, p, j]
                s1 += load[i1, p, j]
                s2 += load[i2, p, j]
                s3 += load[i3, p, j]
                out[i, p, j] = s0
                out[i1, p, j] = s1
                out[i2, p, j] = s2
                out[i3, p, j] = s3
            s0, s1, s2, s3 = end * s0, end * s1, end * s2, end * s3
            for j in range(cols):
                s0 += segment * out[i, p, j]
                if i1 > i:
                    s1 += segment * out[i1, p, j]
                if i2 > i1:
                    s2 += segment * out[i2, p, j]
                if i3 > i2:
                    s3 += segment * out[i3, p, j]
                out[i3, p, j] = s3
                out[i2, p, j] = s2
                out[i1, p, j] = s1
                out[i, p, j] = s0


@njit(**KERNEL)
def along_cols(field: np.ndarray, segment: float, end: float) -> None:
    """Column kernel times loads `[rows, k, cols]`, in place."""
    rows, k, cols = field.shape
    drop = np.empty(cols, field.dtype)
    for q in range(k):
        for i in range(1, rows):
            for j in range(cols):
                field[i, q, j] += field[i - 1, q, j]
        for j in range(cols):
            drop[j] = end * field[rows - 1, q, j]
        for i in range(rows - 1, -1, -1):
            for j in range(cols):
                drop[j] += segment * field[i, q, j]
                field[i, q, j] = drop[j]


@njit(**KERNEL)
def mode_shapes(tile: Tile, mean: float, row: np.ndarray, col: np.ndarray) -> None:
    """Shapes of the cell voltage along rows and columns (`WireKernels.mode_shapes`)."""
    cols, rows = row.shape[1], col.shape[1]
    line_row, line_col = np.empty(cols), np.empty(rows)
    row_rate, col_rate = np.sqrt(mean * tile.wires[0]), np.sqrt(mean * tile.wires[1])
    for j in range(cols):
        line_row[j] = np.cosh((cols - j) * row_rate) / np.cosh(cols * row_rate)
    for i in range(rows):
        line_col[i] = np.cosh((i + 1) * col_rate) / np.cosh(rows * col_rate)
    if max(row.shape[0], col.shape[0]) <= 2:
        along_row, along_col = _uniform_tile(tile, mean)
        for j in range(cols):
            line_row[j] = np.sqrt(max(line_row[j] * along_row[j], 0.0))
        for i in range(rows):
            line_col[i] = np.sqrt(max(line_col[i] * along_col[i], 0.0))
    for p in range(row.shape[0]):
        for j in range(cols):
            row[p, j] = tile.row_legendre[p, j] * line_row[j]
    for q in range(col.shape[0]):
        for i in range(rows):
            col[q, i] = tile.col_legendre[q, i] * line_col[i]


@njit(**KERNEL)
def _uniform_tile(tile: Tile, mean: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean cell voltage along rows and columns of a uniform tile with all inputs at 1 V."""
    modes_row, cols = tile.row_basis.shape
    modes_col, rows = tile.col_basis.shape
    row_overlap = np.empty(modes_row)
    for q in range(modes_row):
        row_overlap[q] = 0
        for j in range(cols):
            row_overlap[q] += tile.row_basis[q, j]
    along_row, along_col = np.empty(cols), np.empty(rows)
    for j in range(cols):
        along_row[j] = 1
    for i in range(rows):
        along_col[i] = 1
    for p in range(modes_col):
        col_overlap, lost_col = 0.0, 0.0
        for i in range(rows):
            col_overlap += tile.col_basis[p, i]
        for q in range(modes_row):
            load = mean * tile.resistance[p, q]
            lost = col_overlap * row_overlap[q] * load / (1 + load)
            lost_col += lost * row_overlap[q] / cols
            for j in range(cols):
                along_row[j] -= col_overlap * lost / rows * tile.row_basis[q, j]
        for i in range(rows):
            along_col[i] -= lost_col * tile.col_basis[p, i]
    return along_row, along_col


@njit(**KERNEL)
def invert(A: np.ndarray) -> bool:
    """Replace a small symmetric matrix by its inverse; False when it is not positive definite."""
    k = A.shape[0]
    one = A.dtype.type(1)
    for p in range(k):
        if not A[p, p] > 0:
            return False
        pivot = one / A[p, p]
        A[p, p] = one
        for q in range(k):
            A[p, q] *= pivot
        for r in range(k):
            if r != p:
                factor = A[r, p]
                A[r, p] = 0
                for q in range(k):
                    A[r, q] -= factor * A[p, q]
    return True


@njit(**KERNEL)
def invert_blocks(S: np.ndarray) -> bool:
    """The same for a large matrix whose size is a multiple of `PIVOTS`.

    Gauss and Jordan's elimination with `PIVOTS` rows at a time, so that each element is read and
    written once for as many products; pivots of a positive definite matrix need no search.
    """
    n = S.shape[0]
    block = np.empty((PIVOTS, PIVOTS), S.dtype)
    pivots, w = np.empty((PIVOTS, n), S.dtype), np.empty((PIVOTS, n), S.dtype)
    for first in range(0, n, PIVOTS):
        if not _pivot_rows(S, first, block, pivots, w):
            return False
        for i in range(n):
            if i < first or i >= first + PIVOTS:
                for q in range(PIVOTS):
                    block[0, q] = -S[i, first + q]
                    S[i, first + q] = 0
                _add_rows(S, i, block, 0, w)
        for p in range(PIVOTS):
            for j in range(n):
                S[first + p, j] = w[p, j]
    return True


@njit(**KERNEL)
def _pivot_rows(
    S: np.ndarray, first: int, block: np.ndarray, pivots: np.ndarray, w: np.ndarray
) -> bool:
    """The rows from `first` on, with their block inverted upon them, into `w`."""
    for p in range(PIVOTS):
        for q in range(PIVOTS):
            block[p, q] = S[first + p, first + q]
        for j in range(S.shape[0]):
            pivots[p, j] = S[first + p, j]
        for q in range(PIVOTS):
            pivots[p, first + q] = 0
        pivots[p, first + p] = 1
    if not invert(block):
        return False
    for p in range(PIVOTS):
        for j in range(S.shape[0]):
            w[p, j] = 0
        _add_rows(w, p, block, p, pivots)
    return True


@njit(**KERNEL)
def _add_rows(S: np.ndarray, i: int, factors: np.ndarray, k: int, rows: np.ndarray) -> None:
    """Add eight rows, each times a factor, to row `i`."""
    c0, c1, c2, c3 = factors[k, 0], factors[k, 1], factors[k, 2], factors[k, 3]
    c4, c5, c6, c7 = factors[k, 4], factors[k, 5], factors[k, 6], factors[k, 7]
    for j in range(S.shape[1]):
        low = c0 * rows[0, j] + c1 * rows[1, j] + c2 * rows[2, j] + c3 * rows[3, j]
        high = c4 * rows[4, j] + c5 * rows[5, j] + c6 * rows[6, j] + c7 * rows[7, j]
        S[i, j] += low + high
