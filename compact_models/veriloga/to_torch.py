"""The equations as a torch function: batched, differentiable, in float32 or float64, on any device.

Every argument is a tensor or a number, and all broadcast against each other. Arguments of exp, ln,
sqrt and the like are held inside the domain, because the gradient of `where` multiplies the arm
that was not taken by zero, and zero times infinity is not a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from compact_models.errors import ShapeError
from compact_models.veriloga.equations import System
from compact_models.veriloga.expressions import Expr, walk
from compact_models.veriloga.operations import LIMEXP_KNEE, LIMEXP_MAX, TRUTH
from compact_models.veriloga.simplify import hoisted


if TYPE_CHECKING:
    from torch import Tensor

    Value = Tensor | float

_INFIX = {"add": "+", "sub": "-", "mul": "*"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


class _Operations:
    """The operations on tensors, with arguments held inside the domain.

    `library` is the torch module: it is passed in, so that importing this file does not import it.
    """

    def __init__(self, library: ModuleType) -> None:
        self.torch = library

    def lift(self, *values: Value) -> list[Tensor]:
        """Numbers and truth values as tensors of the type of the others."""
        torch = self.torch
        tensors = [v for v in values if isinstance(v, torch.Tensor)]
        numbers = [v for v in tensors if v.dtype != torch.bool]
        like = numbers[0] if numbers else torch.zeros((), dtype=torch.float64)
        return [
            v.to(like.dtype)
            if isinstance(v, torch.Tensor)
            else torch.as_tensor(v, dtype=like.dtype, device=like.device)
            for v in values
        ]

    def tiny(self, x: Tensor) -> float:
        """Smallest normal number of the tensor's type."""
        return self.torch.finfo(x.dtype).tiny

    def largest_exponent(self, x: Tensor) -> float:
        """An exponent whose exp, and the square of it, are finite in float64 or float32."""
        return 700.0 if x.dtype == self.torch.float64 else 85.0

    def truth(self, x: Value) -> Tensor:
        """Whether a number is not zero."""
        return self.lift(x)[0] != 0

    def exp(self, x: Value) -> Tensor:
        """Exponential, constant where it would overflow."""
        (a,) = self.lift(x)
        return self.torch.exp(a.clamp(max=self.largest_exponent(a)))

    def limexp(self, x: Value) -> Tensor:
        """Exponential that goes on as its tangent."""
        (a,) = self.lift(x)
        low = self.torch.exp(a.clamp(max=LIMEXP_KNEE))
        return self.torch.where(a < LIMEXP_KNEE, low, LIMEXP_MAX * (1.0 + (a - LIMEXP_KNEE)))

    def sinh(self, x: Value) -> Tensor:
        """Hyperbolic sine, constant where it would overflow."""
        (a,) = self.lift(x)
        limit = self.largest_exponent(a)
        return self.torch.sinh(a.clamp(-limit, limit))

    def cosh(self, x: Value) -> Tensor:
        """Hyperbolic cosine, constant where it would overflow."""
        (a,) = self.lift(x)
        limit = self.largest_exponent(a)
        return self.torch.cosh(a.clamp(-limit, limit))

    def ln(self, x: Value) -> Tensor:
        """Natural logarithm."""
        (a,) = self.lift(x)
        return self.torch.log(a.clamp(min=self.tiny(a)))

    def sqrt(self, x: Value) -> Tensor:
        """Square root; its slope at zero is taken as zero."""
        (a,) = self.lift(x)
        root = self.torch.sqrt(a.clamp(min=self.tiny(a)))
        return self.torch.where(a > 0, root, self.torch.zeros_like(a))

    def asin(self, x: Value) -> Tensor:
        """Inverse sine."""
        return self.torch.asin(self.lift(x)[0].clamp(-1.0, 1.0))

    def acos(self, x: Value) -> Tensor:
        """Inverse cosine."""
        return self.torch.acos(self.lift(x)[0].clamp(-1.0, 1.0))

    def acosh(self, x: Value) -> Tensor:
        """Inverse hyperbolic cosine."""
        return self.torch.acosh(self.lift(x)[0].clamp(min=1.0))

    def pow(self, base: Value, exponent: Value) -> Tensor:
        """Power; a negative base wants a whole exponent."""
        torch = self.torch
        if isinstance(exponent, float) and exponent.is_integer() and abs(exponent) <= 64:
            return self.lift(base)[0] ** int(exponent)
        a, b = self.lift(base, exponent)
        size = a.abs().clamp(min=self.tiny(a)) ** b
        signed = torch.where(torch.remainder(b, 2.0) == 0, size, -size)
        negative = torch.where(torch.floor(b) == b, signed, torch.full_like(signed, torch.nan))
        at_zero = torch.where(b > 0, torch.zeros_like(size), torch.full_like(size, torch.inf))
        at_zero = torch.where(b == 0, torch.ones_like(size), at_zero)
        return torch.where(a > 0, size, torch.where(a == 0, at_zero, negative))

    def div(self, numerator: Value, denominator: Value) -> Tensor:
        """Quotient; a zero denominator does not reach the gradient."""
        a, b = self.lift(numerator, denominator)
        safe = self.torch.where(b == 0, self.torch.ones_like(b), b)
        return self.torch.where(b == 0, a.detach() * self.torch.inf, a / safe)

    def select(self, condition: Value, then: Value, otherwise: Value) -> Tensor:
        """One of two values."""
        a, b = self.lift(then, otherwise)
        if not self.torch.is_tensor(condition):
            return a if condition else b
        return self.torch.where(self.truth(condition), a, b)

    def round(self, x: Value) -> Tensor:
        """Nearest integer, halves away from zero."""
        (a,) = self.lift(x)
        return self.torch.sign(a) * self.torch.floor(a.abs() + 0.5)

    def logic(self, name: str, *values: Value) -> Tensor:
        """And, or, not."""
        a = [self.truth(v) for v in values]
        if name == "not":
            return ~a[0]
        return a[0] & a[1] if name == "and" else a[0] | a[1]

    def bits(self, name: str, *values: Value) -> Tensor:
        """Operators on the bits of integers."""
        numbers = self.lift(*values)
        a = [number.long() for number in numbers]
        return _BITS[name](*a).to(numbers[0].dtype)

    def plain(self, name: str, *values: Value) -> Tensor:
        """A function that needs no guard."""
        return getattr(self.torch, name)(*self.lift(*values))

    def namespace(self) -> dict[str, Callable[..., Tensor]]:
        """Every operation by the name that generated code calls it."""
        own = (
            "exp", "limexp", "sinh", "cosh", "ln", "sqrt", "asin", "acos", "acosh", "pow", "div",
            "select", "round",
        )  # fmt: skip
        space: dict[str, Callable[..., Tensor]] = {name: getattr(self, name) for name in own}
        space |= {name: partial(self.plain, torch_name) for name, torch_name in _PLAIN.items()}
        space |= {name: partial(self.logic, name) for name in ("and", "or", "not")}
        space |= {name: partial(self.bits, name) for name in _BITS}
        space["number"] = lambda x: self.lift(x)[0]
        return {f"_{name}": function for name, function in space.items()}


