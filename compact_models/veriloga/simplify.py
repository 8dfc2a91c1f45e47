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
    div,
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
        return mul(mul(a, b), mul(x, y))
    return mul(div(a, b), div(x, y))


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


_GATHER: dict[str, Callable[[Expr], Expr]] = {
    "mul": _product,
    "div": _product,
    "neg": _negated,
    "add": _sum,
    "sub": _sum,
}


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
