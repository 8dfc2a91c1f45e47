"""The forms in which models write one time step of a state by hand.

A step is x_new = F(x, h) with F(x, 0) = x. Around it stand, in any order,

    a clamp         min(max(F, low), high), or `if (F > high) F = high;`
    a soft clamp    beyond a limit the excess is compressed at every step: with ever shorter steps,
                    nothing of it is left, so it is a clamp where the compression begins
    a push          `+ bump` while x is at a limit, so that a window that is zero there lets go of
                    it: the state keeps that distance from the limit
    a reset         `x = c` while a condition on something else holds: x is drawn to c

What is inside is what `hidden_state` differentiates with respect to h.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from compact_models.veriloga.expressions import (
    ONE,
    STEP,
    ZERO,
    Expr,
    add,
    apply,
    mul,
    select,
    sub,
    substitute,
    symbol,
    symbols,
    walk,
)
from compact_models.veriloga.operations import COMPARISONS, TRUTH


STEP_PARAMETER = re.compile(
    r"(?i)^(d_?t|delta_?t|t_?delta|time_?delta|delta_?time|del_?t|(max_?|min_?)?time_?step(_size)?"
    r"|t_?step(_?size)?|step_?size|step|tstp|dtime|h|h_?step|(sim|int|integration)_?(time_?)?step"
    r"|sim_?dt|dt_?sim|dt_?int|t_?s|t_?samp(le)?|sample_?time|sampling_?(time|period))(_?s|_?sec)?$"
)
"""Names of parameters that hold the length of a time step."""

EXCESSES = (1e-6, 1e-3, 0.1, 1.0, 10.0)
"""Distances beyond a soft clamp, relative to the limit, at which it has to compress."""

SAME_BOUND = 0.1
"""How far a limit may lie from the bound that triggers it, relative to the state's size."""

Defaults = Callable[[Expr, dict[Expr, float]], float]


@dataclass(frozen=True)
class Step:
    """One state's step: core(x, h) between limits, while `active` holds; otherwise reset."""

    core: Expr
    low: Expr | None = None
    high: Expr | None = None
    active: Expr = ONE
    reset: Expr = ZERO
    origin: str = ""
    steps: frozenset[Expr] = frozenset()
    pushed: bool = False

    def used(self, state: Expr) -> Expr:
        """The value that the model uses for the state."""
        return select(self.active, clamped(state, self.low, self.high), self.reset)


def clamped(value: Expr, low: Expr | None, high: Expr | None) -> Expr:
    """A value between limits."""
    if low is not None:
        value = apply("max", value, low)
    if high is not None:
        value = apply("min", value, high)
    return value


def recognised_step(
    value: Expr, own: Expr, initial: Expr, *, timed: bool, default_of: Defaults
) -> Step | None:
    """The step of a state, if its new value is one.

    Args:
        value: the new value.
        own: symbol of the old value.
        initial: the value at the start.
        timed: whether the model measures its time steps; if not, a parameter holds their length.
        default_of: expressions at the defaults of the parameters, with numbers for their symbols.
    """
    form = _without_reset(value, own)
    clamps = Clamps(own, default_of)
    core, low, high = clamps.peel(form.core)
    if clamps.throw_back(default_of(initial, {}) if initial.is_static else 0.0):
        return None
    form = replace(form, core=core, low=low, high=high)
    for steps, origin in _candidates(core, timed):
        stepped = _with_step(core, steps)
        still = substitute([stepped], {STEP: ZERO})[0]
        limits = _pushed_limits(form, still, own, default_of)
        if limits is None or STEP not in stepped.dynamic:
            continue
        moved = stepped if still is own else sub(stepped, still)
        low, high = limits
        return replace(
            form,
            core=moved,
            low=low,
            high=high,
            origin=origin,
            steps=steps - {STEP},
            pushed=(low, high) != (form.low, form.high),
        )
    return None


def _candidates(core: Expr, timed: bool) -> list[tuple[frozenset[Expr], str]]:
    """What may be the length of a step: measured time, a parameter, or one or the other."""
    named = [p for p in symbols([core], "parameter") if STEP_PARAMETER.match(p.name)]
    found: list[tuple[frozenset[Expr], str]] = []
    if timed:
        found.append((frozenset({STEP}), "stepped by $abstime"))
    if not timed:
        found += [(frozenset({p}), f"stepped by the parameter {p.name}") for p in named]
    if named and (timed or len(named) > 1):
        names = ", ".join(p.name for p in named)
        every = frozenset({*named, STEP} if timed else named)
        found.append((every, f"stepped by {'$abstime or ' if timed else ''}{names}"))
    return found


