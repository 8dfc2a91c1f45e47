"""State written as the potential of an internal node: currents change it, a capacitor keeps it.

    I(w) <+ -rate;   I(w) <+ ddt(V(w));

Kirchhoff's law at such a node is a differential equation, and at rest any potential satisfies it:
nothing says where it starts, and a DC analysis is singular. A node is taken for a state when

* all branches that meet there lead to one other node (ground, or a port), so that no current flows
  through them: what the capacitor takes is what the other branches give;
* their charge is proportional to the potential between the two;
* with all ports at 0 V it keeps its potential, over a range of it, by less than a volt in 30 years.

The last is exact for rates that are zero at rest. Where smooth clamps or a temperature leave a
trace of a rate, the equations have one DC solution in that range, which says nothing of the device:
a simulator stops wherever its tolerance of a current is met. The state gets a parameter for its
initial value, by default 0 or, if the node does not stay there, the middle of the range.
Other nodes with a capacitor, such as a thermal node or a delay, have a DC solution and stay nodes.
"""

from __future__ import annotations

from dataclasses import replace

from compact_models.veriloga.derivative import derivatives
from compact_models.veriloga.diagnostics import Notes
from compact_models.veriloga.equations import Branch, StateEquation, System, defaults
from compact_models.veriloga.execution import node_potential
from compact_models.veriloga.expressions import (
    ZERO,
    Expr,
    add,
    const,
    evaluate,
    neg,
    substitute,
    symbol,
    total,
    walk,
)


SPACING = 0.05
PROBED = tuple(round(SPACING * step, 2) for step in range(-60, 61))
"""Potentials at which a node is tried at rest [V]."""

NARROWEST = 5
"""Neighbouring potentials at which a node has to stay."""

NEGLIGIBLE = 1e-9
"""Drift of a potential that is kept [V/s]."""


def with_memory_nodes(system: System, notes: Notes) -> System:
    """The system with memory nodes as states."""
    for node in system.nodes:
        meeting = [b for b in system.branches if node in (b.high, b.low)]
        others = {end for b in meeting for end in (b.high, b.low)} - {node}
        if len(others) != 1 or any(_has_unknown_flow(b) for b in meeting):
            continue
        changed = _as_state(system, node, meeting, others.pop())
        start = _kept(changed)
        if start is not None:
            system = _started(changed, start)
            at = f", at {start:g}" if start else ""
            notes.add(f"the node `{node}` keeps its potential at rest{at}: read as a state")
    return system


def _has_unknown_flow(branch: Branch) -> bool:
    return branch.current is not None or branch.potential_when is not ZERO


def _kept(system: System) -> float | None:
    """The potential that the last state keeps while every port is at 0 V; None if it keeps none."""
    state = system.states[-1]
    slope = derivatives([state.q], state.symbol)[0]
    if state.q is ZERO or not state.q.dynamic <= {state.symbol} or not slope.is_static:
        return None
    values: dict[Expr, float] = {symbol("parameter", n): v for n, v in defaults(system, {}).items()}
    for leaf in walk([state.f, slope]):
        if not leaf.args and leaf.op not in {"const", "parameter"}:
            values[leaf] = 0.0
    for other in system.states[:-1]:
        values[other.symbol] = evaluate([other.initial], values)[0]
    still: list[float] = []
    longest: list[float] = []
    for potential in PROBED:
        f, factor = evaluate([state.f, slope], values | {state.symbol: potential})
        still = [*still, potential] if abs(f) < NEGLIGIBLE * abs(factor) else []
        if len(still) > len(longest) or 0.0 in still:
            longest = still
    if len(longest) < NARROWEST:
        return None
    return 0.0 if 0.0 in longest else round(0.5 * (longest[0] + longest[-1]), 3)


def _started(system: System, start: float) -> System:
    last = replace(system.states[-1], initial=const(start))
    return replace(system, states=(*system.states[:-1], last))


def _row(node: str, meeting: list[Branch]) -> tuple[Expr, Expr]:
    """Kirchhoff's law at the node: f + dq/dt = 0."""
    f = total(b.f if b.high == node else neg(b.f) for b in meeting)
    q = total(b.q if b.high == node else neg(b.q) for b in meeting)
    return f, q


def _as_state(system: System, node: str, meeting: list[Branch], other: str) -> System:
    """The node as a state: its potential against the one other node that it is connected to."""
    f, q = _row(node, meeting)
    state = symbol("state", node)
    potential = {symbol("node", node): add(state, node_potential(other))}
    f, q = substitute([f, q], potential)
    rest = replace(
        system,
        branches=tuple(b for b in system.branches if b not in meeting),
        nodes=tuple(n for n in system.nodes if n != node),
    ).mapped(potential)
    names = list(rest.variables)
    done = substitute([rest.variables[n] for n in names], potential)
    equation = StateEquation(
        state, f, q, ZERO, "", "an internal node", system.node_units.get(node, "")
    )
    return replace(
        rest,
        states=(*rest.states, equation),
        variables=dict(zip(names, done, strict=True)),
    )
