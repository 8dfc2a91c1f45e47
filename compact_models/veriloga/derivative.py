"""Exact derivatives of expressions, as expressions.

Forward accumulation over the graph: one pass per variable, sharing everything that several
derivatives have in common. At a kink (abs, min, max, a comparison) the derivative is that of the
side that the condition picks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from compact_models.veriloga.expressions import (
    MINUS_ONE,
    ONE,
    ZERO,
    Expr,
    add,
    apply,
    compare,
    const,
    div,
    mul,
    neg,
    power,
    select,
    sub,
    walk,
)
from compact_models.veriloga.operations import INTEGERS, LIMEXP_KNEE, LIMEXP_MAX, TRUTH


def derivatives(roots: Iterable[Expr], variable: Expr) -> list[Expr]:
    """The derivative of each root with respect to one symbol."""
    roots = list(roots)
    done: dict[Expr, Expr] = {}
    for node in walk(roots):
        if node is variable:
            done[node] = ONE
        elif not node.args or (variable.dynamic and variable not in node.dynamic):
            done[node] = ZERO
        else:
            done[node] = _derivative(node, [done[arg] for arg in node.args])
    return [done[root] for root in roots]


def _derivative(node: Expr, slopes: list[Expr]) -> Expr:
    if all(slope is ZERO for slope in slopes) or node.op in TRUTH or node.op in INTEGERS:
        return ZERO
    if node.op in _UNARY:
        return mul(_UNARY[node.op](node.args[0], node), slopes[0])
    return _NARY[node.op](node, slopes)


def _square(a: Expr) -> Expr:
    return mul(a, a)


_UNARY: dict[str, Callable[[Expr, Expr], Expr]] = {
    "neg": lambda a, y: MINUS_ONE,
    "exp": lambda a, y: y,
    "limexp": lambda a, y: select(compare("lt", a, const(LIMEXP_KNEE)), y, const(LIMEXP_MAX)),
    "ln": lambda a, y: div(ONE, a),
    "sqrt": lambda a, y: div(const(0.5), y),
    "abs": lambda a, y: select(compare("lt", a, ZERO), MINUS_ONE, ONE),
    "sin": lambda a, y: apply("cos", a),
    "cos": lambda a, y: neg(apply("sin", a)),
    "tan": lambda a, y: add(ONE, _square(y)),
    "asin": lambda a, y: div(ONE, apply("sqrt", sub(ONE, _square(a)))),
    "acos": lambda a, y: div(MINUS_ONE, apply("sqrt", sub(ONE, _square(a)))),
    "atan": lambda a, y: div(ONE, add(ONE, _square(a))),
    "sinh": lambda a, y: apply("cosh", a),
    "cosh": lambda a, y: apply("sinh", a),
    "tanh": lambda a, y: sub(ONE, _square(y)),
    "asinh": lambda a, y: div(ONE, apply("sqrt", add(ONE, _square(a)))),
    "acosh": lambda a, y: div(ONE, apply("sqrt", sub(_square(a), ONE))),
    "atanh": lambda a, y: div(ONE, sub(ONE, _square(a))),
}


def _power(node: Expr, slopes: list[Expr]) -> Expr:
    base, exponent = node.args
    result = ZERO
    if slopes[0] is not ZERO:
        result = mul(mul(exponent, power(base, sub(exponent, ONE))), slopes[0])
    if slopes[1] is not ZERO:
        growth = select(compare("gt", base, ZERO), mul(node, apply("ln", base)), ZERO)
        result = add(result, mul(growth, slopes[1]))
    return result


def _quotient(node: Expr, slopes: list[Expr]) -> Expr:
    if slopes[1] is ZERO:
        return div(slopes[0], node.args[1])
    return div(sub(slopes[0], mul(node, slopes[1])), node.args[1])


def _atan2(node: Expr, slopes: list[Expr]) -> Expr:
    y, x = node.args
    return div(
        sub(mul(x, slopes[0]), mul(y, slopes[1])),
        add(_square(x), _square(y)),
    )


_NARY: dict[str, Callable[[Expr, list[Expr]], Expr]] = {
    "add": lambda n, d: add(d[0], d[1]),
    "sub": lambda n, d: sub(d[0], d[1]),
    "mul": lambda n, d: add(mul(d[0], n.args[1]), mul(n.args[0], d[1])),
    "div": _quotient,
    "pow": _power,
    "select": lambda n, d: select(n.args[0], d[1], d[2]),
    "min": lambda n, d: select(compare("le", n.args[0], n.args[1]), d[0], d[1]),
    "max": lambda n, d: select(compare("ge", n.args[0], n.args[1]), d[0], d[1]),
    "mod": lambda n, d: sub(d[0], mul(apply("trunc", div(n.args[0], n.args[1])), d[1])),
    "atan2": _atan2,
    "hypot": lambda n, d: div(add(mul(n.args[0], d[0]), mul(n.args[1], d[1])), n),
    # A time derivative inside ddx: the operator is linear.
    "ddt": lambda n, d: ZERO,
}