def _with_step(core: Expr, steps: frozenset[Expr]) -> Expr:
    """One symbol for the length of a step, save in conditions on parameters."""
    values = dict.fromkeys(steps, STEP)
    conditions = [n.args[0] for n in walk([core]) if n.op == "select" and n.args[0].is_static]
    return substitute([core], {**values, **{c: c for c in conditions}})[0]


# --------------------------------------------------------------------------- resets


def _without_reset(value: Expr, own: Expr) -> Step:
    """Split off the arms that set the state to one and the same number."""
    found: set[Expr] = set()
    active = _active(value, own, found)
    if active is ONE or len(found) != 1:
        return Step(value)
    (reset,) = found
    return Step(_moving(value, own), active=active, reset=reset)


def _is_branching(value: Expr, own: Expr) -> bool:
    """A choice by something else than the state, with the state in at least one arm."""
    return value.op == "select" and own not in value.args[0].dynamic and own in value.dynamic


def _active(value: Expr, own: Expr, found: set[Expr]) -> Expr:
    """The condition under which the old value matters; collects the numbers set elsewhere."""
    if own not in value.dynamic:
        found.add(value)
        return ZERO
    if not _is_branching(value, own):
        return ONE
    condition, then, otherwise = value.args
    yes, no = _active(then, own, found), _active(otherwise, own, found)
    if yes is ONE and no is ONE:
        return ONE
    return apply("or", apply("and", condition, yes), apply("and", apply("not", condition), no))


def _moving(value: Expr, own: Expr) -> Expr:
    """The value with the arms that set it to a number left where they were."""
    if own not in value.dynamic:
        return own
    if not _is_branching(value, own):
        return value
    condition, then, otherwise = value.args
    return select(condition, _moving(then, own), _moving(otherwise, own))


# --------------------------------------------------------------------------- pushes off a limit


def _pushed_limits(
    form: Step, still: Expr, own: Expr, default_of: Defaults
) -> tuple[Expr | None, Expr | None] | None:
    """The limits, moved inwards by pushes without time; None where `still` is not the old value."""
    low, high = form.low, form.high
    if still is own:
        return low, high
    push = _push(still, own)
    leaves = None if push is None else _leaves(push, at_limit=False, own=own)
    if leaves is None:
        return None
    for push, at_limit in leaves:
        size = default_of(push, {})
        if size == 0.0:
            continue
        if not at_limit or (low if size > 0.0 else high) is None or size != size:
            return None
        if size > 0.0:
            low = add(form.low or ZERO, push)
        else:
            high = add(form.high or ZERO, push)
    return low, high


def _push(still: Expr, own: Expr) -> Expr | None:
    """What is added to the old value."""
    if still is own:
        return ZERO
    if still.op == "select":
        arms = [_push(arm, own) for arm in still.args[1:]]
        if arms[0] is None or arms[1] is None:
            return None
        return select(still.args[0], arms[0], arms[1])
    if still.op == "add":
        for old, rest in (still.args, still.args[::-1]):
            push = _push(old, own)
            if push is not None:
                return add(push, rest)
    if still.op == "sub":
        push = _push(still.args[0], own)
        return None if push is None else sub(push, still.args[1])
    return None


def _leaves(push: Expr, *, at_limit: bool, own: Expr) -> list[tuple[Expr, bool]] | None:
    """The numbers a push can be, and whether the state's own value decides on each."""
    if push.is_static:
        return [(push, at_limit)]
    if push.op == "mul" and any(factor.is_static for factor in push.args):
        first, second = push.args
        fixed, moving = (first, second) if first.is_static else (second, first)
        inner = _leaves(moving, at_limit=at_limit, own=own)
        return inner and [(mul(fixed, p), at) for p, at in inner]
    if push.op == "neg":
        inner = _leaves(push.args[0], at_limit=at_limit, own=own)
        return inner and [(sub(ZERO, p), at) for p, at in inner]
    if push.op in TRUTH:
        push = Expr.make("select", None, (push, ONE, ZERO))
    if push.op != "select":
        return None
    condition, *arms = push.args
    decides = at_limit or _is_about(condition, own)
    found: list[tuple[Expr, bool]] = []
    for arm in arms:
        leaves = _leaves(arm, at_limit=decides, own=own)
        if leaves is None:
            return None
        found += leaves
    return found


