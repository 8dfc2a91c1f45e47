"""Leave out what never acts: clamps that are never reached, and choices between equal values.

A model that takes no risks bounds a quantity again wherever it is used. Where the order of two
operands of min() or max() is certain, from the intervals they lie in or because one is made from
the other, one of them is enough, and the equations are the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from compact_models.veriloga.expressions import (
    ONE,
    ZERO,
    Expr,
    apply,
    neg,
    select,
    substitute,
    walk,
)
from compact_models.veriloga.intervals import Facts, bounds


EXPLOSIVE = frozenset({"exp", "sinh", "cosh"})

DEPTH = 8
"""Steps of a proof."""

SATURATION = 227.0
"""exp() of a larger argument is 1e99 in ngspice."""

NEGLIGIBLE = 37.0
"""Above this, exp() of the negative is below the last digit of 1."""


def without_inactive(roots: Iterable[Expr], facts: Facts) -> list[Expr]:
    """The roots without clamps that never act.

    Args:
        roots: expressions.
        facts: intervals of their symbols.
    """
    roots = list(roots)
    done: dict[Expr, Expr] = {}
    guards = {_plain(n.args[0]) for n in walk(roots) if n.op in EXPLOSIVE}
    for node in walk(roots):
        args = tuple(done[arg] for arg in node.args)
        new = node if args == node.args else apply(node.op, *args)
        if new.op in {"min", "max"} and not new.is_static:
            a, b = new.args if new.op == "min" else new.args[::-1]
            kept = _kept(new, is_below(a, b, facts), is_below(b, a, facts))
            if node not in guards or _plain(kept).op in {"min", "max"}:
                new = kept
        elif new.op == "select" and _is_softplus(new, facts):
            new = new.args[2]
        done[node] = new
    return [done[root] for root in roots]


def _kept(clamp: Expr, first: bool, second: bool) -> Expr:
    """What is left of a clamp whose first or second operand is always taken."""
    return clamp.args[0] if first else clamp.args[1] if second else clamp


def _is_softplus(choice: Expr, facts: Facts) -> bool:
    """Whether it is `u > 40 ? u : ln(1 + exp(u))`, whose second arm alone never overflows."""
    condition, then, otherwise = choice.args
    if condition.op not in {"gt", "ge"} or then is not condition.args[0]:
        return False
    if bounds(condition.args[1], facts).low < NEGLIGIBLE:
        return False
    inside = otherwise.args[0] if otherwise.op == "ln" else ZERO
    parts = set(inside.args) if inside.op == "add" else set()
    return parts == {ONE, apply("exp", then)} and bounds(then, facts).high < SATURATION


def _plain(value: Expr) -> Expr:
    """Without sign and static factor."""
    while value.op in {"neg", "mul", "div"}:
        moving = [arg for arg in value.args if not arg.is_static]
        if len(moving) != 1:
            break
        value = moving[0]
    return value


def is_below(a: Expr, b: Expr, facts: Facts, depth: int = DEPTH, *, turned: bool = False) -> bool:
    """Whether a <= b is certain."""
    if a is b or bounds(a, facts).high <= bounds(b, facts).low:
        return True
    if depth == 0:
        return False

    def below(left: Expr, right: Expr) -> bool:
        return is_below(left, right, facts, depth - 1, turned=turned)

    if a.op == "sub" and b is ZERO and below(*a.args):
        return True
    if a.op == "min" and any(below(arg, b) for arg in a.args):
        return True
    if b.op == "max" and any(below(a, arg) for arg in b.args):
        return True
    if a.op == "max" and all(below(arg, b) for arg in a.args):
        return True
    if b.op == "min" and all(below(a, arg) for arg in b.args):
        return True
    if "neg" in (a.op, b.op) and not turned:
        return is_below(neg(b), neg(a), facts, depth - 1, turned=True)
    return False


def with_condition_known(value: Expr) -> Expr:
    """A choice whose arms do not ask for its own condition again."""
    if value.op != "select":
        return value
    condition, then, otherwise = value.args
    (yes,) = substitute([then], {condition: ONE})
    (no,) = substitute([otherwise], {condition: ZERO})
    return select(condition, yes, no)
