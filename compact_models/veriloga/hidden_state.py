"""Variables that are read before they are written: state, lagged algebra, or an error.

A variable that keeps its value from one evaluation to the next is how many memory models store
their state. Three things look alike in the source, and are told apart here, never silently:

* *Hidden state.* The variable is stepped by hand, with a time step `$abstime - t_previous` or a
  parameter such as `dt`. Written as x_new = F(x, h), with F(x, 0) = x, the model means the
  differential equation dx/dt = ∂F/∂h at h = 0. That covers forward Euler, x + h f, and backward
  Euler, (x + h a)/(1 + h b). Clamps around F become limits of the state.
* *Lagged algebra.* No time is involved: the value of the previous iteration is used because the
  line that computes it comes later. The simultaneous solution is meant, so the expression is put
  in; if the variable depends on itself, it becomes an unknown with an equation.
* *Memory without time*, such as a hysteresis flag. Its value depends on how often a simulator
  evaluates the model, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from compact_models.veriloga.declare import Declarations
from compact_models.veriloga.derivative import derivatives
from compact_models.veriloga.diagnostics import Notes, Place, refuse
from compact_models.veriloga.execution import Execution
from compact_models.veriloga.expressions import (
    INITIAL,
    ONE,
    STEP,
    TIME,
    ZERO,
    Expr,
    add,
    apply,
    compare,
    ddt,
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
    r"(?i)^(d_?t|delta_?t|del_?t|time_?step|t_?step|step_?size|step|tstep|dtime|h|sim_?step|ts)$"
)
TIME_PASSES = {
    compare("gt", STEP, ZERO): ONE,
    compare("ge", STEP, ZERO): ONE,
    compare("ne", STEP, ZERO): ONE,
    compare("lt", ZERO, STEP): ONE,
    compare("le", STEP, ZERO): ZERO,
    compare("eq", STEP, ZERO): ZERO,
    compare("lt", STEP, ZERO): ZERO,
    compare("gt", TIME, sub(TIME, STEP)): ONE,
    compare("ge", TIME, sub(TIME, STEP)): ONE,
    compare("ne", TIME, sub(TIME, STEP)): ONE,
    compare("lt", sub(TIME, STEP), TIME): ONE,
    compare("eq", TIME, sub(TIME, STEP)): ZERO,
    compare("le", TIME, sub(TIME, STEP)): ZERO,
}
START_OF_TIME = {
    compare("eq", TIME, ZERO): INITIAL,
    compare("le", TIME, ZERO): INITIAL,
    compare("gt", TIME, ZERO): apply("not", INITIAL),
    compare("ne", TIME, ZERO): apply("not", INITIAL),
}


@dataclass(frozen=True)
class Recognised:
    """A hidden state: dx/dt = rate, between limits."""

    symbol: Expr
    rate: Expr
    initial: Expr
    low: Expr | None
    high: Expr | None
    origin: str
    place: Place


@dataclass(frozen=True)
class Loop:
    """A variable that is defined by an equation with itself: 0 = residual."""

    symbol: Expr
    residual: Expr
    place: Place


@dataclass
class Resolution:
    """What the variables read before written turned out to be."""

    values: dict[Expr, Expr] = field(default_factory=dict)
    states: list[Recognised] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    steps: set[Expr] = field(default_factory=set)

    def finish(self, roots: list[Expr]) -> list[Expr]:
        """Expressions of the analog block as expressions of the unknowns, in the limit of no step.

        A parameter that holds the time step goes to zero with it: what is left of x + dt·f is x.
        """
        roots = substitute(roots, START_OF_TIME) if self.states else roots
        roots = substitute(roots, {INITIAL: ZERO})
        while any(s in self.values for s in symbols(roots, "previous")):
            roots = substitute(roots, self.values)
        roots = substitute(roots, TIME_PASSES)
        return substitute(roots, {STEP: ZERO, **dict.fromkeys(self.steps, ZERO)})


class Resolver:
    """Classifies the variables of one execution."""

    def __init__(
        self,
        table: Declarations,
        execution: Execution,
        notes: Notes,
        default_of: Callable[[Expr, dict[Expr, float]], float],
    ) -> None:
        self.table = table
        self.default_of = default_of
        self.notes = notes
        self.execution = execution
        self.result = Resolution()
        finals = execution.frame.variables
        self.has_time = any(TIME in value.dynamic for value in finals.values())
        keys = list(finals)
        exprs = substitute([finals[k] for k in keys], START_OF_TIME if self.has_time else {})
        self.running = dict(zip(keys, substitute(exprs, {INITIAL: ZERO}), strict=True))
        self.starting = dict(zip(keys, substitute(exprs, {INITIAL: ONE}), strict=True))

    def place(self, key: str) -> Place:
        """Where the variable is first read."""
        span = self.execution.read_first.get(key) or self.table.variables[key].span
        return self.table.source.place(span.start, span.end - span.start)

    def run(self, roots: list[Expr]) -> Resolution:
        """Resolve everything that the roots read before it is written."""
        pending = self._reachable(roots)
        stamps = [k for k in pending if self.running.get(k) is TIME]
        for key in pending:
            if key not in self.running:
                self._set(key, self.execution.initials.get(key, ZERO))
            elif key in stamps:
                self._set(key, sub(TIME, STEP))
            elif self.running[key] is symbol("previous", key):
                self._set(key, self._initial(key))
        self.stepping = bool(stamps)
        for component in self._components([k for k in pending if not self._known(k)]):
            self._resolve(component)
        return self.result

    def _set(self, key: str, value: Expr) -> None:
        self.result.values[symbol("previous", key)] = value

    def _known(self, key: str) -> bool:
        return symbol("previous", key) in self.result.values

    def _reachable(self, roots: list[Expr]) -> list[str]:
        """Variables read before written, through each other."""
        found: list[str] = []
        queue = [s.name for s in symbols(roots, "previous")]
        while queue:
            key = queue.pop(0)
            if key in found:
                continue
            found.append(key)
            if key in self.running:
                queue += [s.name for s in symbols([self.running[key]], "previous")]
        return found

    def _initial(self, key: str) -> Expr:
        """The value before the first time step."""
        value = self.starting.get(key, symbol("previous", key))
        no_step = dict.fromkeys(self.result.steps, ZERO)
        value = substitute([value], {TIME: ZERO, STEP: ZERO, **no_step})[0]
        seen: set[str] = set()
        while unresolved := [s for s in symbols([value], "previous") if s.name not in seen]:
            seen.update(s.name for s in unresolved)
            values = {s: self.execution.initials.get(s.name, ZERO) for s in unresolved}
            value = substitute([value], values)[0]
        return value

    def _components(self, keys: list[str]) -> list[list[str]]:
        """Strongly connected groups, those that others depend on first (Tarjan)."""
        index: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        groups: list[list[str]] = []
        edges = {
            k: [s.name for s in symbols([self.running[k]], "previous") if s.name in keys]
            for k in keys
        }

        def visit(key: str) -> None:
            index[key] = low[key] = len(index)
            stack.append(key)
            for other in edges[key]:
                if other not in index:
                    visit(other)
                    low[key] = min(low[key], low[other])
                elif other in stack:
                    low[key] = min(low[key], index[other])
            if low[key] == index[key]:
                cut = stack.index(key)
                groups.append(stack[cut:])
                del stack[cut:]

        for key in keys:
            if key not in index:
                visit(key)
        return groups

    def _resolve(self, component: list[str]) -> None:
        running = {k: self._with_known([self.running[k]])[0] for k in component}
        for key in component:
            running[key] = self._never_set(key, running[key])
        cyclic = any(s.name in component for s in symbols(running.values(), "previous"))
        if not cyclic:
            key = component[0]
            self._set(key, self._lagged(key, running[key]))
            return
        states = self._states(component, running)
        rest = [k for k in component if k not in states]
        for group in self._regroup(rest, running):
            self._resolve_algebra(group, running)

    def _never_set(self, key: str, value: Expr) -> Expr:
        """A variable that is only set where a static condition holds is its start elsewhere."""
        own = symbol("previous", key)
        if _only_kept_statically(value, own):
            return substitute([value], {own: self._initial(key)})[0]
        if own not in value.dynamic or not self._covered(value, own):
            return value
        self.notes.add(
            f"`{key}` is set in every case, at the defaults of the parameters", self.place(key)
        )
        return substitute([value], {own: ZERO})[0]

    def _covered(self, value: Expr, own: Expr) -> bool:
        """Whether conditions on one quantity leave no value of it for which nothing is set.

        Comparisons of one quantity with thresholds cut its range into pieces; the condition under
        which the old value would be kept is tested at the thresholds, between and beyond them.
        """
        kept = _kept_when(value, own)
        comparisons = [n for n in walk([kept]) if n.op in COMPARISONS]
        quantities = {a for n in comparisons for a in n.args if not a.is_static}
        if len(quantities) != 1 or own in kept.dynamic or _has_other_leaves(kept, quantities):
            return False
        (quantity,) = quantities
        limits = sorted(
            {self.default_of(a, {}) for n in comparisons for a in n.args if a.is_static}
        )
        inside = [(a + b) / 2 for a, b in pairwise(limits)]
        samples = [limits[0] - 1.0, *limits, *inside, limits[-1] + 1.0]
        probe = symbol("implicit", "probe")
        tested = substitute([kept], {quantity: probe})[0]
        return not any(self.default_of(tested, {probe: x}) for x in samples)

    def _with_known(self, roots: list[Expr]) -> list[Expr]:
        values = self.result.values
        while any(s in values for s in symbols(roots, "previous")):
            roots = substitute(roots, values)
        return substitute(roots, TIME_PASSES)

    def _lagged(self, key: str, value: Expr) -> Expr:
        """The value of the line below; one step back, where the model counts time itself."""
        self.notes.add(
            f"`{key}` is used above the line that computes it: solved together", self.place(key)
        )
        if self.stepping and not value.is_static and STEP not in value.dynamic:
            return sub(value, mul(STEP, ddt(value)))
        return value

    # ------------------------------------------------------------------ states

    def _states(self, component: list[str], running: dict[str, Expr]) -> list[str]:
        """Find the members that are stepped in time, and put states in their place."""
        timed = any(STEP in running[k].dynamic for k in component)
        found: dict[str, tuple[Expr, Expr | None, Expr | None, str]] = {}
        for key in component:
            core, low, high = _peel(running[key], symbol("previous", key))
            for step, origin in self._steps(core, timed):
                if substitute([core], {step: ZERO})[0] is symbol("previous", key):
                    if step in core.dynamic or step.op == "parameter":
                        if step is not STEP:
                            self.result.steps.add(step)
                        stepped = substitute([core], {step: STEP})[0]
                        found[key] = (stepped, low, high, origin)
                    break
        moving = {k: v for k, v in found.items() if STEP in v[0].dynamic}
        for key, (_, low, high, _) in moving.items():
            self._set(key, _clamped(symbol("state", key), low, high))
        for key, (core, low, high, origin) in moving.items():
            self._declare_state(key, core, low, high, origin, running)
        return list(moving)

    def _steps(self, core: Expr, timed: bool) -> list[tuple[Expr, str]]:
        if timed:
            return [(STEP, "stepped by $abstime")]
        return [
            (p, f"stepped by the parameter {p.name}")
            for p in symbols([core], "parameter")
            if STEP_PARAMETER.match(p.name)
        ]

    def _declare_state(
        self,
        key: str,
        core: Expr,
        low: Expr | None,
        high: Expr | None,
        origin: str,
        running: dict[str, Expr],
    ) -> None:
        rate = derivatives([core], STEP)[0]
        rate = substitute([rate], {STEP: ZERO})[0]
        place = self.place(key)
        self.result.states.append(
            Recognised(symbol("state", key), rate, self._initial(key), low, high, origin, place)
        )
        limits = " with limits" if low is not None or high is not None else ""
        self.notes.add(
            f"`{key}` is a hidden state, {origin}{limits}: read as a differential equation", place
        )

    # ------------------------------------------------------------------ algebra

    def _regroup(self, rest: list[str], running: dict[str, Expr]) -> list[list[str]]:
        saved = self.running
        self.running = {k: self._with_known([running[k]])[0] for k in rest}
        groups = self._components(rest)
        self.running = saved
        return groups

    def _resolve_algebra(self, group: list[str], running: dict[str, Expr]) -> None:
        values = {k: self._with_known([running[k]])[0] for k in group}
        for key in group:
            own = symbol("previous", key)
            if own not in values[key].dynamic and len(group) == 1:
                self._set(key, values[key])
                return
            self._refuse_memory(key, values[key])
        for key in group:
            self._set(key, symbol("implicit", key))
            self.result.loops.append(
                Loop(
                    symbol("implicit", key),
                    sub(symbol("implicit", key), values[key]),
                    self.place(key),
                )
            )
            self.notes.add(
                f"`{key}` depends on itself within one instant: solved as an equation",
                self.place(key),
            )

    def _refuse_memory(self, key: str, value: Expr) -> None:
        own = symbol("previous", key)
        set_at_start = self.starting.get(key) is not self.running.get(key)
        if not (set_at_start or key in self.execution.initials or _keeps(value, own)):
            return
        refuse(
            "memory-without-time",
            f"`{key}` keeps its value from one evaluation to the next, and no time is involved",
            self.place(key),
            why="how often a simulator evaluates a model is its own affair: the result would be "
            "arbitrary",
            instead=f"write its rate of change: `{key} = idt(rate, initial)`, or step it by "
            "`$abstime - t_previous`",
        )


def _keeps(value: Expr, own: Expr) -> bool:
    """Whether some path through the conditions leaves the variable as it was."""
    if value.op == "select":
        return _keeps(value.args[1], own) or _keeps(value.args[2], own)
    return value is own


def _kept_when(value: Expr, own: Expr) -> Expr:
    """The condition under which a choice ends in the variable's old value."""
    if value is own:
        return ONE
    if value.op != "select" or own not in value.dynamic:
        return ZERO
    condition, then, otherwise = value.args
    yes = apply("and", condition, _kept_when(then, own))
    no = apply("and", apply("not", condition), _kept_when(otherwise, own))
    return apply("or", yes, no)


