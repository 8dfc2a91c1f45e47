"""The equations as text for people: what was read, what was recognised, what it became."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compact_models.veriloga.declare import GROUND
from compact_models.veriloga.diagnostics import Note
from compact_models.veriloga.equations import ParameterSpec, Range, System
from compact_models.veriloga.expressions import ONE, ZERO, Expr, is_const, neg, walk


_BINARY = {
    "add": ("+", 4), "sub": ("-", 4), "mul": ("*", 5), "div": ("/", 5), "mod": ("%", 5),
    "lt": ("<", 3), "le": ("<=", 3), "gt": (">", 3), "ge": (">=", 3), "eq": ("==", 3),
    "ne": ("!=", 3),
    "and": ("&&", 2), "or": ("||", 1), "bitand": ("&", 2), "bitor": ("|", 1), "bitxor": ("^", 2),
    "shl": ("<<", 4), "shr": (">>", 4),
}  # fmt: skip
INLINE_LENGTH = 60


class EquationText:
    """Writes expressions; what is long and used twice gets a name of its own."""

    def __init__(self, roots: Sequence[Expr]) -> None:
        uses: dict[Expr, int] = {}
        for node in walk(roots):
            for arg in node.args:
                uses[arg] = uses.get(arg, 0) + 1
        for root in roots:
            uses[root] = uses.get(root, 0) + 1
        self.names: dict[Expr, str] = {}
        self.lines: list[str] = []
        self.texts: dict[Expr, tuple[str, int]] = {}
        for node in walk(roots):
            text, level = self._write(node)
            if uses[node] > 1 and len(text) > INLINE_LENGTH:
                name = f"t{len(self.lines) + 1}"
                self.lines.append(f"  {name} = {text}")
                text, level = name, 9
            self.texts[node] = (text, level)

    def of(self, node: Expr) -> str:
        """The text of an expression."""
        return self.texts[node][0]

    def _part(self, node: Expr, level: int) -> str:
        text, own = self.texts[node]
        return f"({text})" if own < level else text

    def _write(self, node: Expr) -> tuple[str, int]:
        if is_const(node):
            return f"{node.number:.12g}", 9 if node.number >= 0 else 6
        if not node.args:
            return _symbol(node), 9
        if node.op in _BINARY:
            sign, level = _BINARY[node.op]
            left, right = self._part(node.args[0], level), self._part(node.args[1], level + 1)
            return f"{left} {sign} {right}", level
        if node.op == "neg":
            return f"-{self._part(node.args[0], 6)}", 4
        if node.op == "not":
            return f"!{self._part(node.args[0], 7)}", 7
        if node.op == "pow":
            return f"{self._part(node.args[0], 8)}^{self._part(node.args[1], 8)}", 7
        if node.op == "select":
            c, a, b = (self._part(arg, 1) for arg in node.args)
            return f"{c} ? {a} : {b}", 0
        return f"{node.op}({', '.join(self.texts[arg][0] for arg in node.args)})", 9


def _symbol(node: Expr) -> str:
    if node.op == "node":
        return f"V({node.name})"
    if node.op == "current":
        return f"I({node.name})"
    if node.op == "time":
        return "time"
    if node.op == "given":
        return f"given({node.name})"
    if node.op == "analysis":
        return f"analysis({node.name})"
    return node.name


def _bounds(item: Range, text: EquationText) -> str:
    low = "-inf" if item.low is None else text.of(item.low)
    high = "inf" if item.high is None else text.of(item.high)
    if item.exclude and item.low is item.high:
        return f"exclude {low}"
    opening, closing = "[" if item.low_closed else "(", "]" if item.high_closed else ")"
    return f"{'exclude' if item.exclude else 'from'} {opening}{low}:{high}{closing}"


def _parameter_line(spec: ParameterSpec, text: EquationText) -> str:
    parts = [f"  {spec.name} = {text.of(spec.default)}"]
    if spec.unit:
        parts.append(f"[{spec.unit}]")
    parts += [_bounds(item, text) for item in spec.ranges]
    if spec.description:
        parts.append(f"// {spec.description}")
    return " ".join(parts)


def _with_charge(f: Expr, q: Expr, text: EquationText) -> str:
    parts = [] if f is ZERO and q is not ZERO else [text.of(f)]
    if q is not ZERO:
        parts.append(f"ddt({text.of(q)})")
    return " + ".join(parts)


def equations_text(system: System, notes: Sequence[Note]) -> str:
    """A system as text."""
    # People read rates, dx/dt = -f.
    system = replace(system, states=tuple(replace(s, f=neg(s.f)) for s in system.states))
    used = [system.parameters[n] for n in system.parameters]
    bounds = [e for p in used for r in p.ranges for e in (r.low, r.high) if e is not None]
    roots = [*system.expressions(), *(p.default for p in used), *bounds]
    roots += [a for n in system.noise for a in n.arguments]
    text = EquationText(roots)
    blocks = [f"model {system.name}({', '.join(system.ports)})"]
    if system.nodes:
        blocks.append("internal nodes\n  " + ", ".join(system.nodes))
    blocks.append("parameters\n" + "\n".join(_parameter_line(p, text) for p in used))
    if text.lines:
        blocks.append("where\n" + "\n".join(text.lines))
    if system.branches:
        blocks.append("branches\n" + "\n".join(_branch_lines(system, text)))
    if system.states:
        blocks.append("states\n" + "\n".join(_state_lines(system, text)))
    if system.implicit:
        lines = [
            f"  {e.symbol.name}: 0 = {_with_charge(e.f, e.q, text)}    // {e.origin}"
            for e in system.implicit
        ]
        blocks.append("implicit equations\n" + "\n".join(lines))
    if system.noise:
        lines = [
            f"  {n.kind} {n.name} in {n.branch}: {', '.join(text.of(a) for a in n.arguments)}"
            for n in system.noise
        ]
        blocks.append("noise (data only)\n" + "\n".join(lines))
    if system.draws:
        lines = [f"  {d.parameter}: {d.distribution}" for d in system.draws]
        blocks.append("draws (one per instance)\n" + "\n".join(lines))
    if system.step_bounds:
        lines = [f"  at most {text.of(e)} s" for e in system.step_bounds]
        blocks.append("advice on the time step\n" + "\n".join(lines))
    if notes:
        blocks.append("notes\n" + "\n".join(f"  {n.render()}" for n in notes))
    return "\n\n".join(blocks) + "\n"


def _branch_lines(system: System, text: EquationText) -> list[str]:
    lines = []
    for b in system.branches:
        ends = f"{b.high}" if b.low == GROUND else f"{b.high}, {b.low}"
        label = f"  // branch {b.name}" if b.name != f"{b.high},{b.low}" else ""
        flow = f"  I({ends}) = {_with_charge(b.flow, b.flow_q, text)}{label}"
        potential = f"  V({ends}) = {_with_charge(b.f, b.q, text)}{label}"
        if b.potential_when is ZERO:
            lines.append(flow)
        elif b.potential_when is ONE:
            lines.append(potential)
        else:
            lines += [
                f"  if {text.of(b.potential_when)}:",
                "  " + potential,
                "  else:",
                "  " + flow,
            ]
    return lines


def _state_lines(system: System, text: EquationText) -> list[str]:
    lines = []
    for s in system.states:
        unit = f" [{s.unit}]" if s.unit else ""
        lines.append(f"  {s.symbol.name}{unit}: d/dt({text.of(s.q)}) = {text.of(s.f)}")
        lines.append(f"    initial value {text.of(s.initial)}, from {s.origin}, scale {s.scale:g}")
        if s.low is not None or s.high is not None:
            low = "-inf" if s.low is None else text.of(s.low)
            high = "inf" if s.high is None else text.of(s.high)
            lines.append(f"    between {low} and {high}")
    return lines
