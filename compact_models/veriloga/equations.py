"""The intermediate form: f(x) + dq(x)/dt = 0, with the circuit it came from still visible.

Unknowns x are, in this order,

    port potentials, internal node potentials, states, branch currents, implicit quantities

and each has one residual row. The row of a node is Kirchhoff's law: the sum of the currents
flowing from the node into the device. The branches are kept beside the rows, because a circuit
simulator wants sources between nodes, whereas array code wants the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from compact_models.veriloga.declare import GROUND
from compact_models.veriloga.execution import Draw, Noise, node_potential
from compact_models.veriloga.expressions import (
    ZERO,
    Expr,
    add,
    const,
    evaluate,
    neg,
    select,
    sub,
    substitute,
    symbol,
    symbols,
    walk,
)


@dataclass(frozen=True)
class Range:
    """Allowed values of a parameter: from low to high, or the opposite of it."""

    low: Expr | None
    high: Expr | None
    low_closed: bool
    high_closed: bool
    exclude: bool


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter: its default may depend on other parameters."""

    name: str
    default: Expr
    unit: str
    description: str
    ranges: tuple[Range, ...] = ()
    integer: bool = False


@dataclass(frozen=True)
class Branch:
    """What the model puts between two nodes.

    Attributes:
        name: label of the branch.
        high: node that the flow leaves.
        low: node that the flow enters.
        f: the flow, or the potential where `potential_when` holds.
        q: the charge (flux), whose time derivative is added to f.
        potential_when: 1 where the branch fixes a potential, 0 where it fixes a flow.
        current: the flow as an unknown, where it is one.
    """

    name: str
    high: str
    low: str
    f: Expr
    q: Expr
    potential_when: Expr = ZERO
    flow: Expr = ZERO
    flow_q: Expr = ZERO
    current: Expr | None = None

    @property
    def voltage(self) -> Expr:
        """Potential difference of the branch."""
        return sub(node_potential(self.high), node_potential(self.low))


@dataclass(frozen=True)
class StateEquation:
    """f + dq/dt = 0 for a state.

    Attributes:
        symbol: the state.
        f: minus the rate of change (times the factor in q).
        q: the state (times a static factor).
        initial: value at the start and in every DC analysis.
        parameter: name of the parameter that holds the initial value.
        origin: the idiom it was written in, for people.
        unit: unit of the state.
        scale: its natural size; targets keep state/scale as their unknown.
        low: lower limit, None for none.
        high: upper limit, None for none.
    """

    symbol: Expr
    f: Expr
    q: Expr
    initial: Expr
    parameter: str
    origin: str
    unit: str = ""
    scale: float = 1.0
    low: Expr | None = None
    high: Expr | None = None


@dataclass(frozen=True)
class ImplicitEquation:
    """f + dq/dt = 0 for a quantity defined by an equation."""

    symbol: Expr
    f: Expr
    q: Expr
    origin: str


@dataclass(frozen=True)
class Row:
    """One residual: f + dq/dt = 0."""

    name: str
    f: Expr
    q: Expr


