"""Which shared parts of a B source get a node of their own.

ngspice evaluates a B source by walking its tree, and one further tree per controlling node for the
derivatives, in which the chain rule has written everything out. So a long expression of many nodes
is dear (an EKV transistor in one piece costs fifty times an RRAM cell), and a helper node, a
1-ohm resistor fed by a B source, is cheap: it cuts the long derivative trees in two.

The cost model counts the tree nodes that ngspice walks, after its own simplifications; candidates
are tried greedily, best first. Time per tree node is nearly constant, so the count is the cost.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence, Set as AbstractSet
from dataclasses import dataclass, field

from compact_models.veriloga.expressions import Expr, apply, symbol, walk
from compact_models.veriloga.operations import COMPARISONS, INTEGERS, TRUTH


SOURCE_COST = 8
"""What a B source costs besides its trees."""
HELPER_COST = 14
"""What a helper node costs besides its B source: a resistor and a row of the matrix."""
LEAST_GAIN = 0.04
GREEDY_LIMIT = 250
MAX_HELPERS = 24
LARGE = 14

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
        constant = node.is_static or node.op == "time"
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


def choose_helpers(roots: Iterable[Expr]) -> list[Expr]:
    """The parts that get a node, operands first.

    Args:
        roots: the right-hand sides of all B sources of a subcircuit.
    """
    roots = [root for root in roots if not root.is_static]
    delicate = _delicate(roots)
    candidates = [n for n in walk(roots) if _is_candidate(n) and n not in delicate]
    if len(candidates) > GREEDY_LIMIT:
        return _by_size(roots, candidates)
    return _greedily(roots, candidates)


def _greedily(roots: Sequence[Expr], candidates: Sequence[Expr]) -> list[Expr]:
    """Take the best candidate, again and again.

    What a candidate gains seldom grows when others were taken, so those that gained little before
    are tried again only when the better ones have fallen behind them.
    """
    chosen: set[Expr] = set()
    best = _cost(roots, chosen)
    waiting = [(_cost(roots, {n}) - best, place, n) for place, n in enumerate(candidates)]
    heapq.heapify(waiting)
    while waiting and len(chosen) < MAX_HELPERS:
        expected, place, node = heapq.heappop(waiting)
        if expected > -LEAST_GAIN * best:
            break
        change = _cost(roots, chosen | {node}) - best
        if change > -LEAST_GAIN * best or (waiting and change > waiting[0][0]):
            heapq.heappush(waiting, (change, place, node))
            continue
        chosen.add(node)
        best += change
    return [n for n in candidates if n in chosen]


def _delicate(roots: Sequence[Expr]) -> set[Expr]:
    """Sums and clamps right inside a denominator or a logarithm.

    As a node of its own such a part takes trial values that its equation never takes, zero among
    them, and the iteration needs longer or fails.
    """
    queue = [n.args[1] for n in walk(roots) if n.op == "div"]
    queue += [n.args[0] for n in walk(roots) if n.op in {"ln", "sqrt"}]
    found: set[Expr] = set()
    while queue:
        node = queue.pop()
        if node in found or node.is_static:
            continue
        found.add(node)
        scaled = node.op == "mul" and any(arg.is_static for arg in node.args)
        if scaled or node.op in {"add", "sub", "neg", "min", "max"}:
            queue += node.args
    return found


def _is_candidate(node: Expr) -> bool:
    return bool(node.args) and not node.is_static and node.op not in TRUTH and node.op != "neg"


def _cost(roots: Sequence[Expr], helpers: AbstractSet[Expr]) -> int:
    """Cost of all sources, with the given helpers."""
    used = {n for root in roots for n in _below(root, helpers)}
    queue = list(used)
    while queue:
        for inner in _below(queue.pop(), helpers):
            if inner not in used:
                used.add(inner)
                queue.append(inner)
    total = sum(TreeSize(root, helpers).total() for root in roots)
    return total + sum(HELPER_COST + TreeSize(h, helpers).total() for h in used)


def _below(root: Expr, helpers: AbstractSet[Expr]) -> set[Expr]:
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


def _by_size(roots: Sequence[Expr], candidates: Sequence[Expr]) -> list[Expr]:
    """For large models: whatever is used more than once and is not small."""
    uses: dict[Expr, int] = {}
    for node in walk(roots):
        for arg in node.args:
            uses[arg] = uses.get(arg, 0) + 1
    for root in roots:
        uses[root] = uses.get(root, 0) + 1
    sizes: dict[Expr, int] = {}
    chosen = []
    for node in walk(roots):
        size = 1 + sum(sizes[a] for a in node.args) if not node.is_static else 1
        if (
            _is_candidate(node)
            and size * uses[node] > 2 * LARGE
            and uses[node] > 1
            and size > LARGE
        ):
            chosen.append(node)
            size = 1
        sizes[node] = size
    return chosen


def with_helpers(
    roots: Sequence[Expr], helpers: Sequence[Expr]
) -> tuple[list[Expr], list[tuple[Expr, Expr]]]:
    """Put the helpers' nodes in the place of what they hold.

    Returns:
        The roots, and (symbol, definition) of each helper.
    """
    places = {helper: symbol("node", f"helper {i}") for i, helper in enumerate(helpers, start=1)}
    done: dict[Expr, Expr] = {}
    definitions: list[tuple[Expr, Expr]] = []
    for node in walk([*helpers, *roots]):
        args = tuple(done[arg] for arg in node.args)
        new = node if args == node.args else apply(node.op, *args)
        if node in places:
            definitions.append((places[node], new))
            new = places[node]
        done[node] = new
    return [done[root] for root in roots], definitions
