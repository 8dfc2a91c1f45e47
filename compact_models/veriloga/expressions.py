"""Expressions as a graph in which equal things are the same thing.

Every expression is interned: building `a + b` twice gives one object, so common subexpressions
need no search, equality is identity, and a dictionary keyed by expressions is a memo table.
Constructors fold constants and the identities that hold for every finite argument.

`dynamic` is the set of symbols an expression depends on that change while a circuit is simulated
(node potentials, states, time ...). An expression without any is static: it can be computed once
per instance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar
from weakref import WeakValueDictionary

from compact_models.veriloga.digest import content_digest, order, ordered
from compact_models.veriloga.operations import COMPARISONS, OPERATIONS, TRUTH


_STATIC_SYMBOLS = frozenset({"parameter", "given", "analysis"})
_SYMBOLS = frozenset(
    {
        "parameter",  # a parameter of the model
        "given",  # 1 when the parameter is set by the card
        "analysis",  # 1 in the analysis of this name
        "node",  # potential of a node
        "state",  # a quantity with its own differential equation
        "current",  # flow through a branch, as an unknown
        "implicit",  # a quantity with its own algebraic equation
        "probe",  # flow through a branch, not yet resolved
        "port_flow",  # flow into a port, for output only
        "previous",  # a variable read before it is written, not yet resolved
        "ddt_below",  # mark of expressions with a time derivative inside
        "time",  # absolute time
        "temper",  # temperature, where a target computes with it at run time
        "step",  # length of the present time step, not yet resolved
        "initial",  # 1 during @(initial_step), not yet resolved
    }
)
_OPERATORS = frozenset({"ddt", "ddx"})  # on signals; they leave before any target sees them

Key = tuple[str, "float | str | None", tuple["Expr", ...]]


class Expr:
    """A node of the graph: an operation on other nodes, a constant, or a symbol.

    Attributes:
        op: an operation of `operations.OPERATIONS`, "const", or a kind of symbol.
        value: the number of a constant, the name of a symbol, else None.
        args: the operands.
        dynamic: the symbols among its leaves that change during a simulation.
        depth: steps to its deepest leaf.
        digest: a number made from the content alone, the same in every process.
    """

    __slots__ = ("__weakref__", "args", "depth", "digest", "dynamic", "op", "value")

    _table: ClassVar[WeakValueDictionary[Key, Expr]] = WeakValueDictionary()
    op: str
    value: float | str | None
    args: tuple[Expr, ...]
    dynamic: frozenset[Expr]
    depth: int
    digest: int

    @classmethod
    def make(cls, op: str, value: float | str | None, args: tuple[Expr, ...]) -> Expr:
        """The one node with this content."""
        key = (op, value, args)
        found = cls._table.get(key)
        if found is not None:
            return found
        node = object.__new__(cls)
        node.op, node.value, node.args = op, value, args
        if op in _SYMBOLS:
            node.dynamic = frozenset() if op in _STATIC_SYMBOLS else frozenset({node})
        else:
            node.dynamic = _union(args)
        if op == "ddt":
            node.dynamic |= {DDT_BELOW}
        node.depth = 1 + max((arg.depth for arg in args), default=-1)
        node.digest = content_digest(op, value, args)
        cls._table[key] = node
        return node

    @property
    def number(self) -> float:
        """The value of a constant."""
        return self.value if isinstance(self.value, float) else math.nan

    @property
    def name(self) -> str:
        """The name of a symbol."""
        return str(self.value)

    @property
    def is_static(self) -> bool:
        """Whether it can be computed once per instance."""
        return not self.dynamic

    def __repr__(self) -> str:
        if self.op == "const":
            return repr(self.value)
        if self.op in _SYMBOLS:
            return f"{self.op}:{self.value}"
        return f"{self.op}({', '.join(map(repr, self.args))})"


def _union(args: tuple[Expr, ...]) -> frozenset[Expr]:
    """Union of the operands' symbols, sharing a set where one holds all."""
    result: frozenset[Expr] = frozenset()
    for arg in args:
        if not result:
            result = arg.dynamic
        elif arg.dynamic and not arg.dynamic <= result:
            result = result | arg.dynamic
    return result


# --------------------------------------------------------------------------- leaves


def const(value: float) -> Expr:
    """A number."""
    value = float(value)
    if math.isnan(value):
        return NAN
    return Expr.make("const", value + 0.0, ())


def symbol(kind: str, name: str) -> Expr:
    """A symbol, such as `symbol("node", "te")`."""
    return Expr.make(kind, name, ())


NAN = Expr.make("const", math.nan, ())
ZERO, ONE, MINUS_ONE = const(0.0), const(1.0), const(-1.0)
DDT_BELOW = symbol("ddt_below", "")
"""Member of `dynamic` of everything that contains a time derivative."""
TIME, STEP, INITIAL = symbol("time", ""), symbol("step", ""), symbol("initial", "")


