"""Passes over finished expressions.

Folding, common subexpressions and dead code need no pass of their own here: the constructors of
`expressions` fold, equal expressions are one object, and a target emits what its outputs reach.
What is left is the order of products: (a·V)·b with static a and b is written as (a·b)·V, so that
the static factor is computed once per instance.
"""

from __future__ import annotations

from collections.abc import Iterable

from compact_models.veriloga.expressions import ONE, Expr, apply, div, mul, walk


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
        if rebuilt.op in {"mul", "div"} and not rebuilt.is_static:
            rebuilt = _gather(rebuilt)
        done[node] = rebuilt
    return [done[root] for root in roots]


def _gather(node: Expr) -> Expr:
    """Split into a static factor and the rest; the operands are already gathered."""
    (a, x), (b, y) = (_factor(arg) for arg in node.args)
    if node.op == "mul":
        return mul(mul(a, b), mul(x, y))
    return mul(div(a, b), div(x, y))


def _factor(node: Expr) -> tuple[Expr, Expr]:
    """(static, rest) with node = static · rest."""
    if node.is_static:
        return node, ONE
    if node.op == "mul" and node.args[0].is_static:
        return node.args[0], node.args[1]
    if node.op == "mul" and node.args[1].is_static:
        return node.args[1], node.args[0]
    return ONE, node
