"""A few digital weights bring a chip with errors back; the cells stay as they are."""

import pytest
import torch
from torch import nn

from cosim.errors import InputError
from cosim.nn import (
    Distillation,
    NonIdealities,
    StuckCells,
    TrainSettings,
    adapt,
    analog_layers,
    evaluate,
    importance_masks,
    perceptron,
    program_chips,
    random_masks,
    train_plain,
)


STUCK = NonIdealities(stuck=StuckCells(0.04, 0.10, 5e-6, 150e-6))
SETTINGS = TrainSettings(epochs=2, batch=100, learning_rate=0.02)


@pytest.fixture(scope="module")
def network(big_tile, digits):
    made = perceptron([64, 32, 10], big_tile, levels=16, seed=0)
    train_plain(made, *(part[:700] for part in digits[0]), TrainSettings(epochs=12))
    return made


@pytest.fixture(scope="module")
def chips(network):
    return program_chips(network, 4, STUCK)


def accuracies(network, chips, digits):
    return evaluate(network, *digits[1], chips).of()


def test_a_tenth_of_the_weights_recovers_most_of_the_loss(network, chips, digits):
    x, labels = (part[:700] for part in digits[0])
    before = accuracies(network, chips, digits)
    longer = TrainSettings(epochs=20, batch=100, learning_rate=0.05)
    adapted = adapt(network, chips, x, labels, random_masks(network, 0.1), longer)
    after = accuracies(network, adapted, digits)
    perfect = accuracies(network, program_chips(network, 1, None), digits)[0]
    assert before.mean() < 0.88
    assert (after - before).min() > 0.0
    assert perfect - after.mean() < 0.5 * (perfect - before.mean())


def test_only_masked_weights_change_and_cells_do_not(network, chips, digits):
    x, labels = (part[:200] for part in digits[0])
    weights = [p.detach().clone() for p in network.parameters()]
    masks = random_masks(network, 0.05, seed=3)
    adapted = adapt(network, chips, x, labels, masks, SETTINGS)
    for chip, before in zip(adapted, chips, strict=True):
        for own, mask in zip(chip.sram, masks, strict=True):
            assert bool((own[~mask] == 0).all())
            assert float((own[mask] != 0).float().mean()) > 0.5
        for cells, old in zip(chip.layers, before.layers, strict=True):
            assert cells is old
    for now, then in zip(network.parameters(), weights, strict=True):
        assert torch.equal(now, then)


def test_chips_adapted_together_are_those_adapted_alone(network, chips, digits):
    x, labels = (part[:200] for part in digits[0])
    masks = random_masks(network, 0.05)
    together = adapt(network, chips, x, labels, masks, SETTINGS)
    (alone,) = adapt(network, chips[2:3], x, labels, masks, SETTINGS)
    for own, other in zip(alone.sram, together[2].sram, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-4)


def test_masks_have_the_share_that_was_asked_for(network, digits):
    x, labels = (part[:200] for part in digits[0])
    for masks in (random_masks(network, 0.07), importance_masks(network, x, labels, 0.07)):
        for mask, layer in zip(masks, analog_layers(network), strict=True):
            assert mask.shape == layer.weight.shape
            assert int(mask.sum()) == round(0.07 * mask.numel())
    same, other = random_masks(network, 0.07), random_masks(network, 0.07, seed=1)
    assert torch.equal(same[0], random_masks(network, 0.07)[0])
    assert not torch.equal(same[0], other[0])


def test_important_weights_are_not_those_of_dead_pixels(network, digits):
    x, labels = (part[:300] for part in digits[0])
    (first, _) = importance_masks(network, x, labels, 0.1)
    dead = x.amax(0) == 0
    assert bool(dead.any())
    assert not bool(first[:, dead].any())


def test_distillation_is_a_mixture_of_labels_and_teacher(digits):
    x, labels = (part[:50] for part in digits[0])
    teacher, student = nn.Linear(64, 10), nn.Linear(64, 10)
    answer = student(x)
    hard = nn.functional.cross_entropy(answer, labels)
    torch.testing.assert_close(Distillation(teacher, alpha=1.0)(answer, labels, x), hard)
    own = Distillation(student, alpha=0.0)(answer, labels, x)
    assert abs(own.item()) < 1e-6
    t, p = ((net(x) / 2.0).softmax(-1) for net in (teacher, student))
    expected = 0.3 * hard + 0.7 * 4.0 * (t * (t / p).log()).sum(-1).mean()
    torch.testing.assert_close(Distillation(teacher)(answer, labels, x), expected)


def test_a_teacher_answers_once_for_all_chips(digits):
    x, labels = (part[:20] for part in digits[0])
    teacher, student = nn.Linear(64, 10), nn.Linear(64, 10)
    once = Distillation(teacher)(student(x), labels, x)
    thrice = Distillation(teacher)(student(x).repeat(3, 1), labels.repeat(3), x)
    torch.testing.assert_close(once, thrice)


def test_what_cannot_be_adapted_is_refused(network, chips, digits):
    x, labels = (part[:20] for part in digits[0])
    with pytest.raises(InputError, match="masks of shapes"):
        adapt(network, chips, x, labels, random_masks(network, 0.1)[:1], SETTINGS)
    with pytest.raises(InputError, match="0 to 1"):
        random_masks(network, 1.5)
    with pytest.raises(InputError, match="temperature"):
        Distillation(network, temperature=0.0)
