"""Whether a variable is written in every case, although no single branch of the code says so.

    if (V > on) r = 1;   if (V <= on && V >= off) r = 2;   if (V < off) r = 3;

A value is a tree of choices; the old value stands where nothing was written. The conditions on the
way there compare quantities with thresholds, which cut the range of each quantity into pieces. The
conditions are tested at the thresholds, between them and beyond them, for all quantities together:
if no combination keeps the old value, it is never read. Conditions on parameters are tested both
ways, whatever the parameters are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from math import prod

from compact_models.veriloga.digest import order
from compact_models.veriloga.expressions import (
    ONE,
    ZERO,
    Expr,
    apply,
    compare,
    is_const,
    neg,
    select,
    sub,
    walk,
)
from compact_models.veriloga.operations import COMPARISONS, OPERATIONS, TRUTH


MOST_CHOICES = 100
"""Size of a tree of choices beyond which nothing is proved."""

MAX_CASES = 2048
"""Combinations that are tried before giving up."""

MOST_TERMS = 4000
"""Comparisons, each as often as it occurs, of conditions that are still worked through."""

FLIPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
Formula = Callable[[dict[Expr, float]], bool]


@dataclass
class _Pieces:
    """The quantities that conditions compare, with their thresholds."""

    default_of: Callable[[Expr], float]
    thresholds: dict[Expr, set[float]] = field(default_factory=dict)

    def samples(self) -> dict[Expr, list[float]]:
        """Values of each quantity: at, between and beyond its thresholds."""
        result: dict[Expr, list[float]] = {}
        for quantity, found in self.thresholds.items():
            limits = sorted(found)
            inside = [(a + b) / 2 for a, b in pairwise(limits)]
            result[quantity] = [limits[0] - 1.0, *limits, *inside, limits[-1] + 1.0]
        return result

    def formula(self, node: Expr) -> Formula:
        """A condition as a function of the quantities' values."""
        if is_const(node):
            return lambda values: node.number != 0.0
        if node.op in {"and", "or", "not"}:
            parts = [self.formula(arg) for arg in node.args]
            if node.op == "not":
                return lambda values: not parts[0](values)
            both = all if node.op == "and" else any
            return lambda values: both(part(values) for part in parts)
        if node.op not in COMPARISONS:
            return self.formula(_pushed("ne", node, ZERO))
        pushed = _pushed(node.op, *node.args)
        return self._comparison(pushed) if pushed.op in COMPARISONS else self.formula(pushed)

    def _comparison(self, node: Expr) -> Formula:
        (left, right), op = node.args, node.op
        if is_const(left) or (left.is_static and not right.is_static):
            left, right, op = right, left, FLIPPED[op]
        if not is_const(right) and left.is_static is right.is_static:
            left, right = sub(left, right), ZERO
        if _is_reversed(left):
            left, right, op = neg(left), neg(right), FLIPPED[op]
        limit = self.default_of(right)
        self.thresholds.setdefault(left, set()).add(limit)
        function = OPERATIONS[op]
        return lambda values: function(values[left], limit) != 0.0


def _is_reversed(quantity: Expr) -> bool:
    """Whether minus the quantity is the form that all comparisons of it are brought to."""
    if quantity.op == "neg":
        return True
    return quantity.op == "sub" and order(quantity.args[0]) > order(quantity.args[1])


def _pushed(op: str, left: Expr, right: Expr) -> Expr:
    """A comparison with a choice, as conditions on what the choice depends on.

    The choice is one between numbers, or one that a parameter makes between quantities.
    """
    if right.op == "select" or right.op in TRUTH:
        left, right, op = right, left, FLIPPED[op]
    if not right.is_static or is_const(left):
        return compare(op, left, right)
    if left.op in TRUTH:
        condition, then, otherwise = left, ONE, ZERO
    elif left.op == "select" and (left.args[0].is_static or _is_choice(left)):
        condition, then, otherwise = left.args
    else:
        return compare(op, left, right)
    yes = apply("and", condition, _pushed(op, then, right))
    no = apply("and", apply("not", condition), _pushed(op, otherwise, right))
    return apply("or", yes, no)


def _is_choice(node: Expr) -> bool:
    """A number, or a choice of numbers."""
    if node.op == "select":
        return all(_is_choice(arm) for arm in node.args[1:])
    return node.is_static


def old_value_when(value: Expr, own: Expr, *, kept: bool) -> Expr:
    """The condition under which a new value is the old one (kept), or is calculated from it."""
    if value is own:
        return ONE if kept else ZERO
    if own not in value.dynamic:
        return ZERO
    if value.op != "select" or own in value.args[0].dynamic:
        return ZERO if kept else ONE
    condition, then, otherwise = value.args
    yes = apply("and", condition, old_value_when(then, own, kept=kept))
    no = apply("and", apply("not", condition), old_value_when(otherwise, own, kept=kept))
    return apply("or", yes, no)


