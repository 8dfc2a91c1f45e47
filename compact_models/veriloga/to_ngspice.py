"""The equations as an ngspice subcircuit of B sources, capacitors and 0-V probes.

    branch with a flow        B source between its nodes, a capacitor for a linear charge
    branch with a potential   B voltage source, in series with a 0-V probe where its flow is needed
    state x                   node x at state/scale: capacitor to ground, charged by a B source;
                              while time is 0 (every DC analysis, and the start of a transient) the
                              source holds it at its initial value, which is what idt() means
    implicit quantity         node whose only current is its equation

The node of a state has the name of the state, so v(x1.gap) shows it in units of its scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from compact_models.veriloga.declare import GROUND
from compact_models.veriloga.equations import (
    Branch,
    ImplicitEquation,
    StateEquation,
    System,
    defaults,
    frozen as frozen_system,
)
from compact_models.veriloga.execute import ROOM_TEMPERATURE
from compact_models.veriloga.expressions import (
    ONE,
    TIME,
    ZERO,
    Expr,
    add,
    compare,
    const,
    div,
    evaluate,
    is_const,
    mul,
    select,
    sub,
    substitute,
    symbol,
    symbols,
    walk,
)
from compact_models.veriloga.helper_nodes import choose_helpers, with_helpers
from compact_models.veriloga.inactive import with_condition_known, without_inactive
from compact_models.veriloga.intervals import ANYTHING, Facts, Interval
from compact_models.veriloga.separable import separate_terms
from compact_models.veriloga.simplify import hoisted, rounded, with_reciprocals
from compact_models.veriloga.spice_names import Names
from compact_models.veriloga.spice_text import SpiceText, spice_number, unwrapped
from compact_models.veriloga.structural_choices import decided, is_large, linear_factor
from compact_models.veriloga.subcircuit import Subcircuit


STATE_CAPACITANCE = 1e-9
"""Farad on a state's node: its size is arbitrary, the rates are scaled with it."""

KELVIN, TEMPERATURES = "(temper+273.15)", Interval(1.0, 1e4)
"""Temperature in kelvin, and where it can lie."""

BIAS_LEVELS = (0.3, -0.7, 1.1)
"""Volt, at which the size of a quantity is estimated."""

MODERATE = (1e-2, 1e3)
"""Sizes of a helper node that need no scaling: the tolerances are meant for volts."""

TEMPER = symbol("temper", "")
"""Temperature in kelvin as a quantity of B sources."""

UNSET = -1e99
"""Stands for "not given" in a parameter whose default depends on others."""


@dataclass(frozen=True)
class _Source:
    """A source that still waits for its text: kind "i" or "v"."""

    name: str
    high: str
    low: str
    kind: str
    value: Expr