def is_const(node: Expr) -> bool:
    """Whether it is a number."""
    return node.op == "const"


# --------------------------------------------------------------------------- constructors


def neg(a: Expr) -> Expr:
    """The negative."""
    if is_const(a):
        return const(-a.number)
    if a.op == "neg":
        return a.args[0]
    if a.op == "sub":
        return sub(a.args[1], a.args[0])
    return Expr.make("neg", None, (a,))


def add(a: Expr, b: Expr) -> Expr:
    """The sum."""
    if is_const(a) and is_const(b):
        return const(a.number + b.number)
    if a is ZERO:
        return b
    if b is ZERO:
        return a
    if b.op == "neg":
        return sub(a, b.args[0])
    if a.op == "neg":
        return sub(b, a.args[0])
    return Expr.make("add", None, ordered(a, b))


def sub(a: Expr, b: Expr) -> Expr:
    """The difference."""
    if is_const(a) and is_const(b):
        return const(a.number - b.number)
    if b is ZERO:
        return a
    if a is ZERO:
        return neg(b)
    if a is b:
        return ZERO
    if b.op == "neg":
        return add(a, b.args[0])
    if b.op == "sub" and b.args[0] is a:
        return b.args[1]
    if a.op == "add" and b in a.args:
        return a.args[0] if a.args[1] is b else a.args[1]
    if b.op == "add" and a in b.args:
        return neg(b.args[0] if b.args[1] is a else b.args[1])
    return Expr.make("sub", None, (a, b))


def mul(a: Expr, b: Expr) -> Expr:
    """The product."""
    if is_const(b):
        a, b = b, a
    if is_const(a):
        if is_const(b):
            return const(a.number * b.number)
        simple = _times_constant(a, b)
        if simple is not None:
            return simple
    if a.op == "neg" and b.op == "neg":
        return mul(a.args[0], b.args[0])
    if a.op == "neg":
        return neg(mul(a.args[0], b))
    if b.op == "neg":
        return neg(mul(a, b.args[0]))
    return Expr.make("mul", None, ordered(a, b))


def _times_constant(a: Expr, b: Expr) -> Expr | None:
    if a is ZERO:
        return ZERO
    if a is ONE:
        return b
    if a is MINUS_ONE:
        return neg(b)
    if b.op == "mul" and is_const(b.args[0]):
        product = a.number * b.args[0].number
        if math.isfinite(product) and abs(product) > 1e-290:
            return mul(const(product), b.args[1])
    return None


def div(a: Expr, b: Expr) -> Expr:
    """The quotient."""
    if is_const(a) and is_const(b) and b is not ZERO:
        return const(a.number / b.number)
    if b is ONE:
        return a
    if a is ZERO and b is not ZERO:
        return ZERO
    if b is MINUS_ONE:
        return neg(a)
    if a.op == "neg":
        return neg(div(a.args[0], b))
    return Expr.make("div", None, (a, b))


def power(a: Expr, b: Expr) -> Expr:
    """The power."""
    if is_const(a) and is_const(b):
        return const(OPERATIONS["pow"](a.number, b.number))
    if b is ZERO or a is ONE:
        return ONE
    if b is ONE:
        return a
    if is_const(b) and b.number == 2.0:
        return mul(a, a)
    if is_const(b) and b.number == 0.5:
        return apply("sqrt", a)
    return Expr.make("pow", None, (a, b))


