"""A training that was cut off ends where one that was not does, to the last bit."""

import pytest
import torch

from cosim.nn import (
    Adc,
    AnalogLinear,
    Converters,
    OneCycle,
    ProgrammingError,
    TileSettings,
    TrainSettings,
    set_arithmetic,
    train,
    train_vat,
)
from cosim.nn.schedules import Cosine


IMAGES, BATCH, EPOCHS = 120, 30, 5
STEPS = IMAGES // BATCH
ERROR = ProgrammingError(absolute_std=10e-6, low=5e-6, high=150e-6)


class CutOffError(Exception):
    """The machine is gone."""


class Steps:
    """Counts steps, and cuts the training off after some of them."""

    def __init__(self, last=None):
        self.count, self.last = 0, last

    def __call__(self):
        self.count += 1
        if self.count == self.last:
            raise CutOffError


def settings(optimizer="adam", schedule=None, seed=3):
    return TrainSettings(EPOCHS, BATCH, 5e-3, seed, schedule or OneCycle(), optimizer=optimizer)


def network(tile):
    torch.manual_seed(2)
    converters = Converters(adc=Adc(6))
    return torch.nn.Sequential(
        AnalogLinear(64, 12, tile, TileSettings(16, input_range=1.0)),
        torch.nn.ReLU(),
        AnalogLinear(12, 10, tile, TileSettings(16, converters=converters)),
    )


def state_of(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.mark.parametrize("modelled", [False, True])
@pytest.mark.parametrize(
    ("optimizer", "schedule"), [("adam", OneCycle()), ("sgd", OneCycle()), ("adam", Cosine(0.1))]
)
def test_it_ends_as_one_that_was_not_cut_off(
    optimizer, schedule, modelled, big_tile, big_surrogate, digits, tmp_path
):
    x, labels = (part[:IMAGES] for part in digits[0])
    asked = settings(optimizer, schedule)
    model = big_surrogate if modelled else None
    kept = tmp_path / "folder" / "state.safetensors"

    whole = network(big_tile)
    history = train_vat(whole, x, labels, asked, model, ERROR)
    for last in (STEPS + 2, 2 * STEPS):  # in the second epoch, then at the end of the third
        with pytest.raises(CutOffError):
            train_vat(network(big_tile), x, labels, asked, model, ERROR, Steps(last), kept)
    resumed, steps = network(big_tile), Steps()
    again = train_vat(resumed, x, labels, asked, model, ERROR, steps, kept)

    assert steps.count == 3 * STEPS
    assert again == history
    expected = state_of(whole)
    assert expected.keys() == resumed.state_dict().keys()
    for name, value in resumed.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_changes_of_inputs_go_on_too(big_tile, digits, tmp_path):
    x, labels = (part[:IMAGES] for part in digits[0])

    def noisy(values, generator):
        return (values + 0.1 * torch.rand(values.shape, generator=generator)).clamp(0, 1)

    found = []
    for cut in (False, True):
        kept = tmp_path / str(cut)
        if cut:
            with pytest.raises(CutOffError):
                train(network(big_tile), x, labels, settings(), after_step=Steps(3 * STEPS),
                      augment=noisy, kept=kept)  # fmt: skip
        net = network(big_tile)
        found.append(train(net, x, labels, settings(), augment=noisy, kept=kept))
    assert found[0] == found[1]


def test_what_was_kept_of_another_training_is_not_taken_up(big_tile, digits, tmp_path):
    x, labels = (part[:IMAGES] for part in digits[0])
    kept = tmp_path / "state.safetensors"
    train(network(big_tile), x, labels, settings(), kept=kept)

    def steps_of(net, x, asked):
        steps = Steps()
        train(net, x, labels, asked, after_step=steps, kept=kept)
        return steps.count

    assert steps_of(network(big_tile), x, settings()) == 0
    assert steps_of(network(big_tile), x, settings(seed=4)) == EPOCHS * STEPS
    assert steps_of(network(big_tile), 0.5 * x, settings(seed=4)) == EPOCHS * STEPS
    other = network(big_tile)
    with torch.no_grad():
        other[0].weight[0, 0] += 1e-6
    assert steps_of(other, 0.5 * x, settings(seed=4)) == EPOCHS * STEPS
    disturbed = network(big_tile)
    set_arithmetic(disturbed, None, ERROR)
    assert steps_of(disturbed, 0.5 * x, settings(seed=4)) == EPOCHS * STEPS


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"x" * 99])
def test_a_damaged_file_starts_the_training_anew(damage, big_tile, digits, tmp_path):
    x, labels = (part[:IMAGES] for part in digits[0])
    kept = tmp_path / "state.safetensors"
    history = train(network(big_tile), x, labels, settings(), kept=kept)
    kept.write_bytes(damage(kept.read_bytes()))
    steps = Steps()
    assert train(network(big_tile), x, labels, settings(), after_step=steps, kept=kept) == history
    assert steps.count == EPOCHS * STEPS
