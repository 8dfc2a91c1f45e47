"""What variables that are read before they are written turned out to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from compact_models.veriloga.diagnostics import Place
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
    mul,
    select,
    sub,
    substitute,
    symbol,
    symbols,
)
from compact_models.veriloga.step_forms import Step


RESTORING_STRENGTH = 1e12
"""1/s: a state beyond its limit returns within picoseconds, far faster than any write pulse."""

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
IN_TIME = {**START_OF_TIME, symbol("analysis", "tran"): ONE}
"""Variables that keep time live in transients; a DC analysis finds them at their start."""


@dataclass(frozen=True)
class Recognised:
    """A hidden state: dx/dt = rate, between limits."""

    symbol: Expr
    rate: Expr
    initial: Expr
    step: Step
    place: Place

    @property
    def low(self) -> Expr | None:
        """The lower limit."""
        return self.step.low

    @property
    def high(self) -> Expr | None:
        """The upper limit."""
        return self.step.high


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
    stepped: dict[Expr, Expr] = field(default_factory=dict)

    def finish(self, roots: list[Expr]) -> list[Expr]:
        """Expressions of the analog block as expressions of the unknowns, in the limit of no step.

        A parameter that holds the time step goes to zero with it: what is left of x + dt·f is x.
        """
        # After a step of no length a state is what it was, limits included.
        roots = substitute(roots, self.stepped)
        roots = substitute(roots, START_OF_TIME) if self.states else roots
        roots = substitute(roots, {INITIAL: ZERO})
        while any(s in self.values for s in symbols(roots, "previous")):
            roots = substitute(roots, self.values)
        roots = substitute(roots, TIME_PASSES)
        return substitute(roots, {STEP: ZERO, **dict.fromkeys(self.steps, ZERO)})


def restoring_rate(state: Recognised, strength: Expr) -> Expr:
    """The rate with a pull back to the limits, in place of a hard stop or a reset.

    A rate that is set to zero beyond a limit leaves the state wherever the last time step took it.
    Where the state is used it is clamped, and beyond the limit it is drawn back.
    """
    used = state.step.used(state.symbol)
    rate = select(state.step.active, state.rate, ZERO)
    return add(rate, mul(strength, sub(used, state.symbol)))
