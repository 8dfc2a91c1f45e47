"""Which shared parts of a B source get a node of their own.

A long expression of many nodes is dear (an EKV transistor in one piece costs fifty times an RRAM
cell), and a helper node, a 1-ohm resistor fed by a B source, is cheap: it cuts the long derivative
trees in two. Candidates are tried greedily, best first; in a large model all of them are taken, and
those that are worth least are put back.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence, Set as AbstractSet

from compact_models.veriloga.expressions import ZERO, Expr, apply, select, symbol, walk
from compact_models.veriloga.helper_thinning import thinned
from compact_models.veriloga.operations import TRUTH
from compact_models.veriloga.tree_size import HELPER_COST, LEAST_GAIN, TreeSize, below


GREEDY_LIMIT = 250
MAX_HELPERS = 24
LARGE = 14


def choose_helpers(roots: Iterable[Expr]) -> list[Expr]:
    """The parts that get a node, operands first.

    Args:
        roots: the right-hand sides of all B sources of a subcircuit.
    """
    roots = [root for root in roots if not root.is_static]
    delicate = _delicate(roots)
    candidates = [n for n in walk(roots) if _is_candidate(n) and n not in delicate]
    if len(candidates) > GREEDY_LIMIT:
        return thinned(roots, _by_size(roots))
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
    """Clamps between bounds that move; sums and clamps right inside a denominator or a logarithm.

    As a node of its own such a part takes trial values that its equation never takes, beyond the
    bounds or zero among them, and the iteration needs longer or fails.
    """
    clamps = [n for n in walk(roots) if n.op in {"min", "max"}]
    moving = {n for n in clamps if not any(arg.is_static for arg in n.args)}
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
    return found | moving


def _is_candidate(node: Expr) -> bool:
    return bool(node.args) and not node.is_static and node.op not in TRUTH and node.op != "neg"


def _cost(roots: Sequence[Expr], helpers: AbstractSet[Expr]) -> int:
    """Cost of all sources, with the given helpers."""
    used = {n for root in roots for n in below(root, helpers)}
    queue = list(used)
    while queue:
        for inner in below(queue.pop(), helpers):
            if inner not in used:
                used.add(inner)
                queue.append(inner)
    total = sum(TreeSize(root, helpers).total() for root in roots)
    return total + sum(HELPER_COST + TreeSize(h, helpers).total() for h in used)


def _by_size(roots: Sequence[Expr]) -> list[Expr]:
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

    A part that only stands in arms of choices that are made once per instance keeps these
    conditions: in the other arms it may have no value, or one beyond what the simulator takes.

    Returns:
        The roots, and (symbol, definition) of each helper.
    """
    places = {helper: symbol("node", f"helper {i}") for i, helper in enumerate(helpers, start=1)}
    needed = _chosen_by(roots)
    done: dict[Expr, Expr] = {}
    definitions: list[tuple[Expr, Expr]] = []
    for node in walk([*helpers, *roots]):
        args = tuple(done[arg] for arg in node.args)
        new = node if args == node.args else apply(node.op, *args)
        if node in places:
            for condition, holds in needed.get(node, ()):
                new = select(condition, new, ZERO) if holds else select(condition, ZERO, new)
            definitions.append((places[node], new))
            new = places[node]
        done[node] = new
    return [done[root] for root in roots], definitions


def _chosen_by(roots: Sequence[Expr]) -> dict[Expr, tuple[tuple[Expr, bool], ...]]:
    """The static conditions under which each part is needed at all, and their values."""
    needed: dict[Expr, dict[tuple[Expr, bool], None]] = {root: {} for root in roots}
    for node in reversed(list(walk(roots))):
        for place, arg in enumerate(node.args):
            conditions = dict(needed[node])
            if node.op == "select" and place > 0 and node.args[0].is_static:
                conditions[node.args[0], place == 1] = None
            kept = needed.get(arg)
            needed[arg] = conditions if kept is None else {c: None for c in kept if c in conditions}
    return {node: tuple(conditions) for node, conditions in needed.items() if conditions}
