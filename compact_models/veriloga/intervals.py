"""Where an expression's value can lie, so that a guard is put only where it is needed.

Interval arithmetic over the graph: parameters lie in their declared ranges, node potentials
anywhere, and a comparison that an arm of select() depends on narrows what it compares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compact_models.veriloga.expressions import Expr, is_const
from compact_models.veriloga.operations import OPERATIONS, TRUTH


@dataclass(frozen=True)
class Interval:
    """Closed interval; infinite bounds are unknown."""

    low: float = -math.inf
    high: float = math.inf

    def within(self, low: float, high: float) -> bool:
        """Whether it lies inside [low, high]."""
        return low <= self.low and self.high <= high

    def meet(self, other: Interval) -> Interval:
        """What both allow."""
        return Interval(max(self.low, other.low), min(self.high, other.high))

    def join(self, other: Interval) -> Interval:
        """What either allows."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


ANYTHING = Interval()
UNIT = Interval(0.0, 1.0)
MOST_STEPS = 3000
"""Nodes of an expression that are looked at in one go."""


class Facts(dict[Expr, Interval]):
    """Known intervals of some expressions; remembers what follows from them."""

    def __init__(self, known: Mapping[Expr, Interval] | None = None) -> None:
        super().__init__(known or {})
        self.done: dict[Expr, Interval] = {}


def bounds(node: Expr, facts: Facts) -> Interval:
    """The interval of an expression, given those of some of its parts.

    An expression that is too large to be looked through may be anything.
    """
    stack, steps = [node], 0
    done = facts.done
    while stack:
        item = stack[-1]
        if item in done:
            stack.pop()
            continue
        waiting = [arg for arg in item.args if arg not in done]
        steps += 1
        if waiting and steps < MOST_STEPS:
            stack += waiting
            continue
        stack.pop()
        own = ANYTHING if waiting else _bounds(item, done)
        done[item] = facts.get(item, ANYTHING).meet(own)
    return done[node]


def _bounds(node: Expr, done: Mapping[Expr, Interval]) -> Interval:
    if is_const(node):
        return ANYTHING if math.isnan(node.number) else Interval(node.number, node.number)
    if node.op in TRUTH:
        return UNIT
    if node.op == "mul" and node.args[0] is node.args[1]:
        inner = done[node.args[0]]
        sizes = [abs(inner.low), abs(inner.high)]
        return Interval(
            0.0 if inner.low <= 0.0 <= inner.high else min(sizes) ** 2,
            _safe(max(sizes) ** 2 if max(sizes) < 1e150 else math.inf, math.inf),
        )
    rule = _RULES.get(node.op)
    return rule(*(done[arg] for arg in node.args)) if rule else ANYTHING


def _safe(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value


def _corners(op: str, a: Interval, b: Interval) -> Interval:
    function = OPERATIONS[op]
    values = [function(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    if any(math.isnan(v) for v in values):
        return ANYTHING if op != "mul" else _product_with_infinity(a, b)
    return Interval(min(values), max(values))


def _product_with_infinity(a: Interval, b: Interval) -> Interval:
    """0 times an infinite bound is 0."""
    values = [
        0.0 if x == 0.0 or y == 0.0 else x * y for x in (a.low, a.high) for y in (b.low, b.high)
    ]
    return Interval(min(values), max(values))


def _quotient(a: Interval, b: Interval) -> Interval:
    return ANYTHING if b.low <= 0.0 <= b.high else _corners("div", a, b)


def _monotone(op: str, low: float, high: float) -> Callable[[Interval], Interval]:
    """A rising function on [low, high]; outside of it, its values at the ends."""
    function = OPERATIONS[op]

    def rule(a: Interval) -> Interval:
        return Interval(
            _safe(function(max(a.low, low)), -math.inf),
            _safe(function(min(a.high, high)), math.inf),
        )

    return rule


def _absolute(a: Interval) -> Interval:
    low = 0.0 if a.low <= 0.0 <= a.high else min(abs(a.low), abs(a.high))
    return Interval(low, max(abs(a.low), abs(a.high)))


_INF = math.inf
_RULES: dict[str, Callable[..., Interval]] = {
    "neg": lambda a: Interval(-a.high, -a.low),
    "add": lambda a, b: Interval(a.low + b.low, a.high + b.high),
    "sub": lambda a, b: Interval(a.low - b.high, a.high - b.low),
    "mul": lambda a, b: _corners("mul", a, b),
    "div": _quotient,
    "min": lambda a, b: Interval(min(a.low, b.low), min(a.high, b.high)),
    "max": lambda a, b: Interval(max(a.low, b.low), max(a.high, b.high)),
    "select": lambda c, a, b: a.join(b),
    "abs": _absolute,
    "exp": _monotone("exp", -_INF, _INF),
    "limexp": lambda a: Interval(0.0, _INF),
    "sqrt": lambda a: Interval(math.sqrt(max(a.low, 0.0)), math.sqrt(max(a.high, 0.0))),
    "ln": lambda a: Interval(
        math.log(a.low) if a.low > 0 else -_INF,
        math.log(a.high) if 0 < a.high < _INF else _INF,
    ),
    "tanh": lambda a: Interval(math.tanh(a.low), math.tanh(a.high)),
    "sinh": _monotone("sinh", -_INF, _INF),
    "cosh": lambda a: Interval(1.0, _INF),
    "atan": lambda a: Interval(math.atan(a.low), math.atan(a.high)),
    "asinh": lambda a: Interval(math.asinh(a.low), math.asinh(a.high)),
    "sin": lambda a: Interval(-1.0, 1.0),
    "cos": lambda a: Interval(-1.0, 1.0),
    "hypot": lambda a, b: Interval(0.0, _INF),
    "floor": lambda a: Interval(a.low - 1.0, a.high),
    "ceil": lambda a: Interval(a.low, a.high + 1.0),
}


def narrowed(facts: Facts, condition: Expr, holds: bool) -> Facts:
    """What is known in the arm where a condition holds (or fails)."""
    result = Facts(facts)
    if condition.op == "not":
        return narrowed(facts, condition.args[0], not holds)
    if condition.op == "and" and holds:
        return narrowed(narrowed(facts, condition.args[0], True), condition.args[1], True)
    if condition.op == "or" and not holds:
        return narrowed(narrowed(facts, condition.args[0], False), condition.args[1], False)
    if condition.op not in {"lt", "le", "gt", "ge"}:
        return result
    left, right = condition.args
    below = (condition.op in {"lt", "le"}) is holds
    small, large = (left, right) if below else (right, left)
    limit_small, limit_large = bounds(large, facts).high, bounds(small, facts).low
    for item, limit in ((small, Interval(high=limit_small)), (large, Interval(low=limit_large))):
        if not is_const(item):
            result[item] = result.get(item, ANYTHING).meet(limit)
    return result