def _is_about(condition: Expr, own: Expr) -> bool:
    """Whether a condition compares the state itself with a number."""
    compared = [n.args for n in walk([condition]) if n.op in COMPARISONS and own in n.args]
    return any(all(arg is own or arg.is_static for arg in args) for args in compared)


# --------------------------------------------------------------------------- clamps


class Clamps:
    """Takes the clamps off a value."""

    def __init__(self, own: Expr, default_of: Defaults) -> None:
        self.own = own
        self.default_of = default_of
        self.found: list[tuple[Expr, Expr]] = []

    def peel(self, value: Expr) -> tuple[Expr, Expr | None, Expr | None]:
        """The value inside, its lower and its upper limit."""
        if value.op in {"min", "max"}:
            for inside, limit in (value.args, value.args[::-1]):
                if self._has_own(inside) and not self._has_own(limit):
                    core, low, high = self.peel(inside)
                    return (core, low, limit) if value.op == "min" else (core, limit, high)
        if value.op != "select":
            return value, None, None
        condition, then, otherwise = value.args
        clamp = self._clamp(condition, then, otherwise)
        if clamp is not None:
            inside, limit, bound, is_low = clamp
            self.found.append((limit, bound))
            core, low, high = self.peel(inside)
            return (core, limit, high) if is_low else (core, low, limit)
        return self._both_arms(value)

    def throw_back(self, start: float) -> bool:
        """Whether a state is set to something else than the bound it crossed: an event."""
        static = [(a, b) for a, b in self.found if a.is_static and b.is_static]
        values = [(self.default_of(a, {}), self.default_of(b, {})) for a, b in static]
        size = max((abs(v) for v in (start, *(limit for limit, _ in values))), default=0.0)
        far = any(not abs(limit - bound) <= SAME_BOUND * size for limit, bound in values)
        return far or any(a is not b for a, b in self.found if (a, b) not in static)

    def _has_own(self, value: Expr) -> bool:
        return self.own in value.dynamic

    def _both_arms(self, value: Expr) -> tuple[Expr, Expr | None, Expr | None]:
        """A choice whose arms are clamped alike, or one of whose arms leaves the state alone."""
        condition, then, otherwise = value.args
        a, low_a, high_a = self.peel(then)
        b, low_b, high_b = self.peel(otherwise)
        if then is self.own:
            low_a, high_a = low_b, high_b
        if otherwise is self.own:
            low_b, high_b = low_a, high_a
        low = low_a if low_a is not None else low_b
        high = high_a if high_a is not None else high_b
        if (low_a or low) is not (low_b or low) or (high_a or high) is not (high_b or high):
            return value, None, None
        return select(condition, a, b), low, high

    def _clamp(
        self, condition: Expr, then: Expr, otherwise: Expr
    ) -> tuple[Expr, Expr, Expr, bool] | None:
        """Recognise `inside < bound ? limit : inside`; (inside, limit, bound, is lower)."""
        if condition.op not in {"lt", "le", "gt", "ge"}:
            return None
        left, right = condition.args
        tested, bound = (left, right) if self._has_own(left) else (right, left)
        below = (condition.op in {"lt", "le"}) is (tested is left)
        for inside, limit, when in ((otherwise, then, True), (then, otherwise, False)):
            if not self._has_own(inside):
                continue
            core = self.peel(inside)[0]
            if tested is not inside and tested is not core and self.peel(tested)[0] is not core:
                continue
            if not self._has_own(limit):
                return inside, limit, bound, below is when
            if limit is not self.own and self._compresses(limit, core, bound, below is when):
                return inside, bound, bound, below is when
        return None

    def _compresses(self, limit: Expr, inside: Expr, bound: Expr, is_low: bool) -> bool:
        """Whether `limit` leaves the bound where it is, and draws what is beyond towards it."""
        probe = symbol("implicit", "probe")
        function = substitute([limit], {inside: probe})[0]
        if not bound.is_static or function.dynamic != {probe}:
            return False
        edge = self.default_of(bound, {})
        size = abs(edge) or 1.0
        side = -1.0 if is_low else 1.0
        if not math.isclose(self.default_of(function, {probe: edge}), edge, abs_tol=1e-9 * size):
            return False
        for excess in EXCESSES:
            left = side * (self.default_of(function, {probe: edge + side * excess * size}) - edge)
            if not -1e-9 * size <= left < excess * size:
                return False
        return True
