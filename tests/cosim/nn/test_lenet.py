"""LeNet-5 on tiles: its sizes, its initial weights, and the images that it takes."""

import pytest
import torch

from cosim.errors import InputError
from cosim.nn import analog_layers
from cosim.nn.lenet import lenet5


def test_it_has_the_published_sizes_and_takes_padded_images(rram_tile):
    network = lenet5((1, 28, 28), rram_tile(25, 16), seed=0)
    sizes = [(m.mapping.in_features, m.mapping.out_features) for m in analog_layers(network)]
    assert sizes == [(25, 6), (150, 16), (400, 120), (120, 84), (84, 10)]
    assert [m.mapping.tiles for m in analog_layers(network)] == [1, 12, 240, 55, 8]
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    assert lenet5((3, 32, 32), rram_tile(25, 16), seed=0)(torch.rand(1, 3, 32, 32)).shape == (1, 10)


def test_its_weights_come_from_the_seed_alone(rram_tile):
    one, same, other = (lenet5((1, 28, 28), rram_tile(25, 16), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)


def test_other_images_are_refused(rram_tile):
    with pytest.raises(InputError, match="take another network"):
        lenet5((1, 8, 8), rram_tile(25, 16), seed=0)
