"""Convolutions on tiles: every patch of the input is one input vector of the tiles.

A kernel of `[out_channels, in_channels / groups, *kernel_size]` is a matrix with one row per output
channel and one column per value of a patch, in the order channel, then the axes of the kernel. All
positions are read one after another on the same tiles. Groups have rows and columns of their own
(see `mapping`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.layer import AnalogLayer
from cosim.nn.patches import CONVOLUTIONS, Inputs, Patches
from cosim.nn.settings import TileSettings
from cosim.nn.weights import with_weights_of
from cosim.nn.window import Window


if TYPE_CHECKING:
    from netlists.specs import TileSpec

__all__ = ["AnalogConv1d", "AnalogConv2d", "AnalogConv3d", "Window"]


class AnalogConv(AnalogLayer):
    """A convolution on tiles, over as many axes as its class says."""

    axes: ClassVar[int]
    digital: ClassVar[type[Any]]

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
            in_channels: channels of an input.
            out_channels: channels of the result.
            window: kernel size, stride, padding, dilation and groups.
            tile: specification of the tiles.
            settings: how the tiles are used.
            bias: whether to add a digital bias.

        Raises:
            InputError: the kernel has another number of axes, or the channels do not make groups.
        """
        if window.axes != self.axes:
            raise InputError(
                f"the kernel of an {type(self).__name__} has size {window.kernel_size}; it needs"
                f" {self.axes} axes; change the window, or take the layer of {window.axes} axes"
            )
        groups = window.groups
        if in_channels % groups or out_channels % groups:
            raise InputError(
                f"{in_channels} channels into {out_channels} with {groups} groups; both must be"
                " multiples of the groups; change the channels or the groups"
            )
        shape = (out_channels, in_channels // groups, *window.kernel_size)
        super().__init__(shape, tile, settings or TileSettings(), bias, groups)
        self.window = window

    def rows_of(
        self, x: Float[Tensor, "batch channels *size"]
    ) -> Float[Tensor, "vectors in_features"]:
        """Every patch is one vector, input by input."""
        return self.window.patches(x).flatten(0, 1)

    def driven(self, x: Float[Tensor, "batch channels *size"]) -> Inputs:
        """Patches, which exact products need not cut out, where each of them is read once."""
        dac = self.converters.dac
        once = not self.settings.signed and (dac is None or dac.reads == 1)
        in_order = self.window.groups == 1 and self.row_order is None
        if once and in_order and not self.mapping.needs_volts:
            return Patches(x, self.window)
        return self.rows_of(x)

    def shaped(self, y: Float[Tensor, "vectors out_features"], x: Tensor) -> Tensor:
        """Channels before positions, as torch has them."""
        images = y.unflatten(0, (len(x), -1)).transpose(1, 2)
        return images.unflatten(2, self.window.positions(tuple(x.shape[2:])))

    def exactly(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What torch computes with these weights."""
        w = self.window
        return CONVOLUTIONS[self.axes](
            w.padded(x), weight, bias, w.strides, 0, w.dilations, w.groups
        )

    @classmethod
    def of(cls, layer: nn.Module, tile: TileSpec, settings: TileSettings) -> Self:
        """The torch layer on tiles, with the same weights."""
        if not isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            raise InputError(f"a {type(layer).__name__} was given; give a convolution of torch")
        window = Window(
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.groups,
            layer.padding_mode,
        )
        analog = cls(
            layer.in_channels,
            layer.out_channels,
            window,
            tile,
            settings,
            bias=layer.bias is not None,
        )
        return with_weights_of(layer, analog)

    def to_torch(self) -> nn.Module:
        """The torch layer with the clean weights."""
        w = self.window
        plain = self.digital(
            self.weight.shape[1] * w.groups,
            self.weight.shape[0],
            w.kernel_size,
            w.strides,
            w.padding,
            w.dilations,
            w.groups,
            self.bias is not None,
            w.padding_mode,
        )
        return with_weights_of(self, plain)

    def forward(self, x: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """The convolution of inputs `x`, of shape `[batch, channels, *size]` or without batch.

        Raises:
            InputError: an activation is negative and the layer is not `signed`.
        """
        if x.dim() == self.axes + 1:
            return self.products(x[None])[0]
        return self.products(x)


class AnalogConv1d(AnalogConv):
    """`torch.nn.Conv1d` on tiles."""

    axes = 1
    digital = nn.Conv1d


class AnalogConv2d(AnalogConv):
    """`torch.nn.Conv2d` on tiles."""

    axes = 2
    digital = nn.Conv2d


class AnalogConv3d(AnalogConv):
    """`torch.nn.Conv3d` on tiles."""

    axes = 3
    digital = nn.Conv3d
