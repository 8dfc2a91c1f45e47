"""Training on digits: seeded, good without errors, and better with them when it knows of them."""

import numpy as np
import pytest
import torch

from cosim.nn import (
    ProgrammingError,
    TrainSettings,
    analog_layers,
    calibrate_gain,
    evaluate,
    perceptron,
    program,
    set_arithmetic,
    train,
    train_plain,
    train_vat,
)


SIZES = [64, 32, 10]
SETTINGS = TrainSettings(epochs=12, seed=0)
TRAINING_IMAGES = 700
ERROR = ProgrammingError(absolute_std=35e-6, low=5e-6, high=150e-6)


@pytest.fixture(scope="module")
def plain(big_tile, big_surrogate, digits):
    network = perceptron(SIZES, big_tile, levels=16, seed=0)
    train_plain(network, *(part[:TRAINING_IMAGES] for part in digits[0]), SETTINGS)
    calibrate_gain(network, digits[0][0], big_surrogate)
    return network


@pytest.fixture(scope="module")
def aware(big_tile, big_surrogate, digits):
    network = perceptron(SIZES, big_tile, levels=16, seed=0)
    calibrate_gain(network, digits[0][0], big_surrogate)
    x, labels = (part[:TRAINING_IMAGES] for part in digits[0])
    train_vat(network, x, labels, SETTINGS, big_surrogate, ERROR)
    return network


def test_without_errors_the_quantised_network_knows_its_digits(plain, digits, big_surrogate):
    exactly = [program(plain, 0, None)]
    assert evaluate(plain, *digits[1], exactly, "ideal").mean > 0.94
    assert evaluate(plain, *digits[1], exactly, big_surrogate).mean > 0.94


def test_on_the_same_chips_variability_aware_training_wins(plain, aware, digits, big_surrogate):
    results = [
        evaluate(net, *digits[1], [program(net, 50 + s, ERROR) for s in range(12)], big_surrogate)
        for net in (plain, aware)
    ]
    gain = results[1].of() - results[0].of()
    assert gain.mean() > 0.03
    # A paired t value above 3 over 12 chips.
    assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(len(gain))


def test_the_same_seed_trains_the_same_network(big_tile, big_surrogate, digits):
    x, labels = digits[0][0][:200], digits[0][1][:200]
    weights = []
    for _ in range(2):
        network = perceptron(SIZES, big_tile, levels=16, seed=4)
        train_vat(network, x, labels, TrainSettings(epochs=2, seed=9), big_surrogate, ERROR)
        weights.append(network[0].weight.detach().clone())
    assert torch.equal(*weights)


def test_different_seeds_start_from_different_weights(big_tile):
    first, second = (perceptron(SIZES, big_tile, seed=s)[0].weight for s in (1, 2))
    assert not torch.equal(first, second)


def test_building_a_network_leaves_the_global_generator_alone(big_tile):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    perceptron(SIZES, big_tile, seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_training_lowers_the_loss(big_tile, digits):
    network = perceptron(SIZES, big_tile, levels=16, seed=1)
    history = train(network, digits[0][0][:300], digits[0][1][:300], TrainSettings(epochs=8))
    assert len(history.loss) == 8
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert not network.training


def test_the_gain_brings_tile_outputs_to_the_scale_of_exact_ones(
    plain, digits, big_tile, big_surrogate
):
    x = digits[0][0][:100]
    network = perceptron(SIZES, big_tile, levels=16, seed=2).eval()
    calibrate_gain(network, x, big_surrogate)
    for layer in analog_layers(network):
        assert 1.02 < float(layer.gain) < 1.6
    first = network[0]
    exact = first(x) - first.bias
    set_arithmetic(network, big_surrogate)
    physical = first(x) - first.bias
    slope = float((exact * physical).sum().detach() / (physical * physical).sum().detach())
    assert slope == pytest.approx(1.0, abs=1e-4)