def _has_other_leaves(condition: Expr, quantities: set[Expr]) -> bool:
    """Whether a condition depends on a signal by more than comparisons of the quantities."""
    if condition in quantities or condition.is_static:
        return False
    if condition.op in TRUTH:
        return any(_has_other_leaves(arg, quantities) for arg in condition.args)
    return True


def _only_kept_statically(value: Expr, own: Expr) -> bool:
    """Whether `own` appears only as an arm of conditions on parameters."""
    if value.op == "select" and value.args[0].is_static:
        return all(_only_kept_statically(arm, own) for arm in value.args[1:])
    return value is own or own not in value.dynamic


def _peel(value: Expr, own: Expr) -> tuple[Expr, Expr | None, Expr | None]:
    """Take the clamps off: the value inside, its lower and its upper limit."""
    if value.op in {"min", "max"}:
        for inside, limit in (value.args, value.args[::-1]):
            if own in inside.dynamic and own not in limit.dynamic:
                core, low, high = _peel(inside, own)
                return (core, low, limit) if value.op == "min" else (core, limit, high)
    if value.op != "select":
        return value, None, None
    condition, then, otherwise = value.args
    clamp = _clamp(condition, then, otherwise, own)
    if clamp is not None:
        inside, limit, is_low = clamp
        core, low, high = _peel(inside, own)
        return (core, limit, high) if is_low else (core, low, limit)
    a, low_a, high_a = _peel(then, own)
    b, low_b, high_b = _peel(otherwise, own)
    low, high = low_a if low_a is not None else low_b, high_a if high_a is not None else high_b
    if (low_a or low) is not (low_b or low) or (high_a or high) is not (high_b or high):
        return value, None, None
    return select(condition, a, b), low, high


