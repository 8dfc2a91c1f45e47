"""Compiled features of a batch of inputs, and their gradient.

A sample's features are the powers of its inputs, times powers of their weighted mean s, and the
powers of s alone, in the order of the weights' blocks: V, V^2, V^3, s V, s V^2, s^2 V; s, s^2, s^3.
One product with the table of weights and offsets then gives the currents.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cosim.surrogate.fused_algebra import ENTRY


@njit(**ENTRY)
def features(V: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Features `[samples, 6 rows + 3]` of inputs `[samples, rows]`; `weights` are the mean's."""
    samples, rows = V.shape
    for k in range(samples):
        s = V.dtype.type(0)
        for i in range(rows):
            s += V[k, i] * weights[i]
        # One block per loop: the compiler cannot see that blocks of one array do not overlap.
        for i in range(rows):
            out[k, i] = V[k, i]
        for i in range(rows):
            out[k, rows + i] = V[k, i] * V[k, i]
        for i in range(rows):
            out[k, 2 * rows + i] = V[k, i] * V[k, i] * V[k, i]
        for i in range(rows):
            out[k, 3 * rows + i] = s * V[k, i]
        for i in range(rows):
            out[k, 4 * rows + i] = s * V[k, i] * V[k, i]
        for i in range(rows):
            out[k, 5 * rows + i] = s * s * V[k, i]
        out[k, 6 * rows] = s
        out[k, 6 * rows + 1] = s * s
        out[k, 6 * rows + 2] = s * s * s


@njit(**ENTRY)
def unfeature(V: np.ndarray, weights: np.ndarray, grad: np.ndarray, out: np.ndarray) -> None:
    """Gradient in the inputs from that in their features."""
    samples, rows = V.shape
    two = V.dtype.type(2)
    three = V.dtype.type(3)
    for k in range(samples):
        s = V.dtype.type(0)
        for i in range(rows):
            s += V[k, i] * weights[i]
        last = 6 * rows
        by_mean = grad[k, last] + s * (two * grad[k, last + 1] + three * s * grad[k, last + 2])
        for i in range(rows):
            v = V[k, i]
            g11, g21 = grad[k, 3 * rows + i], grad[k, 4 * rows + i]
            g12 = grad[k, 5 * rows + i]
            by_mean += v * (g11 + v * g21 + two * s * g12)
            linear = grad[k, i] + s * (g11 + s * g12)
            square = grad[k, rows + i] + s * g21
            out[k, i] = linear + v * (two * square + three * v * grad[k, 2 * rows + i])
        for i in range(rows):
            out[k, i] += by_mean * weights[i]
