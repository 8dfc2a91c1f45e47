"""What happens when a surrogate is asked outside of its domain: a warning, a count, a refusal.

    guarded = Guarded(surrogate, "warn")        the same surrogate, watched
    set_arithmetic(network, guarded)            in all layers, with one count for the network
    counts = count_by_layer(network)            from here on one count for each layer
    ... train or evaluate ...
    print(counts_table(network))

A guarded surrogate answers exactly what the surrogate inside answers, gradients included. What it
adds is one pass over the values for their extremes; only when these lie outside are the values
counted. Conductances are looked at when a tile is prepared, inputs whenever it is read.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Self, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.surrogate.base import Operator, Surrogate
from cosim.surrogate.domain import ROUNDING, DomainReport, Overrun


OnOutside = Literal["warn", "count", "refuse", "ignore"]


class DomainWarning(UserWarning):
    """A surrogate was asked outside of its domain, where its certificate says nothing."""


class OutsideDomainError(InputError):
    """A surrogate that must not be asked outside of its domain was."""


@dataclass
class Tally:
    """What a guarded surrogate has seen of one quantity.

    Attributes:
        total: number of values.
        outside: how many of them lay outside.
        low: smallest value.
        high: largest value.
    """

    total: int = 0
    outside: int = 0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, values: Tensor, low: float, high: float) -> int:
        """Take values into account; how many of them lie outside `low` to `high`."""
        if not values.numel():
            return 0
        least, most = torch.aminmax(values)
        smallest, largest = float(least), float(most)
        self.total += values.numel()
        self.low, self.high = min(self.low, smallest), max(self.high, largest)
        margin = ROUNDING * max(abs(low), abs(high))
        if low - margin <= smallest and largest <= high + margin:
            return 0
        inside = (values >= low - margin) & (values <= high + margin)
        outside = values.numel() - int(inside.sum())
        self.outside += outside
        return outside

    @property
    def overrun(self) -> Overrun:
        """The same as a part of a domain report."""
        seen = self.total > 0
        return Overrun(
            self.outside, self.total, self.low if seen else 0.0, self.high if seen else 0.0
        )


@dataclass(frozen=True)
class GuardedOperator(Operator):
    """A prepared tile whose inputs are looked at.

    Attributes:
        inside: the operator that answers.
        guard: the surrogate that counts.
    """

    inside: Operator
    guard: Guarded

    def __call__(
        self, V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] for the input voltages `V` [V]."""
        self.guard.look_at_inputs(V)
        return self.inside(V)


