"""From what the analog block does to the system of equations.

Contributions become branches, time derivatives become charges, integrals and hidden states become
states, and the flow through a branch that the model reads becomes the expression contributed to
it, or an unknown where there is none.
"""

from __future__ import annotations

from dataclasses import replace

from compact_models.veriloga import tree
from compact_models.veriloga.contribution_places import find_contribution
from compact_models.veriloga.coverage import without_dead_values
from compact_models.veriloga.declare import GROUND, BranchKey, Declarations
from compact_models.veriloga.derivative import derivatives
from compact_models.veriloga.diagnostics import Notes, refuse
from compact_models.veriloga.equations import (
    Branch,
    ImplicitEquation,
    ParameterSpec,
    Range,
    StateEquation,
    System,
    defaults,
)
from compact_models.veriloga.execute import ROOM_TEMPERATURE, Executor
from compact_models.veriloga.execution import Contributed, Execution, branch_id
from compact_models.veriloga.expressions import (
    ONE,
    ZERO,
    Expr,
    apply,
    const,
    div,
    evaluate,
    has_ddt,
    is_const,
    mul,
    neg,
    select,
    sub,
    substitute,
    symbol,
    symbols,
    total,
    walk,
)
from compact_models.veriloga.hidden_state import Resolver
from compact_models.veriloga.memory_nodes import with_memory_nodes
from compact_models.veriloga.operations import TRUTH
from compact_models.veriloga.resolution import RESTORING_STRENGTH, restoring_rate


NANOSECOND = 1e-9
"""The time that sizes a state which moves at a fixed rate, such as a timer."""


