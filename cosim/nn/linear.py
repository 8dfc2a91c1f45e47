"""`torch.nn.Linear` on tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from cosim.nn.layer import AnalogLayer, TileSettings


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

    def forward(
        self, x: Float[Tensor, "*batch in_features"]
    ) -> Float[Tensor, "*batch out_features"]:
        """The layer's output for activations `x`.

        Raises:
            InputError: an activation is negative and the layer is not `signed`.
        """
        y = self.products(self.rows_of(x))
        return y.reshape(*x.shape[:-1], self.mapping.out_features)
