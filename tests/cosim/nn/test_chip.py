"""Chips: static draws that are kept, streams that do not disturb each other, reads that differ."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cosim.errors import InputError
from cosim.nn import (
    CardDrift,
    CardProgramming,
    CardReadNoise,
    Drift,
    EvaluationSettings,
    LogNormalFactor,
    NonIdealities,
    ProgrammingError,
    ReadNoise,
    StuckCells,
    analog_layers,
    evaluate,
    perceptron,
    program,
    program_chips,
    set_arithmetic,
)


LOW, HIGH = 5e-6, 150e-6
ERROR = ProgrammingError(absolute_std=4e-6, low=0.0, high=1.0)
ALL = NonIdealities(
    programming=(ERROR, LogNormalFactor(0.05)),
    stuck=StuckCells(0.02, 0.08, LOW, HIGH),
    drift=Drift(0.05, 0.01),
    read_noise=ReadNoise(relative_std=0.09),
)


@pytest.fixture
def network(tile):
    return perceptron([12, 9, 4], tile, levels=16, seed=3).eval()


def layers(chip):
    return chip.layers[0]


def test_a_chip_remembers_its_draws_at_every_time(network):
    chip = program(network, 1, ALL)
    cells = layers(chip)
    free = cells.stuck == 0
    expected = cells.programmed * 1e4**-cells.exponents
    torch.testing.assert_close(cells.at(1e4)[free], expected[free])
    assert torch.equal(cells.at(1e4), cells.at(1e4))
    assert torch.equal(cells.at(1.0), cells.at(None))


def test_stuck_cells_do_not_drift(network):
    cells = layers(program(network, 1, ALL))
    for time in (None, 1e6):
        held = cells.at(time)[cells.stuck != 0].unique()
        torch.testing.assert_close(held, torch.tensor([LOW, HIGH], dtype=torch.float64))


@pytest.mark.parametrize("switched_off", ["stuck", "drift", "read_noise", "programming"])
def test_switching_one_off_leaves_the_draws_of_the_others(network, switched_off):
    without = replace(ALL, **{switched_off: () if switched_off == "programming" else None})
    one, other = layers(program(network, 1, ALL)), layers(program(network, 1, without))
    if switched_off != "stuck":
        assert torch.equal(one.stuck, other.stuck)
    if switched_off != "drift":
        assert torch.equal(one.exponents, other.exponents)
    if switched_off != "programming":
        assert torch.equal(one.programmed, other.programmed)


def test_a_step_of_programming_can_be_left_out_too(network):
    """Each step has a stream of its own, whatever comes before it."""
    factor = NonIdealities(programming=(LogNormalFactor(0.05),))
    both = layers(program(network, 1, ALL)).programmed
    error_only = layers(program(network, 1, ERROR)).programmed
    target = layers(program(network, 1, None)).programmed
    factor_only = layers(program(network, 1, factor)).programmed
    positive = error_only > 0
    torch.testing.assert_close(both[positive], (error_only * factor_only / target)[positive])


def test_a_single_disturbance_is_the_same_as_a_list_of_one(network):
    for single in (ERROR, ALL.stuck, ALL.drift):
        alone, listed = (
            layers(program(network, 4, kind)).at(10.0)
            for kind in (single, NonIdealities.of(single))
        )
        assert torch.equal(alone, listed)


def test_chips_of_a_lot_have_seeds_in_a_row(network):
    lot = program_chips(network, 3, ERROR, first_seed=7)
    assert [chip.seed for chip in lot] == [7, 8, 9]
    assert torch.equal(layers(lot[1]).programmed, layers(program(network, 8, ERROR)).programmed)


def test_every_read_sees_other_noise_and_every_engine_the_same(network, surrogate):
    x = torch.rand(6, 12, generator=torch.Generator().manual_seed(1))
    labels = torch.zeros(6, dtype=torch.long)
    chips = program_chips(network, 2, NonIdealities(read_noise=ReadNoise(0.09)))
    twice = x[:3].repeat(2, 1)
    from_parts = evaluate(
        network,
        twice,
        labels,
        chips,
        {"one": "ideal", "two": "ideal"},
        settings=EvaluationSettings(images_at_once=3),
    )
    first, second = from_parts.outputs_of("one").split(3, dim=1)
    assert not torch.allclose(first, second, rtol=1e-3)
    assert torch.equal(from_parts.outputs_of("one"), from_parts.outputs_of("two"))
    # Together or alone, a chip is the same chip.
    alone = evaluate(
        network, twice, labels, chips[1:], settings=EvaluationSettings(images_at_once=3)
    )
    torch.testing.assert_close(alone.outputs_of()[0], from_parts.outputs_of("one")[1])


def test_training_draws_everything_anew_for_every_batch(network):
    set_arithmetic(network, None, ALL, seed=1)
    network.train()
    x = torch.rand(5, 12, generator=torch.Generator().manual_seed(1))
    first, second = network[0](x), network[0](x)
    assert not torch.allclose(first, second, rtol=1e-3)
    second.sum().backward()
    assert float(network[0].weight.grad.abs().sum()) > 0


def test_training_draws_times_up_to_the_longest():
    drift = Drift(0.1, 0.0, t0=1.0, longest=100.0)
    generator = torch.Generator().manual_seed(0)
    target = torch.ones(3, dtype=torch.float64)
    drawn = torch.stack([drift.draw(target, generator) for _ in range(400)])
    times = drawn[:, 0] ** (-1 / 0.1)
    assert bool((drawn == drawn[:, :1]).all())
    assert 1.0 <= float(times.min()) < 1.2
    assert 80 < float(times.max()) <= 100.0
    assert float(times.log().mean()) == pytest.approx(np.log(100.0) / 2, rel=0.1)


def test_cells_are_not_read_before_their_drift_is_known(network):
    chip = program(network, 1, Drift(0.05, 0.01, t0=20.0))
    with pytest.raises(InputError, match=r"1 s after programming.*20 s.*later"):
        chip.at(1.0)


def test_a_card_gives_spread_shift_drift_and_read_noise():
    generator = torch.Generator().manual_seed(0)
    level = torch.full((20_000,), 100e-6, dtype=torch.float64)
    left = CardProgramming("rram_gap__hfo2_milo2021").draw(level, generator)
    assert float(left.std()) == pytest.approx((4.782321 - 0.9107) * 1e-6, rel=0.03)
    shifted = CardProgramming("rram_gap__hfo2_milo2021", "igvva-10").draw(level, generator)
    assert float(shifted.mean() - 100e-6) == pytest.approx(0.79e-6, rel=0.05)
    wide = CardProgramming("rram_gap__hfo2_milo2021", scale=6.0).draw(level, generator)
    assert float(wide.std()) == pytest.approx(6 * float(left.std()), rel=0.03)
    exponents = CardDrift("pcm__epcm_90nm_materials2021").exponents(level / 10, generator)
    assert float(exponents.mean()) == pytest.approx(0.009, rel=0.02)
    noise = CardReadNoise("pcm__epcm_90nm_materials2021")
    early, late = (float(noise.spread(level[:1], time)[0]) for time in (1.0, 50400.0))
    assert 1e-6 < early < late < 9e-6


@pytest.mark.parametrize(
    "bad",
    [
        lambda: LogNormalFactor(-0.1),
        lambda: Drift(0.05, -0.1),
        lambda: Drift(0.05, 0.1, t0=2.0, longest=1.0),
        lambda: ReadNoise(-0.1),
        lambda: StuckCells(0.6, 0.5, 0.0, 1.0),
        lambda: CardProgramming("rram_gap__hfo2_milo2021", scale=-1.0),
    ],
)
def test_impossible_disturbances_are_refused(bad):
    with pytest.raises(InputError, match=r"allowed are.*"):
        bad()


def test_shares_of_stuck_cells_are_those_asked_for_and_nested():
    like = torch.zeros(100_000, dtype=torch.float64)

    def states(high, low):
        return StuckCells(high, low, LOW, HIGH).states(like, torch.Generator().manual_seed(3))

    few, many = states(0.0175, 0.0904), states(0.0904, 0.0904)
    assert float((few > 0).double().mean()) == pytest.approx(0.0175, rel=0.05)
    assert float((few < 0).double().mean()) == pytest.approx(0.0904, rel=0.05)
    assert bool((many[few > 0] > 0).all())
    assert torch.equal(many < 0, few < 0)
    swapped = StuckCells(0.0175, 0.0904, LOW, HIGH).swapped()
    assert (swapped.high_share, swapped.low_share) == (0.0904, 0.0175)


def test_all_layers_of_a_chip_have_draws_of_their_own(tile):
    square = perceptron([6, 6, 6], tile, levels=16, seed=3)
    first, second = program(square, 1, ERROR).layers
    target = [layer.target_conductances().detach().double() for layer in analog_layers(square)]
    assert not torch.allclose(first.programmed - target[0], second.programmed - target[1])
