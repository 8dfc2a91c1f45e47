"""The arrays that the fused kernels of the default surrogate work in.

All of them are named as in `line_modes` and `line_mode_galerkin`; the first axis counts tiles.
Quantities of the cells lie in arrays of their own, not in planes of one: the compiler then sees
that what a loop writes is not what it reads, and uses vector registers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.surrogate.line_modes import LIFT


__all__ = ["LIFT"]

# Coefficients of the cell polynomial in the order of `cell_polynomial.CUBIC`, after the secant.
C10, C11, C20, C30, C12, C21 = range(1, 7)
# Blocks of rows of the weights: exponents (1,0) (2,0) (3,0) (1,1) (2,1) (1,2) of (V, s).
BLOCKS = 6
DEGREE = 3


class Network(NamedTuple):
    """Tiles on their way through the kernels; k is the number of modes of a row or column.

    Attributes:
        a: linearised conductances [S], like the next four `[tiles, rows, cols]`.
        own: voltage of a cell's row node per volt on that row, all columns grounded.
        shared: what all rows at 1 V add to the voltage across a cell.
        rise: voltage of each column node when every row is at 1 V.
        transfer: current of a column per volt on a row [S].
        phi: load modes of the rows, `[tiles, rows, kr, cols]`.
        psi: load modes of the columns, `[tiles, rows, kc, cols]`.
        row_shapes: `[tiles, kr, cols]`, a load is this times a conductance over its row's mean.
        col_shapes: `[tiles, kc, rows]`.
        row_means: mean conductance of each row, `[tiles, rows]`.
        col_means: mean conductance of each column, `[tiles, cols]`.
        lift: `[tiles]`, what is added to conductances so that none is zero.
        A_inv: `[tiles, rows, kr, kr]`.
        B: blocks of the columns, `[tiles, kc, kc, cols]`.
        H: sum of the loads' drops, `[tiles, kc, cols]`.
        u: `[tiles, rows, kr]`.
        R: `[tiles, rows, kc cols]`.
        gam: `[tiles, kc cols]`, column unknowns with every row at 1 V.
        rho: `[tiles, rows, kr]`, row unknowns with every row at 1 V.
    """

    a: np.ndarray
    own: np.ndarray
    shared: np.ndarray
    rise: np.ndarray
    transfer: np.ndarray
    phi: np.ndarray
    psi: np.ndarray
    row_shapes: np.ndarray
    col_shapes: np.ndarray
    row_means: np.ndarray
    col_means: np.ndarray
    lift: np.ndarray
    A_inv: np.ndarray
    B: np.ndarray
    H: np.ndarray
    u: np.ndarray
    R: np.ndarray
    gam: np.ndarray
    rho: np.ndarray


def network(tiles: int, rows: int, cols: int, kr: int, kc: int, dtype: np.dtype) -> Network:
    """Room for `tiles` tiles."""
    return Network(
        a=np.empty((tiles, rows, cols), dtype),
        own=np.empty((tiles, rows, cols), dtype),
        shared=np.empty((tiles, rows, cols), dtype),
        rise=np.empty((tiles, rows, cols), dtype),
        transfer=np.empty((tiles, rows, cols), dtype),
        phi=np.empty((tiles, rows, kr, cols), dtype),
        psi=np.empty((tiles, rows, kc, cols), dtype),
        row_shapes=np.empty((tiles, kr, cols), dtype),
        col_shapes=np.empty((tiles, kc, rows), dtype),
        row_means=np.empty((tiles, rows), dtype),
        col_means=np.empty((tiles, cols), dtype),
        lift=np.empty(tiles, dtype),
        A_inv=np.empty((tiles, rows, kr, kr), dtype),
        B=np.empty((tiles, kc, kc, cols), dtype),
        H=np.empty((tiles, kc, cols), dtype),
        u=np.empty((tiles, rows, kr), dtype),
        R=np.empty((tiles, rows, kc * cols), dtype),
        gam=np.empty((tiles, kc * cols), dtype),
        rho=np.empty((tiles, rows, kr), dtype),
    )


class Tile(NamedTuple):
    """The constants of a surrogate, as its kernels take them.

    Attributes:
        values: the linearised conductance and each coefficient of the cell polynomial, over z, as
            polynomials in y, `[1 + terms, powers]`.
        slopes: the same with each power times one more than its exponent.
        conductance: half-saturation conductance [S], largest y over share.
        wires: row segment, column segment, source, sense [ohm].
        row_legendre: factors of the row shapes, `[kr, cols]`.
        col_legendre: factors of the column shapes, `[kc, rows]`.
        row_basis: leading wire modes of a row, `[modes, cols]`.
        col_basis: leading wire modes of a column, `[modes, rows]`.
        resistance: resistance of each pair of wire modes, column's first [ohm].
        shape_mean: conductance that mode shapes are made for [S]; negative for the tile's own.
    """

    values: np.ndarray
    slopes: np.ndarray
    conductance: np.ndarray
    wires: np.ndarray
    row_legendre: np.ndarray
    col_legendre: np.ndarray
    row_basis: np.ndarray
    col_basis: np.ndarray
    resistance: np.ndarray
    shape_mean: float


class Gradients(NamedTuple):
    """Gradients on their way back.

    Attributes:
        a: in the linearised conductances; this and the next five are `[tiles, rows, cols]`.
        own: in the quantities of the same name of `Network`, like the next three.
        conductance: in G.
        rho: in the row unknowns with every row at 1 V, `[tiles, rows, kr]`.
        v: S^-1 times the gradient in the column unknowns with every row at 1 V, `[tiles, kc cols]`.
    """

    a: np.ndarray
    own: np.ndarray
    shared: np.ndarray
    rise: np.ndarray
    transfer: np.ndarray
    conductance: np.ndarray
    rho: np.ndarray
    v: np.ndarray


def gradients(net: Network) -> Gradients:
    """Room for the gradients of `net`."""
    cell, rho, v = net.a, net.rho, net.gam
    return Gradients(
        a=np.empty_like(cell),
        own=np.empty_like(cell),
        shared=np.empty_like(cell),
        rise=np.empty_like(cell),
        transfer=np.empty_like(cell),
        conductance=np.empty_like(cell),
        rho=np.empty_like(rho),
        v=np.empty_like(v),
    )


class Products(NamedTuple):
    """The dense products between the kernels of the gradient.

    Attributes:
        AF: A^-1 F, `[tiles, rows kr, cols]`.
        YZ: Y, Z, gam and v side by side, `[tiles, kc cols, 2 cols + 2]`.
        AYZ: A^-1 C times that, `[tiles, rows kr, 2 cols + 2]`.
        R: g_transfer times Y transposed, `[tiles, rows, kc cols]`.
    """

    AF: np.ndarray
    YZ: np.ndarray
    AYZ: np.ndarray
    R: np.ndarray


class Work(NamedTuple):
    """What the last two kernels of the gradient hand on.

    Attributes:
        psi: gradient in the load modes of the columns, `[tiles, rows, kc, cols]`.
        from_rho: A^-1 g_rho, `[tiles, rows, kr]`.
        from_u: A^-1 g_u, `[tiles, rows, kr]`.
        blocks: g_A + g_A^T, `[tiles, rows, kr, kr]`.
    """

    psi: np.ndarray
    from_rho: np.ndarray
    from_u: np.ndarray
    blocks: np.ndarray


def work(net: Network) -> Work:
    """Room for the last two kernels of the gradient of `net`."""
    return Work(
        np.empty_like(net.psi),
        np.empty_like(net.rho),
        np.empty_like(net.rho),
        np.empty_like(net.A_inv),
    )