class Assembler:
    """Builds the equations of one module."""

    def __init__(self, table: Declarations, executor: Executor, notes: Notes) -> None:
        self.table = table
        self.executor = executor
        self.execution: Execution = executor.result
        self.notes = notes
        self.states: list[StateEquation] = []
        self.implicit: list[ImplicitEquation] = []

    def run(self) -> System:
        """The equations."""
        contributions = self.execution.frame.contributions
        keys = list(contributions)
        roots = [e for k in keys for e in (contributions[k].value, contributions[k].present)]
        for integral in self.execution.integrals:
            roots += [integral.argument, integral.initial or ZERO]
        iterations = self.execution.iterations
        roots += [iteration.residual for iteration in iterations]
        self._no_port_flows(roots)
        roots = self._without_dead_values(roots)
        finals = self.execution.frame.variables
        resolution = Resolver(
            self.table, self.execution, self.notes, self.executor.default_value
        ).run(roots)
        hidden = resolution.states
        roots += [restoring_rate(s, const(RESTORING_STRENGTH)) for s in hidden]
        roots += [e for s in hidden for e in (s.initial, s.low or ZERO, s.high or ZERO)]
        roots += [loop.residual for loop in resolution.loops]
        roots += list(finals.values())
        finished = resolution.finish(roots)
        self._no_division_by_step(finished[: len(finished) - len(finals)])
        done = iter(self._differentiate(self._probes(keys, finished)))
        resolved = {k: Contributed(next(done), next(done)) for k in keys}
        integrals = [(i, next(done), next(done)) for i in self.execution.integrals]
        solved = [next(done) for _ in iterations]
        rates = [next(done) for _ in hidden]
        limits = [(next(done), next(done), next(done)) for _ in hidden]
        residuals = [next(done) for _ in resolution.loops]
        branches = tuple(self._branch(key, resolved) for key in self._branch_keys(resolved))
        for integral, argument, initial in integrals:
            given = None if integral.initial is None else initial
            self._integral(integral.name, argument, given)
        for state, rate, (initial, low, high) in zip(hidden, rates, limits, strict=True):
            name = state.symbol.name
            low_limit = low if state.low is not None else None
            high_limit = high if state.high is not None else None
            self._state(name, neg(rate), initial, state.step.origin, low_limit, high_limit)
            size = max((abs(v) for v in self._fixed_rates(state.rate)), default=0.0) * NANOSECOND
            self.states[-1] = replace(self.states[-1], scale=size or 1.0)
        for iteration, residual in zip(iterations, solved, strict=True):
            f, q = self._split(residual)
            self.implicit.append(ImplicitEquation(iteration.symbol, f, q, "an iteration"))
        for loop, residual in zip(resolution.loops, residuals, strict=True):
            f, q = self._split(residual)
            self.implicit.append(ImplicitEquation(loop.symbol, f, q, "an algebraic loop"))
        bounds = tuple(b for b in self.execution.step_bounds if b.is_static)
        return self._system(branches, bounds, dict(zip(finals, done, strict=True)))

    def _without_dead_values(self, roots: list[Expr]) -> list[Expr]:
        """Old values go where the cases of the code leave no room for them."""
        frame = self.execution.frame
        done, names = without_dead_values(
            [*roots, *frame.variables.values()], self.executor.default_value
        )
        frame.variables = dict(zip(frame.variables, done[len(roots) :], strict=True))
        for name in names:
            span = self.execution.read_first.get(name) or self.table.variables[name].span
            self.notes.add(
                f"`{name}` is set in every case, at the defaults of the parameters",
                self.table.source.place(span.start, span.end - span.start),
            )
        return done[: len(roots)]

    def _fixed_rates(self, rate: Expr) -> list[float]:
        """The numbers that a rate jumps between; none if it is anything else."""
        if rate.is_static:
            return [self.executor.default_value(rate)]
        if rate.op in TRUTH:
            return [1.0]
        if rate.op != "select":
            return []
        arms = [self._fixed_rates(arm) for arm in rate.args[1:]]
        return arms[0] + arms[1] if all(arms) else []

    def _no_division_by_step(self, roots: list[Expr]) -> None:
        """A quotient with the time step below, which did not turn into a derivative."""
        if any(n.op == "div" and n.args[1] is ZERO for n in walk(roots)):
            span = self.table.module.span
            refuse(
                "division-by-step",
                f"`{self.table.module.name}` divides by the length of a time step",
                self.table.source.place(span.start, span.end - span.start),
                why="two evaluations give a derivative only in the form (x - x_last)/step",
                instead="write ddt(x)",
            )

    def _no_port_flows(self, roots: list[Expr]) -> None:
        """The current into a port may be printed, but not used."""
        finals = self.execution.frame.variables
        used, queue = set(roots), list(roots)
        while queue:
            for previous in symbols([queue.pop()], "previous"):
                value = finals.get(previous.name)
                if value is not None and value not in used:
                    used.add(value)
                    queue.append(value)
        for flow in symbols(used, "port_flow"):
            span = self.execution.port_flows[flow.name]
            refuse(
                "port-flow",
                f"the current into the port `{flow.name}` is used in the equations",
                self.table.source.place(span.start, span.end - span.start),
                why="it is the sum of all flows at that port, which would include this one",
                instead="put a branch between the port and an internal node, and read its flow",
            )

    # ------------------------------------------------------------------ flows that are read

    def _keys_by_id(self) -> dict[str, BranchKey]:
        keys = {branch_id(k): k for k in self.executor.orientation.values()}
        return keys | {branch_id(k): k for k in self.table.branches.values()}

    def _probes(self, keys: list[tuple[str, BranchKey]], roots: list[Expr]) -> list[Expr]:
        """Replace the flow of a branch by what is contributed to it, or by an unknown."""
        flows: dict[str, Expr] = {}
        potentials: set[str] = set()
        for index, (kind, branch) in enumerate(keys):
            if kind == "flow":
                flows[branch_id(branch)] = roots[2 * index]
            else:
                potentials.add(branch_id(branch))
        self.unknown_flows: set[str] = set()
        values: dict[Expr, Expr] = {}

        def resolve(name: str, path: tuple[str, ...]) -> None:
            probe = symbol("probe", name)
            if probe in values:
                return
            flow = flows.get(name)
            inner = symbols([flow], "probe") if flow is not None else []
            timed = flow is not None and has_ddt(flow)
            if flow is None or name in potentials or timed or name in path:
                self.unknown_flows.add(name)
                values[probe] = symbol("current", name)
                return
            for other in inner:
                resolve(other.name, (*path, name))
            if probe not in values:
                values[probe] = substitute([flow], values)[0]

        for probe in symbols(roots, "probe"):
            resolve(probe.name, ())
        self.unknown_flows |= potentials
        return substitute(roots, values)

    def _differentiate(self, roots: list[Expr]) -> list[Expr]:
        """Carry out ddx()."""
        done: dict[Expr, Expr] = {}
        for node in walk(roots):
            args = tuple(done[arg] for arg in node.args)
            if node.op == "ddx":
                done[node] = derivatives([args[0]], args[1])[0]
            else:
                done[node] = node if args == node.args else apply(node.op, *args)
        return [done[root] for root in roots]

    # ------------------------------------------------------------------ branches

    def _branch_keys(self, resolved: dict[tuple[str, BranchKey], Contributed]) -> list[BranchKey]:
        keys = list(dict.fromkeys(branch for _, branch in resolved))
        by_id = self._keys_by_id()
        probes = [by_id[name] for name in sorted(self.unknown_flows) if name in by_id]
        return keys + [key for key in probes if key not in keys]

    def _branch(self, key: BranchKey, resolved: dict[tuple[str, BranchKey], Contributed]) -> Branch:
        nothing = Contributed(ZERO, ZERO)
        flow = resolved.get(("flow", key), nothing)
        potential = resolved.get(("potential", key), nothing)
        when = potential.present
        if ("flow", key) not in resolved and ("potential", key) not in resolved:
            when = ONE
            self.notes.add(f"the flow of the branch {key.label} is read: it is a short circuit")
        if not when.is_static:
            self._refuse_switch(key)
        name = branch_id(key)
        f, q = self._split(flow.value)
        if when is ZERO:
            current = symbol("current", name) if name in self.unknown_flows else None
            return Branch(name, key.high, key.low, f, q, ZERO, f, q, current)
        v, phi = self._split(potential.value)
        return Branch(name, key.high, key.low, v, phi, when, f, q, symbol("current", name))

    def _refuse_switch(self, key: BranchKey) -> None:
        span = find_contribution(self.table, key)
        refuse(
            "switch-branch",
            f"the branch {key.label} is a potential or a flow depending on a signal",
            self.table.source.place(span.start, span.end - span.start),
            why="the number of equations would change while a circuit is solved",
            instead="use one kind in both arms, for example `I(a, b) <+ V(a, b)/r` with a small "
            "and a large r",
        )

    # ------------------------------------------------------------------ time derivatives

    def _split(self, expr: Expr) -> tuple[Expr, Expr]:
        """Split an expression with ddt() inside into f and q."""
        if not has_ddt(expr):
            return expr, ZERO
        op, args = expr.op, expr.args
        if op == "ddt":
            return ZERO, self._no_ddt(args[0])
        if op in {"add", "sub"}:
            (fa, qa), (fb, qb) = self._split(args[0]), self._split(args[1])
            return (total([fa, fb]), total([qa, qb])) if op == "add" else (sub(fa, fb), sub(qa, qb))
        if op == "neg":
            f, q = self._split(args[0])
            return neg(f), neg(q)
        if op == "mul" and (args[0].is_static or args[1].is_static):
            factor, rest = args if args[0].is_static else args[::-1]
            f, q = self._split(rest)
            return mul(factor, f), mul(factor, q)
        if op == "div" and args[1].is_static:
            f, q = self._split(args[0])
            return div(f, args[1]), div(q, args[1])
        if op == "select" and args[0].is_static:
            (fa, qa), (fb, qb) = self._split(args[1]), self._split(args[2])
            return select(args[0], fa, fb), select(args[0], qa, qb)
        return self._no_ddt(expr), ZERO

    def _no_ddt(self, expr: Expr) -> Expr:
        """The expression with each time derivative inside it as an unknown of its own."""
        while has_ddt(expr):
            waiting = [n for n in walk([expr]) if n.op == "ddt"]
            rate = symbol("implicit", f"ddt_{len(self.implicit) + 1}")
            self.implicit.append(
                ImplicitEquation(rate, neg(rate), waiting[0].args[0], "a time derivative")
            )
            self.notes.add(
                "ddt() inside a product or a function: its value is an unknown of its own"
            )
            expr = substitute([expr], {waiting[0]: rate})[0]
        return expr

    # ------------------------------------------------------------------ states

    def _integral(self, name: str, argument: Expr, initial: Expr | None) -> None:
        if initial is None:
            self.notes.add(f"`{name}` = idt() without an initial value starts at 0")
        self._state(name, neg(argument), initial or ZERO, "idt()", None, None)

    def _state(
        self, name: str, f: Expr, initial: Expr, origin: str, low: Expr | None, high: Expr | None
    ) -> None:
        f, q = self._split(f)
        state = symbol("state", name)
        variable = self.table.variables.get(name)
        units = _attribute(variable.attributes, "units", "unit") if variable else ""
        self.states.append(
            StateEquation(state, f, total([q, state]), initial, "", origin, units, 1.0, low, high)
        )

    # ------------------------------------------------------------------ the whole

    def _system(
        self, branches: tuple[Branch, ...], bounds: tuple[Expr, ...], variables: dict[str, Expr]
    ) -> System:
        used = {b.high for b in branches} | {b.low for b in branches}
        expressions = [e for b in branches for e in (b.f, b.q, b.flow, b.flow_q)]
        expressions += [e for s in self.states for e in (s.f, s.q)]
        used |= {n.name for n in symbols(expressions, "node")} - {GROUND}
        ports = tuple(self.table.node(p) for p in self.table.ports)
        system = System(
            name=self.table.module.name,
            ports=ports,
            nodes=tuple(n for n in self.table.internal_nodes if n in used),
            parameters=self._parameters(),
            branches=branches,
            states=tuple(self.states),
            implicit=tuple(self.implicit),
            draws=tuple(self.execution.draws),
            noise=tuple(self.execution.noise),
            step_bounds=bounds,
            structural=frozenset(self.execution.structural),
            variables=variables,
            temperature=self.executor.temperature.name,
            node_units={
                n: self.table.potential_units.get(d, "") for n, d in self.table.nets.items()
            },
        )
        return _with_initial_parameters(with_memory_nodes(system, self.notes))

    def _parameters(self) -> dict[str, ParameterSpec]:
        specs: dict[str, ParameterSpec] = {}
        for name, declared in self.table.parameters.items():
            self.executor.parameter(name)
            if declared.local:
                continue
            item = declared.item
            specs[name] = ParameterSpec(
                name,
                self.execution.parameters[name],
                _attribute(item.attributes, "units", "unit"),
                _attribute(item.attributes, "desc", "info", "description"),
                tuple(self._range(interval) for interval in item.ranges if not interval.text),
                declared.integer,
            )
        temperature = self.executor.temperature.name
        specs[temperature] = ParameterSpec(
            temperature, const(ROOM_TEMPERATURE), "K", "ambient temperature"
        )
        for draw in self.execution.draws:
            description = f"a {draw.distribution} random number, drawn once per instance"
            specs[draw.parameter] = ParameterSpec(
                draw.parameter, const(draw.neutral), "", description
            )
        return specs

    def _range(self, interval: tree.Interval) -> Range:
        low, high = (
            None if bound is None else self.executor.value(bound).expr
            for bound in (interval.low, interval.high)
        )
        return Range(low, high, interval.low_closed, interval.high_closed, interval.exclude)


