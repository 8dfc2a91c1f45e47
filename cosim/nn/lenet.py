"""LeNet-5 on tiles: LeCun, Bottou, Bengio, Haffner, Proc. IEEE 86, 1998, with ReLU and maxima.

1 or 3 x 32 x 32 ─ 6 maps, 5x5 ─ pool 2 ─ 16 maps, 5x5 ─ pool 2 ─ 400 ─ 120 ─ 84 ─ 10
"""

from __future__ import annotations

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
    channels, height, width = shape
    if (height, width) not in {(SMALL_SIDE, SMALL_SIDE), (SIDE, SIDE)}:
        raise InputError(
            f"LeNet-5 was asked for images of {height}x{width} pixels; allowed are 28x28 and"
            " 32x32; take a perceptron for others"
        )
    first = TileSettings(levels, weight_clip, input_range=1.0)
    other = TileSettings(levels, weight_clip)
    border = (SIDE - height) // 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            AnalogConv2d(channels, 6, Window((5, 5), padding=(border, border)), tile, first),
            nn.ReLU(),
            nn.MaxPool2d(2),
            AnalogConv2d(6, 16, Window((5, 5)), tile, other),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            AnalogLinear(400, 120, tile, other),
            nn.ReLU(),
            AnalogLinear(120, 84, tile, other),
            nn.ReLU(),
            AnalogLinear(84, 10, tile, other),
        )
