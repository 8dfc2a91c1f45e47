"""The elementary functions in single precision, for evaluations whose error is corrected later.

The first steps of Newton's iteration only have to come near the solution. In single precision a
vector register holds twice the cells and the polynomials are half as long. Names and meaning are
those of `cosim.solver.elementary`; constants are typed, because one double among them would make
everything double.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from cosim.solver.elementary import SCALAR
from cosim.solver.simd import Numba


F: Callable[[float], Any] = np.float32
ZERO, HALF, ONE, TWO = F(0.0), F(0.5), F(1.0), F(2.0)
LOG2_E = F(1.4426950408889634)
# ln 2 in two parts, the first short enough that k * LN2_HIGH is exact.
LN2_HIGH, LN2_LOW = F(0.693359375), F(-2.12194440e-4)
SQRT_2 = F(1.4142135623730951)
EXP_LOW, EXP_HIGH = F(-87.0), F(88.0)
HYPERBOLIC_LIMIT = F(86.0)
MANTISSA_BITS, MANTISSA, BIAS = 23, (1 << 23) - 1, 127
F_BIAS, HALF_BIAS = F(127.0), F(126.0)
FACTORIAL = tuple(F(1.0 / math.factorial(k)) for k in range(9))
ODD = tuple(F(2.0 / k) for k in (3, 5, 7, 9))
LIMEXP_KNEE, LIMEXP_MAX = F(math.log(1e30)), F(1e30)
INFINITY, NAN = F(math.inf), F(math.nan)


@intrinsic
def _power_of_two(typing: Numba, exponent: Numba) -> Numba:
    """2 to a whole number given as a float, which is the number plus the bias of 127."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        whole = context.get_value_type(types.int32)
        bits = builder.shl(builder.fptosi(args[0], whole), whole(MANTISSA_BITS))
        return builder.bitcast(bits, context.get_value_type(types.float32))

    return types.float32(types.float32), generate


@intrinsic
def _exponent(typing: Numba, number: Numba) -> Numba:
    """The exponent of a positive number, with its bias, as a float."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        whole = context.get_value_type(types.int32)
        bits = builder.lshr(builder.bitcast(args[0], whole), whole(MANTISSA_BITS))
        return builder.sitofp(bits, context.get_value_type(types.float32))

    return types.float32(types.float32), generate


@intrinsic
def _mantissa(typing: Numba, number: Numba) -> Numba:
    """The mantissa of a number, in [1, 2)."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        whole = context.get_value_type(types.int32)
        bits = builder.and_(builder.bitcast(args[0], whole), whole(MANTISSA))
        bits = builder.or_(bits, whole(BIAS << MANTISSA_BITS))
        return builder.bitcast(bits, context.get_value_type(types.float32))

    return types.float32(types.float32), generate


@njit(**SCALAR)
def _reduced(x: float) -> tuple[float, float]:
    """The whole number k and the remainder r of x = k ln 2 + r."""
    k = np.floor(x * LOG2_E + HALF)
    return k, (x - k * LN2_HIGH) - k * LN2_LOW


@njit(**SCALAR)
def exp(x: float) -> float:
    """e^x; beyond [-87, 88] the value at the end of that range."""
    x = min(max(x, EXP_LOW), EXP_HIGH)
    k, r = _reduced(x)
    p = (FACTORIAL[6] * r + FACTORIAL[5]) * r + FACTORIAL[4]
    p = ONE + (r + r * r * ((p * r + FACTORIAL[3]) * r + HALF))
    return p * _power_of_two(k + F_BIAS)


@njit(**SCALAR)
def log(x: float) -> float:
    """Natural logarithm; NaN below zero, minus infinity at zero."""
    mantissa = _mantissa(x)
    large = mantissa > SQRT_2
    exponent = _exponent(x) - (F_BIAS - ONE if large else F_BIAS)
    f = (HALF * mantissa if large else mantissa) - ONE
    s = f / (TWO + f)
    z = s * s
    p = ((ODD[3] * z + ODD[2]) * z + ODD[1]) * z + ODD[0]
    value = exponent * LN2_HIGH + (exponent * LN2_LOW + (s * z * p + TWO * s))
    value = value if x > ZERO else (-INFINITY if x == ZERO else NAN)
    return value if x < INFINITY else x


@njit(**SCALAR)
def _halves(x: float) -> tuple[float, float, float, bool]:
    """Halves of e^x and of e^-x, the odd part of the reduced argument, and whether x is reduced."""
    k, r = _reduced(min(max(x, -HYPERBOLIC_LIMIT), HYPERBOLIC_LIMIT))
    s = r * r
    even = ONE + s * (HALF + s * (FACTORIAL[4] + s * FACTORIAL[6]))
    odd = r + r * s * (FACTORIAL[3] + s * (FACTORIAL[5] + s * FACTORIAL[7]))
    up = (even + odd) * _power_of_two(HALF_BIAS + k)
    down = (even - odd) * _power_of_two(HALF_BIAS - k)
    return up, down, odd, k == ZERO


@njit(**SCALAR)
def sinh_cosh(x: float) -> tuple[float, float]:
    """Hyperbolic sine and cosine, as `sinh` and `cosh` but in one evaluation."""
    up, down, odd, near = _halves(x)
    return odd if near else up - down, up + down


@njit(**SCALAR)
def sinh(x: float) -> float:
    """Hyperbolic sine, without loss for small x; constant beyond 86."""
    up, down, odd, near = _halves(x)
    return odd if near else up - down


@njit(**SCALAR)
def cosh(x: float) -> float:
    """Hyperbolic cosine; constant beyond 86."""
    up, down, _, _ = _halves(x)
    return up + down


@njit(**SCALAR)
def tanh(x: float) -> float:
    """Hyperbolic tangent, without loss for small x."""
    up, down, odd, near = _halves(x)
    return (odd if near else up - down) / (up + down)


@njit(**SCALAR)
def limexp(x: float) -> float:
    """The exponential up to 1e30, from there on its tangent."""
    return exp(x) if x < LIMEXP_KNEE else LIMEXP_MAX * (ONE + (x - LIMEXP_KNEE))


@njit(**SCALAR)
def half_away(x: float) -> float:
    """The nearest integer, halves away from zero."""
    return math.copysign(np.floor(abs(x) + HALF), x)


@njit(**SCALAR)
def remainder(a: float, b: float) -> float:
    """The remainder of a division, with the sign of the dividend."""
    return np.fmod(a, b)