@dataclass(frozen=True)
class System:
    """A module as equations."""

    name: str
    ports: tuple[str, ...]
    nodes: tuple[str, ...]
    parameters: dict[str, ParameterSpec]
    branches: tuple[Branch, ...]
    states: tuple[StateEquation, ...] = ()
    implicit: tuple[ImplicitEquation, ...] = ()
    draws: tuple[Draw, ...] = ()
    noise: tuple[Noise, ...] = ()
    step_bounds: tuple[Expr, ...] = ()
    structural: frozenset[str] = frozenset()
    temperature: str = "temperature"
    variables: dict[str, Expr] = field(default_factory=dict)
    node_units: dict[str, str] = field(default_factory=dict)

    @property
    def unknowns(self) -> tuple[Expr, ...]:
        """The unknowns, in order."""
        return (
            *(symbol("node", name) for name in (*self.ports, *self.nodes)),
            *(state.symbol for state in self.states),
            *(branch.current for branch in self.branches if branch.current is not None),
            *(equation.symbol for equation in self.implicit),
        )

    def rows(self) -> tuple[Row, ...]:
        """One residual per unknown, in the same order."""
        sums = {name: [ZERO, ZERO] for name in (*self.ports, *self.nodes)}
        own: list[Row] = []
        for branch in self.branches:
            f, q = branch.f, branch.q
            if branch.current is not None:
                own.append(_current_row(branch))
                f, q = branch.current, ZERO
            for node, sign in ((branch.high, 1), (branch.low, -1)):
                if node != GROUND:
                    pair = sums[node]
                    pair[0] = add(pair[0], f) if sign > 0 else sub(pair[0], f)
                    pair[1] = add(pair[1], q) if sign > 0 else sub(pair[1], q)
        return (
            *(Row(name, f, q) for name, (f, q) in sums.items()),
            *(Row(s.symbol.name, s.f, s.q) for s in self.states),
            *own,
            *(Row(e.symbol.name, e.f, e.q) for e in self.implicit),
        )

    def expressions(self) -> list[Expr]:
        """Every expression of the equations, in a fixed order."""
        items: list[Expr] = []
        for branch in self.branches:
            items += [branch.f, branch.q, branch.flow, branch.flow_q, branch.potential_when]
        for state in self.states:
            items += [state.f, state.q, state.initial, state.low or ZERO, state.high or ZERO]
        for equation in self.implicit:
            items += [equation.f, equation.q]
        return [*items, *self.step_bounds]

    def mapped(self, values: dict[Expr, Expr]) -> System:
        """The same system with symbols replaced."""
        done = iter(substitute(self.expressions(), values))

        def limit(old: Expr | None, new: Expr) -> Expr | None:
            return None if old is None else new

        branches = tuple(
            replace(
                b, f=next(done), q=next(done), flow=next(done), flow_q=next(done),
                potential_when=next(done),
            )
            for b in self.branches
        )  # fmt: skip
        states = tuple(
            replace(
                s, f=next(done), q=next(done), initial=next(done),
                low=limit(s.low, next(done)), high=limit(s.high, next(done)),
            )
            for s in self.states
        )  # fmt: skip
        implicit = tuple(replace(e, f=next(done), q=next(done)) for e in self.implicit)
        return replace(
            self, branches=branches, states=states, implicit=implicit, step_bounds=tuple(done)
        )

    def used_parameters(self, extra: Iterable[Expr] = ()) -> list[str]:
        """Names of the parameters that the equations depend on, in order of declaration."""
        roots = [*self.expressions(), *extra]
        used = {node.name for node in symbols(roots, "parameter")}
        return [name for name in self.parameters if name in used]


def _current_row(branch: Branch) -> Row:
    """The equation of a branch current: it fixes the potential, or the flow."""
    when, current = branch.potential_when, branch.current or ZERO
    potential = sub(branch.voltage, branch.f)
    flow = sub(current, branch.flow)
    f = select(when, potential, flow)
    q = select(when, neg(branch.q), neg(branch.flow_q))
    return Row(f"I({branch.name})", f, q)


def defaults(system: System, given: dict[str, float]) -> dict[str, float]:
    """All parameters as numbers: the given ones, and defaults computed from them in order."""
    values: dict[str, float] = {}
    symbols_: dict[Expr, float] = {}

    def compute(name: str) -> float:
        if name not in values:
            spec = system.parameters[name]
            if name in given:
                values[name] = float(given[name])
            else:
                for needed in symbols([spec.default], "parameter"):
                    symbols_[needed] = compute(needed.name)
                for flag in walk([spec.default]):
                    if flag.op in {"given", "analysis"}:
                        symbols_[flag] = float(flag.name in given)
                values[name] = evaluate([spec.default], symbols_)[0]
        return values[name]

    for name in system.parameters:
        compute(name)
    return values


def frozen(system: System) -> System:
    """The system in DC: every state at its initial value, no charges.

    In a DC analysis the language defines idt(f, x0) as x0, so what remains is algebra.
    """
    values = {state.symbol: state.initial for state in system.states}
    mapped = replace(system, states=()).mapped(values)
    branches = tuple(replace(b, q=ZERO, flow_q=ZERO) for b in mapped.branches)
    implicit = tuple(replace(e, q=ZERO) for e in mapped.implicit)
    return replace(mapped, branches=branches, implicit=implicit).mapped(
        {symbol("analysis", "tran"): ZERO}
    )


def with_values(system: System, values: dict[str, float]) -> System:
    """The system with parameters replaced by numbers, and structural choices made."""
    known: dict[Expr, Expr] = {}
    baked = {name: value for name, value in values.items() if name in system.parameters}
    for name, value in baked.items():
        known[symbol("parameter", name)] = const(value)
    mapped = system.mapped(known)
    parameters = {
        name: replace(spec, default=substitute([spec.default], known)[0])
        for name, spec in system.parameters.items()
        if name not in baked
    }
    return replace(mapped, parameters=parameters)
