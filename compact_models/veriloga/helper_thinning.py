"""Fewer helper nodes for large models, where the best set cannot be searched for.

A model such as BSIM-CMG has hundreds of shared parts. With a node for each of them the text is
short, but an iteration has to find them all at once: each takes trial values that its equation
never takes, these multiply along chains of nodes, and the solver ends with numbers out of range.
So from the full set one node after the other is put back into the expressions, that one first
which makes the trees grow least, until the limit is kept and the next one would be dear. Parts that
depend on the temperature alone do not move while a circuit is solved: they all stay.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from compact_models.veriloga.expressions import Expr
from compact_models.veriloga.tree_size import HELPER_COST, LEAST_GAIN, TreeSize, below


MOST_IN_LARGE = 24
"""Helper nodes of a large model."""

MOST_TRIED = 400
"""Helper nodes above which none is put back: a model of thousands would grow too long."""

LONGEST = 20_000
"""Nodes of a tree, above which none is made longer."""


class Thinning:
    """Takes helpers out of a set, and keeps the cost of every source up to date."""

    def __init__(self, roots: Sequence[Expr], helpers: Sequence[Expr]) -> None:
        self.kept = set(helpers)
        self.cost = {source: self._size(source) for source in (*roots, *helpers)}
        self.below = {source: below(source, self.kept) for source in self.cost}
        self.total = sum(self.cost.values()) + HELPER_COST * len(self.kept)
        self.order = {h: place for place, h in enumerate(helpers) if not _is_fixed(h)}
        self.moving = len(self.order)

    def _size(self, source: Expr) -> int:
        return TreeSize(source, self.kept).total()

    def run(self, most: int) -> set[Expr]:
        """The helpers that stay."""
        waiting = [(self._without(h)[0], place, h) for h, place in self.order.items()]
        heapq.heapify(waiting)
        while waiting:
            expected, place, helper = heapq.heappop(waiting)
            if self._enough(most, expected):
                break
            change, sizes = self._without(helper)
            if waiting and change > waiting[0][0]:
                heapq.heappush(waiting, (change, place, helper))
            elif self._enough(most, change):
                break
            elif max(sizes.values(), default=0) < LONGEST:
                self._remove(helper, change, sizes)
        return self.kept

    def _enough(self, most: int, change: int) -> bool:
        return self.moving <= most and change > LEAST_GAIN * self.total

    def _without(self, helper: Expr) -> tuple[int, dict[Expr, int]]:
        """What the cost changes without a helper, and the new costs of the sources that read it."""
        self.kept.discard(helper)
        readers = [s for s in self.cost if s is not helper and helper in self.below[s]]
        sizes = {source: self._size(source) for source in readers}
        self.kept.add(helper)
        grown = sum(size - self.cost[source] for source, size in sizes.items())
        return grown - self.cost[helper] - HELPER_COST, sizes

    def _remove(self, helper: Expr, change: int, sizes: dict[Expr, int]) -> None:
        self.kept.discard(helper)
        self.moving -= 1
        self.total += change
        self.cost |= sizes
        for source in sizes:
            self.below[source] = below(source, self.kept)
        del self.cost[helper]
        del self.below[helper]


def _is_fixed(helper: Expr) -> bool:
    return all(leaf.op == "temper" for leaf in helper.dynamic)


def thinned(
    roots: Sequence[Expr], helpers: Sequence[Expr], most: int = MOST_IN_LARGE
) -> list[Expr]:
    """The helpers that are worth a node of their own, operands first.

    Args:
        roots: the right-hand sides of all sources.
        helpers: all shared parts, operands first.
        most: how many may stay even if each is worth little.
    """
    if sum(not _is_fixed(helper) for helper in helpers) > MOST_TRIED:
        return list(helpers)
    kept = Thinning(roots, helpers).run(most)
    return [helper for helper in helpers if helper in kept]
