"""The networks of the studies, as ordinary torch models; `cosim.nn.convert` puts them onto tiles.

Activations between layers are ReLU, so that tiles are driven with voltages from zero up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn import BinaryLinear, SignActivation
from cosim.nn.lenet import lenet5_of
from cosim.nn.quantize import straight_through


NetworkName = Literal["lenet5", "small_cnn", "small_vgg"]
# Maps of the first pair of convolutions of `small_vgg` where nothing else is said.
VGG_WIDTH = 32


def multilayer_perceptron(sizes: Sequence[int], seed: int, *, bias: bool = True) -> nn.Sequential:
    """Linear layers with ReLU between them, for images of any shape.

    Args:
        sizes: inputs, hidden layers, outputs.
        seed: of the initial weights.
        bias: whether layers have one.
    """
    modules: list[nn.Module] = [nn.Flatten()]
    with _seeded(seed):
        for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            modules += [nn.ReLU()] if index else []
            modules.append(nn.Linear(fan_in, fan_out, bias=bias))
    return nn.Sequential(*modules)


def lenet5(shape: tuple[int, int, int], seed: int) -> nn.Sequential:
    """LeNet-5 with ReLU and maximum pooling: 6 and 16 maps, 120, 84, 10.

    LeCun et al., Proc. IEEE 86, 1998. Images of 28x28 pixels are padded to its 32x32.

    Args:
        shape: channels, height and width of an image.
        seed: of the initial weights.

    Raises:
        InputError: the images are not of 28x28 or 32x32 pixels.
    """

    def convolution(maps_in: int, maps_out: int, border: int) -> nn.Module:
        return nn.Conv2d(maps_in, maps_out, 5, padding=border)

    with _seeded(seed):
        return lenet5_of(shape, convolution, nn.Linear)


def small_cnn(
    shape: tuple[int, int, int], maps: Sequence[int], hidden: int, seed: int
) -> nn.Sequential:
    """Convolutions of 3x3, each halved by pooling, and two linear layers.

    Args:
        shape: channels, height and width of an image.
        maps: of each convolution.
        hidden: width of the hidden linear layer.
        seed: of the initial weights.

    Raises:
        InputError: the image is too small to be halved that often.
    """
    channels, height, width = shape
    if min(height, width) >> len(maps) < 1:
        raise InputError(
            f"a network with {len(maps)} poolings was asked for images of {height}x{width} pixels;"
            " each halves them, and at least one pixel must be left; give fewer maps"
        )
    modules: list[nn.Module] = []
    with _seeded(seed):
        for fan_in, fan_out in pairwise((channels, *maps)):
            modules += [nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        features = maps[-1] * (height >> len(maps)) * (width >> len(maps))
        modules += [nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 10)]
    return nn.Sequential(*modules)


def small_vgg(shape: tuple[int, int, int], width: int, seed: int) -> nn.Sequential:
    """Six convolutions of 3x3 in pairs, as VGG has them, and two linear layers.

    Simonyan and Zisserman, arXiv:1409.1556, 2014, with fewer and narrower layers: `width` maps in
    the first pair, twice and four times as many in the next, batch normalisation after each.

    Args:
        shape: channels, height and width of an image.
        width: maps of the first pair.
        seed: of the initial weights.
    """
    channels, height, columns = shape
    modules: list[nn.Module] = []
    with _seeded(seed):
        for maps in (width, 2 * width, 4 * width):
            for fan_in in (channels, maps):
                modules.append(nn.Conv2d(fan_in, maps, 3, padding=1, bias=False))
                modules += [nn.BatchNorm2d(maps), nn.ReLU()]
            modules.append(nn.MaxPool2d(2))
            channels = maps
        features = channels * (height // 8) * (columns // 8)
        modules += [nn.Flatten(), nn.Linear(features, 4 * width), nn.ReLU()]
        modules.append(nn.Linear(4 * width, 10))
    return nn.Sequential(*modules)


def convolutional(name: NetworkName, shape: tuple[int, int, int], seed: int) -> nn.Sequential:
    """A convolutional network by its name.

    `small_cnn` has 8 and 16 maps and 64 hidden values, `small_vgg` 32, 64 and 128 maps.
    """
    if name == "lenet5":
        return lenet5(shape, seed)
    if name == "small_vgg":
        return small_vgg(shape, VGG_WIDTH, seed)
    return small_cnn(shape, (8, 16), 64, seed)


class BinaryConv2d(nn.Conv2d):
    """A convolution without bias that multiplies with the signs of its weights.

    As `cosim.nn.BinaryLinear`: the gradient goes straight through to the weights.
    """

    def forward(
        self, x: Float[Tensor, "images channels height width"]
    ) -> Float[Tensor, "images maps rows cols"]:
        """Products of the inputs with signs."""
        signs = straight_through(self.weight, self.weight.detach().sign())
        return nn.functional.conv2d(x, signs, padding=self.padding)


def binary_vgg(
    shape: tuple[int, int, int], maps: Sequence[int], hidden: Sequence[int], seed: int
) -> nn.Sequential:
    """Binary convolutions of 3x3 in pairs, halved by pooling after each pair, and linear layers.

    As I. Hubara et al., arXiv:1602.02830, 2016, have it for CIFAR-10 with 128 to 512 maps.

    Args:
        shape: channels, height and width of an image; the first layer's inputs are real.
        maps: of each convolution.
        hidden: widths of the hidden linear layers.
        seed: of the initial weights.
    """
    channels, height, width = shape
    modules: list[nn.Module] = []
    with _seeded(seed):
        for index, (fan_in, fan_out) in enumerate(pairwise((channels, *maps))):
            modules.append(BinaryConv2d(fan_in, fan_out, 3, padding=1, bias=False))
            if index % 2:
                modules.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
            modules += [nn.BatchNorm2d(fan_out), SignActivation()]
        modules.append(nn.Flatten())
        for fan_in, fan_out in pairwise((maps[-1] * height * width, *hidden, 10)):
            modules += [BinaryLinear(fan_in, fan_out), nn.BatchNorm1d(fan_out), SignActivation()]
    return nn.Sequential(*modules[:-1])


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Initial weights from a seed, without a trace in torch's own random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
