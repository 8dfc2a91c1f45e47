"""A compiled model: one source, and everything it can be turned into."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from compact_models.errors import CardError
from compact_models.veriloga.diagnostics import Note
from compact_models.veriloga.equations import (
    Range,
    System,
    defaults,
    frozen as frozen_system,
    with_values,
)
from compact_models.veriloga.expressions import Expr, const, evaluate, is_const, symbol, walk
from compact_models.veriloga.hold import with_held_ports
from compact_models.veriloga.subcircuit import Subcircuit
from compact_models.veriloga.to_equations import equations_text
from compact_models.veriloga.to_ngspice import to_ngspice
from compact_models.veriloga.to_numba import NumbaKernel, numba_kernel
from compact_models.veriloga.to_torch import TorchFunction, torch_function


@dataclass(frozen=True)
class Parameter:
    """A parameter of a model.

    Attributes:
        name: its name.
        default: value at the defaults of all others.
        unit: its unit, as the source gives it.
        low: lowest allowed value.
        high: highest allowed value.
        description: what it is.
    """

    name: str
    default: float
    unit: str
    low: float
    high: float
    description: str


@dataclass(frozen=True)
class State:
    """A state of a model.

    Attributes:
        name: its name.
        parameter: the parameter that holds its initial value, empty when there is none.
        unit: its unit.
        scale: its natural size; one volt on its ngspice node.
    """

    name: str
    parameter: str
    unit: str
    scale: float


@dataclass(frozen=True, eq=False)
class CompactModel:
    """A Verilog-A module, compiled."""

    system: System
    notes: tuple[Note, ...] = ()
    _cache: dict[object, object] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """Name of the module."""
        return self.system.name

    @property
    def ports(self) -> tuple[str, ...]:
        """Names of the ports, in order."""
        return self.system.ports

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Parameters by name; the ambient temperature [K] is one of them."""
        values = defaults(self.system, {})
        return {
            name: Parameter(name, values[name], spec.unit, *self._limits(name), spec.description)
            for name, spec in self.system.parameters.items()
        }

    def _limits(self, name: str) -> tuple[float, float]:
        low, high = -float("inf"), float("inf")
        for item in self.system.parameters[name].ranges:
            if item.exclude:
                continue
            low = item.low.number if item.low is not None and is_const(item.low) else low
            high = item.high.number if item.high is not None and is_const(item.high) else high
        return low, high

    @property
    def states(self) -> tuple[State, ...]:
        """States, in order."""
        return tuple(State(s.symbol.name, s.parameter, s.unit, s.scale) for s in self.system.states)

    def check_values(self, values: Mapping[str, float]) -> None:
        """Check parameter values against the model.

        Raises:
            CardError: a name is unknown or a value lies outside of its declared range.
        """
        unknown = [name for name in values if name not in self.system.parameters]
        if unknown:
            raise CardError(
                f"{self.name}: there is no parameter {unknown[0]!r}; "
                f"the model has {', '.join(self.system.parameters)}; correct the name"
            )
        known: dict[Expr, float] = {
            symbol("parameter", n): v for n, v in defaults(self.system, dict(values)).items()
        }
        for name, value in values.items():
            for item in self.system.parameters[name].ranges:
                if not _allows(item, float(value), known):
                    unit = self.system.parameters[name].unit
                    raise CardError(
                        f"{self.name}: {name} = {value:g} {unit}".rstrip()
                        + f" is outside of its range {_range_text(item, known)}; change the value"
                    )

    def _prepared(self, *, frozen: bool, values: Mapping[str, float] | None) -> System:
        values = dict(values or {})
        self.check_values(values)
        system = frozen_system(self.system) if frozen else self.system
        flags = {
            node: const(float(node.name in values))
            for node in walk(system.expressions())
            if node.op == "given"
        }
        return with_values(system.mapped(flags), values)

    def to_ngspice(
        self,
        frozen: bool = False,
        values: Mapping[str, float] | None = None,
        within: float = math.inf,
    ) -> str:
        """The model as a subcircuit, from .subckt to .ends.

        Args:
            frozen: hold every state at its initial-value parameter and leave the charges out: the
                purely algebraic subcircuit of DC reads.
            values: numbers to bake in, e.g. a card's; what is left can be set per instance.
            within: no port exceeds this in a solution, either way [V]: guards against what only
                larger voltages could do are left out, which makes each iteration cheaper.

        Raises:
            CardError: a value is unknown or out of range.
        """
        return self.subcircuit(frozen, values, within).text

    def subcircuit(
        self,
        frozen: bool = False,
        values: Mapping[str, float] | None = None,
        within: float = math.inf,
    ) -> Subcircuit:
        """As `to_ngspice`, with the names of its parameters and internal nodes."""
        self.check_values(values or {})
        return to_ngspice(self.system, dict(values or {}), frozen=frozen, within=within)

    def to_numba(
        self, frozen: bool = False, values: Mapping[str, float] | None = None
    ) -> NumbaKernel:
        """The model as a compiled scalar function with exact derivatives; arguments as above."""
        key = ("numba", frozen, tuple(sorted((values or {}).items())))
        if key not in self._cache:
            self._cache[key] = numba_kernel(self._prepared(frozen=frozen, values=values))
        return self._cache[key]  # type: ignore[return-value]

    def to_torch(
        self, frozen: bool = False, values: Mapping[str, float] | None = None
    ) -> TorchFunction:
        """The model as a torch function; arguments as above."""
        return torch_function(self._prepared(frozen=frozen, values=values))

    def held(self, potentials: Mapping[str, float], name: str) -> CompactModel:
        """The model with some ports at fixed potentials [V], as a model of its own.

        Args:
            potentials: potential of each port that an ideal source outside holds [V].
            name: what the new model, and its subcircuit, is called.

        Raises:
            InputError: a name that is not a port, or a port that cannot be held.
        """
        return CompactModel(with_held_ports(self.system, potentials, name), self.notes)

    def equations_text(self) -> str:
        """The equations for people, with everything that was recognised or dropped."""
        return equations_text(self.system, self.notes)

    def draw(self, seed: int, values: Mapping[str, float] | None = None) -> dict[str, float]:
        """One instance's random numbers.

        Args:
            seed: seed of the generator; the same seed gives the same instance.
            values: parameters that the distributions depend on; defaults for the rest.

        Returns:
            A value for each parameter that stands for a draw.
        """
        random = np.random.default_rng(seed)
        known: dict[Expr, float] = {
            symbol("parameter", n): v for n, v in defaults(self.system, dict(values or {})).items()
        }
        return {
            d.parameter: _SAMPLERS[d.distribution](random, *evaluate(d.arguments, known))
            for d in self.system.draws
        }


