"""Chips are static, paired and complete, whatever engine reads them."""

import numpy as np
import pytest
import torch

from cosim.errors import InputError
from cosim.nn import (
    ProgrammingError,
    analog_layers,
    evaluate,
    perceptron,
    program,
    programmed,
    set_arithmetic,
)


ERROR = ProgrammingError(absolute_std=2e-5, low=5e-6, high=150e-6)


class ByNumpy:
    """A surrogate behind the interface that ngspice has; remembers what it was asked."""

    def __init__(self, surrogate):
        self.surrogate = surrogate
        self.calls = []

    def mvm_many(self, tasks):
        self.calls.append(tasks)
        return self.surrogate.mvm_many(tasks)


def test_the_same_seed_is_the_same_chip(network):
    first, again, other = (
        program(network, 1, ERROR),
        program(network, 1, ERROR),
        program(network, 2, ERROR),
    )
    for a, b, c in zip(first.conductances, again.conductances, other.conductances, strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_two_networks_share_the_deviates_of_a_chip(tile):
    """Paired comparisons: what is drawn does not depend on the weights."""
    wide = ProgrammingError(absolute_std=2e-5, low=-1.0, high=1.0)
    deviations = []
    for seed in (1, 2):
        net = perceptron([12, 9, 4], tile, levels=16, seed=seed)
        targets = [layer.target_conductances().detach().double() for layer in analog_layers(net)]
        chip = program(net, 7, wide)
        deviations.append([g - t for g, t in zip(chip.conductances, targets, strict=True)])
    for first, second in zip(*deviations, strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=1e-10)


def test_conductances_stay_within_the_range_of_the_cell(network):
    for error in (None, ERROR):
        for G in program(network, 1, error).conductances:
            assert float(G.min()) >= 5e-6
            assert float(G.max()) <= 150e-6


def test_without_error_the_ideal_engine_repeats_the_quantised_network(network, images):
    x, labels = images
    result = evaluate(network, x, labels, [program(network, 0, None)], "ideal")
    torch.testing.assert_close(result.outputs_of()[0], network(x), rtol=1e-4, atol=1e-5)


def test_without_error_a_surrogate_repeats_the_network_that_uses_it(network, images, surrogate):
    x, labels = images
    result = evaluate(network, x, labels, [program(network, 0, None)], surrogate)
    set_arithmetic(network, surrogate)
    torch.testing.assert_close(result.outputs_of()[0], network(x), rtol=1e-3, atol=1e-4)


def test_an_engine_is_asked_once_per_layer_with_every_tile_of_every_chip(
    network, images, surrogate
):
    x, labels = images
    chips = [program(network, seed, ERROR) for seed in range(3)]
    engine = ByNumpy(surrogate)
    by_engine = evaluate(network, x, labels, chips, engine)
    by_surrogate = evaluate(network, x, labels, chips, surrogate)
    # 12-9 on 8 x 6 tiles (3 pairs): 2 x 3 tiles; 9-4: 2 x 2 tiles.
    assert [len(tasks) for tasks in engine.calls] == [3 * 6, 3 * 4]
    for G, V in engine.calls[0]:
        assert (G.shape, V.shape, G.dtype, V.dtype) == ((8, 6), (11, 8), np.float64, np.float64)
        assert V.min() >= 0
        assert V.max() <= 0.2
    torch.testing.assert_close(by_engine.outputs, by_surrogate.outputs, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(by_engine.accuracy, by_surrogate.accuracy)


def test_each_chip_is_evaluated_on_its_own_conductances(network, images, surrogate):
    x, labels = images
    chips = [program(network, seed, ERROR) for seed in range(2)]
    together = evaluate(network, x, labels, chips, surrogate)
    for index, chip in enumerate(chips):
        alone = evaluate(network, x, labels, [chip], surrogate)
        torch.testing.assert_close(alone.outputs_of()[0], together.outputs_of()[index])
    assert not torch.allclose(together.outputs_of()[0], together.outputs_of()[1], rtol=1e-2)


def test_accuracy_is_the_part_of_right_answers_per_chip(network, images):
    x, _ = images
    chips = [program(network, seed, ERROR) for seed in range(4)]
    answers = evaluate(network, x, torch.zeros(11, dtype=torch.long), chips, "ideal").outputs_of()
    labels = answers[2].argmax(-1)
    result = evaluate(network, x, labels, chips, "ideal")
    assert result.of()[2] == 1.0
    assert result.mean[0, 0] == pytest.approx(result.accuracy.mean())
    assert result.std[0, 0] == pytest.approx(np.std(result.accuracy, ddof=1))


def test_afterwards_the_network_is_itself_again(network, images):
    x, _ = images
    before = network(x)
    network.train()
    with pytest.raises(KeyError), programmed(network, [program(network, 1, ERROR)], "ideal"):
        raise KeyError
    assert network.training
    torch.testing.assert_close(network.eval()(x), before)


def test_chips_of_another_network_are_refused(network, images, tile):
    x, labels = images
    foreign = program(perceptron([12, 4], tile, seed=0), 1, ERROR)
    with pytest.raises(InputError, match=r"chip 1 has tiles.*program the chip from this network"):
        evaluate(network, x, labels, [foreign], "ideal")
