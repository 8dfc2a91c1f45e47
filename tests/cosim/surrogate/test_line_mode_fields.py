"""The accurate surrogate is an order of magnitude closer, for the price of every cell's voltage."""

import numpy as np
import pytest
import torch

from cosim.surrogate import LineModeFields, LineModeGalerkin, WireResistances, accuracy_of
from cosim.surrogate.line_modes import reduced
from cosim.surrogate.wire_kernels import WireKernels


@pytest.mark.parametrize("kind", ["uniform", "sparse", "weights"])
def test_unseen_tiles_are_met_within_five_parts_in_a_hundred_thousand(
    cells, samples, domain, wires, kind
):
    surrogate = LineModeFields.from_cell(32, 32, wires, cells.sinh_1t1r, domain)
    found = accuracy_of(surrogate, samples(cells.sinh_1t1r, wires, 32, 32, 2, 2, kind))
    assert found.nrmse < 5e-5
    assert found.max_error < 2.5e-4


def test_it_is_closer_than_the_mean_field(cells, samples, domain):
    wires = WireResistances(5.0, 5.0, source=10.0, sense=0.0)
    measured = samples(cells.sinh_1t1r, wires, 24, 20, 2, 3)
    fast = LineModeGalerkin.from_cell(24, 20, wires, cells.sinh_1t1r, domain)
    accurate = LineModeFields.from_cell(24, 20, wires, cells.sinh_1t1r, domain)
    assert accuracy_of(accurate, measured).nrmse < 0.3 * accuracy_of(fast, measured).nrmse


def test_fields_with_injected_currents_solve_the_whole_network(cells, column_currents, wires):
    """An injected current at every cell, against cells with that current in the full solution."""
    rng = np.random.default_rng(4)
    G = rng.uniform(5e-6, 150e-6, (14, 11))
    V = rng.uniform(0, 0.2, (1, 14))
    extra = rng.uniform(-1e-6, 1e-6, (14, 11))

    def cell(vr, vc, g):
        return g * (vr - vc) + extra.ravel()

    expected = column_currents(cell, wires, V, G)[0]
    network = reduced(torch.from_numpy(G), WireKernels(14, 11, wires, 2))
    d, _ = network.fields(torch.from_numpy(V), torch.from_numpy(extra[None]))
    found = (G * d[0].numpy() + extra).sum(0)
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_gradcheck_passes_in_inputs_and_conductances(cells, domain):
    wires = WireResistances(30.0, 20.0, source=100.0, sense=50.0)
    cell = LineModeFields.from_cell(4, 3, wires, cells.sinh_1t1r, domain).cell
    surrogate = LineModeFields(4, 3, wires, cell, domain, modes=2, shape_conductance=8e-5)
    generator = torch.Generator().manual_seed(6)
    V = torch.rand(2, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    G = 0.1 + torch.rand(4, 3, dtype=torch.float64, generator=generator)

    def currents(v, g):
        return surrogate(v * 0.2, g * 1e-4) * 1e5

    assert torch.autograd.gradcheck(currents, (V, G.requires_grad_()), atol=1e-6, rtol=1e-4)


def test_large_batches_are_cut_without_a_trace(cells, domain, wires, monkeypatch):
    surrogate = LineModeFields.from_cell(6, 4, wires, cells.sinh_1t1r, domain)
    generator = torch.Generator().manual_seed(1)
    G = 1e-5 + 1e-4 * torch.rand(2, 6, 4, dtype=torch.float64, generator=generator)
    V = 0.2 * torch.rand(2, 7, 6, dtype=torch.float64, generator=generator)
    whole = surrogate(V, G)
    monkeypatch.setattr("cosim.surrogate.line_mode_fields.FIELD_VALUES", 3 * G.numel())
    torch.testing.assert_close(surrogate(V, G), whole)
