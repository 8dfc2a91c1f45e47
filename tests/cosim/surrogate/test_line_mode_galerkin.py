"""The default surrogate against an independent solution of the whole nonlinear tile."""

import numpy as np
import pytest
import torch

from cosim.errors import ShapeError
from cosim.surrogate import Domain, LineModeGalerkin, WireResistances, accuracy_of


def closed_form(cell, wires, rows, cols, domain, **settings):
    return LineModeGalerkin.from_cell(rows, cols, wires, cell, domain, **settings)


@pytest.mark.parametrize("name", ["linear", "sinh_1r", "sinh_1t1r"])
@pytest.mark.parametrize("kind", ["uniform", "sparse", "weights"])
def test_unseen_tiles_are_met_within_three_parts_in_ten_thousand(
    cells, samples, domain, wires, name, kind
):
    cell = getattr(cells, name)
    surrogate = closed_form(cell, wires, 32, 32, domain)
    found = accuracy_of(surrogate, samples(cell, wires, 32, 32, 2, 3, kind))
    assert found.nrmse < 3e-4
    assert found.max_error < 1.5e-3


def test_a_tile_with_more_rows_than_columns_is_met_as_well(cells, samples, domain):
    wires = WireResistances(input_line=2.0, output_line=0.5, source=20.0, sense=5.0)
    surrogate = closed_form(cells.sinh_1t1r, wires, 40, 12, domain)
    assert accuracy_of(surrogate, samples(cells.sinh_1t1r, wires, 40, 12, 2, 3)).nrmse < 4e-4


def test_five_ohm_segments_stay_below_a_thousandth(cells, samples, domain):
    wires = WireResistances(5.0, 5.0, source=10.0, sense=0.0)
    surrogate = closed_form(cells.sinh_1t1r, wires, 32, 32, domain)
    assert accuracy_of(surrogate, samples(cells.sinh_1t1r, wires, 32, 32, 2, 3)).nrmse < 6e-4


def test_signed_inputs_are_met_when_the_domain_says_so(cells, column_currents, wires):
    domain = Domain(-0.2, 0.2, 5e-6, 150e-6)
    surrogate = closed_form(cells.sinh_1r, wires, 16, 16, domain)
    rng = np.random.default_rng(8)
    G, V = rng.uniform(5e-6, 150e-6, (16, 16)), rng.uniform(-0.2, 0.2, (6, 16))
    expected = column_currents(cells.sinh_1r, wires, V, G)
    error = surrogate.mvm(V, G) - expected
    assert np.sqrt(np.mean(error**2)) < 5e-4 * np.ptp(expected)


def test_single_precision_changes_no_digit_that_counts(cells, drawn, domain, wires):
    surrogate = closed_form(cells.sinh_1t1r, wires, 32, 32, domain)
    (G,), (V,) = drawn(32, 32, 1, 8)
    exact = surrogate.mvm(V, G)
    rounded = surrogate.to(torch.float32).mvm(V, G)
    assert np.abs(rounded - exact).max() < 1e-5 * np.ptp(exact)


@pytest.mark.parametrize("of", ["inputs", "conductances"])
def test_gradients_are_those_of_the_reference_within_three_thousandths(
    cells, column_currents, drawn, domain, wires, of
):
    """Directional derivatives: along a random direction, and weighted by random outputs."""
    surrogate = closed_form(cells.sinh_1t1r, wires, 24, 24, domain)
    (G,), (V,) = drawn(24, 24, 1, 4)
    rng = np.random.default_rng(11)
    weights = rng.normal(size=(4, 24))
    t = {"inputs": torch.from_numpy(V), "conductances": torch.from_numpy(G)}
    t[of].requires_grad_()
    (surrogate(t["inputs"], t["conductances"]) * torch.from_numpy(weights)).sum().backward()
    for _ in range(3):
        direction = t[of].detach().numpy() * rng.uniform(-1, 1, t[of].shape)
        moved = []
        for sign in (1e-3, -1e-3):
            inputs = V + sign * direction if of == "inputs" else V
            conductances = G + sign * direction if of == "conductances" else G
            currents = column_currents(cells.sinh_1t1r, wires, inputs, conductances)
            moved.append((currents * weights).sum())
        expected = (moved[0] - moved[1]) / 2e-3
        # Relative to the size of the gradient, as the direction may be nearly normal to it.
        scale = np.linalg.norm(t[of].grad.numpy() * t[of].detach().numpy()) / np.sqrt(3)
        assert (t[of].grad.numpy() * direction).sum() == pytest.approx(expected, abs=3e-3 * scale)


