"""Convolutions on tiles are torch's convolutions, patch by patch."""

import pytest
import torch
from torch.nn import functional

from cosim.nn import (
    AnalogConv2d,
    ProgrammingError,
    TileSettings,
    Window,
    evaluate,
    program,
    set_arithmetic,
)


FINE = TileSettings(levels=2**20, weight_clip=None, input_range=1.0)

WINDOWS = [
    Window((3, 3)),
    Window((3, 2), stride=(2, 1), padding=(1, 0)),
    Window((2, 3), padding=(2, 1), dilation=(2, 1)),
]


def images(count=3, channels=2, height=9, width=7):
    generator = torch.Generator().manual_seed(2)
    return torch.rand(count, channels, height, width, generator=generator)


def convolution_of(tile, window, settings=FINE, seed=0):
    torch.manual_seed(seed)
    return AnalogConv2d(2, 5, window, tile, settings).eval()


@pytest.mark.parametrize("window", WINDOWS)
def test_with_exact_arithmetic_it_is_torch_s_convolution(tile, window):
    layer = convolution_of(tile, window)
    expected = functional.conv2d(
        images(), layer.weight, layer.bias, window.stride, window.padding, window.dilation
    )
    torch.testing.assert_close(layer(images()), expected, rtol=1e-4, atol=1e-5)


def test_a_perfect_tile_gives_the_same(tile, perfect):
    layer = convolution_of(tile, WINDOWS[0])
    exact = layer(images())
    set_arithmetic(layer, perfect)
    torch.testing.assert_close(layer(images()), exact, rtol=2e-3, atol=2e-4)


def test_gradients_reach_kernel_and_image_through_the_surrogate(tile, surrogate):
    layer = convolution_of(tile, WINDOWS[1])
    set_arithmetic(layer, surrogate)
    x = images().requires_grad_()
    layer(x).square().sum().backward()
    assert torch.isfinite(layer.weight.grad).all()
    assert float(x.grad.abs().max()) > 0


def test_chips_of_a_convolutional_network_are_kept_apart(tile, surrogate):
    layer = convolution_of(tile, WINDOWS[0])
    network = torch.nn.Sequential(layer, torch.nn.MaxPool2d(2), torch.nn.Flatten()).eval()
    error = ProgrammingError(2e-5, 5e-6, 150e-6)
    chips = [program(network, seed, error) for seed in range(3)]
    labels = torch.zeros(3, dtype=torch.long)
    together = evaluate(network, images(), labels, chips, surrogate)
    for index, chip in enumerate(chips):
        alone = evaluate(network, images(), labels, [chip], surrogate)
        torch.testing.assert_close(alone.outputs_of()[0], together.outputs_of()[index])