_PLAIN = {
    "min": "minimum", "max": "maximum", "mod": "fmod", "atan2": "atan2", "hypot": "hypot",
    **{
        name: name
        for name in (
            "sin", "cos", "tan", "atan", "tanh", "asinh", "atanh", "abs", "floor", "ceil", "trunc",
        )
    },
}  # fmt: skip
_BITS: dict[str, Callable[..., Tensor]] = {
    "bitand": lambda a, b: a & b,
    "bitor": lambda a, b: a | b,
    "bitxor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << b,
    "shr": lambda a, b: a >> b,
    "bitnot": lambda a: ~a,
}


def line(node: Expr, args: Sequence[str]) -> str:
    """The Python text of one operation."""
    op = node.op
    if op in _INFIX or op == "neg":
        # Truth values do not take part in arithmetic on their own.
        args = [
            f"_number({text})" if arg.op in TRUTH else text
            for arg, text in zip(node.args, args, strict=True)
        ]
    if op in _INFIX:
        return f"{args[0]} {_INFIX[op]} {args[1]}"
    if op == "neg":
        return f"-{args[0]}"
    if op in _COMPARE:
        return f"{args[0]} {_COMPARE[op]} {args[1]}"
    return f"_{op}({', '.join(args)})"


@dataclass(frozen=True)
class TorchFunction:
    """A system as a torch function.

    Attributes:
        name: name of the model.
        unknowns: names of the unknowns, in order.
        parameters: names of the parameters, in order.
        residuals: names of the rows, in order.
        source: the generated Python text.
    """

    name: str
    unknowns: tuple[str, ...]
    parameters: tuple[str, ...]
    residuals: tuple[str, ...]
    source: str

    @cached_property
    def function(self) -> Callable[..., tuple[Any, ...]]:
        """f(x0, ..., p0, ...) -> (f of every row, q of every row), all broadcast together."""
        import torch

        space: dict[str, Any] = dict(_Operations(torch).namespace())
        exec(compile(self.source, f"<{self.name}>", "exec"), space)
        return space["residuals"]

    def __call__(
        self, x: Mapping[str, Tensor | float], p: Mapping[str, Tensor | float]
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """Residuals (f, q) by the name of the row.

        Args:
            x: the unknowns by name, tensors or numbers that broadcast together.
            p: the parameters by name.

        Raises:
            ShapeError: an unknown or a parameter is missing.
        """
        missing = [n for n in self.unknowns if n not in x] + [
            n for n in self.parameters if n not in p
        ]
        if missing:
            raise ShapeError(
                f"{self.name}: {', '.join(missing)} not given; needed are the unknowns "
                f"{', '.join(self.unknowns)} and the parameters {', '.join(self.parameters)}; "
                "pass every one of them by name"
            )
        values = self.function(*(x[n] for n in self.unknowns), *(p[n] for n in self.parameters))
        n = len(self.residuals)
        return {row: (values[i], values[n + i]) for i, row in enumerate(self.residuals)}


def torch_function(system: System) -> TorchFunction:
    """Generate the torch function of a system."""
    rows = system.rows()
    outputs = hoisted([*(row.f for row in rows), *(row.q for row in rows)])
    parameters = system.used_parameters(outputs)
    names: dict[Expr, str] = {u: f"x{i}" for i, u in enumerate(system.unknowns)}
    arguments = list(names.values())
    places = {name: f"p{i}" for i, name in enumerate(parameters)}
    arguments += places.values()
    lines: list[str] = []
    for node in walk(outputs):
        if node in names:
            continue
        if node.op == "const":
            names[node] = f"({node.number!r})" if node.number == node.number else "float('nan')"
        elif node.op == "parameter":
            names[node] = places[node.name]
        elif not node.args:
            names[node] = "1.0" if node.op == "analysis" else "0.0"
        else:
            names[node] = f"t{len(lines)}"
            lines.append(f"    {names[node]} = {line(node, [names[a] for a in node.args])}\n")
    result = ", ".join(f"_number({names[o]})" for o in outputs)
    source = f"def residuals({', '.join(arguments)}):\n{''.join(lines)}    return ({result},)\n"
    unknowns = tuple(f"I({u.name})" if u.op == "current" else u.name for u in system.unknowns)
    return TorchFunction(
        system.name, unknowns, tuple(parameters), tuple(row.name for row in rows), source
    )
