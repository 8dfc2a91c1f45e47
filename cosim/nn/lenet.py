"""LeNet-5 on tiles: LeCun, Bottou, Bengio, Haffner, Proc. IEEE 86, 1998, with ReLU and maxima.

1 or 3 x 32 x 32 ─ 6 maps, 5x5 ─ pool 2 ─ 16 maps, 5x5 ─ pool 2 ─ 400 ─ 120 ─ 84 ─ 10
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn

from cosim.errors import InputError
from cosim.nn.conv import AnalogConv2d, Window
from cosim.nn.linear import AnalogLinear
from cosim.nn.settings import TileSettings


if TYPE_CHECKING:
    from netlists.specs import TileSpec

SIDE = 32  # pixels; smaller images are padded
SMALL_SIDE = 28


def lenet5(
    shape: tuple[int, int, int],
    tile: TileSpec,
    *,
    levels: int = 32,
    weight_clip: float = 2.5,
    seed: int,
) -> nn.Sequential:
    """LeNet-5 of analog layers, for images with pixels from 0 to 1.

    Args:
        shape: channels, height and width of an image.
        tile: specification of the tiles.
        levels: conductance levels of a cell.
        weight_clip: largest weight in standard deviations of a layer's weights.
        seed: of the initial weights.

    Raises:
        InputError: the images are not of 28x28 or 32x32 pixels.
    """
    first = TileSettings(levels, weight_clip, input_range=1.0)
    other = TileSettings(levels, weight_clip)

    def convolution(maps_in: int, maps_out: int, border: int) -> nn.Module:
        settings = first if maps_in == shape[0] else other
        window = Window((5, 5), padding=(border, border))
        return AnalogConv2d(maps_in, maps_out, window, tile, settings)

    def linear(fan_in: int, fan_out: int) -> nn.Module:
        return AnalogLinear(fan_in, fan_out, tile, other)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return lenet5_of(shape, convolution, linear)


def lenet5_of(
    shape: tuple[int, int, int],
    convolution: Callable[[int, int, int], nn.Module],
    linear: Callable[[int, int], nn.Module],
) -> nn.Sequential:
    """LeNet-5 of layers of any kind.

    Args:
        shape: channels, height and width of an image.
        convolution: makes one of 5x5 from its maps before and after, and the pixels of padding.
        linear: makes a layer from its numbers of inputs and outputs.

    Raises:
        InputError: the images are not of 28x28 or 32x32 pixels.
    """
    channels, height, width = shape
    if (height, width) not in {(SMALL_SIDE, SMALL_SIDE), (SIDE, SIDE)}:
        raise InputError(
            f"LeNet-5 was asked for images of {height}x{width} pixels; allowed are 28x28 and"
            " 32x32; take another network for others"
        )
    return nn.Sequential(
        convolution(channels, 6, (SIDE - height) // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        convolution(6, 16, 0),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        linear(400, 120),
        nn.ReLU(),
        linear(120, 84),
        nn.ReLU(),
        linear(84, 10),
    )
