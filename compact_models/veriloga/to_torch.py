"""The equations as a torch function: batched, differentiable, in float32 or float64, on any device.

Every argument is a tensor or a number, and all broadcast against each other. Arguments of exp, ln,
sqrt and the like are held inside the domain, because the gradient of `where` multiplies the arm
that was not taken by zero, and zero times infinity is not a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from compact_models.errors import ShapeError
from compact_models.veriloga.equations import System
from compact_models.veriloga.expressions import Expr, walk
from compact_models.veriloga.operations import LIMEXP_KNEE, LIMEXP_MAX
from compact_models.veriloga.simplify import hoisted


if TYPE_CHECKING:
    from torch import Tensor

_INFIX = {"add": "+", "sub": "-", "mul": "*"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


def _guarded(torch: Any) -> dict[str, Callable[..., Any]]:
    """The operations on tensors."""

    def tensor(value: Any, like: Any) -> Any:
        return (
            value
            if torch.is_tensor(value)
            else torch.as_tensor(value, dtype=like.dtype, device=like.device)
        )

    def lift(*values: Any) -> list[Any]:
        like = next((v for v in values if torch.is_tensor(v) and v.dtype != torch.bool), None)
        if like is None:
            like = torch.zeros((), dtype=torch.float64)
        return [
            v.to(like.dtype) if torch.is_tensor(v) and v.dtype == torch.bool else tensor(v, like)
            for v in values
        ]

    def tiny(x: Any) -> float:
        return torch.finfo(x.dtype).tiny

    def greatest_exponent(x: Any) -> float:
        return 700.0 if x.dtype == torch.float64 else 85.0

    def exp(x: Any) -> Any:
        (x,) = lift(x)
        return torch.exp(torch.clamp(x, max=greatest_exponent(x)))

    def limexp(x: Any) -> Any:
        (x,) = lift(x)
        low = torch.exp(torch.clamp(x, max=LIMEXP_KNEE))
        return torch.where(x < LIMEXP_KNEE, low, LIMEXP_MAX * (1.0 + (x - LIMEXP_KNEE)))

    def bounded(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def call(x: Any) -> Any:
            (x,) = lift(x)
            limit = greatest_exponent(x)
            return function(torch.clamp(x, min=-limit, max=limit))

        return call

    def ln(x: Any) -> Any:
        (x,) = lift(x)
        return torch.log(torch.clamp(x, min=tiny(x)))

    def sqrt(x: Any) -> Any:
        (x,) = lift(x)
        return torch.where(x > 0, torch.sqrt(torch.clamp(x, min=tiny(x))), torch.zeros_like(x))

    def power(a: Any, b: Any) -> Any:
        if not torch.is_tensor(b) and float(b).is_integer() and abs(b) <= 64:
            (a,) = lift(a)
            return a ** int(b)
        a, b = lift(a, b)
        positive = torch.clamp(a, min=tiny(a)) ** b
        negative = torch.where(
            torch.remainder(b, 2.0) == 0,
            torch.clamp(-a, min=tiny(a)) ** b,
            -(torch.clamp(-a, min=tiny(a)) ** b),
        )
        whole = torch.where(torch.floor(b) == b, negative, torch.full_like(negative, float("nan")))
        at_zero = torch.where(b > 0, torch.zeros_like(positive), torch.ones_like(positive))
        return torch.where(a > 0, positive, torch.where(a == 0, at_zero, whole))

    def divide(a: Any, b: Any) -> Any:
        a, b = lift(a, b)
        safe = torch.where(b == 0, torch.ones_like(b), b)
        return torch.where(b == 0, a * float("inf"), a / safe)

    def select(c: Any, a: Any, b: Any) -> Any:
        a, b = lift(a, b)
        if not torch.is_tensor(c):
            return a if c else b
        return torch.where(c if c.dtype == torch.bool else c != 0, a, b)

    def inside(function: Callable[[Any], Any], low: float, high: float) -> Callable[[Any], Any]:
        def call(x: Any) -> Any:
            (x,) = lift(x)
            return function(torch.clamp(x, min=low, max=high))

        return call

    def plain(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *values: function(*lift(*values))

    def bits(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def call(a: Any, b: Any) -> Any:
            a, b = lift(a, b)
            return function(a.long(), b.long()).to(a.dtype)

        return call

    def truth(x: Any) -> Any:
        (x,) = lift(x)
        return x != 0

    def away(x: Any) -> Any:
        (x,) = lift(x)
        return torch.sign(x) * torch.floor(torch.abs(x) + 0.5)

    return {
        "exp": exp, "limexp": limexp, "ln": ln, "sqrt": sqrt, "pow": power, "div": divide,
        "select": select, "sinh": bounded(torch.sinh), "cosh": bounded(torch.cosh),
        "asin": inside(torch.asin, -1.0, 1.0), "acos": inside(torch.acos, -1.0, 1.0),
        "acosh": inside(torch.acosh, 1.0, float("inf")),
        "min": plain(torch.minimum), "max": plain(torch.maximum), "mod": plain(torch.fmod),
        "atan2": plain(torch.atan2), "hypot": plain(torch.hypot), "round": away,
        **{
            name: plain(getattr(torch, name))
            for name in (
                "sin", "cos", "tan", "atan", "tanh", "asinh", "atanh", "abs", "floor", "ceil", "trunc",
            )
        },
        "not": lambda x: ~truth(x),
        "and": lambda a, b: truth(a) & truth(b),
        "or": lambda a, b: truth(a) | truth(b),
        "bitand": bits(lambda a, b: a & b), "bitor": bits(lambda a, b: a | b),
        "bitxor": bits(lambda a, b: a ^ b), "shl": bits(lambda a, b: a << b),
        "shr": bits(lambda a, b: a >> b), "bitnot": lambda a: bits(lambda x, _: ~x)(a, 0.0),
        "number": lambda x: lift(x)[0],
    }  # fmt: skip


def line(node: Expr, args: Sequence[str]) -> str:
    """The Python text of one operation."""
    op = node.op
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

        space: dict[str, Any] = {f"_{name}": call for name, call in _guarded(torch).items()}
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
    lines = []
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