class Writer:
    """Writes one subcircuit."""

    def __init__(
        self, system: System, values: dict[str, float], *, frozen: bool, within: float
    ) -> None:
        self.frozen = frozen
        self.within = within
        baked = dict(values)
        large = is_large(system)
        system = decided(frozen_system(system) if frozen else system, baked, frozen=frozen)
        if large:
            system = system.mapped({symbol("parameter", system.temperature): TEMPER})
        self.scales = {s.symbol.name: s.scale for s in system.states}
        self.nodes = Names()
        self.parameter_names = Names()
        self.node_of: dict[str, str] = {}
        self.state_charge: dict[str, Expr] = {}
        self.system = self._scaled(system)
        self.lines: list[str | _Source] = []
        self.sizes: dict[Expr, float] = {TEMPER: ROOM_TEMPERATURE}
        self.defaults = {symbol("parameter", n): v for n, v in defaults(self.system, {}).items()}
        self.at_rest: dict[Expr, float] = {TEMPER: ROOM_TEMPERATURE}
        self.text = self._text()

    # ------------------------------------------------------------------ preparation

    def _scaled(self, system: System) -> System:
        """States and implicit quantities as nodes; the static factors of products in front."""
        for port in system.ports:
            self.node_of[port] = self.nodes.of(port, "n_")
        for node in system.nodes:
            self.node_of[node] = self.nodes.of(node, "n_")
        values: dict[Expr, Expr] = {}
        for state in system.states:
            node = f"state {state.symbol.name}"
            self.node_of[node] = self.nodes.of(state.symbol.name, "n_")
            unknown = symbol("node", node)
            self.state_charge[node] = substitute(
                [state.q], {state.symbol: mul(const(state.scale), unknown)}
            )[0]
            # In DC a state is its initial value; the node itself is still 0 in the first iteration,
            # where a model may divide by it.
            start = div(state.initial, const(state.scale))
            held = select(compare("gt", TIME, ZERO), unknown, start)
            values[state.symbol] = mul(const(state.scale), held)
        for equation in system.implicit:
            node = f"implicit {equation.symbol.name}"
            self.node_of[node] = self.nodes.of(equation.symbol.name, "n_")
            values[equation.symbol] = symbol("node", node)
        return system.mapped(values)

    def _text(self) -> SpiceText:
        """Texts of all symbols, and what is known of their values."""
        self.used = self._used_parameters()
        temperature = self.system.temperature
        names: dict[Expr, str] = {TIME: "time", TEMPER: KELVIN}
        facts = Facts({TEMPER: TEMPERATURES})
        for name in self.used:
            spec = self.system.parameters[name]
            known = symbol("parameter", name)
            if name == temperature:
                names[known], facts[known] = KELVIN, TEMPERATURES
                continue
            names[known] = self.parameter_names.of(name, "p_")
            facts[known] = self._range(name)
            if not is_const(spec.default):
                names[known] = self.parameter_names.of(f"{name}_value", "p_")
        for node, text in self.node_of.items():
            names[symbol("node", node)] = f"v({text})"
        for node in (*self.system.ports, *self.system.nodes):
            facts[symbol("node", node)] = Interval(-self.within, self.within)
        for branch in self.system.branches:
            if branch.current is not None:
                names[branch.current] = f"i({self._probe(branch)})"
        return SpiceText(names, facts)

    def _used_parameters(self) -> list[str]:
        """The parameters in the equations, and those in the defaults of these."""
        used = set(self.system.used_parameters())
        queue = list(used)
        while queue:
            for needed in symbols([self.system.parameters[queue.pop()].default], "parameter"):
                if needed.name not in used:
                    used.add(needed.name)
                    queue.append(needed.name)
        return [n for n in self.system.parameters if n in used]

    def _range(self, name: str) -> Interval:
        """The declared range, where its bounds are numbers."""
        interval = ANYTHING
        for item in self.system.parameters[name].ranges:
            if item.exclude:
                continue
            low = item.low.number if item.low is not None and is_const(item.low) else -math.inf
            high = item.high.number if item.high is not None and is_const(item.high) else math.inf
            interval = interval.meet(Interval(low, high))
        return interval

    def _probe(self, branch: Branch) -> str:
        clean = "".join(c if c.isalnum() else "_" for c in branch.name)
        return f"v_{clean}"

    # ------------------------------------------------------------------ the lines

    def subcircuit(self) -> Subcircuit:
        """Write it."""
        for index, branch in enumerate(self.system.branches, start=1):
            self._branch(branch, index)
        for state in self.system.states:
            self._state(state)
        for equation in self.system.implicit:
            self._implicit(equation)
        lines = self._finished()
        ports = " ".join(self.node_of[p] for p in self.system.ports)
        header, settings, dependent = self._parameters()
        body = [*dependent, *(f".param {n}={{{t}}}" for n, t in self.text.params), *lines]
        name = self.system.name
        head = f".subckt {name} {ports}" + (f" params: {header}" if header else "")
        text = "\n".join([head, *body, f".ends {name}", ""])
        nodes = {
            k.removeprefix("state ").removeprefix("implicit "): v for k, v in self.node_of.items()
        }
        internal = {k: v for k, v in nodes.items() if k not in self.system.ports}
        return Subcircuit(text, settings, internal, self.scales)

    def _parameters(self) -> tuple[str, dict[str, str], list[str]]:
        """The params: list, its names, and the lines for defaults that depend on others."""
        header, settings, lines = [], {}, []
        for name in self.used:
            if name == self.system.temperature:
                continue
            default = self.system.parameters[name].default
            text = self.text.names[symbol("parameter", name)]
            if is_const(default):
                header.append(f"{text}={spice_number(default.number).strip('()')}")
                settings[name] = text
                continue
            outside = self.parameter_names.of(name, "p_")
            header.append(f"{outside}={UNSET:g}")
            settings[name] = outside
            value = self.text.static(default)
            lines += [f".param {n}={{{t}}}" for n, t in self.text.params]
            self.text.params.clear()
            self.text.prefix += "d"
            lines.append(f".param {text}={{({outside}>{0.5 * UNSET:g}) ? {outside} : ({value})}}")
        return " ".join(header), settings, lines

    def _ends(self, branch: Branch) -> tuple[str, str]:
        return self._node(branch.high), self._node(branch.low)

    def _node(self, name: str) -> str:
        return "0" if name == GROUND else self.node_of[name]

    def _branch(self, branch: Branch, index: int) -> None:
        high, low = self._ends(branch)
        f, q = branch.f, branch.q
        if branch.current is None:
            self._flow(f, q, high, low, index)
            return
        probe, middle = self._probe(branch), f"n_{index}"
        if branch.potential_when is ZERO:
            self.lines.append(f"{probe} {high} {middle} 0")
            self._flow(f, q, middle, low, index)
        elif f is ZERO and q is ZERO:
            self.lines.append(f"{probe} {high} {low} 0")
        else:
            self.lines.append(f"{probe} {high} {middle} 0")
            self._potential(f, q, middle, low, index)

    def _flow(self, f: Expr, q: Expr, high: str, low: str, index: int) -> None:
        f = hoisted([f])[0]
        if f is not ZERO:
            self._current_source(f"{index}", f, high, low)
        if q is not ZERO:
            self._charge(q, high, low, index)

    def _current_source(self, name: str, f: Expr, high: str, low: str) -> None:
        """One source, or one for each part of a sum whose parts depend on different nodes."""
        for number, (part, turned) in enumerate(separate_terms(f), start=1):
            ends = (low, high) if turned else (high, low)
            own = name if number == 1 else f"{name}_{number}"
            self.lines.append(_Source(own, *ends, "i", part))

    def _potential(self, f: Expr, q: Expr, high: str, low: str, index: int) -> None:
        f = hoisted([f])[0]
        if q is ZERO:
            self.lines.append(_Source(f"{index}", high, low, "v", f))
            return
        self.lines.append(_Source(f"{index}", high, f"n_{index}q", "v", f))
        self._derivative(q, f"{index}")
        self.lines.append(f"h_{index} n_{index}q {low} v_{index}q 1")

    # ------------------------------------------------------------------ sources and helpers

    def _finished(self) -> list[str]:
        """The lines with the sources written out, and shared parts on helper nodes."""
        waiting = [line for line in self.lines if isinstance(line, _Source)]
        roots = without_inactive([source.value for source in waiting], self.text.facts)
        roots = with_reciprocals(rounded(roots))
        values, helpers = with_helpers(roots, choose_helpers(roots))
        self.text.share([*values, *(definition for _, definition in helpers)])
        sensitive = _sensitive([*values, *(definition for _, definition in helpers)])
        held: dict[Expr, Expr] = {}
        result = []
        for node, definition in helpers:
            value = substitute([definition], held)[0]
            shifted = node in sensitive or value.dynamic <= {TEMPER}
            lines, held[node] = self._helper(node, value, shifted=shifted)
            result += lines
        finals = [with_condition_known(v) for v in rounded(hoisted(substitute(values, held)))]
        text_of = dict(zip(waiting, finals, strict=True))
        for line in self.lines:
            if isinstance(line, _Source):
                result.append(self._source(line, text_of[line]))
            else:
                result.append(line)
        return result

    def _helper(self, node: Expr, value: Expr, *, shifted: bool) -> tuple[list[str], Expr]:
        """A node for a shared part, and the part in terms of that node.

        It is scaled so that the solver's tolerances suit it. A part that others divide by is held
        as its difference from its value at zero bias: every node is 0 V in the first iteration.
        """
        name = self.nodes.of(node.name.replace("helper ", "h_"), "n_")
        size = self._typical(value) or 1.0
        scale = size if not MODERATE[0] <= size <= MODERATE[1] else 1.0
        start = self._at_rest(value)
        offset = float(f"{start:.4g}") if shifted and math.isfinite(start) else 0.0
        self.at_rest[node] = (start - offset) / scale
        self.sizes[node] = size / scale
        self.text.names[node] = f"v({name})"
        own = rounded(hoisted([mul(const(_inverse(scale)), sub(value, const(offset)))]))[0]
        source = self._source(_Source(name, "0", name, "i", own), own)
        return [source, f"r_{name} {name} 0 1"], add(const(offset), mul(const(scale), node))

    def _at_rest(self, definition: Expr) -> float:
        """The value of a shared part with all nodes at 0 V and all states at their start."""
        values = dict(self.defaults)
        for leaf in walk([definition]):
            if not leaf.args and leaf.op not in {"const", "parameter"}:
                values[leaf] = self.at_rest.get(leaf, 0.0)
        return evaluate([definition], values)[0]

    def _source(self, source: _Source, value: Expr) -> str:
        text = self.text.brace(value) if value.is_static else self.text.dynamic(value)
        gain = _gain(value)
        if gain is not None and self._is_element(source, gain):
            factor, plus, minus = gain
            ends = " ".join(self._terminal(node) for node in (plus, minus))
            factor_text = self.text.brace(factor)
            return f"g_{source.name} {source.high} {source.low} {ends} {factor_text}"
        return f"b_{source.name} {source.high} {source.low} {source.kind}={unwrapped(text)}"

    def _terminal(self, node: Expr) -> str:
        return "0" if node is ZERO else self.text.names[node][2:-1]

    def _is_element(self, source: _Source, gain: tuple[Expr, Expr, Expr]) -> bool:
        """Whether a linear source can be a G element: plain voltages, a gain without `temper`."""
        nodes = [n for n in gain[1:] if n is not ZERO]
        plain = all(self.text.names[n].startswith("v(") for n in nodes)
        return source.kind == "i" and plain and not self._depends_on_temperature(gain[0])

    def _depends_on_temperature(self, value: Expr) -> bool:
        """`temper` is known in B sources only, not in the values of other elements."""
        return any(n.name == self.system.temperature for n in symbols([value], "parameter"))

    def _charge(self, q: Expr, high: str, low: str, index: int) -> None:
        """The current dq/dt from high to low."""
        voltage = self._voltage(high, low)
        factor = linear_factor(q, voltage)
        if factor is not None and not self._depends_on_temperature(factor):
            self.lines.append(f"c_{index} {high} {low} {self.text.brace(hoisted([factor])[0])}")
            return
        self._derivative(q, f"{index}")
        self.lines.append(f"f_{index} {high} {low} v_{index}q 1")

    def _voltage(self, high: str, low: str) -> Expr:
        back = {text: node for node, text in self.node_of.items()}
        a = symbol("node", back[high]) if high in back else ZERO
        b = symbol("node", back[low]) if low in back else ZERO
        return sub(a, b)

    def _derivative(self, q: Expr, name: str) -> None:
        """A capacitor whose current, read by the probe v_<name>q, is dq/dt."""
        size = self._typical(q) or 1e-12
        scaled = hoisted([mul(const(_inverse(size)), q)])[0]
        self.lines += [
            _Source(f"{name}q", f"n_{name}c", "0", "v", scaled),
            f"c_{name}q n_{name}c n_{name}d {spice_number(size)}",
            f"v_{name}q n_{name}d 0 0",
        ]

    def _typical(self, value: Expr) -> float:
        """The size of a quantity at ordinary bias, as a power of ten; 0 if it is always zero."""
        values = dict(self.defaults)
        values |= self.sizes
        leaves = [n for n in walk([value]) if not n.args and n.op not in {"const", "parameter"}]
        sizes = []
        for level in BIAS_LEVELS:
            for node in leaves:
                if node not in self.sizes:
                    values[node] = level * (1.0 + 0.1 * (node.digest % 7))
            size = abs(evaluate([value], values)[0])
            if math.isfinite(size) and size > 0.0:
                sizes.append(size)
        return float(f"1e{math.floor(math.log10(max(sizes)))}") if sizes else 0.0

    def _state(self, state: StateEquation) -> None:
        node = symbol("node", f"state {state.symbol.name}")
        text = self.node_of[f"state {state.symbol.name}"]
        factor = linear_factor(self.state_charge[node.name], node)
        initial = hoisted([div(state.initial, const(state.scale))])[0]
        if factor is None or not factor.is_static:
            self._implicit_row(text, state.f, state.q, f"s_{text}")
            return
        rate = mul(const(STATE_CAPACITANCE), div(state.f, factor))
        hold = sub(node, initial)
        row = hoisted([select(compare("gt", TIME, ZERO), rate, hold)])[0]
        self._current_source(f"s_{text}", row, text, "0")
        self.lines.append(f"c_s_{text} {text} 0 {spice_number(STATE_CAPACITANCE)}")
        if initial.is_static and not self._depends_on_temperature(initial):
            self.lines.append(f".ic v({text})={self.text.brace(initial)}")

    def _implicit(self, equation: ImplicitEquation) -> None:
        text = self.node_of[f"implicit {equation.symbol.name}"]
        self._implicit_row(text, equation.f, equation.q, f"a_{text}")

    def _implicit_row(self, node: str, f: Expr, q: Expr, name: str) -> None:
        self._current_source(name, hoisted([f])[0], node, "0")
        if q is not ZERO:
            self._derivative(q, name)
            self.lines.append(f"f_{name} {node} 0 v_{name}q 1")


