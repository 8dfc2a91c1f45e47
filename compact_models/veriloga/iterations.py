"""Loops that run until their iterate stands still: the equation that they solve.

    while (abs(step) > tolerance && count < 100) begin
        step = f(x)/slope;   x = x - step;   count = count + 1;
    end

A pass through the body maps the variables it changes to new values. The iterate is what one pass
hands to the next, apart from counts and flags. Where the loop ends because the iterate stands
still, the iterate solves x = F(x), and that is what a simulator can solve itself: an unknown with
an equation of its own. It is counted from the value that the loop starts with, x = start + scale u
or, where it keeps the sign of its start, x = start exp(u): a solver's first trial, u = 0, is the
author's, and no solution of the other sign can be found.

That a loop ends in this way is not assumed. Its passes are run in numbers at many biases, as they
stand: it must end before its count does, further passes must not move the iterate, and an iterate
that is moved must come back. Where the author's iteration fails, at a few biases far from any real
one, the note says so: there the equation is solved all the same.

A bound on the length of a step, `if (abs(step) > most) ...`, helps an author's iteration and would
stop a simulator's, which needs to know where the equation is zero. It is left out of the equation
where no trial ended at it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compact_models.veriloga import tree
from compact_models.veriloga.execution import Frame, Iteration
from compact_models.veriloga.expressions import (
    ZERO,
    Expr,
    add,
    apply,
    const,
    div,
    mul,
    neg,
    select,
    sub,
    substitute,
    symbol,
    truth,
)
from compact_models.veriloga.trial_passes import Measured, Pass, measured


if TYPE_CHECKING:
    from compact_models.veriloga.execute import Executor


MOST_RUNS = 6
"""Times the body is run to find all variables that it changes."""


@dataclass(frozen=True)
class Split:
    """The changed variables: counts and flags; iterates; and what follows from them."""

    counts: list[str]
    iterates: list[str]
    values: dict[str, Expr]


def solved(
    run: Executor,
    start: Frame,
    condition: Callable[[], Expr],
    body: Callable[[], None],
    span: tree.Span,
    most_unrolled: int,
) -> bool:
    """Put the equation that a loop solves in its place.

    Args:
        run: the executor, in the loop; on success its frame is that after the loop.
        start: the frame when the loop began.
        condition: evaluates the condition for another pass.
        body: runs the body once.
        span: the loop, for messages.
        most_unrolled: loops whose count ends them within this are left to unrolling.

    Returns:
        Whether it was recognised as an iteration.
    """
    frame = run.result.frame
    loop = _symbolic_pass(run, start, condition, body)
    run.result.frame = frame
    if loop is None:
        return False
    split = _split(loop)
    if split is None or _count_ends(run, loop, split, most_unrolled):
        return False
    bounds = [c for key in split.iterates for c in step_bounds(split.values[key])]
    defaults = run.default_values()
    unset = [
        symbol("parameter", name)
        for name, declared in run.table.parameters.items()
        if not declared.integer and defaults.get(symbol("parameter", name)) == 0.0
    ]
    seen = measured(loop, split.iterates, bounds, defaults, unset)
    if seen is None:
        return False
    run.result.frame = Frame(start.variables, frame.contributions)
    _install(run, loop, split, seen, span)
    return True


def _symbolic_pass(
    run: Executor, start: Frame, condition: Callable[[], Expr], body: Callable[[], None]
) -> Pass | None:
    """Run the body on symbols, none if it does more than change variables."""
    run.loops += 1
    result = run.result
    effects: list[list[Any]] = [
        result.integrals, result.draws, result.noise, result.iterations
    ]  # fmt: skip
    sizes = [len(effect) for effect in effects]
    blocks = run.blocks
    places: dict[str, Expr] = {}
    for _ in range(MOST_RUNS):
        run.blocks = blocks
        entry = {**start.variables, **places}
        result.frame = Frame(dict(entry))
        goes_on = truth(condition())
        body()
        after = result.frame.variables
        changed = [k for k, v in after.items() if v is not entry.get(k)]
        new = [k for k in changed if k not in places]
        if [len(effect) for effect in effects] != sizes or result.frame.contributions:
            for effect, size in zip(effects, sizes, strict=True):
                del effect[size:]
            return None
        if not new:
            old = {k: start.variables.get(k) or symbol("previous", k) for k in places}
            return Pass(old, places, {k: after[k] for k in places}, goes_on, run.path())
        places |= {k: symbol("implicit", f"{k} in loop {run.loops}") for k in new}
    return None


def _is_count(value: Expr, own: Expr) -> bool:
    """Whether a variable is counted up, set to a number, or left as it was."""
    if value.op == "select":
        return all(_is_count(arm, own) for arm in value.args[1:])
    if value.op in {"add", "sub"}:
        return all(_is_count(arg, own) for arg in value.args)
    return value is own or value.is_static


def _keeps(value: Expr, own: Expr) -> bool:
    """Whether a value is one of several, which do not depend on the old one, or the old one."""
    if value.op == "select":
        condition, *arms = value.args
        return own not in condition.dynamic and all(_keeps(arm, own) for arm in arms)
    return value is own or own not in value.dynamic


def _split(loop: Pass) -> Split | None:
    """Tell counts from iterates; none if a pass depends on its number."""
    places, after = loop.places, loop.after
    counts = [k for k in places if _is_count(after[k], places[k])]
    values = {k: after[k] for k in places if k not in counts}
    for key in counts:
        if any(places[key] in value.dynamic for value in values.values()):
            return None
    for key, value in list(values.items()):
        others = [v for k, v in values.items() if k != key]
        handed_on = any(places[key] in v.dynamic for v in [*others, loop.goes_on])
        if not handed_on and places[key] in value.dynamic and _keeps(value, places[key]):
            # It is only left as it was: a path on which nothing set it is read as such.
            old = {places[key]: symbol("previous", key)}
            values[key] = substitute([value], old)[0]
    iterates = [k for k in values if any(places[k] in v.dynamic for v in values.values())]
    for key in list(iterates):
        # At the fixed point a value that does not depend on itself is what the pass makes of it.
        if places[key] not in values[key].dynamic:
            known = {places[key]: values[key]}
            values = dict(zip(values, substitute(values.values(), known), strict=True))
            iterates.remove(key)
    return Split(counts, iterates, values) if iterates else None


def _conjuncts(condition: Expr) -> list[Expr]:
    if condition.op == "and":
        return [c for arg in condition.args for c in _conjuncts(arg)]
    return [condition]


def _count_ends(run: Executor, loop: Pass, split: Split, most: int) -> bool:
    """Whether counts alone end the loop within so many passes."""
    own = {loop.places[k] for k in split.counts}
    bounds = [c for c in _conjuncts(loop.goes_on) if c.dynamic <= own]
    state = {loop.places[k]: loop.before[k] for k in split.counts}
    if not bounds or not all(value.is_static for value in state.values()):
        return False
    numbers = {place: run.default_value(value) for place, value in state.items()}
    steps = {loop.places[k]: _counted_on(loop.after[k], loop.places[k]) for k in split.counts}
    for _ in range(most + 1):
        if any(run.default_value(bound, numbers) == 0.0 for bound in bounds):
            return True
        numbers = {p: run.default_value(steps[p], numbers) for p in numbers}
    return False


def _counted_on(value: Expr, own: Expr) -> Expr:
    """A count after a pass that does not end the loop: of two arms the one that counts on."""
    if value.op == "select":
        arms = [_counted_on(arm, own) for arm in value.args[1:]]
        return next((arm for arm in arms if own in arm.dynamic), arms[0])
    if value.op in {"add", "sub"}:
        return apply(value.op, *(_counted_on(arg, own) for arg in value.args))
    return value


def step_bounds(value: Expr) -> list[Expr]:
    """The conditions `abs(...) > limit` among the choices that a new value is made of."""
    if value.op in {"add", "sub", "neg"}:
        return [c for arg in value.args for c in step_bounds(arg)]
    if value.op != "select":
        return []
    below = [c for arm in value.args[1:] for c in step_bounds(arm)]
    condition = value.args[0]
    compared = condition.op in {"gt", "ge", "lt", "le"} and "abs" in {a.op for a in condition.args}
    return [condition, *below] if compared else below


def _install(run: Executor, loop: Pass, split: Split, seen: Measured, span: tree.Span) -> None:
    """Give the iterates their equations, and the variables their values after the loop."""
    begun_at = {place: loop.before[key] for key, place in loop.places.items()}
    (begun,) = substitute([loop.goes_on], begun_at)
    active = apply("and", loop.reached, begun)
    solutions: dict[Expr, Expr] = {}
    unknowns = {}
    for key in split.iterates:
        unknowns[key] = symbol("implicit", _free_name(run, key))
        run.result.iterations.append(Iteration(unknowns[key], ZERO, run.place(span)))
        begin, counted = loop.before[key], unknowns[key]
        solutions[loop.places[key]] = (
            mul(begin, apply("exp", counted))
            if seen.relative[key]
            else add(begin, mul(const(seen.scales[key]), counted))
        )
    for key in split.iterates:
        begin = loop.before[key]
        scale = begin if seen.relative[key] else const(seen.scales[key])
        (free,) = substitute([split.values[key]], {c: const(x) for c, x in seen.bounds.items()})
        rest = _rest(free, loop.places[key], solutions, begun_at, scale)
        _replace(run, unknowns[key], select(active, rest, unknowns[key]))
    for key in loop.places:
        if key in split.counts:
            end = seen.ends.get(key)
            value = symbol("previous", key) if end is None else const(end)
        else:
            (value,) = substitute([split.values[key]], solutions)
            if key in split.iterates:
                value = solutions[loop.places[key]]
        run.frame.variables[key] = select(begun, value, loop.before[key])
    names = ", ".join(f"`{key.rsplit('.', 1)[-1]}`" for key in split.iterates)
    failed = f"; at {seen.failed} more its count ended it" if seen.failed else ""
    run.notes.add(
        f"the loop ends when {names} stands still: solved as an equation (in numbers, at "
        f"{seen.points} biases: at most {seen.passes} passes, which end within "
        f"{max(seen.distance, 1e-16):.0e} of it{failed})",
        run.place(span),
    )


def _rest(
    value: Expr,
    place: Expr,
    solutions: dict[Expr, Expr],
    begun: dict[Expr, Expr],
    scale: Expr,
) -> Expr:
    """What has to be zero: the old value minus the new one, in units of the scale.

    A step f/slope is zero where f is, and f leads there from farther away: far off, the quotient
    of a steep f hardly changes. It is divided by the slope at the start.
    """
    step: Expr | None = None
    if value.op == "sub" and value.args[0] is place:
        step = value.args[1]
    elif value.op == "add" and place in value.args:
        step = neg(value.args[1] if value.args[0] is place else value.args[0])
    if step is None:
        return div(substitute([sub(place, value)], solutions)[0], scale)
    sign, quotient = (-1.0, step.args[0]) if step.op == "neg" else (1.0, step)
    if quotient.op != "div":
        return div(substitute([step], solutions)[0], scale)
    (numerator,) = substitute([quotient.args[0]], solutions)
    (slope,) = substitute([quotient.args[1]], begun)
    return mul(const(sign), div(div(numerator, slope), scale))


def _replace(run: Executor, unknown: Expr, residual: Expr) -> None:
    iterations = run.result.iterations
    index = next(i for i, item in enumerate(iterations) if item.symbol is unknown)
    iterations[index] = Iteration(unknown, residual, iterations[index].place)


def _free_name(run: Executor, key: str) -> str:
    """A name for the unknown of an iterate that nothing else has."""
    base = f"{key.rsplit('.', 1)[-1]}_solved"
    taken = {item.symbol.name for item in run.result.iterations} | set(run.table.variables)
    taken |= set(run.table.parameters) | set(run.table.nets)
    number = 1
    while (name := base if number == 1 else f"{base}_{number}") in taken:
        number += 1
    return name