def _clamp(
    condition: Expr, then: Expr, otherwise: Expr, own: Expr
) -> tuple[Expr, Expr, bool] | None:
    """Recognise `inside < bound ? limit : inside` in its forms; (inside, limit, is lower)."""
    if condition.op not in {"lt", "le", "gt", "ge"}:
        return None
    left, right = condition.args
    flipped = own not in left.dynamic
    tested = right if flipped else left
    below = (condition.op in {"lt", "le"}) is not flipped
    for inside, limit, when in ((otherwise, then, True), (then, otherwise, False)):
        if own in limit.dynamic or own not in inside.dynamic:
            continue
        core = _peel(inside, own)[0]
        if tested is inside or tested is core or _peel(tested, own)[0] is core:
            return inside, limit, below is when
    return None


def _clamped(value: Expr, low: Expr | None, high: Expr | None) -> Expr:
    if low is not None:
        value = apply("max", value, low)
    if high is not None:
        value = apply("min", value, high)
    return value


def restoring_rate(state: Recognised, strength: Expr) -> Expr:
    """The rate with a pull back to the limits, in place of a hard stop.

    A rate that is set to zero beyond a limit leaves the state wherever the last time step took it.
    Where the state is used it is clamped, and beyond the limit it is drawn back.
    """
    clamped = _clamped(state.symbol, state.low, state.high)
    return add(state.rate, mul(strength, sub(clamped, state.symbol)))
