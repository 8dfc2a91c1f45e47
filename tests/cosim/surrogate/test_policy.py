"""Outside of its domain a surrogate warns once, counts, or refuses, as it was asked to."""

import copy
import warnings

import pytest
import torch

from cosim.cell import TileCell
from cosim.errors import InputError
from cosim.nn import TrainSettings, perceptron, set_arithmetic, train_vat
from cosim.surrogate import LineModeGalerkin, load, save
from cosim.surrogate.policy import (
    DomainWarning,
    Guarded,
    OutsideDomainError,
    count_by_layer,
    counts_table,
    domain_counts,
)


@pytest.fixture
def inside(small, drawn):
    """Inputs and conductances inside the domain of `small`."""
    G, V = drawn(6, 4, 1, 5)
    return torch.from_numpy(V[0]), torch.from_numpy(G[0])


def test_inside_it_answers_and_differentiates_as_the_surrogate_does(small, inside):
    V, G = (x.requires_grad_(True) for x in inside)
    guarded = Guarded(small, "refuse")
    plain = torch.autograd.grad(small(V, G).square().sum(), (V, G))
    watched = torch.autograd.grad(guarded(V, G).square().sum(), (V, G))
    assert torch.equal(guarded(V, G), small(V, G))
    assert all(torch.equal(a, b) for a, b in zip(plain, watched, strict=True))
    assert guarded.report.inside
    assert guarded.report.inputs.total == 2 * V.numel()


def test_values_outside_are_counted_with_how_far_they_went(small, inside):
    V, G = inside
    guarded = Guarded(small, "count")
    V, G = V.clone(), G.clone()
    V[0, 0], V[1, 1], G[2, 3] = 0.25, -0.01, 2e-4
    guarded(V, G)
    guarded(V, G)
    report = guarded.report
    assert (report.inputs.count, report.inputs.low, report.inputs.high) == (4, -0.01, 0.25)
    assert (report.conductances.count, report.conductances.total) == (2, 2 * G.numel())
    assert report.conductances.high == 2e-4
    guarded.reset()
    assert guarded.report.inputs.total == 0


def test_a_warning_comes_once_and_says_how_far(small, inside):
    V, G = inside
    guarded = Guarded(small)
    with pytest.warns(DomainWarning, match=r"given .* to 0.4 V, allowed 0 to 0.2 V"):
        guarded(torch.full_like(V, 0.4), G)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        guarded(torch.full_like(V, 0.5), G)
    assert guarded.report.inputs.count == 2 * V.numel()


def test_a_refusal_names_what_lies_outside(small, inside):
    V, G = inside
    guarded = Guarded(small, "refuse")
    with pytest.raises(OutsideDomainError, match="conductances lie outside"):
        guarded(V, 3 * G)
    guarded.reset()
    with pytest.raises(OutsideDomainError, match="30 of 30 inputs lie outside"):
        guarded(torch.full_like(V, 0.21), G)
    assert guarded.report.conductances.count == 0


def test_values_that_are_not_numbers_are_outside(small, inside):
    V, G = inside
    guarded = Guarded(small, "count")
    V = V.clone()
    V[0, 0] = torch.nan
    guarded.prepare(G)(V)
    assert guarded.report.inputs.count == 1


def test_ignoring_looks_at_nothing(small, inside):
    V, G = inside
    guarded = Guarded(small, "ignore")
    guarded(10 * V, G)
    assert guarded.report.inputs.total == 0
    assert type(guarded.prepare(G)) is type(small.prepare(G))


@pytest.mark.wrong_input
def test_an_unknown_policy_is_refused(small):
    with pytest.raises(InputError, match="warn, count, refuse, ignore"):
        Guarded(small, "shout")


def test_a_guard_is_not_stored(small, inside, tmp_path):
    V, G = inside
    save(tmp_path, Guarded(small, "count"), {}, "abc")
    loaded = load(tmp_path).surrogate
    assert type(loaded) is LineModeGalerkin
    assert torch.equal(loaded(V, G), small(V, G))


@pytest.fixture
def network(rram_tile):
    return perceptron([12, 10, 4], rram_tile(8, 6), levels=16, seed=0)


def test_a_network_trains_through_a_guard_and_each_layer_counts(network, rram_tile):
    spec = rram_tile(8, 6)
    surrogate = LineModeGalerkin.from_spec(spec, TileCell(spec).current)
    generator = torch.Generator().manual_seed(0)
    x, labels = torch.rand(48, 12, generator=generator), torch.arange(48) % 4
    plain = copy.deepcopy(network)
    settings = TrainSettings(epochs=1, seed=0)
    train_vat(network, x, labels, settings, Guarded(surrogate, "refuse"), None)
    train_vat(plain, x, labels, settings, surrogate, None)
    for (name, watched), (_, free) in zip(
        network.named_parameters(), plain.named_parameters(), strict=True
    ):
        assert torch.equal(watched, free), name

    set_arithmetic(network, Guarded(surrogate, "count"))
    shared = next(iter(count_by_layer(network).values())).inside
    network.eval()
    with torch.no_grad():
        network(x)
    counts = domain_counts(network)
    assert list(counts) == ["0", "2"]
    assert all(report.inside and report.inputs.total for report in counts.values())
    assert counts["0"].conductances.total != counts["2"].conductances.total
    assert all(layer.surrogate.inside is shared for layer in (network[0], network[2]))
    assert counts_table(network).splitlines()[1].startswith("0      0 of ")