def test_gradcheck_passes_in_inputs_and_conductances(cells, domain):
    wires = WireResistances(30.0, 20.0, source=100.0, sense=50.0)
    surrogate = LineModeGalerkin(
        4,
        3,
        wires,
        LineModeGalerkin.from_cell(4, 3, wires, cells.sinh_1t1r, domain).cell,
        domain,
        modes=2,
        shape_conductance=8e-5,
    )
    generator = torch.Generator().manual_seed(6)
    V = torch.rand(2, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    G = 0.1 + torch.rand(4, 3, dtype=torch.float64, generator=generator)

    def currents(v, g):
        return surrogate(v * 0.2, g * 1e-4) * 1e5

    assert torch.autograd.gradcheck(currents, (V, G.requires_grad_()), atol=1e-6, rtol=1e-4)


def test_tiles_can_share_inputs_or_have_their_own(small):
    generator = torch.Generator().manual_seed(5)
    G = 1e-5 + 1e-4 * torch.rand(3, 6, 4, dtype=torch.float64, generator=generator)
    V = 0.2 * torch.rand(3, 5, 6, dtype=torch.float64, generator=generator)
    own = small(V, G)
    shared = small(V[0], G)
    assert own.shape == shared.shape == (3, 5, 4)
    torch.testing.assert_close(own[0], shared[0])
    torch.testing.assert_close(own[2], small(V[2], G[2]))


def test_one_operator_serves_many_batches(small):
    generator = torch.Generator().manual_seed(7)
    G = 1e-5 + 1e-4 * torch.rand(6, 4, dtype=torch.float64, generator=generator)
    V = 0.2 * torch.rand(9, 6, dtype=torch.float64, generator=generator)
    operator = small.prepare(G)
    torch.testing.assert_close(torch.cat([operator(V[:4]), operator(V[4:])]), small(V, G))


def test_no_input_gives_no_current(small):
    assert np.abs(small.mvm(np.zeros((2, 6)), np.full((6, 4), 5e-5))).max() == 0


def test_modes_follow_the_electrical_length_of_the_lines(cells, domain, wires):
    def chosen(size, segment):
        lines = WireResistances(segment, segment, 10.0, 0.0)
        return closed_form(cells.linear, lines, size, size, domain).modes

    assert [chosen(32, 1.0), chosen(128, 1.0), chosen(128, 10.0)] == [1, 2, 3]


def test_rebuilt_from_its_settings_it_answers_the_same(small):
    again = LineModeGalerkin.rebuild(small.settings(), small.tensors())
    V, G = np.linspace(0, 0.2, 12).reshape(2, 6), np.linspace(5e-6, 1.5e-4, 24).reshape(6, 4)
    np.testing.assert_array_equal(again.mvm(V, G), small.mvm(V, G))


def test_it_adds_nothing_to_a_state_dict(small):
    assert dict(small.state_dict()) == {}
    assert list(small.parameters()) == []


@pytest.mark.wrong_input
def test_wrong_shapes_and_types_are_named(small):
    with pytest.raises(ShapeError, match=r"\(4, 6\).*6 rows and 4 cols.*one value per cell"):
        small.mvm(np.zeros((1, 6)), np.full((4, 6), 5e-5))
    with pytest.raises(ShapeError, match=r"inputs have the shape \(1, 4\).*6 rows.*samples"):
        small.mvm(np.zeros((1, 4)), np.full((6, 4), 5e-5))
    with pytest.raises(ShapeError, match=r"float32.*float64.*\.to\("):
        small(torch.zeros(1, 6), torch.full((6, 4), 5e-5))
