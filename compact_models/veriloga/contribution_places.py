"""Where in the source something is contributed to a branch, for messages to point at."""

from __future__ import annotations

from compact_models.veriloga import tree
from compact_models.veriloga.declare import GROUND, BranchKey, Declarations


def find_contribution(table: Declarations, key: BranchKey) -> tree.Span:
    """A contribution to the branch, to point at."""
    queue: list[object] = [block.body for block in table.analog]
    best = table.module.span
    while queue:
        node = queue.pop()
        if isinstance(node, tree.Contribution):
            names = [a.name for a in node.target.arguments if isinstance(a, tree.Name)]
            if names == [key.name] or sorted(table.node(n) for n in names) == sorted(
                n for n in (key.high, key.low) if n != GROUND
            ):
                best = node.span
        elif isinstance(node, tree.Block):
            queue += node.statements
        elif isinstance(node, tree.If):
            queue += [node.then, node.otherwise]
        elif isinstance(node, tree.Case):
            queue += [arm.body for arm in node.arms]
        elif isinstance(node, tree.For | tree.While | tree.Repeat | tree.Event):
            queue.append(node.body)
    return best
