"""Expressions in the two dialects of ngspice: B sources, and .param lines.

What ngspice 39 does differently from Verilog-A is taken care of here and nowhere else (each was
measured):

* a literal in a B source keeps 11 digits, a .param keeps 16: longer numbers become parameters;
* a division adds 1e-32 to the denominator: static denominators become static factors;
* `log` is natural; unary minus binds looser than ^; integer division does not exist: spelled out;
* in a B source pow(x, y) is |x|^y and pwr(x, y) is sgn(x) |x|^y; in a .param pow is C's, and pwr is
  |x|^y: so even powers are pow, odd powers pwr in the one, and all are pow in the other;
* exp saturates at 1e99 by itself, but sinh and cosh stop the run at 711, ln and sqrt of a negative
  number stop it even during an iteration: arguments that are not known to be safe are guarded
  where they stand. A guard by `?:` or abs() is half as dear as one by min and max;
* in a .param that depends on `temper` the `!` of `name!=0` is read as part of the name;
* `?:` evaluates only one arm, so what a condition excludes needs no guard.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from compact_models.veriloga.diagnostics import NOWHERE, refuse
from compact_models.veriloga.expressions import ONE, Expr, div, is_const, walk
from compact_models.veriloga.intervals import Facts, bounds, narrowed
from compact_models.veriloga.operations import LIMEXP_KNEE, LIMEXP_MAX, TRUTH


SINH_LIMIT = 200.0
TINY = 1e-300
SMALL = 1e-30
"""Added to the base of a power whose slope at zero is infinite."""
LONG, VERY_LONG = 8, 400
"""Operations in a static part above which it is worth a line, if used again, or in any case."""
LARGEST = "1e99"
"""In place of infinity, and its negative in place of 0/0: a B source reads neither."""
SHORT_DIGITS = 11
SHORT_SQUARE = 12
"""Characters up to which x*x is cheaper than pow(x, 2)."""

_POLES = {"div": 1, "ln": 0}
"""Operations without a value where this operand is 0."""

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_SAME_NAME = {
    "sin", "cos", "tan", "atan", "tanh", "asinh", "atanh", "abs", "floor", "ceil", "min", "max",
}  # fmt: skip


def is_short(value: float) -> bool:
    """Whether a B source keeps every digit of the number."""
    return float(f"{value:.{SHORT_DIGITS - 1}g}") == value


@dataclass
class SpiceText:
    """Writes expressions; collects the .param lines they need.

    Attributes:
        names: text of the symbols.
        facts: intervals of the symbols.
        prefix: start of the names of the parameters it makes.
        params: the .param definitions so far, in an order that ngspice can read.
        capped: names of those that are kept finite.
    """

    names: dict[Expr, str]
    facts: Facts
    prefix: str = "c_"
    params: list[tuple[str, str]] = field(default_factory=list)
    statics: dict[Expr, str] = field(default_factory=dict)
    shared: set[Expr] = field(default_factory=set)
    capped: set[str] = field(default_factory=set)

    def share(self, roots: Iterable[Expr]) -> None:
        """Give the static parts that are used again and again a .param of their own."""
        roots = list(roots)
        uses: Counter[Expr] = Counter()
        for node in walk(roots):
            uses.update(arg for arg in set(node.args) if arg.is_static and arg.args)
        sizes: dict[Expr, int] = {}
        for node in walk(roots):
            size = 1 + sum(sizes[arg] for arg in node.args)
            if node.is_static and (size > VERY_LONG or (size > LONG and uses[node] > 1)):
                self.shared.add(node)
                size = 1
            sizes[node] = size if node.is_static else 1

    def static(self, node: Expr) -> str:
        """A static expression inside a .param (no braces)."""
        if is_const(node):
            return spice_number(node.number)
        if node in self.names:
            return self.names[node]
        if node not in self.statics:
            text = self._operation(node, self.facts, self._static_part)
            capped = self._may_have_no_value(node)
            if capped:
                raw = f"{self.prefix}{len(self.params) + 1}"
                self.params.append((raw, text))
                below = f"({raw}<{LARGEST}) ? {raw} : {LARGEST}"
                text = f"(({raw}>(-{LARGEST})) ? ({below}) : (-{LARGEST}))"
            name = f"{self.prefix}{len(self.params) + 1}"
            self.params.append((name, text))
            self.statics[node] = name
            if capped:
                self.capped.add(name)
        return self.statics[node]

    def _static_part(self, node: Expr, facts: Facts) -> str:
        """A part of a .param expression: inlined, so that a guarded arm stays lazy."""
        if is_const(node):
            return spice_number(node.number)
        if node in self.names:
            return self.names[node]
        if node in self.statics or node in self.shared:
            return self.static(node)
        return self._operation(node, facts, self._static_part)

    def _may_have_no_value(self, node: Expr) -> bool:
        """Whether a denominator or a logarithm's argument in a .param may be 0.

        A B source with what it gives then could not be read.

        It is a part of an arm that is not chosen then, or the model has no value itself. What
        depends on `temper` is no number in a .param: it is computed in the sources, which take 1/0.
        """
        if any("temper" in self.names.get(leaf, "") for leaf in walk([node])):
            return False
        queue, seen = [node], {node}
        while queue:
            part = queue.pop()
            if part.op in _POLES and _may_be_zero(part.args[_POLES[part.op]], self.facts):
                return True
            if any(self.statics.get(arg) in self.capped for arg in part.args):
                return True
            new = [a for a in part.args if a not in seen and a not in self.statics]
            seen.update(new)
            queue += new
        return False

    def brace(self, node: Expr) -> str:
        """A static expression where ngspice expects a number."""
        if is_const(node):
            return spice_number(node.number)
        return "{" + self.static(node) + "}"

    def dynamic(self, node: Expr, facts: Facts | None = None) -> str:
        """An expression inside a B source."""
        return self._dynamic_part(node, self.facts if facts is None else facts)

    def _dynamic_part(self, node: Expr, facts: Facts) -> str:
        if node in self.names and not node.is_static:
            return self.names[node]
        if is_const(node):
            if is_short(node.number):
                return spice_number(node.number)
            if node not in self.statics:
                name = f"{self.prefix}{len(self.params) + 1}"
                self.params.append((name, spice_number(node.number)))
                self.statics[node] = name
            return "{" + self.statics[node] + "}"
        if node.is_static:
            return "{" + self.static(node) + "}"
        return self._operation(node, facts, self._dynamic_part)

    # ------------------------------------------------------------------ operations

    def _operation(self, node: Expr, facts: Facts, part: Callable[[Expr, Facts], str]) -> str:
        op, args = node.op, node.args
        if op == "select":
            condition = part(args[0], facts)
            then = part(args[1], narrowed(facts, args[0], True))
            otherwise = part(args[2], narrowed(facts, args[0], False))
            return f"({condition} ? {then} : {otherwise})"
        if op == "sub" and all(a.op == "node" for a in args):
            inside = [self.names[a] for a in args]
            if all(text.startswith("v(") and "," not in text for text in inside):
                return f"v({inside[0][2:-1]},{inside[1][2:-1]})"
        if op == "div" and args[1].is_static and not node.is_static:
            return f"({part(args[0], facts)}*{part(div(ONE, args[1]), facts)})"
        texts = [part(arg, facts) for arg in args]
        if op == "mul" and args[0] is args[1] and len(texts[0]) > SHORT_SQUARE:
            return f"pow({texts[0]},2)"
        if op in _INFIX:
            return f"({texts[0]}{_INFIX[op]}{texts[1]})"
        if op in _COMPARE:
            return f"({_closed(texts[0])}{_COMPARE[op]}{texts[1]})"
        if op in _SAME_NAME:
            return f"{op}({','.join(texts)})"
        return _WRITERS[op](_Written(node, texts, facts))


@dataclass(frozen=True)
class _Written:
    """An operation with the text of its operands."""

    node: Expr
    texts: list[str]
    facts: Facts

    def safe(self, index: int, low: float, high: float) -> str:
        """The text of an operand, clamped to [low, high] unless it is known to lie there."""
        text = self.texts[index]
        known = bounds(self.node.args[index], self.facts)
        if known.low < low:
            text = f"max({text},{spice_number(low)})"
        if known.high > high:
            text = f"min({text},{spice_number(high)})"
        return text

    def known(self, index: int, low: float, high: float) -> bool:
        """Whether an operand is known to lie in [low, high]."""
        return bounds(self.node.args[index], self.facts).within(low, high)


def _power(w: _Written) -> str:
    base, exponent = w.texts
    power = w.node.args[1]
    if w.node.is_static:
        return f"pow({base},{exponent})"
    positive = w.known(0, 0.0, math.inf)
    steep = not w.known(0, math.ulp(0.0), math.inf) and not w.known(1, 1.0, math.inf)
    whole = is_const(power) and power.number.is_integer()
    if steep and (positive or not whole):
        base = f"({base if positive else f'abs({base})'}+{spice_number(SMALL)})"
    if positive:
        return f"pow({base},{exponent})"
    if is_const(power) or not power.is_static:
        odd = whole and power.number % 2.0 == 1.0
        return f"{'pwr' if odd else 'pow'}({base},{exponent})"
    # The exponent is a parameter: a negative base is meant for whole exponents only.
    parity = f"(1-4*({exponent}/2-floor({exponent}/2)))"
    return f"(pow({base},{exponent})*({w.texts[0]}<0 ? {parity} : 1))"


def _hyperbolic(w: _Written) -> str:
    name, x = w.node.op, w.texts[0]
    if w.node.is_static or w.known(0, -SINH_LIMIT, SINH_LIMIT):
        return f"{name}({x})"
    slope = math.sinh(SINH_LIMIT) / SINH_LIMIT
    beyond = f"{slope:.6g}*{x if name == 'sinh' else f'abs({x})'}"
    return f"((abs({x})<{spice_number(SINH_LIMIT)}) ? {name}({x}) : {beyond})"


def _logarithm(w: _Written) -> str:
    known = bounds(w.node.args[0], w.facts)
    if known.low > 0.0 or w.node.is_static:
        return f"ln({w.texts[0]})"
    inside = w.texts[0] if known.low == 0.0 else f"abs({w.texts[0]})"
    return f"ln({inside}+{spice_number(TINY)})"


def _root(w: _Written) -> str:
    if w.node.is_static or w.known(0, 0.0, math.inf):
        return f"sqrt({w.texts[0]})"
    return f"sqrt(abs({w.texts[0]}))"


def _limexp(w: _Written) -> str:
    if w.known(0, -math.inf, LIMEXP_KNEE):
        return f"exp({w.texts[0]})"
    x, knee = w.texts[0], spice_number(LIMEXP_KNEE)
    line = f"{spice_number(LIMEXP_MAX)}*(1+({x}-{knee}))"
    return f"(({x}<{knee}) ? exp({x}) : ({line}))"


def _atan2(w: _Written) -> str:
    y, x = w.texts
    half, whole = spice_number(math.pi / 2), spice_number(math.pi)
    left = f"(({y}>=0) ? atan({y}/{x})+{whole} : atan({y}/{x})-{whole})"
    middle = f"(({y}>0) ? {half} : (({y}<0) ? -{half} : 0))"
    return f"(({x}>0) ? atan({y}/{x}) : (({x}<0) ? {left} : {middle}))"


def _truncated(x: str) -> str:
    return f"(sgn({x})*floor(abs({x})))"


def _may_be_zero(node: Expr, facts: Facts) -> bool:
    known = bounds(node, facts)
    return known.low <= 0.0 <= known.high


def _closed(text: str) -> str:
    """With parentheses where a name would end in the `!` of `!=`, for ngspice in some lines."""
    return f"({text})" if text[-1].isalnum() or text[-1] == "_" else text


def _bits(w: _Written, symbol: str) -> str:
    args = enumerate(w.node.args)
    if not all(arg.op in TRUTH or w.known(i, 0.0, 1.0) for i, arg in args):
        _refuse_bits(w)
    return f"(({_closed(w.texts[0])}!=0){symbol}({_closed(w.texts[1])}!=0))"


def _refuse_bits(w: _Written) -> NoReturn:
    refuse(
        "bits-in-spice",
        f"`{w.node.op}` acts on the bits of numbers other than 0 and 1",
        NOWHERE,
        why="ngspice has no operators on bits",
        instead="use multiplication or division by powers of two with floor()",
    )


_WRITERS: Mapping[str, Callable[[_Written], str]] = {
    "neg": lambda w: f"(-{w.texts[0]})",
    "and": lambda w: f"(({w.texts[0]})&&({w.texts[1]}))",
    "or": lambda w: f"(({w.texts[0]})||({w.texts[1]}))",
    "not": lambda w: f"({w.texts[0]}==0)",
    "exp": lambda w: f"exp({w.texts[0]})",
    "sinh": _hyperbolic,
    "cosh": _hyperbolic,
    "ln": _logarithm,
    "sqrt": _root,
    "asin": lambda w: f"asin({w.safe(0, -1.0, 1.0)})",
    "acos": lambda w: f"acos({w.safe(0, -1.0, 1.0)})",
    "acosh": lambda w: f"acosh({w.safe(0, 1.0, math.inf)})",
    "limexp": _limexp,
    "pow": _power,
    "atan2": _atan2,
    "hypot": lambda w: f"sqrt({w.texts[0]}*{w.texts[0]}+{w.texts[1]}*{w.texts[1]})",
    "mod": lambda w: f"({w.texts[0]}-{w.texts[1]}*{_truncated(f'({w.texts[0]}/{w.texts[1]})')})",
    "trunc": lambda w: _truncated(w.texts[0]),
    "round": lambda w: f"(sgn({w.texts[0]})*floor(abs({w.texts[0]})+0.5))",
    "bitand": lambda w: _bits(w, "&&"),
    "bitor": lambda w: _bits(w, "||"),
    "bitxor": lambda w: _bits(w, "!="),
    "bitnot": lambda w: f"(-1-{w.texts[0]})",
    "shl": _refuse_bits,
    "shr": _refuse_bits,
}


def spice_number(value: float) -> str:
    """A number with all its digits and no scale suffix."""
    if math.isinf(value):
        return "1e99" if value > 0 else "(-1e99)"
    text = repr(float(value))
    text = text.removesuffix(".0")
    return f"({text})" if value < 0 else text


def unwrapped(text: str) -> str:
    """Without the outermost parentheses, which a B source does not need."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and index < len(text) - 1:
            return text
    return text[1:-1]
