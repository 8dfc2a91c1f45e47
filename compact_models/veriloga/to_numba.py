"""The equations as one straight-line scalar function, compiled by numba.

The generated function takes the unknowns and the parameters as scalars and returns one flat tuple:

    f of every residual, q of every residual, df/dx where it is not zero, dq/dx where it is not zero

It allocates nothing and has no loop, so that a caller's own compiled loop can take it in, and the
optimiser drops whatever of the tuple the caller does not read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike

from compact_models.errors import ShapeError
from compact_models.veriloga.derivative import derivatives
from compact_models.veriloga.equations import System
from compact_models.veriloga.expressions import ZERO, Expr, walk
from compact_models.veriloga.operations import COMPARISONS, LIMEXP_KNEE, LIMEXP_MAX
from compact_models.veriloga.simplify import hoisted


@numba.njit(error_model="numpy", forceinline=True)
def _limexp(x: float) -> float:
    return np.exp(x) if x < LIMEXP_KNEE else LIMEXP_MAX * (1.0 + (x - LIMEXP_KNEE))


@numba.njit(error_model="numpy", forceinline=True)
def _round(x: float) -> float:
    return np.copysign(np.floor(abs(x) + 0.5), x)


@numba.njit(error_model="numpy", forceinline=True)
def _fmod(a: float, b: float) -> float:
    return np.fmod(a, b)


_GLOBALS: dict[str, Any] = {"np": np, "_limexp": _limexp, "_round": _round, "_fmod": _fmod}

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_CALLS = {
    **{
        name: f"np.{name}"
        for name in (
            "exp", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "floor", "ceil", "trunc",
            "hypot",
        )
    },
    "ln": "np.log", "asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan",
    "atan2": "np.arctan2", "asinh": "np.arcsinh", "acosh": "np.arccosh", "atanh": "np.arctanh",
    "abs": "abs", "min": "min", "max": "max", "limexp": "_limexp", "round": "_round",
    "mod": "_fmod",
}  # fmt: skip
_BITS = {"bitand": "&", "bitor": "|", "bitxor": "^", "shl": "<<", "shr": ">>"}


def line(node: Expr, args: Sequence[str]) -> str:
    """The Python text of one operation."""
    op = node.op
    if op in _INFIX:
        return f"{args[0]} {_INFIX[op]} {args[1]}"
    if op == "neg":
        return f"-{args[0]}"
    if op in COMPARISONS:
        return f"1.0 if {args[0]} {_COMPARE[op]} {args[1]} else 0.0"
    if op in {"and", "or"}:
        return f"1.0 if ({args[0]} != 0.0 {op} {args[1]} != 0.0) else 0.0"
    if op == "not":
        return f"1.0 if {args[0]} == 0.0 else 0.0"
    if op == "select":
        return f"{args[1]} if {condition(node.args[0], args[0])} else {args[2]}"
    if op == "pow":
        return f"{args[0]} ** {args[1]}"
    if op in _BITS:
        return f"float(int({args[0]}) {_BITS[op]} int({args[1]}))"
    if op == "bitnot":
        return f"float(~int({args[0]}))"
    return f"{_CALLS[op]}({', '.join(args)})"


def condition(node: Expr, name: str) -> str:
    """A condition as a truth value."""
    return f"{name} != 0.0"


@dataclass(frozen=True)
class NumbaKernel:
    """A system as a compiled scalar function.

    Attributes:
        name: name of the model.
        unknowns: names of the arguments x, in order.
        parameters: names of the arguments p, in order.
        residuals: names of the rows, in order.
        f_pattern: (row, column) of each returned entry of df/dx.
        q_pattern: (row, column) of each returned entry of dq/dx.
        source: the generated Python text.
    """

    name: str
    unknowns: tuple[str, ...]
    parameters: tuple[str, ...]
    residuals: tuple[str, ...]
    f_pattern: tuple[tuple[int, int], ...]
    q_pattern: tuple[tuple[int, int], ...]
    source: str

    @cached_property
    def function(self) -> Callable[..., tuple[float, ...]]:
        """The compiled scalar function f(x0, ..., p0, ...) -> flat tuple."""
        space = dict(_GLOBALS)
        exec(compile(self.source, f"<{self.name}>", "exec"), space)
        return numba.njit(error_model="numpy", forceinline=True)(space["kernel"])

    @cached_property
    def _table(self) -> Callable[..., None]:
        """The scalar function over the rows of arrays."""
        x = ", ".join(f"x[i, {k}]" for k in range(len(self.unknowns)))
        p = ", ".join(f"p[i, {k}]" for k in range(len(self.parameters)))
        arguments = ", ".join(part for part in (x, p) if part)
        text = (
            "def table(x, p, out):\n"
            "    for i in range(out.shape[0]):\n"
            f"        values = kernel({arguments})\n"
            "        for k in range(out.shape[1]):\n"
            "            out[i, k] = values[k]\n"
        )
        space: dict[str, Any] = {"kernel": self.function}
        exec(compile(text, f"<{self.name} table>", "exec"), space)
        return numba.njit(error_model="numpy", nogil=True)(space["table"])

    @property
    def size(self) -> int:
        """Number of returned entries."""
        return 2 * len(self.residuals) + len(self.f_pattern) + len(self.q_pattern)

    def evaluate(self, x: ArrayLike, p: ArrayLike) -> Float[ndarray, "n entries"]:
        """The flat tuple for many points.

        Args:
            x: unknowns `[points, unknowns]`, one row per point.
            p: parameters, one row per point, or one row for all of them.

        Returns:
            One row of entries per point, in the order f, q, df/dx, dq/dx.

        Raises:
            ShapeError: x or p does not have one column per name.
        """
        x = np.ascontiguousarray(np.atleast_2d(np.asarray(x, dtype=np.float64)))
        p = np.asarray(p, dtype=np.float64)
        if x.shape[1] != len(self.unknowns) or p.shape[-1:] != (len(self.parameters),):
            raise ShapeError(
                f"{self.name}: x has {x.shape[-1]} and p {p.shape[-1] if p.ndim else 0} columns; "
                f"allowed are {len(self.unknowns)} ({', '.join(self.unknowns)}) and "
                f"{len(self.parameters)} ({', '.join(self.parameters)}); pass one column per name"
            )
        out = np.empty((x.shape[0], self.size))
        rows = np.array(np.broadcast_to(p, (x.shape[0], len(self.parameters))))
        self._table(x, rows, out)
        return out

    def jacobians(
        self, entries: Float[ndarray, "n entries"]
    ) -> tuple[Float[ndarray, "n rows cols"], Float[ndarray, "n rows cols"]]:
        """df/dx and dq/dx as full matrices, from what `evaluate` returns."""
        n = len(self.residuals)
        start = 2 * n
        matrices = []
        for pattern in (self.f_pattern, self.q_pattern):
            matrix = np.zeros((entries.shape[0], n, len(self.unknowns)))
            for k, (row, col) in enumerate(pattern):
                matrix[:, row, col] = entries[:, start + k]
            start += len(pattern)
            matrices.append(matrix)
        return matrices[0], matrices[1]


def numba_kernel(system: System) -> NumbaKernel:
    """Generate the kernel of a system."""
    rows = system.rows()
    unknowns = system.unknowns
    values = hoisted([*(row.f for row in rows), *(row.q for row in rows)])
    f, q = values[: len(rows)], values[len(rows) :]
    f_entries, f_pattern = _jacobian(f, unknowns)
    q_entries, q_pattern = _jacobian(q, unknowns)
    outputs = [*f, *q, *f_entries, *q_entries]
    parameters = system.used_parameters(outputs)
    source = _source(unknowns, parameters, outputs)
    names = tuple(_unknown_name(u) for u in unknowns)
    return NumbaKernel(
        system.name, names, tuple(parameters), tuple(row.name for row in rows),
        tuple(f_pattern), tuple(q_pattern), source,
    )  # fmt: skip


def _unknown_name(unknown: Expr) -> str:
    return f"I({unknown.name})" if unknown.op == "current" else unknown.name


def _jacobian(
    roots: Sequence[Expr], unknowns: Sequence[Expr]
) -> tuple[list[Expr], list[tuple[int, int]]]:
    """The entries that are not identically zero, with their places."""
    columns = [derivatives(roots, unknown) for unknown in unknowns]
    entries, pattern = [], []
    for row in range(len(roots)):
        for col, column in enumerate(columns):
            if column[row] is not ZERO:
                entries.append(column[row])
                pattern.append((row, col))
    return entries, pattern


def _source(unknowns: Sequence[Expr], parameters: Sequence[str], outputs: Sequence[Expr]) -> str:
    names: dict[Expr, str] = {u: f"x{i}" for i, u in enumerate(unknowns)}
    arguments = [names[u] for u in unknowns]
    places = {name: f"p{i}" for i, name in enumerate(parameters)}
    arguments += places.values()
    lines: list[str] = []
    for node in walk(outputs):
        if node in names:
            continue
        if node.op == "const":
            names[node] = constant(node.number)
        elif node.op == "parameter":
            names[node] = places[node.name]
        elif not node.args:
            names[node] = "1.0" if node.op == "analysis" else "0.0"
        else:
            names[node] = f"t{len(lines)}"
            text = line(node, [names[arg] for arg in node.args])
            lines.append(f"    {names[node]} = {text}\n")
    result = ", ".join(names[o] for o in outputs)
    return f"def kernel({', '.join(arguments)}):\n{''.join(lines)}    return ({result},)\n"


def constant(value: float) -> str:
    """A number as Python text, negative ones in parentheses."""
    if value != value:
        return "np.nan"
    if value in (float("inf"), float("-inf")):
        return "np.inf" if value > 0 else "(-np.inf)"
    return f"({value!r})" if value < 0 else repr(value)