def select(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    """One of two, by a condition."""
    if is_const(condition):
        return then if condition.number != 0.0 else otherwise
    if then is otherwise:
        return then
    if condition.op == "not":
        return select(condition.args[0], otherwise, then)
    if then.op == "select" and then.args[0] is condition:
        then = then.args[1]
    if otherwise.op == "select" and otherwise.args[0] is condition:
        otherwise = otherwise.args[2]
    if then is otherwise:
        return then
    if then is ONE and otherwise is ZERO:
        return truth(condition)
    return Expr.make("select", None, (condition, then, otherwise))


def truth(a: Expr) -> Expr:
    """1 when `a` is not zero."""
    return a if a.op in TRUTH else compare("ne", a, ZERO)


def compare(op: str, a: Expr, b: Expr) -> Expr:
    """A comparison, 1 or 0."""
    if is_const(a) and is_const(b):
        return const(OPERATIONS[op](a.number, b.number))
    if a is b:
        return const(float(op in {"le", "ge", "eq"}))
    if op == "ne" and b is ZERO and a.op in TRUTH:
        return a
    if op == "eq" and b is ZERO and a.op in TRUTH:
        return apply("not", a)
    if a.op == "sub" and b is ZERO:
        return compare(op, a.args[0], a.args[1])
    return Expr.make(op, None, (a, b))


def _logical(op: str, a: Expr, b: Expr) -> Expr:
    """Short-circuit and / or with constants removed."""
    absorbing, neutral = (ZERO, ONE) if op == "and" else (ONE, ZERO)
    a, b = truth(a), truth(b)
    if absorbing in (a, b):
        return absorbing
    if a is neutral or a is b:
        return b
    if b is neutral:
        return a
    return Expr.make(op, None, (a, b))


def _not(a: Expr) -> Expr:
    if is_const(a):
        return const(float(a.number == 0.0))
    if a.op == "not":
        return truth(a.args[0])
    return Expr.make("not", None, (a,))


def _minmax(op: str, a: Expr, b: Expr) -> Expr:
    if a is b:
        return a
    if is_const(a) and is_const(b):
        return const(OPERATIONS[op](a.number, b.number))
    return Expr.make(op, None, (a, b))


def _bitwise(op: str, a: Expr, b: Expr) -> Expr:
    """Operators on bits; on truth values they are logic."""
    if a.op in TRUTH and b.op in TRUTH:
        if op == "bitxor":
            return compare("ne", a, b)
        return _logical("and" if op == "bitand" else "or", a, b)
    if is_const(a) and is_const(b):
        return const(OPERATIONS[op](a.number, b.number))
    return Expr.make(op, None, (a, b))


_SPECIAL: dict[str, Callable[..., Expr]] = {
    "neg": neg,
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "pow": power,
    "select": select,
    "not": _not,
    "min": lambda a, b: _minmax("min", a, b),
    "max": lambda a, b: _minmax("max", a, b),
    "and": lambda a, b: _logical("and", a, b),
    "or": lambda a, b: _logical("or", a, b),
    "bitand": lambda a, b: _bitwise("bitand", a, b),
    "bitor": lambda a, b: _bitwise("bitor", a, b),
    "bitxor": lambda a, b: _bitwise("bitxor", a, b),
}


def apply(op: str, *args: Expr) -> Expr:
    """Any operation, folded where it can be."""
    if op in _SPECIAL:
        return _SPECIAL[op](*args)
    if op in COMPARISONS:
        return compare(op, args[0], args[1])
    if op in OPERATIONS and all(is_const(arg) for arg in args):
        return const(OPERATIONS[op](*(arg.number for arg in args)))
    return Expr.make(op, None, args)


def ddt(charge: Expr) -> Expr:
    """The time derivative of `charge`."""
    return ZERO if charge.is_static else Expr.make("ddt", None, (charge,))


def total(terms: Iterable[Expr]) -> Expr:
    """The sum of the terms."""
    result = ZERO
    for term in terms:
        result = add(result, term)
    return result


# --------------------------------------------------------------------------- walking


def walk(roots: Iterable[Expr]) -> Iterator[Expr]:
    """Every node below the roots once, operands first."""
    seen: set[Expr] = set()
    for root in roots:
        stack: list[tuple[Expr, bool]] = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                yield node
                continue
            if node in seen:
                continue
            seen.add(node)
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args) if arg not in seen)


def symbols(roots: Iterable[Expr], kind: str) -> list[Expr]:
    """The symbols of one kind below the roots, each once."""
    if kind in _STATIC_SYMBOLS:
        return [node for node in walk(roots) if node.op == kind]
    found = {node for root in roots for node in root.dynamic if node.op == kind}
    return sorted(found, key=order)


def has_ddt(node: Expr) -> bool:
    """Whether a time derivative is below a node."""
    return DDT_BELOW in node.dynamic


def substitute(
    roots: Iterable[Expr], values: Mapping[Expr, Expr], memo: dict[Expr, Expr] | None = None
) -> list[Expr]:
    """The roots with every key of `values` replaced; simplifications apply on the way."""
    roots = list(roots)
    done: dict[Expr, Expr] = {} if memo is None else memo
    for node in walk(roots):
        if node in done:
            continue
        if node in values:
            done[node] = values[node]
        elif not node.args:
            done[node] = node
        else:
            args = tuple(done[arg] for arg in node.args)
            done[node] = node if args == node.args else apply(node.op, *args)
    return [done[root] for root in roots]


def evaluate(roots: Iterable[Expr], values: Mapping[Expr, float]) -> list[float]:
    """Numbers for the roots, given numbers for their symbols."""
    roots = list(roots)
    done: dict[Expr, float] = {}
    for node in walk(roots):
        if node in values:
            done[node] = values[node]
        elif node.op == "const":
            done[node] = node.number
        else:
            done[node] = OPERATIONS[node.op](*(done[arg] for arg in node.args))
    return [done[root] for root in roots]
