"""`torch.nn.Conv2d` on tiles: every patch of the image is one input vector of the tiles.

A kernel of `[out_channels, in_channels, height, width]` is a matrix with one row per output channel
and one column per value of a patch, in the order channel, height, width. All positions of the image
are read one after another on the same tiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.nn.layer import AnalogLayer, TileSettings


if TYPE_CHECKING:
    from netlists.specs import TileSpec

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """Which patches of an image a convolution sees.

    Attributes:
        kernel_size: height and width of a patch.
        stride: distance between patches.
        padding: zeros around the image.
        dilation: distance between the values of a patch.
    """

    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def positions(self, size: Pair) -> Pair:
        """Number of patches along the height and width of an image."""
        down, right = (
            (size[axis] + 2 * self.padding[axis] - self.dilation[axis] * (kernel - 1) - 1)
            // self.stride[axis]
            + 1
            for axis, kernel in enumerate(self.kernel_size)
        )
        return down, right


class AnalogConv2d(AnalogLayer):
    """A two-dimensional convolution on tiles."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        window: Window,
        tile: TileSpec,
        settings: TileSettings | None = None,
        *,
        bias: bool = True,
    ) -> None:
        """Make the layer.

        Args:
            in_channels: channels of an image.
            out_channels: channels of the result.
            window: kernel size, stride, padding and dilation.
            tile: specification of the tiles.
            settings: how the tiles are used.
            bias: whether to add a digital bias.
        """
        shape = (out_channels, in_channels, *window.kernel_size)
        super().__init__(shape, tile, settings or TileSettings(), bias)
        self.window = window

    def rows_of(self, x: Float[Tensor, ...]) -> Float[Tensor, "vectors in_features"]:
        """Every patch is one vector, image by image."""
        w = self.window
        patches = torch.nn.functional.unfold(
            x, w.kernel_size, dilation=w.dilation, padding=w.padding, stride=w.stride
        )
        return patches.transpose(1, 2).reshape(-1, self.mapping.in_features)

    def forward(
        self, x: Float[Tensor, "batch in_channels height width"]
    ) -> Float[Tensor, "batch out_channels down right"]:
        """The convolution of images `x`.

        Raises:
            InputError: an activation is negative and the layer is not `signed`.
        """
        y = self.products(self.rows_of(x)).reshape(len(x), -1, self.mapping.out_features)
        down, right = self.window.positions((x.shape[2], x.shape[3]))
        return y.transpose(1, 2).unflatten(2, (down, right))
