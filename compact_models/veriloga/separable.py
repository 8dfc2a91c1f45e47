"""Split a current into the parts that depend on different nodes.

The current of a transistor is often a difference F(v_s) - F(v_d). As one source, ngspice keeps a
derivative tree of the whole for each node; as two sources side by side, each tree holds its own
part only.
"""

from __future__ import annotations

from compact_models.veriloga.expressions import Expr, mul


Term = tuple[Expr, bool]
"""A part of a current, and whether it flows the other way."""


def separate_terms(current: Expr) -> list[Term]:
    """The parts of a current; itself alone where a split gains nothing.

    Args:
        current: a sum, a difference, or one of these times a static factor.
    """
    turned = current.op == "neg"
    value = current.args[0] if turned else current
    whole = [(value, turned)]
    factor, rest = None, value
    if value.op == "mul" and any(arg.is_static for arg in value.args):
        factor, rest = sorted(value.args, key=lambda arg: not arg.is_static)
    if rest.op not in {"add", "sub"}:
        return whole
    parts = rest.args if factor is None else tuple(mul(factor, part) for part in rest.args)
    unknowns = [_unknowns(part) for part in parts]
    if not all(unknowns) or unknowns[0] & unknowns[1] or not all(map(_is_curved, rest.args)):
        return whole
    return [(parts[0], turned), (parts[1], turned != (rest.op == "sub"))]


def _unknowns(value: Expr) -> set[Expr]:
    return {leaf for leaf in value.dynamic if not leaf.args}


def _is_curved(value: Expr) -> bool:
    """Whether it is more than a linear term, which would rather stay with others."""
    if not value.args or value.is_static:
        return False
    if value.op in {"neg", "add", "sub"}:
        return any(_is_curved(arg) for arg in value.args)
    if value.op == "mul" and any(arg.is_static for arg in value.args):
        return any(_is_curved(arg) for arg in value.args)
    return True
