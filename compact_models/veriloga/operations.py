"""What each operator and function of the intermediate form computes, on ordinary floats.

The table is the meaning of the language: constant folding and parameter defaults use it directly,
and every target has to agree with it. Truth is 1.0 or 0.0. A domain error is nan and a division
by zero an infinity, as in the array targets, never an exception.
"""

from __future__ import annotations

import math
from collections.abc import Callable


LIMEXP_KNEE = math.log(1e30)
LIMEXP_MAX = 1e30


def divide(a: float, b: float) -> float:
    """IEEE division."""
    if b == 0.0:
        return (
            math.nan
            if a == 0.0 or math.isnan(a)
            else math.copysign(math.inf, a) * math.copysign(1.0, b)
        )
    return a / b


def power(a: float, b: float) -> float:
    """Power; a negative base wants an integer exponent."""
    try:
        value = math.pow(a, b)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.inf if a == 0.0 else math.nan
    return value


def limexp(x: float) -> float:
    """The exponential up to 1e30, from there on its tangent."""
    return math.exp(x) if x < LIMEXP_KNEE else LIMEXP_MAX * (1.0 + (x - LIMEXP_KNEE))


def half_away(x: float) -> float:
    """The nearest integer, halves away from zero (Verilog's real to integer)."""
    return math.copysign(math.floor(abs(x) + 0.5), x) if math.isfinite(x) else x


def remainder(a: float, b: float) -> float:
    """C's remainder: the sign of the dividend."""
    return math.fmod(a, b) if b != 0.0 and math.isfinite(a) else math.nan


def _total(function: Callable[..., float], overflow: float = math.inf) -> Callable[..., float]:
    """`function` with a domain error as nan and an overflow as an infinity."""

    def total(*arguments: float) -> float:
        try:
            return function(*arguments)
        except OverflowError:
            return overflow
        except ValueError:
            return math.nan

    return total


def _logarithm(x: float) -> float:
    return -math.inf if x == 0.0 else math.log(x)


def _bits(function: Callable[[int, int], int]) -> Callable[[float, float], float]:
    return _total(lambda a, b: float(function(int(a), int(b))))


OPERATIONS: dict[str, Callable[..., float]] = {
    "neg": lambda a: -a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": divide,
    "mod": remainder,
    "pow": power,
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "gt": lambda a, b: float(a > b),
    "ge": lambda a, b: float(a >= b),
    "eq": lambda a, b: float(a == b),
    "ne": lambda a, b: float(a != b),
    "and": lambda a, b: float(a != 0.0 and b != 0.0),
    "or": lambda a, b: float(a != 0.0 or b != 0.0),
    "not": lambda a: float(a == 0.0),
    "bitand": _bits(lambda a, b: a & b),
    "bitor": _bits(lambda a, b: a | b),
    "bitxor": _bits(lambda a, b: a ^ b),
    "shl": _bits(lambda a, b: a << min(b, 63)),
    "shr": _bits(lambda a, b: a >> b),
    "bitnot": _total(lambda a: float(~int(a))),
    "select": lambda c, a, b: a if c != 0.0 else b,
    "exp": _total(math.exp),
    "limexp": limexp,
    "ln": _total(_logarithm),
    "sqrt": _total(math.sqrt),
    "abs": abs,
    "min": lambda a, b: min(a, b),
    "max": lambda a, b: max(a, b),
    "floor": _total(lambda a: float(math.floor(a))),
    "ceil": _total(lambda a: float(math.ceil(a))),
    "trunc": _total(lambda a: float(math.trunc(a))),
    "round": half_away,
    "sin": _total(math.sin),
    "cos": _total(math.cos),
    "tan": _total(math.tan),
    "asin": _total(math.asin),
    "acos": _total(math.acos),
    "atan": math.atan,
    "atan2": math.atan2,
    "hypot": math.hypot,
    "sinh": lambda a: math.copysign(1.0, a) * _total(math.sinh)(abs(a)),
    "cosh": _total(math.cosh),
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": _total(math.acosh),
    "atanh": _total(math.atanh),
}

COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
TRUTH = COMPARISONS | {"and", "or", "not"}
INTEGERS = frozenset(
    {"floor", "ceil", "trunc", "round", "bitand", "bitor", "bitxor", "bitnot", "shl", "shr"}
)
"""Operations whose value is a step function: their derivative is zero wherever there is one."""
