"""What a B source costs ngspice: the nodes of its tree and of the trees of its derivatives.

ngspice evaluates a B source by walking its tree, and one further tree per controlling node for the
derivatives, in which the chain rule has written everything out. The nodes that it walks are
counted here, after its own simplifications: time per node is nearly constant.
"""

from __future__ import annotations

from collections.abc import Sequence, Set as AbstractSet
from dataclasses import dataclass, field

from compact_models.veriloga.expressions import Expr
from compact_models.veriloga.operations import COMPARISONS, INTEGERS, TRUTH


SOURCE_COST = 8
"""What a B source costs besides its trees."""
HELPER_COST = 14
"""What a helper node costs besides its B source: a resistor and a row of the matrix."""
LEAST_GAIN = 0.04
"""Part of the whole cost that a helper node has to save."""

_DERIVATIVE_OF = {"exp": 0, "sinh": 0, "cosh": 0, "abs": 0, "ln": 1, "sqrt": 3, "sin": 0, "cos": 1}


@dataclass
class TreeSize:
    """Counts the nodes of the trees that ngspice makes of one source.

    Attributes:
        root: the right-hand side of the source.
        leaves: parts that sit on helper nodes, and count as one tree node.
    """

    root: Expr
    leaves: AbstractSet[Expr]
    values: dict[Expr, int] = field(default_factory=dict)
    slopes: dict[tuple[Expr, Expr], int] = field(default_factory=dict)
    variables: dict[Expr, frozenset[Expr]] = field(default_factory=dict)

    def total(self) -> int:
        """Cost of the source."""
        for node in self._order():
            if self._is_leaf(node):
                self._leaf(node)
            else:
                self._operation(node)
        slopes = sum(self.slopes[self.root, v] for v in self.variables[self.root])
        return SOURCE_COST + self.values[self.root] + slopes

    def _is_leaf(self, node: Expr) -> bool:
        return node.is_static or not node.args or (node in self.leaves and node is not self.root)

    def _order(self) -> list[Expr]:
        """The nodes of the tree, each once, operands first."""
        order: list[Expr] = []
        seen: set[Expr] = set()
        stack: list[tuple[Expr, bool]] = [(self.root, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                if not self._is_leaf(node):
                    stack += [(arg, False) for arg in node.args]
        return order

    def _leaf(self, node: Expr) -> None:
        self.values[node] = 1
        constant = node.is_static or node.op in {"time", "temper"}
        self.variables[node] = frozenset() if constant else frozenset({node})
        self.slopes[node, node] = 1

    def _operation(self, node: Expr) -> None:
        sizes = [self.values[a] for a in node.args]
        if node.op == "select":
            self.values[node] = 1 + sizes[0] + max(sizes[1], sizes[2])
        elif _is_square(node):
            self.values[node] = 2 + sizes[0]
        else:
            self.values[node] = (2 if node.op in COMPARISONS else 1) + sum(sizes)
        variables = frozenset().union(*(self.variables[a] for a in node.args))
        self.variables[node] = variables
        for variable in variables:
            slopes = [self.slopes.get((a, variable), 0) for a in node.args]
            self.slopes[node, variable] = _slope(node, sizes, slopes)


def _slope(node: Expr, sizes: Sequence[int], slopes: Sequence[int]) -> int:
    op = node.op
    if not any(slopes) or op in TRUTH or op in INTEGERS:
        return 0
    if op in {"add", "sub"}:
        return sum(slopes) + int(all(slopes))
    if _is_square(node):
        return 4 + sizes[0] + slopes[0]
    if op == "mul":
        (a, b), (da, db) = sizes, slopes
        left = 0 if not da else b if da == 1 else da + b + 1
        right = 0 if not db else a if db == 1 else db + a + 1
        return left + right + int(bool(left and right))
    if op == "div":
        left = slopes[0] + sizes[1] + 1 if slopes[0] else 0
        right = slopes[1] + sizes[0] + 1 if slopes[1] else 0
        return left + right + sizes[1] + 4
    if op == "select":
        return 1 + sizes[0] + max(slopes[1], slopes[2], 1)
    if op in {"min", "max"}:
        return 3 + sum(sizes) + max(*slopes, 1)
    return 2 + _DERIVATIVE_OF.get(op, 4) + sum(sizes) + sum(slopes)


def _is_square(node: Expr) -> bool:
    """Whether it is written as a power, which evaluates its base once."""
    return node.op == "mul" and node.args[0] is node.args[1] and bool(node.args[0].args)


def below(root: Expr, helpers: AbstractSet[Expr]) -> set[Expr]:
    """Helpers that an expression refers to directly."""
    found: set[Expr] = set()
    seen: set[Expr] = set()
    stack = list(root.args) if root in helpers else [root]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in helpers:
            found.add(node)
        else:
            stack += node.args
    return found
