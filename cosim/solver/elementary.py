"""Elementary functions that vectorise: polynomials without branches or calls.

The functions of the C library take one number at a time; inside a loop over cells they would cost
more than everything else together. These take the same arguments, keep the same accuracy to a few
units in the last place (stated per function, and tested), and consist of arithmetic only, so that
LLVM turns a loop over cells into vector instructions.

Reassociation must stay off here: the reductions subtract on purpose.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from cosim.solver.simd import Numba


SCALAR = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
    "forceinline": True,
}

LOG2_E = 1.4426950408889634
# ln 2 in two parts, the first with enough trailing zeros that k * LN2_HIGH is exact.
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
# Adding this leaves an integer in the low bits of a double.
INTEGER_BITS = 6755399441055744.0
EXPONENT_BIAS = 1023
MANTISSA_BITS = 52
MANTISSA = (1 << MANTISSA_BITS) - 1
ONE_BITS = EXPONENT_BIAS << MANTISSA_BITS
SQRT_2 = 1.4142135623730951
EXP_LOW, EXP_HIGH = -708.0, 709.0
# The bits of one half, and the largest argument for which half of e^-x is a normal number.
HALF_BITS = (EXPONENT_BIAS - 1) << MANTISSA_BITS
HYPERBOLIC_LIMIT = 705.0


@intrinsic
def _bits(typing: Numba, number: Numba) -> Numba:
    """The bits of a double."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


@intrinsic
def _number(typing: Numba, bits: Numba) -> Numba:
    """The double of given bits."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


@njit(**SCALAR)
def exp(x: float) -> float:
    """e^x to 2 units in the last place; beyond [-708, 709] the value at the end of that range."""
    x = min(max(x, EXP_LOW), EXP_HIGH)
    k = np.floor(x * LOG2_E + 0.5)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    s = r * r
    even = 1 / 479001600 * s + 1 / 3628800
    even = ((even * s + 1 / 40320) * s + 1 / 720) * s + 1 / 24
    odd = 1 / 6227020800 * s + 1 / 39916800
    odd = ((odd * s + 1 / 362880) * s + 1 / 5040) * s + 1 / 120
    p = 1.0 + (r + s * (0.5 + s * even + r * (1 / 6 + s * odd)))
    return p * _number((_bits(k + INTEGER_BITS) + EXPONENT_BIAS) << MANTISSA_BITS)


@njit(**SCALAR)
def log(x: float) -> float:
    """Natural logarithm to 2 units in the last place, of positive normal numbers.

    NaN below zero, minus infinity at zero.
    """
    bits = _bits(x)
    mantissa = _number((bits & MANTISSA) | ONE_BITS)
    large = mantissa > SQRT_2
    m = 0.5 * mantissa if large else mantissa
    exponent = _number((bits >> MANTISSA_BITS) + _bits(INTEGER_BITS)) - INTEGER_BITS
    exponent = exponent - (EXPONENT_BIAS - 1.0 if large else EXPONENT_BIAS + 0.0)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 2 / 19 * z + 2 / 17
    p = ((p * z + 2 / 15) * z + 2 / 13) * z + 2 / 11
    p = (((p * z + 2 / 9) * z + 2 / 7) * z + 2 / 5) * z + 2 / 3
    value = exponent * LN2_HIGH + (exponent * LN2_LOW + (s * z * p + 2.0 * s))
    value = value if x > 0.0 else (-math.inf if x == 0.0 else math.nan)
    return value if x < math.inf else x


@njit(**SCALAR)
def log1p(x: float) -> float:
    """ln(1 + x) to 3 units in the last place, without loss for small x."""
    u = 1.0 + x
    value = log(u) + (x - (u - 1.0)) / u
    return value if u < math.inf else u


@njit(**SCALAR)
def _halves(x: float) -> tuple[float, float, float, bool]:
    """Halves of e^x and of e^-x, the odd part of the reduced argument, and whether x is reduced.

    With x = k ln 2 + r and e^r = even(r) + odd(r), both exponentials come from one pair of
    polynomials and no division; for k = 0 the hyperbolic sine is the odd part, where nothing
    cancels.
    """
    x = min(max(x, -HYPERBOLIC_LIMIT), HYPERBOLIC_LIMIT)
    k = np.floor(x * LOG2_E + 0.5)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    s = r * r
    even = (1 / 479001600 * s + 1 / 3628800) * s + 1 / 40320
    even = 1.0 + s * (0.5 + s * ((even * s + 1 / 720) * s + 1 / 24))
    odd = (1 / 6227020800 * s + 1 / 39916800) * s + 1 / 362880
    odd = r + r * s * (((odd * s + 1 / 5040) * s + 1 / 120) * s + 1 / 6)
    power = _bits(k + INTEGER_BITS) << MANTISSA_BITS
    up = (even + odd) * _number(HALF_BITS + power)
    down = (even - odd) * _number(HALF_BITS - power)
    return up, down, odd, k == 0.0


@njit(**SCALAR)
def sinh_cosh(x: float) -> tuple[float, float]:
    """Hyperbolic sine and cosine, as `sinh` and `cosh` but in one evaluation."""
    up, down, odd, near = _halves(x)
    return odd if near else up - down, up + down


@njit(**SCALAR)
def sinh(x: float) -> float:
    """Hyperbolic sine to 4 units in the last place, for small x too; beyond 705 constant."""
    up, down, odd, near = _halves(x)
    return odd if near else up - down


@njit(**SCALAR)
def cosh(x: float) -> float:
    """Hyperbolic cosine to 3 units in the last place; beyond 705 constant."""
    up, down, _, _ = _halves(x)
    return up + down


@njit(**SCALAR)
def expm1(x: float) -> float:
    """e^x - 1 to 4 units in the last place, without loss for small x."""
    half = 0.5 * x
    return 2.0 * exp(half) * sinh(half)


@njit(**SCALAR)
def tanh(x: float) -> float:
    """Hyperbolic tangent to 4 units in the last place."""
    twice = expm1(2.0 * min(max(x, -20.0), 20.0))
    return twice / (twice + 2.0)


LIMEXP_KNEE = math.log(1e30)
LIMEXP_MAX = 1e30


@njit(**SCALAR)
def limexp(x: float) -> float:
    """The exponential up to 1e30, from there on its tangent."""
    return exp(x) if x < LIMEXP_KNEE else LIMEXP_MAX * (1.0 + (x - LIMEXP_KNEE))


@njit(**SCALAR)
def half_away(x: float) -> float:
    """The nearest integer, halves away from zero."""
    return math.copysign(np.floor(abs(x) + 0.5), x)


@njit(**SCALAR)
def remainder(a: float, b: float) -> float:
    """The remainder of a division, with the sign of the dividend."""
    return np.fmod(a, b)
