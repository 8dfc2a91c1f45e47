"""Weak RESET: pulses by Adam's rule, resistances by the card's law, noise with its statistics."""

import copy

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from compact_models import load_card
from compact_models.weak_reset import WeakResetPopulation, WeakResetState
from cosim.errors import InputError
from cosim.nn import WeakReset, WeakResetDevices, WeakResetRule, binary_perceptron
from cosim.nn.weak_reset import PUBLISHED
from cosim.nn.weak_reset_kernel import BLOCK


QUIET = WeakResetDevices(device_to_device=False, telegraph=False, flicker=False)


def a_step(optimizer, weight, gradient):
    weight.grad = gradient
    optimizer.step()
    return weight.detach().clone()


def matrix(rows=3, cols=4):
    return nn.Parameter(torch.ones(rows, cols))


def test_pulses_are_adams_step_rounded_and_clamped_for_the_right_cell():
    weight, rule = matrix(1, 5), WeakResetRule(most=14)
    optimizer = WeakReset([weight], lr=6.0, devices=QUIET, rule=rule)
    reference = nn.Parameter(torch.zeros(1, 5))
    adam = torch.optim.Adam([reference], lr=6.0)
    generator = torch.Generator().manual_seed(1)
    expected = torch.zeros(2, 5, dtype=torch.int64)
    for _ in range(4):
        gradient = torch.randn(1, 5, generator=generator) * 3
        before = reference.detach().clone()
        reference.grad = gradient.clone()
        adam.step()
        pulses = (reference.detach() - before).clamp(-14, 14).round().long().flatten()
        expected += torch.stack([pulses.clamp_min(0), (-pulses).clamp_min(0)])
        a_step(optimizer, weight, gradient)
    assert torch.equal(optimizer.state[weight]["pulses"].long(), expected)
    assert optimizer.pulses_given == int(expected.sum())


def test_no_more_pulses_than_the_clamp_allows():
    weight = matrix()
    optimizer = WeakReset([weight], lr=1000.0, devices=QUIET, rule=WeakResetRule(most=5))
    a_step(optimizer, weight, torch.full((3, 4), -1.0))
    assert bool((optimizer.state[weight]["pulses"][0] == 5).all())
    assert bool((optimizer.state[weight]["pulses"][1] == 0).all())


def test_weights_are_signs_against_the_gradient_and_ties_are_zero():
    weight = matrix(1, 3)
    optimizer = WeakReset([weight], devices=QUIET)
    left = a_step(optimizer, weight, torch.tensor([[1.0, -1.0, 0.0]]))
    assert left.tolist() == [[-1.0, 1.0, 0.0]]


def test_there_is_no_latent_weight_that_would_bring_a_pair_back():
    """Fourteen pulses to one cell, then one step the other way: still the first sign wins."""
    weight = matrix(1, 1)
    optimizer = WeakReset([weight], lr=14.0, devices=QUIET, rule=WeakResetRule(beta1=0.0))
    for _ in range(3):
        a_step(optimizer, weight, torch.tensor([[-1.0]]))
    assert a_step(optimizer, weight, torch.tensor([[1.0]])).item() == 1.0
    pulses = optimizer.state[weight]["pulses"][:, 0].tolist()
    assert pulses[0] > pulses[1] > 0


def resistances_after(pulses, devices, rows=100, cols=500):
    """ln(R / R0) of cells after pulses that all of them got."""
    weight = matrix(rows, cols)
    optimizer = WeakReset([weight], devices=devices, seed=3)
    optimizer.state[weight]["pulses"].fill_(pulses)
    return weight, optimizer, np.log(optimizer.resistances(weight))


def test_without_noise_resistances_follow_the_law_of_the_card():
    devices = WeakResetDevices(telegraph=False, flicker=False)
    seed = int(np.random.SeedSequence([3, 0]).generate_state(1)[0])
    twin = WeakResetPopulation(
        load_card(PUBLISHED), 2 * 50_000, seed, telegraph=False, flicker=False
    )
    for pulses in (0, 300, 3000):
        *_, found = resistances_after(pulses, devices)
        counts = np.full(twin.size, pulses)
        state = WeakResetState(counts, np.zeros(twin.size, bool), np.zeros((twin.size, 15)), 0)
        assert found.ravel() == pytest.approx(np.log(twin.resistance(state)), abs=2e-6)


def test_flicker_noise_has_the_mean_and_spread_of_its_filter():
    devices = WeakResetDevices(device_to_device=False, telegraph=False)
    weight, optimizer, found = resistances_after(100, devices)
    *_, quiet = resistances_after(100, QUIET)
    rest = (found - quiet).reshape(2, -1)
    assert rest.mean() == pytest.approx(0.054, rel=0.02)
    assert rest.std(axis=1) == pytest.approx(0.010, rel=0.05)
    assert abs(np.corrcoef(rest)[0, 1]) < 0.02
    # One pulse keeps most of the history, forty none of it.
    for more, low, high in ((1, 0.6, 0.8), (40, -0.02, 0.02)):
        optimizer.state[weight]["pulses"].fill_(100 + more)
        later = (
            np.log(optimizer.resistances(weight)).reshape(2, -1)
            - np.log(optimizer.resistances(weight)).mean()
        )
        assert low < np.corrcoef(rest[0], later[0])[0, 1] < high


