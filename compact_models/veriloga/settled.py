"""Kept values that are no memory: corrected settings, and random numbers.

    @(initial_step) limit = request;
    if (limit > 1.0) limit = 1.0;

Only parameters decide here, and a second correction changes nothing: after the first evaluation
the variable stands still. A random number that some path keeps is the number of the instance,
because the instance has only one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise, product

from compact_models.veriloga.execution import Draw
from compact_models.veriloga.expressions import ONE, ZERO, Expr, const, substitute, symbol, walk
from compact_models.veriloga.operations import COMPARISONS


MAX_CONDITIONS = 8
"""Conditions on parameters that are tried both ways."""

Evaluate = Callable[[Expr, dict[Expr, float]], float]
"""A static expression at the defaults of the parameters, with numbers for other symbols."""


def settles(value: Expr, own: Expr, evaluate: Evaluate) -> bool:
    """Whether a value that depends on itself and on parameters only stands still at once.

    F(F(x)) = F(x) is tried at, between and beyond all thresholds, for every outcome of the
    conditions on parameters.
    """
    if value.dynamic != {own}:
        return False
    choices = _static_choices(value)
    if len(choices) > MAX_CONDITIONS:
        return False
    for outcomes in product((ONE, ZERO), repeat=len(choices)):
        (chosen,) = substitute([value], dict(zip(choices, outcomes, strict=True)))
        for x in _samples(chosen, own, evaluate):
            once = evaluate(chosen, {own: x})
            if evaluate(chosen, {own: once}) != once:
                return False
    return True


def _static_choices(value: Expr) -> list[Expr]:
    """The conditions on parameters that decide what becomes of the variable."""
    if value.op != "select":
        return []
    condition, *arms = value.args
    below = [c for arm in arms for c in _static_choices(arm)]
    return list(dict.fromkeys([condition, *below] if condition.is_static else below))


def _samples(value: Expr, own: Expr, evaluate: Evaluate) -> list[float]:
    """Numbers at, between and beyond everything that the variable is compared with or set to."""
    limits = {0.0, 1.0, -1.0}
    for node in walk([value]):
        if node.op in COMPARISONS | {"select", "min", "max"}:
            limits |= {evaluate(arg, {}) for arg in node.args if arg.is_static}
    ordered = sorted(x for x in limits if abs(x) < float("inf"))
    inside = [(a + b) / 2 for a, b in pairwise(ordered)]
    return [2.0 * ordered[0] - 1.0, *ordered, *inside, 2.0 * ordered[-1] + 1.0]


def draw_that_is_kept(value: Expr, own: Expr, draws: Iterable[Draw]) -> Expr | None:
    """The random number that a variable keeps on some paths, if it holds nothing else but zero.

    Without a seed all draws are at their neutral values, so that the variable is zero throughout.
    """
    neutral = {symbol("parameter", d.parameter): const(d.neutral) for d in draws}
    ends = _ends(value)
    if own not in ends or not all(end is own or end.is_static for end in ends):
        return None
    drawn = [e for e in ends if any(n in neutral for n in walk([e]))]
    others = [e for e in ends if e is not own and e not in drawn]
    is_zero = all(substitute([e], neutral)[0] is ZERO for e in [*drawn, *others])
    return drawn[0] if len(drawn) == 1 and is_zero else None


def _ends(value: Expr) -> list[Expr]:
    """The ends of a tree of choices, each once."""
    if value.op != "select":
        return [value]
    return list(dict.fromkeys([*_ends(value.args[1]), *_ends(value.args[2])]))
