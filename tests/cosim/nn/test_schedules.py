"""Schedules: their factors, what torch makes of them, and injected errors that follow one."""

import math

import pytest
import torch

from cosim.errors import InputError
from cosim.nn import (
    Constant,
    Cosine,
    OneCycle,
    ProgrammingError,
    Scaled,
    Steps,
    TrainSettings,
    Warmup,
    perceptron,
    set_arithmetic,
    train,
)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), (1.0, 1.0, 1.0)),
        (Steps(3, 0.5), (1.0, 0.5, 0.25)),
        (Cosine(), (1.0, 0.5, 0.0)),
        (Cosine(last=0.2), (1.0, 0.6, 0.2)),
        (Warmup(0.5), (0.0, 1.0, 1.0)),
        (OneCycle(rise=0.5), (0.04, 1.0, 4e-6)),
    ],
    ids=str,
)
def test_factors_at_the_beginning_in_the_middle_and_at_the_end(schedule, expected):
    assert [schedule.factor(p) for p in (0.0, 0.5, 1.0)] == pytest.approx(expected)


@pytest.mark.parametrize("schedule", [Steps(4, 0.1), Cosine(), OneCycle()], ids=str)
def test_learning_rates_follow_the_factor(schedule):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([weight], lr=0.3)
    scheduler = schedule.scheduler(optimizer, 0.3, 21)
    rates = []
    for _ in range(21):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < 21:
            scheduler.step()
    expected = [0.3 * schedule.factor(k / 20) for k in range(21)]
    # torch's cycle turns one step earlier.
    assert rates == pytest.approx(expected, rel=0.1, abs=0.04)


def test_a_scaled_disturbance_deviates_as_much_as_the_factor_says():
    error = ProgrammingError(1e-5, 0.0, 1.0)
    target = torch.full((100,), 1e-4)
    whole, half = (
        Scaled(error, factor).draw(target, torch.Generator().manual_seed(1))
        for factor in (1.0, 0.5)
    )
    torch.testing.assert_close(half - target, 0.5 * (whole - target), rtol=1e-4, atol=1e-9)


def test_injected_errors_grow_by_their_schedule_and_come_back_to_full_size(big_tile, digits):
    x, labels = (part[:64] for part in digits[0])
    network = perceptron([64, 8, 10], big_tile, levels=16, seed=0)
    seen = []

    class Recording:
        def draw(self, target, generator):
            return target * 2

    full = Recording()
    set_arithmetic(network, None, full)
    settings = TrainSettings(epochs=3, batch=64, disturbance_schedule=Warmup(1.0))

    def record():
        error = network[0].programming_error
        seen.append(error.factor if isinstance(error, Scaled) else 1.0)

    train(network, x, labels, settings, after_step=record)
    assert seen == pytest.approx([0.0, 0.5, 1.0])
    assert network[0].programming_error is full


def test_weights_are_clipped_after_every_step(big_tile, digits):
    x, labels = (part[:200] for part in digits[0])
    network = perceptron([64, 8, 10], big_tile, levels=16, seed=0)
    spreads = []

    def record():
        weight = network[0].weight.detach()
        spreads.append(float(weight.abs().max() / weight.std(correction=0)))

    train(network, x, labels, TrainSettings(epochs=2, weight_clip=1.5), after_step=record)
    # The spread itself becomes a little smaller by clipping.
    assert max(spreads) < 1.5 * 1.15
    assert not math.isnan(max(spreads))


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Steps(0),
        lambda: Warmup(0.0),
        lambda: TrainSettings(epochs=0),
        lambda: TrainSettings(weight_clip=0.0),
    ],
)
def test_impossible_schedules_are_refused(bad):
    with pytest.raises(InputError, match="allowed"):
        bad()