Defaults = Callable[[Expr], float]
"""A static expression at the defaults of the parameters."""


def is_uniform(value: Expr, own: Expr, default_of: Defaults) -> bool:
    """Whether, for any choice of the parameters, the old value is always kept, or never used."""
    cases = _cases(value, own, default_of)
    return cases is not None and all(len(set(outcomes)) < 2 for outcomes in cases)


def is_covered(value: Expr, own: Expr, default_of: Defaults) -> bool:
    """Whether the old value is never used, for any choice of the parameters."""
    cases = _cases(value, own, default_of)
    return cases is not None and not any(any(outcomes) for outcomes in cases)


def _cases(value: Expr, own: Expr, default_of: Defaults) -> Iterator[Iterator[bool]] | None:
    """Whether the old value is kept, case by case, for each choice of the parameters.

    None where something is calculated from the old value, or there are too many cases.
    """
    pieces = _Pieces(default_of)
    keeping = old_value_when(value, own, kept=True)
    calculation = old_value_when(value, own, kept=False)
    if _terms([keeping, calculation]) > MOST_TERMS:
        return None
    kept = pieces.formula(keeping)
    calculated = pieces.formula(calculation)
    samples = pieces.samples()
    values = list(samples.values())
    if prod(map(len, values)) > MAX_CASES or any(x != x for column in values for x in column):
        return None
    fixed = [q for q in samples if q.is_static]
    moving = [q for q in samples if not q.is_static]

    def points() -> Iterator[Iterator[dict[Expr, float]]]:
        for chosen in product(*(samples[q] for q in fixed)):
            known = dict(zip(fixed, chosen, strict=True))
            yield (
                {**known, **dict(zip(moving, point, strict=True))}
                for point in product(*(samples[q] for q in moving))
            )

    if calculation is not ZERO and any(calculated(at) for some in points() for at in some):
        return None
    return ((kept(at) for at in some) for some in points())


def _terms(conditions: Iterable[Expr]) -> int:
    """Size of the conditions written out, without sharing."""
    conditions = list(conditions)
    sizes: dict[Expr, int] = {}
    for node in walk(conditions):
        sizes[node] = 1 + sum(sizes[a] for a in node.args if a.op in TRUTH | {"select"})
    return sum(sizes[condition] for condition in conditions)


def without_dead_values(
    roots: Iterable[Expr], default_of: Defaults
) -> tuple[list[Expr], list[str]]:
    """The roots without old values that no case leads to.

    Returns:
        The roots, and the names of the variables that turned out to be set in every case.
    """
    roots = list(roots)
    done: dict[Expr, Expr] = {}
    below: dict[Expr, frozenset[Expr]] = {}
    choices: dict[Expr, int] = {}
    names: dict[str, None] = {}
    for node in walk(roots):
        args = tuple(done[arg] for arg in node.args)
        new = node if args == node.args else apply(node.op, *args)
        choices[new] = 1
        if new.op == "select":
            choices[new] += sum(choices.get(arm, 1) for arm in new.args[1:])
        if new.op != "select" or choices[new] > MOST_CHOICES:
            done[node] = new
            continue
        for own in sorted(_ends(new, below), key=order):
            if is_covered(new, own, default_of):
                new = _without(new, own)
                names[own.name] = None
        done[node] = new
    return [done[root] for root in roots], list(names)


def _ends(value: Expr, known: dict[Expr, frozenset[Expr]]) -> frozenset[Expr]:
    """The old values among the ends of a tree of choices."""
    if value.op == "previous":
        return frozenset({value})
    if value.op != "select":
        return frozenset()
    if value not in known:
        known[value] = frozenset().union(*(_ends(arm, known) for arm in value.args[1:]))
    return known[value]


def _without(value: Expr, own: Expr) -> Expr:
    """The tree without the ends that are never reached."""
    if value.op != "select" or own not in value.dynamic:
        return value
    condition, then, otherwise = value.args
    if then is own or otherwise is own:
        return _without(otherwise if then is own else then, own)
    return select(condition, _without(then, own), _without(otherwise, own))


def depends_only_on_comparisons(roots: Iterable[Expr], own: Expr) -> bool:
    """Whether a symbol is only ever compared, never calculated with."""
    users = [n for n in walk(roots) if own in n.args]
    return all(n.op in COMPARISONS | {"not", "and", "or"} or _is_condition(n, own) for n in users)


def _is_condition(node: Expr, own: Expr) -> bool:
    return node.op == "select" and own not in node.args[1:]
