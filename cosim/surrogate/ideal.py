"""The tile without any circuit: I = V G, the arithmetic that a network is usually trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.surrogate.base import Operator, Surrogate
from cosim.surrogate.domain import Domain


@dataclass(frozen=True)
class Product(Operator):
    """A plain matrix product.

    Attributes:
        conductance: [tiles, rows, cols] [S].
    """

    conductance: Float[Tensor, "*tiles rows cols"]

    def __call__(
        self, V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] for the input voltages `V` [V]."""
        return V @ self.conductance


class IdealProduct(Surrogate):
    """Ohm's and Kirchhoff's laws with perfect wires, linear devices and no access transistor."""

    kind: ClassVar[str] = "ideal"

    def __init__(self, rows: int, cols: int, domain: Domain) -> None:
        super().__init__(rows, cols, domain)
        self.register_buffer("marker", torch.zeros((), dtype=torch.float64), persistent=False)

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> Product:
        """The product with the conductances `G` [S]."""
        self.check_conductances(G)
        return Product(G)

    def tensors(self) -> dict[str, Tensor]:
        """Nothing is fitted."""
        return {}

    def settings(self) -> dict[str, Any]:
        """Size and domain."""
        return {"rows": self.rows, "cols": self.cols, "domain": self.domain.to_dict()}

    @classmethod
    def rebuild(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The product of the size in `settings`."""
        return cls(settings["rows"], settings["cols"], Domain.from_dict(settings["domain"]))
