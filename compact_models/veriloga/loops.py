"""Loops: unrolled into straight-line equations.

The count of a loop is a number, or follows from parameters, which are then fixed. A loop that a
signal may end early, such as

    while (count < 8 && error > limit)

is taken as well if its count is small: each pass becomes an arm of the condition that leads to it.
On that arm the count is a number, so the bound on it ends the loop. A loop with a larger bound, or
none, is taken if it ends because its iterate stands still: see iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from compact_models.veriloga import tree
from compact_models.veriloga.diagnostics import refuse
from compact_models.veriloga.expressions import Expr, is_const, symbols, truth
from compact_models.veriloga.iterations import solved


if TYPE_CHECKING:
    from compact_models.veriloga.execute import Executor


MAX_ITERATIONS = 10_000
MAX_SIGNAL_PASSES = 32
"""Passes of a loop that a signal may end: each of them stays in the equations."""


def run_for(run: Executor, node: tree.For) -> None:
    """Run for (start; condition; step) body."""

    def body() -> None:
        run.statement(node.body)
        run.assignment(node.step)

    run.assignment(node.start)
    _loop(run, lambda: run.value(node.condition).expr, body, node.span)


def run_while(run: Executor, node: tree.While) -> None:
    """Run while (condition) body."""
    _loop(run, lambda: run.value(node.condition).expr, lambda: run.statement(node.body), node.span)


def run_repeat(run: Executor, node: tree.Repeat) -> None:
    """Run repeat (count) body."""
    count = int(_decide(run, run.value(node.count).expr, node.span))
    if count > MAX_ITERATIONS:
        _too_many(run, node.span)
    for _ in range(count):
        run.statement(node.body)


def _loop(
    run: Executor, condition: Callable[[], Expr], body: Callable[[], None], span: tree.Span
) -> None:
    start = run.frame.fork()
    signals = 0

    def passes() -> None:
        nonlocal signals
        for _ in range(MAX_ITERATIONS):
            goes_on = truth(condition())
            if not is_const(goes_on) and not goes_on.is_static:
                signals += 1
                if signals == 1 and solved(run, start, condition, body, span, MAX_SIGNAL_PASSES):
                    return
                if signals > MAX_SIGNAL_PASSES:
                    _signal_ends(run, span)
                run.choose(goes_on, another, lambda: None)
                return
            if _decide(run, goes_on, span) == 0.0:
                return
            before = dict(run.frame.variables)
            body()
            if run.frame.variables == before:
                _never_ends(run, span)
        _too_many(run, span)

    def another() -> None:
        body()
        passes()

    passes()


def _decide(run: Executor, condition: Expr, span: tree.Span) -> float:
    """The value of a loop's condition, which has to be known while compiling."""
    if is_const(condition):
        return condition.number
    if not condition.is_static:
        _signal_ends(run, span)
    names = [s.name for s in symbols([condition], "parameter")]
    run.result.structural.update(names)
    run.notes.add(
        f"the count of this loop is fixed by the default of {', '.join(names)}", run.place(span)
    )
    return run.default_value(condition)


def _never_ends(run: Executor, span: tree.Span) -> NoReturn:
    refuse(
        "unbounded-loop",
        "the loop never ends: a pass leaves every variable as it was",
        run.place(span),
        why="the condition stays true",
        instead="change in the body what the condition asks for",
    )


def _too_many(run: Executor, span: tree.Span) -> NoReturn:
    refuse(
        "unbounded-loop",
        f"the loop runs more than {MAX_ITERATIONS} times",
        run.place(span),
        why="loops are unrolled into straight-line equations",
        instead="give the loop a small fixed count, or write the sum in closed form",
    )


def _signal_ends(run: Executor, span: tree.Span) -> NoReturn:
    refuse(
        "unbounded-loop",
        "the number of iterations depends on a signal",
        run.place(span),
        why="loops are unrolled into straight-line equations, and no count ends this one within "
        f"{MAX_SIGNAL_PASSES} passes; nor does it end, at all biases tried, because its variables "
        "stand still",
        instead="use a fixed count, or a small bound: `while (k < 8 && error > limit)`",
    )
