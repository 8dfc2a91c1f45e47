"""Existing torch models go onto tiles and come back."""

import copy

import pytest
import torch
from torch import nn

from cosim.errors import InputError
from cosim.nn import (
    AnalogConv2d,
    AnalogLinear,
    TileSettings,
    analog_layers,
    convert,
    to_digital,
)


FINE = TileSettings(levels=2**20, weight_clip=None, signed=True)


@pytest.fixture
def model():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.Tanh(),
        nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.ReLU()),
        nn.Flatten(),
        nn.Linear(4 * 6 * 6, 5, bias=False),
    ).eval()


@pytest.fixture
def images():
    return torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(3))


def test_a_converted_model_computes_what_the_model_does(model, images, tile):
    analog = convert(model, tile, images, FINE)
    expected = model(images)
    # Inputs beyond the 99.5 % quantile are clipped, so the outputs are close, not the same.
    error = (analog(images) - expected).detach().std() / expected.detach().std()
    assert float(error) < 0.03


def test_linear_layers_and_convolutions_are_replaced(model, images, tile):
    analog = convert(model, tile, images)
    kinds = [type(layer) for layer in analog_layers(analog)]
    assert kinds == [AnalogConv2d, AnalogConv2d, AnalogLinear]
    assert isinstance(analog[1], nn.BatchNorm2d)
    assert analog[5].bias is None


def test_the_model_itself_is_not_changed(model, images, tile):
    before = copy.deepcopy(model.state_dict())
    convert(model, tile, images)
    assert isinstance(model[0], nn.Conv2d)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_named_modules_can_stay_digital(model, images, tile):
    analog = convert(model, tile, images, keep={"5", "3.0"})
    assert [type(layer) for layer in analog_layers(analog)] == [AnalogConv2d]
    assert isinstance(analog[3][0], nn.Conv2d)


def test_there_and_back_again_is_the_same_model(model, images, tile):
    again = to_digital(convert(model, tile, images))
    assert torch.equal(again(images), model(images))
    assert not analog_layers(again)


def test_input_ranges_are_those_of_the_activations(model, images, tile):
    analog = convert(model, tile, images)
    expected = torch.quantile(images.abs(), 0.995)
    assert float(analog[0].input_range) == pytest.approx(float(expected), rel=1e-5)


def test_a_name_that_is_not_there_is_refused(model, images, tile):
    with pytest.raises(InputError, match=r"\['6'\].*its modules are.*correct the names"):
        convert(model, tile, images, keep={"6"})


def test_a_model_without_layers_for_tiles_is_refused(images, tile):
    with pytest.raises(InputError, match=r"no layer that can go onto tiles"):
        convert(nn.Sequential(nn.ReLU()), tile, images)