_SAMPLERS: dict[str, Callable[..., float]] = {
    "normal": lambda r: float(r.standard_normal()),
    "uniform": lambda r: float(r.random()),
    "exponential": lambda r: float(r.standard_exponential()),
    "integer": lambda r: float(r.integers(-(2**31), 2**31)),
    "poisson": lambda r, mean: float(r.poisson(mean)),
    "chi_square": lambda r, freedom: float(r.chisquare(freedom)),
    "t": lambda r, freedom: float(r.standard_t(freedom)),
    "erlang": lambda r, k, mean: float(r.gamma(k, mean / k)),
}


def _bound(node: Expr | None, known: dict[Expr, float], default: float) -> float:
    return default if node is None else evaluate([node], known)[0]


def _allows(item: Range, value: float, known: dict[Expr, float]) -> bool:
    low = _bound(item.low, known, -float("inf"))
    high = _bound(item.high, known, float("inf"))
    above = value >= low if item.low_closed or item.low is None else value > low
    below = value <= high if item.high_closed or item.high is None else value < high
    return (above and below) is not item.exclude


def _range_text(item: Range, known: dict[Expr, float]) -> str:
    low = _bound(item.low, known, -float("inf"))
    high = _bound(item.high, known, float("inf"))
    brackets = ("[" if item.low_closed else "(", "]" if item.high_closed else ")")
    text = f"{brackets[0]}{low:g}, {high:g}{brackets[1]}"
    return f"(everything but {text})" if item.exclude else text
