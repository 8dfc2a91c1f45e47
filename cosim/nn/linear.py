"""`torch.nn.Linear` on tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cosim.errors import InputError
from cosim.nn.layer import AnalogLayer
from cosim.nn.settings import TileSettings
from cosim.nn.weights import with_weights_of


if TYPE_CHECKING:
    from netlists.specs import TileSpec


class AnalogLinear(AnalogLayer):
    """A linear layer on tiles; its weight has the shape `[out_features, in_features]`."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        tile: TileSpec,
        settings: TileSettings | None = None,
        *,
        bias: bool = True,
    ) -> None:
        """Make the layer.

        Args:
            in_features: size of an input.
            out_features: size of an output.
            tile: specification of the tiles.
            settings: how the tiles are used.
            bias: whether to add a digital bias.
        """
        super().__init__((out_features, in_features), tile, settings or TileSettings(), bias)

    def rows_of(self, x: Float[Tensor, ...]) -> Float[Tensor, "vectors in_features"]:
        """Every input is one vector."""
        return x.reshape(-1, self.mapping.in_features)

    def shaped(self, y: Float[Tensor, "vectors out_features"], x: Tensor) -> Tensor:
        """Leading axes are those of the input."""
        return y.reshape(*x.shape[:-1], self.mapping.out_features)

    def exactly(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What torch computes with these weights."""
        return functional.linear(x, weight, bias)

    @classmethod
    def of(cls, layer: nn.Module, tile: TileSpec, settings: TileSettings) -> Self:
        """The torch layer on tiles, with the same weights."""
        if not isinstance(layer, nn.Linear):
            raise InputError(f"a {type(layer).__name__} was given; give a linear layer of torch")
        bias = layer.bias is not None
        analog = cls(layer.in_features, layer.out_features, tile, settings, bias=bias)
        return with_weights_of(layer, analog)

    def to_torch(self) -> nn.Module:
        """The torch layer with the clean weights."""
        m = self.mapping
        plain = nn.Linear(m.in_features, m.out_features, bias=self.bias is not None)
        return with_weights_of(self, plain)

    def forward(
        self, x: Float[Tensor, "*batch in_features"]
    ) -> Float[Tensor, "*batch out_features"]:
        """The layer's output for activations `x`.

        Raises:
            InputError: an activation is negative and the layer is not `signed`.
        """
        return self.products(x)
