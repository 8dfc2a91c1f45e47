"""State written as the potential of an internal node: currents change it, a capacitor keeps it.

    I(w) <+ -rate;   I(w) <+ ddt(V(w));

Kirchhoff's law at such a node is a differential equation, and at rest any potential satisfies it:
nothing says where it starts, and a DC analysis is singular. A node is taken for a state when only
branches to ground meet there, their charge is proportional to its potential, and with all ports at
0 V its current is zero whatever its potential is. It then gets a parameter for its initial value.
Other nodes with a capacitor, such as a thermal node or a delay, have a DC solution and stay nodes.
"""

from __future__ import annotations

from dataclasses import replace

from compact_models.veriloga.declare import GROUND
from compact_models.veriloga.derivative import derivatives
from compact_models.veriloga.diagnostics import Notes
from compact_models.veriloga.equations import Branch, StateEquation, System, defaults
from compact_models.veriloga.expressions import (
    ZERO,
    Expr,
    evaluate,
    neg,
    substitute,
    symbol,
    total,
    walk,
)


PROBED = (0.0, 0.15, 0.4, 0.85)
NOTHING = 1e-30


def with_memory_nodes(system: System, notes: Notes) -> System:
    """The system with memory nodes as states."""
    for node in system.nodes:
        meeting = [b for b in system.branches if node in (b.high, b.low)]
        if meeting and all(_is_plain(b, node) for b in meeting) and _keeps(system, node, meeting):
            notes.add(f"the node `{node}` keeps its potential at rest: read as a state")
            system = _as_state(system, node, meeting)
    return system


def _is_plain(branch: Branch, node: str) -> bool:
    """A flow to ground whose charge is proportional to the node's potential."""
    variable = symbol("node", node)
    to_ground = {branch.high, branch.low} == {node, GROUND}
    slope = derivatives([branch.q], variable)[0]
    linear = branch.q.dynamic <= {variable} and slope.is_static
    return to_ground and branch.current is None and branch.potential_when is ZERO and linear


def _keeps(system: System, node: str, meeting: list[Branch]) -> bool:
    """Whether, with every port at 0 V, no current changes the node, and something keeps it."""
    f, q = _row(node, meeting)
    if q is ZERO:
        return False
    values: dict[Expr, float] = {symbol("parameter", n): v for n, v in defaults(system, {}).items()}
    own = symbol("node", node)
    for leaf in walk([f]):
        if not leaf.args and leaf.op not in {"const", "parameter"}:
            values[leaf] = 0.0
    for state in system.states:
        values[state.symbol] = evaluate([state.initial], values)[0]
    return all(abs(evaluate([f], values | {own: x})[0]) < NOTHING for x in PROBED)


def _row(node: str, meeting: list[Branch]) -> tuple[Expr, Expr]:
    """Kirchhoff's law at the node: f + dq/dt = 0."""
    f = total(b.f if b.high == node else neg(b.f) for b in meeting)
    q = total(b.q if b.high == node else neg(b.q) for b in meeting)
    return f, q


def _as_state(system: System, node: str, meeting: list[Branch]) -> System:
    f, q = _row(node, meeting)
    own, state = symbol("node", node), symbol("state", node)
    f, q = substitute([f, q], {own: state})
    rest = replace(
        system,
        branches=tuple(b for b in system.branches if b not in meeting),
        nodes=tuple(n for n in system.nodes if n != node),
    ).mapped({own: state})
    names = list(rest.variables)
    done = substitute([rest.variables[n] for n in names], {own: state})
    equation = StateEquation(
        state, f, q, ZERO, "", "an internal node", system.node_units.get(node, "")
    )
    return replace(
        rest,
        states=(*rest.states, equation),
        variables=dict(zip(names, done, strict=True)),
    )