class Guarded(Surrogate):
    """A surrogate that says when it is asked outside of its domain.

    Attributes:
        inside: the surrogate that answers.
        on_outside: `warn` once, only `count`, `refuse`, or `ignore`, which does not look.
    """

    def __init__(self, inside: Surrogate, on_outside: OnOutside = "warn") -> None:
        """Watch a surrogate.

        Raises:
            InputError: an unknown policy.
        """
        if on_outside not in get_args(OnOutside):
            raise InputError(
                f"`on_outside` is {on_outside!r}; allowed are {', '.join(get_args(OnOutside))};"
                " choose one"
            )
        super().__init__(inside.rows, inside.cols, inside.domain)
        self.inside: Surrogate = inside.inside if isinstance(inside, Guarded) else inside
        self.on_outside = on_outside
        self.reset()

    @property
    def kind(self) -> str:  # type: ignore[override]
        """The kind of the surrogate inside: a stored one is stored without its guard."""
        return self.inside.kind

    def reset(self) -> None:
        """Forget all counts, and warn again."""
        self._inputs, self._conductances = Tally(), Tally()
        self._warned = False

    def separate(self) -> Guarded:
        """The same surrogate with the same policy and counts of its own."""
        return Guarded(self.inside, self.on_outside)

    @property
    def report(self) -> DomainReport:
        """What of all inputs and conductances so far lay outside, and how far they went."""
        return DomainReport(self._inputs.overrun, self._conductances.overrun, self.domain)

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> Operator:
        """The operator of a tile whose cells have the conductances `G` [S].

        Raises:
            OutsideDomainError: a conductance lies outside, and the policy is to refuse.
        """
        return self._guarded(self.inside.prepare(G), G)

    def prepare_pairs(self, G: Float[Tensor, "*blocks side rows cols"]) -> Operator:
        """The operator of differential columns of tiles side by side, as it is inside.

        Raises:
            OutsideDomainError: a conductance lies outside, and the policy is to refuse.
        """
        return self._guarded(self.inside.prepare_pairs(G), G)

    def _guarded(self, operator: Operator, G: Tensor) -> Operator:
        if self.on_outside == "ignore":
            return operator
        domain = self.domain
        self._look(self._conductances, G, domain.conductance_low, domain.conductance_high)
        return GuardedOperator(operator, self)

    def look_at_inputs(self, V: Tensor) -> None:
        """Count inputs and do what the policy says."""
        self._look(self._inputs, V, self.domain.input_low, self.domain.input_high)

    def _look(self, tally: Tally, values: Tensor, low: float, high: float) -> None:
        with torch.no_grad():
            outside = tally.add(values.detach(), low, high)
        if not outside or self.on_outside == "count":
            return
        if self.on_outside == "refuse":
            raise OutsideDomainError(str(self.report))
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{self.report}; said once, further ones are counted", DomainWarning, stacklevel=5
            )

    def tensors(self) -> dict[str, Tensor]:
        """The numbers of the surrogate inside."""
        return self.inside.tensors()

    def settings(self) -> dict[str, Any]:
        """The settings of the surrogate inside."""
        return self.inside.settings()

    @classmethod
    def rebuild(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """A stored surrogate has no guard, so nothing stored is rebuilt as one.

        Raises:
            InputError: always.
        """
        return _no_guard_on_disk()

    def _like(self) -> Tensor:
        return self.inside._like()


def _no_guard_on_disk() -> NoReturn:
    raise InputError(
        "a guarded surrogate was to be rebuilt from a folder; folders hold what is inside a guard;"
        " load that, and put `Guarded(surrogate, on_outside)` around it"
    )


def count_by_layer(network: nn.Module) -> dict[str, Guarded]:
    """Give every module that holds a guarded surrogate counts of its own.

    Args:
        network: changed in place; the surrogates inside stay shared.

    Returns:
        The guards by the name of the module that holds them.
    """
    found = _holders(network)
    for name, (module, attribute, guarded) in found.items():
        separate = guarded.separate()
        setattr(module, attribute, separate)
        found[name] = (module, attribute, separate)
    return {name: guarded for name, (_, _, guarded) in found.items()}


def domain_counts(network: nn.Module) -> dict[str, DomainReport]:
    """What of its inputs and conductances each layer's surrogate saw outside, by layer name."""
    return {name: guarded.report for name, (_, _, guarded) in _holders(network).items()}


def counts_table(network: nn.Module) -> str:
    """The counts of all layers as lines of text for people."""
    rows = [("layer", "inputs outside", "highest", "conductances outside", "highest")]
    for name, report in domain_counts(network).items():
        inputs, cells = report.inputs, report.conductances
        rows.append(
            (
                name or "(network)",
                f"{inputs.count} of {inputs.total}",
                f"{inputs.high:.4g} V",
                f"{cells.count} of {cells.total}",
                f"{1e6 * cells.high:.4g} µS",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _holders(network: nn.Module) -> dict[str, tuple[nn.Module, str, Guarded]]:
    """Modules that hold a guard as a child: by name, the module, the child's name, the guard."""
    return {
        name: (module, attribute, child)
        for name, module in network.named_modules()
        for attribute, child in module.named_children()
        if isinstance(child, Guarded)
    }