def _inverse(power_of_ten: float) -> float:
    """One over a power of ten, to the last digit."""
    return float(f"1e{-round(math.log10(power_of_ten))}")


def _sensitive(roots: list[Expr]) -> set[Expr]:
    """Helper nodes in denominators, logarithms and powers: places that do not take a zero."""
    places = [n.args[1] for n in walk(roots) if n.op == "div"]
    places += [n.args[0] for n in walk(roots) if n.op == "ln"]
    places += [n.args[0] for n in walk(roots) if n.op == "pow" and not _is_positive(n.args[1])]
    return {node for place in places for node in place.dynamic if node.op == "node"}


def _is_positive(exponent: Expr) -> bool:
    return is_const(exponent) and exponent.number > 0.0


def _gain(value: Expr) -> tuple[Expr, Expr, Expr] | None:
    """(factor, plus, minus) of a linear source factor · (v(plus) - v(minus))."""
    factor, rest = ONE, value
    if value.op == "mul" and value.args[0].is_static:
        factor, rest = value.args
    elif value.op == "mul" and value.args[1].is_static:
        rest, factor = value.args
    if rest.op == "node":
        return factor, rest, ZERO
    if rest.op == "sub" and all(arg.op == "node" for arg in rest.args):
        return factor, rest.args[0], rest.args[1]
    return None


def to_ngspice(
    system: System, values: dict[str, float], *, frozen: bool, within: float = math.inf
) -> Subcircuit:
    """Write a system as an ngspice subcircuit.

    Args:
        system: the equations.
        values: parameters that are numbers in every instance; the others become parameters of
            the subcircuit.
        frozen: hold every state at its initial value and leave all charges out.
        within: no port and no internal node exceeds this in a solution, either way [V].
    """
    return Writer(system, values, frozen=frozen, within=within).subcircuit()