def test_telegraph_noise_lifts_a_share_of_the_cells_and_is_drawn_anew_for_every_read():
    devices = WeakResetDevices(device_to_device=False, flicker=False)
    weight, optimizer, found = resistances_after(0, devices)
    *_, quiet = resistances_after(0, QUIET)
    lifted = found - quiet
    assert (lifted > 1e-6).mean() == pytest.approx(0.286, abs=0.01)
    assert lifted[lifted > 1e-6].mean() == pytest.approx(0.0625, rel=0.03)
    optimizer.read()
    again = np.log(optimizer.resistances(weight)) - quiet
    # Apart from lifts that are too small to be seen.
    assert ((again > 1e-6) == (lifted > 1e-6)).mean() > 0.999
    both = (again > 1e-6) & (lifted > 1e-6)
    assert abs(np.corrcoef(again[both], lifted[both])[0, 1]) < 0.03


def test_telegraph_states_move_with_the_pulses():
    devices = WeakResetDevices(device_to_device=False, flicker=False)
    weight = matrix(100, 500)
    optimizer = WeakReset([weight], lr=1000.0, devices=devices, seed=3)
    optimizer.state[weight]["upper"].fill_(1)
    for _ in range(10):
        a_step(optimizer, weight, torch.full((100, 500), -1.0))
    upper = optimizer.state[weight]["upper"].float().mean(1)
    assert float(upper[1]) == 1.0
    expected = 0.0008 / 0.0028 + (1 - 0.0008 / 0.0028) * (1 - 0.0028) ** 140
    assert float(upper[0]) == pytest.approx(expected, abs=0.01)


def test_blocks_do_not_show():
    weight, optimizer, _ = resistances_after(0, WeakResetDevices(), rows=1, cols=3 * BLOCK + 5)
    gradient = torch.randn(1, 3 * BLOCK + 5, generator=torch.Generator().manual_seed(2))
    a_step(optimizer, weight, gradient)
    given = optimizer.state[weight]["pulses"].sum(0)
    assert bool((given == 14).all())
    assert 0.4 < float((weight.detach() > 0).float().mean()) < 0.6


def test_the_same_seed_trains_the_same_signs_and_another_one_others():
    def trained(seed):
        weight = matrix(20, 30)
        optimizer = WeakReset([weight], lr=10.0, seed=seed)
        generator = torch.Generator().manual_seed(1)
        for _ in range(5):
            a_step(optimizer, weight, torch.randn(20, 30, generator=generator))
        return weight.detach()

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_a_stored_optimizer_goes_on_where_it_was():
    generator = torch.Generator().manual_seed(1)
    gradients = [torch.randn(6, 7, generator=generator) for _ in range(6)]
    weight = matrix(6, 7)
    optimizer = WeakReset([weight], lr=10.0, seed=4)
    for gradient in gradients[:3]:
        a_step(optimizer, weight, gradient)
    copied = nn.Parameter(weight.detach().clone())
    other = WeakReset([copied], lr=10.0, seed=99)
    with torch.no_grad():
        copied.copy_(weight)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for gradient in gradients[3:]:
        first, second = a_step(optimizer, weight, gradient), a_step(other, copied, gradient)
        assert torch.equal(first, second)


def test_other_parameters_get_ordinary_adam():
    weight, bias = matrix(), nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
    reference = nn.Parameter(bias.detach().clone())
    optimizer = WeakReset([weight, bias], rule=WeakResetRule(digital_rate=8e-3))
    adam = torch.optim.Adam([reference], lr=8e-3)
    for k in range(5):
        gradient = torch.tensor([0.3, -1.0, 2.0]) * (k + 1)
        bias.grad, reference.grad = gradient.clone(), gradient.clone()
        weight.grad = torch.zeros(3, 4)
        optimizer.step()
        adam.step()
    torch.testing.assert_close(bias, reference)


def test_schedulers_of_torch_change_the_pulses():
    weight = matrix(1, 1)
    optimizer = WeakReset(
        [weight], lr=12.0, devices=QUIET, rule=WeakResetRule(beta1=0.0, beta2=0.0)
    )
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    counts = []
    for _ in range(3):
        a_step(optimizer, weight, torch.tensor([[-1.0]]))
        schedule.step()
        counts.append(optimizer.pulses_given)
    assert counts == [12, 18, 21]


def test_a_binary_network_learns_digits_by_weak_reset_alone():
    data = load_digits()
    x = torch.tensor(data.data / 16, dtype=torch.float32)
    labels = torch.tensor(data.target)
    network = binary_perceptron([64, 96, 10], seed=0)
    optimizer = WeakReset(network.parameters(), lr=30.0, devices=QUIET, seed=0)
    order = torch.Generator().manual_seed(0)
    for _ in range(12):
        for chosen in torch.randperm(1400, generator=order).split(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[chosen]), labels[chosen]).backward()
            optimizer.step()
    network.eval()
    assert set(network[1].weight.detach().unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert float((network(x[1400:]).argmax(1) == labels[1400:]).double().mean()) > 0.85


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([nn.Parameter(torch.zeros(3))], "no matrix"),
        ([nn.Parameter(torch.zeros(3, 3, dtype=torch.float64))], "float64"),
        ([nn.Parameter(torch.zeros(3, 4).t())], "contiguous"),
    ],
)
def test_parameters_that_no_pair_can_hold_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        WeakReset(parameters)


def test_rules_that_give_no_pulses_are_refused():
    with pytest.raises(InputError, match="at least one pulse"):
        WeakResetRule(most=0)
