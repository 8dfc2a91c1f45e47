"""Which names an expression mentions."""

from __future__ import annotations

from compact_models.veriloga import tree


def names_in(node: tree.Expression) -> list[tree.Name]:
    """Every name in an expression."""
    if isinstance(node, tree.Name):
        return [node]
    parts: tuple[tree.Expression, ...] = ()
    if isinstance(node, tree.Unary):
        parts = (node.operand,)
    elif isinstance(node, tree.Binary):
        parts = (node.left, node.right)
    elif isinstance(node, tree.Conditional):
        parts = (node.condition, node.then, node.otherwise)
    elif isinstance(node, tree.Call):
        parts = node.arguments
    return [name for part in parts for name in names_in(part)]
