"""Networks of the studies: sizes as published, and the same weights for the same seed."""

import pytest
import torch

from cosim.errors import InputError
from cosim.nn import WeakReset
from cosim.studies import lenet5, multilayer_perceptron, small_cnn, small_vgg
from cosim.studies.networks import BinaryConv2d, binary_vgg


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("make", "shape", "count"),
    [
        # LeNet-5 has 61,706 parameters for one channel of 32x32 pixels.
        (lambda shape: lenet5(shape, seed=1), (1, 28, 28), 61_706),
        (lambda shape: lenet5(shape, seed=1), (3, 32, 32), 62_006),
        (lambda shape: multilayer_perceptron([196, 100, 10], seed=1), (1, 14, 14), 20_710),
        (lambda shape: small_cnn(shape, (8, 16), 64, seed=1), (1, 28, 28), 52_138),
        (lambda shape: small_vgg(shape, 4, seed=1), (3, 32, 32), 8_966),
    ],
)
def test_a_network_has_the_published_size_and_ten_outputs(make, shape, count):
    network = make(shape)
    assert parameters(network) == count
    assert network(torch.rand(5, *shape)).shape == (5, 10)
    same, state = make(shape), torch.random.get_rng_state()
    assert torch.equal(next(same.parameters()), next(network.parameters()))
    make(shape)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_images_that_a_network_cannot_take_are_refused():
    with pytest.raises(InputError, match="28x28 and 32x32"):
        lenet5((1, 8, 8), seed=0)
    with pytest.raises(InputError, match="fewer maps"):
        small_cnn((1, 8, 8), (4, 4, 4, 4), 16, seed=0)


def test_a_binary_network_multiplies_with_signs_and_weak_reset_moves_them():
    network = binary_vgg((3, 8, 8), (4, 6, 8), (16,), seed=1)
    convolution = network[0]
    assert isinstance(convolution, BinaryConv2d)
    x = torch.rand(5, 3, 8, 8)
    with torch.no_grad():
        expected = torch.nn.functional.conv2d(x, convolution.weight.sign(), padding=1)
        torch.testing.assert_close(convolution(x), expected)
    optimizer = WeakReset(network.parameters(), lr=100.0, seed=1)
    before = convolution.weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        outputs = network(x)
        assert outputs.shape == (5, 10)
        outputs.square().sum().backward()
        optimizer.step()
    assert set(convolution.weight.detach().unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert optimizer.pulses_given > 0
    assert not torch.equal(convolution.weight, before)