def _attribute(attributes: tuple[tree.Attribute, ...], *names: str) -> str:
    """The text of the first attribute with one of these names."""
    for attribute in attributes:
        if attribute.name.lower() in names and isinstance(attribute.value, tree.Text):
            return attribute.value.value
    return ""


def _with_initial_parameters(system: System) -> System:
    """Give every state a parameter for its initial value, and a natural size."""
    parameters = dict(system.parameters)
    states = []
    for state in system.states:
        initial, name = state.initial, ""
        if initial.op == "parameter":
            name = initial.name
        elif initial.is_static:
            name = _free(f"{state.symbol.name}_init", parameters)
            parameters[name] = ParameterSpec(
                name, initial, state.unit, f"initial value of {state.symbol.name}"
            )
            initial = symbol("parameter", name)
        unit = state.unit or (parameters[name].unit if name else "")
        states.append(replace(state, initial=initial, parameter=name, unit=unit))
    system = replace(system, states=tuple(states), parameters=parameters)
    values = {symbol("parameter", n): v for n, v in defaults(system, {}).items()}
    return replace(system, states=tuple(replace(s, scale=_scale(s, values)) for s in system.states))


def _free(name: str, taken: dict[str, ParameterSpec]) -> str:
    while name in taken:
        name += "_"
    return name


def _scale(state: StateEquation, values: dict[Expr, float]) -> float:
    """The power of ten at which the state is of order one."""
    known = [e for e in (state.initial, state.low, state.high) if e is not None and e.is_static]
    sizes = [abs(v) for e in known for v in [_number(e, values)] if v == v]
    size = max(sizes, default=0.0)
    if not 0.0 < size < float("inf"):
        return state.scale
    return float(f"1e{_floor_log10(size)}")


def _floor_log10(size: float) -> int:
    return int(f"{size:e}".split("e")[1])


def _number(expr: Expr, values: dict[Expr, float]) -> float:
    flags = {node: 0.0 for node in walk([expr]) if node.op in {"given", "analysis"}}
    return expr.number if is_const(expr) else evaluate([expr], values | flags)[0]
