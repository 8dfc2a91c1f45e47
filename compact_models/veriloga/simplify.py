"""Passes over finished expressions.

Folding, common subexpressions and dead code need no pass of their own here: the constructors of
`expressions` fold, equal expressions are one object, and a target emits what its outputs reach.
What is left is the order of sums and products: (a·V)·b with static a and b is written as (a·b)·V,
and (V + a) - b as (a - b) + V, so that the static part is computed once per instance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from compact_models.veriloga.expressions import (
    ONE,
    ZERO,
    Expr,
    add,
    apply,
    const,
    div,
    is_const,
    mul,
    neg,
    sub,
    substitute,
    walk,
)


MAX_NESTING = 8
"""Quotients within quotients, as deep as they are looked for."""


def hoisted(roots: Iterable[Expr]) -> list[Expr]:
    """The roots with the static factors of every product gathered into one."""
    roots = list(roots)
    done: dict[Expr, Expr] = {}
    for node in walk(roots):
        if not node.args:
            done[node] = node
            continue
        args = tuple(done[arg] for arg in node.args)
        rebuilt = node if args == node.args else apply(node.op, *args)
        done[node] = rebuilt if rebuilt.is_static else _GATHER.get(rebuilt.op, _same)(rebuilt)
    return [done[root] for root in roots]


def _same(node: Expr) -> Expr:
    return node


def _product(node: Expr) -> Expr:
    """Split into a static factor and the rest; the operands are already gathered."""
    (a, x), (b, y) = (_factor(arg) for arg in node.args)
    if node.op == "mul":
        return _scaled(mul(a, b), mul(x, y))
    return _scaled(div(a, b), div(x, y))


def _scaled(factor: Expr, value: Expr) -> Expr:
    """Factor · value; a number goes into sums with static terms and into clamps, where it folds."""
    if not is_const(factor) or factor is ONE or value.op not in _LINEAR:
        return mul(factor, value)
    clamp = value.op in {"min", "max"}
    if not any(arg.is_static for arg in value.args) or (clamp and factor.number <= 0.0):
        return mul(factor, value)
    scaled = [mul(factor, a) if a.is_static else mul(*_refactored(factor, a)) for a in value.args]
    return apply(value.op, *scaled)


def _refactored(factor: Expr, value: Expr) -> tuple[Expr, Expr]:
    """A factor of a value, with the static factor that the value has already."""
    static, rest = _factor(value)
    if static is ONE and rest.op in _LINEAR:
        return ONE, _scaled(factor, rest)
    return mul(factor, static), rest


def _absolute(node: Expr) -> Expr:
    static, rest = _factor(node.args[0])
    return node if static is ONE else mul(apply("abs", static), apply("abs", rest))


def _negated(node: Expr) -> Expr:
    static, rest = _factor(node.args[0])
    return node if static is ONE else mul(neg(static), rest)


def _factor(node: Expr) -> tuple[Expr, Expr]:
    """(static, rest) with node = static · rest."""
    if node.is_static:
        return node, ONE
    if node.op == "mul" and node.args[0].is_static:
        return node.args[0], node.args[1]
    if node.op == "mul" and node.args[1].is_static:
        return node.args[1], node.args[0]
    return ONE, node


def _sum(node: Expr) -> Expr:
    """Split into a static term and the rest."""
    (a, x), (b, y) = (_term(arg) for arg in node.args)
    if node.op == "add":
        return add(add(a, b), add(x, y))
    return add(sub(a, b), sub(x, y))


def _term(node: Expr) -> tuple[Expr, Expr]:
    """(static, rest) with node = static + rest."""
    if node.is_static:
        return node, ZERO
    if node.op in {"add", "sub"}:
        first, second = node.args
        if first.is_static:
            return first, second if node.op == "add" else neg(second)
        if second.is_static:
            return second if node.op == "add" else neg(second), first
    return ZERO, node


_LINEAR = frozenset({"add", "sub", "min", "max"})
"""Operations that a number can be multiplied into."""

_GATHER: dict[str, Callable[[Expr], Expr]] = {
    "abs": _absolute,
    "mul": _product,
    "div": _product,
    "neg": _negated,
    "add": _sum,
    "sub": _sum,
}


def rounded(roots: Iterable[Expr]) -> list[Expr]:
    """The roots with numbers of fifteen digits: what folding left in the last place goes."""
    roots = list(roots)
    numbers = {n: const(float(f"{n.number:.15g}")) for n in walk(roots) if is_const(n)}
    return substitute(roots, numbers)


def with_reciprocals(roots: Iterable[Expr]) -> list[Expr]:
    """The roots with a/b as a·(1/b) where several quotients have the denominator b.

    The reciprocal can then be shared, and a product is cheaper to differentiate than a quotient.
    """
    roots = list(roots)
    quotients = [n for n in walk(roots) if n.op == "div" and not n.args[1].is_static]
    counts = Counter(n.args[1] for n in quotients)
    values = {
        n: mul(n.args[0], div(ONE, n.args[1]))
        for n in quotients
        if counts[n.args[1]] > 1 and n.args[0] is not ONE
    }
    for _ in range(MAX_NESTING):
        changed = substitute(roots, values)
        if changed == roots:
            break
        roots = changed
    return roots
