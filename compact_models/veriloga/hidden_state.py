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

import math
from collections.abc import Callable
from typing import NoReturn

from compact_models.veriloga.coverage import depends_only_on_comparisons, is_uniform
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
    apply,
    const,
    ddt,
    mul,
    sub,
    substitute,
    symbol,
    symbols,
    walk,
)
from compact_models.veriloga.operations import INTEGERS, TRUTH
from compact_models.veriloga.resolution import IN_TIME, TIME_PASSES, Loop, Recognised, Resolution
from compact_models.veriloga.settled import draw_that_is_kept, settles
from compact_models.veriloga.step_forms import Step, recognised_step


COUNTED = 64
"""Evaluations after which a counter is taken to grow for ever."""


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
        exprs = substitute([finals[k] for k in keys], IN_TIME if self.has_time else {})
        self.running = dict(zip(keys, substitute(exprs, {INITIAL: ZERO}), strict=True))
        self.starting = dict(zip(keys, substitute(exprs, {INITIAL: ONE}), strict=True))

    def place(self, key: str) -> Place:
        """Where the variable is first read."""
        span = self.execution.read_first.get(key) or self.table.variables[key].span
        return self.table.source.place(span.start, span.end - span.start)

    def run(self, roots: list[Expr]) -> Resolution:
        """Resolve everything that the roots read before it is written."""
        pending = self._reachable(roots)
        stamps = [k for k in pending if self._is_stamp(k)]
        for key in pending:
            if key not in self.running:
                self._set(key, self.execution.initials.get(key, ZERO))
            elif key in stamps:
                self._set(key, sub(TIME, STEP))
            elif self.running[key] is symbol("previous", key):
                self._set(key, self._initial(key))
        self.stepping = bool(stamps)
        self._counters([k for k in pending if not self._known(k)], roots)
        for component in self._components([k for k in pending if not self._known(k)]):
            self._resolve(component)
        return self.result

    def _is_stamp(self, key: str) -> bool:
        """Whether a variable holds the time of the previous evaluation, if it is set at all."""
        value = self.running.get(key)
        while value is not None and value.op == "select" and value.args[0].is_static:
            arms = [arm for arm in value.args[1:] if arm is not symbol("previous", key)]
            if len(arms) != 1:
                return False
            value = arms[0]
        return value is TIME

    def _copies(self, component: list[str], running: dict[str, Expr]) -> list[str]:
        """The component without variables that are equal to another one of it at the end."""
        originals: list[str] = []
        for key in component:
            own = symbol("previous", key)
            for other in originals:
                kept = {own: symbol("previous", other)}
                mine, its = substitute([running[key], running[other]], kept)
                if mine is its:
                    self._set(key, kept[own])
                    break
            else:
                originals.append(key)
        return originals

    def _counters(self, keys: list[str], roots: list[Expr]) -> None:
        """Variables that count evaluations, and are only compared: after the first, many passed."""
        used = [*roots, *self.running.values()]
        for key in keys:
            own, value = symbol("previous", key), self.running[key]
            if value.dynamic != {own}:
                continue
            rest = [u for u in used if u is not value]
            end = self._counted(value, own)
            if end is None or not depends_only_on_comparisons(rest, own):
                continue
            self._set(key, const(end))
            self.notes.add(
                f"`{key}` counts evaluations: it tells the first one from the others",
                self.place(key),
            )

    def _counted(self, value: Expr, own: Expr) -> float | None:
        """Where a count ends: at a fixed number, or beyond all numbers."""
        count = self.default_of(self.execution.initials.get(own.name, ZERO), {})
        for _ in range(COUNTED):
            after = self.default_of(value, {own: count})
            if after == count:
                return count
            if after != after or after < count:
                return None
            count = after
        return math.inf

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
        value = self._first(key)
        no_step = dict.fromkeys(self.result.steps, ZERO)
        return substitute([value], {TIME: ZERO, STEP: ZERO, **no_step})[0]

    def _first(self, key: str) -> Expr:
        """The value after the first evaluation; before it, variables are zero or initialised."""
        return self._at_first(self.starting.get(key, symbol("previous", key)))

    def _at_first(self, value: Expr) -> Expr:
        seen: set[str] = set()
        while unresolved := [s for s in symbols([value], "previous") if s.name not in seen]:
            seen.update(s.name for s in unresolved)
            values = {s: self.execution.initials.get(s.name, ZERO) for s in unresolved}
            value = substitute([value], values)[0]
        return value

    def _start(self, key: str) -> Expr:
        """What a state starts from: what stands in its place in the first evaluation.

        That is a choice between a number and the old value, by a flag or by @(initial_step).
        """
        same = {s: v for s, v in self.result.values.items() if v.op == "previous"}
        finals = self.execution.frame.variables
        (value,) = substitute(substitute([finals[key]], IN_TIME), same)
        own = symbol("previous", key)
        choices = [n for n in walk([value]) if n.op == "select" and own in n.args[1:]]
        for choice in choices:
            start = self._at_first(substitute([choice], {INITIAL: ONE})[0])
            if start.is_static:
                return start
        return self._initial(key)

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
        component = self._copies(component, running)
        running = {k: self._with_known([running[k]])[0] for k in component}
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
        """A variable whose old value is never used, or only where a parameter says so."""
        own = symbol("previous", key)
        if own not in value.dynamic:
            return value
        if _only_kept_statically(value, own):
            return substitute([value], {own: self._initial(key)})[0]
        settled = self._settled(key, value)
        if settled is not None:
            return settled
        set_otherwise = _without_static_ends(value, own, self._initial(key))
        if own not in set_otherwise.dynamic:
            return set_otherwise
        if not is_uniform(value, own, lambda expr: self.default_of(expr, {})):
            return value
        return substitute([value], {own: self._initial(key)})[0]

    def _settled(self, key: str, value: Expr) -> Expr | None:
        """The value of a variable that does not move any more after the first evaluation."""
        own = symbol("previous", key)
        if drawn := draw_that_is_kept(value, own, self.execution.draws):
            self.notes.add(
                f"`{key}` keeps a random number while nothing sets it: the number of the instance",
                self.place(key),
            )
            return substitute([value], {own: drawn})[0]
        start = self._initial(key)
        if not start.is_static or not settles(value, own, lambda e, v: self.default_of(e, v)):
            return None
        self.notes.add(
            f"`{key}` is set at the start and corrected once, by parameters alone", self.place(key)
        )
        return substitute([value], {own: start})[0]

    def _with_known(self, roots: list[Expr]) -> list[Expr]:
        values = self.result.values
        while any(s in values for s in symbols(roots, "previous")):
            roots = substitute(roots, values)
        return substitute(roots, TIME_PASSES)

    def _lagged(self, key: str, value: Expr) -> Expr:
        """The value of the line below; one step back, where the model counts time itself.

        Where the value was at hand already, the old one is meant: to see an edge, or a direction.
        """
        meant = self._is_meant_old(key)
        if meant and (not self.stepping or _is_discrete(self.running[key])):
            self._refuse(key)
        self.notes.add(
            f"`{key}` is used above the line that computes it: solved together", self.place(key)
        )
        if self.stepping and not value.is_static and STEP not in value.dynamic:
            return sub(value, mul(STEP, ddt(value)))
        return value

    def _is_meant_old(self, key: str) -> bool:
        """Whether the old value is read although the new one could have been."""
        value = self.running[key]
        if value.is_static:
            return False
        known = self.execution.known_at_read.get(key, frozenset())
        return value in known or all(n.op in {"node", "sub", "neg"} for n in walk([value]))

    # ------------------------------------------------------------------ states

    def _states(self, component: list[str], running: dict[str, Expr]) -> list[str]:
        """Find the members that are stepped in time, and put states in their place."""
        timed = any(STEP in running[k].dynamic for k in component)
        found: dict[str, Step] = {}
        for key in component:
            own = symbol("previous", key)
            start = self._start(key)
            step = recognised_step(
                running[key], own, start, timed=timed, default_of=self.default_of
            )
            if step is not None:
                found[key] = step
        for key, step in found.items():
            self.result.steps |= step.steps
            used = step.used(symbol("state", key))
            self._set(key, used)
            self.result.stepped[self.execution.frame.variables[key]] = used
        for key, step in found.items():
            self._declare_state(key, step)
        return list(found)

    def _declare_state(self, key: str, step: Step) -> None:
        rate = derivatives([step.core], STEP)[0]
        rate = substitute([rate], {STEP: ZERO})[0]
        place = self.place(key)
        self.result.states.append(
            Recognised(symbol("state", key), rate, self._start(key), step, place)
        )
        limits = " with limits" if step.low is not None or step.high is not None else ""
        resets = "" if step.active is ONE else ", drawn to a fixed value under a condition"
        resets += ", pushed off its limits" if step.pushed else ""
        self.notes.add(
            f"`{key}` is a hidden state, {step.origin}{limits}{resets}: "
            "read as a differential equation",
            place,
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
        if STEP in value.dynamic and _keeps(substitute([value], {STEP: ZERO})[0], own):
            self._refuse_step(key)
        set_at_start = self.starting.get(key) is not self.running.get(key) and not self.stepping
        if set_at_start or key in self.execution.initials or _keeps(value, own):
            self._refuse(key)

    def _refuse_step(self, key: str) -> NoReturn:
        refuse(
            "unrecognised-step",
            f"`{key}` is stepped in time in a form that is no differential equation",
            self.place(key),
            why="without a time step the new value has to be the old one, save for limits, and "
            "resets that do not depend on it",
            instead=f"write its rate of change: `{key} = idt(rate, initial)`",
        )

    def _refuse(self, key: str) -> NoReturn:
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
    """Whether some path through the conditions leaves the variable as it was, or adds to it."""
    if value.op == "select":
        return any(_keeps(arm, own) for arm in value.args[1:])
    if value.op in {"min", "max", "add", "sub"}:
        return any(_keeps(arg, own) for arg in value.args)
    return value is own


def _is_discrete(value: Expr) -> bool:
    """Whether a value jumps between numbers."""
    if value.op == "select":
        return all(_is_discrete(arm) for arm in value.args[1:])
    return value.is_static or value.op in TRUTH | INTEGERS


def _without_static_ends(value: Expr, own: Expr, initial: Expr) -> Expr:
    """The value with its start in the arms of conditions on parameters that leave it as it was."""
    done: dict[Expr, Expr] = {}
    for node in walk([value]):
        args = tuple(done[arg] for arg in node.args)
        if own in node.args and node.op == "select" and node.args[0].is_static:
            args = tuple(initial if arg is own else arg for arg in args)
        done[node] = node if args == node.args else apply(node.op, *args)
    return done[value]


def _only_kept_statically(value: Expr, own: Expr) -> bool:
    """Whether `own` appears only as an arm of conditions on parameters."""
    if value.op == "select" and value.args[0].is_static:
        return all(_only_kept_statically(arm, own) for arm in value.args[1:])
    return value is own or own not in value.dynamic
