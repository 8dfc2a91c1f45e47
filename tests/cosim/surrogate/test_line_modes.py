"""The reduced wire network against a full nodal solution of linear cells."""

import numpy as np
import pytest
import torch

from cosim.errors import CosimError
from cosim.surrogate.line_modes import linear_response, reduced
from cosim.surrogate.wire_kernels import WireKernels, WireResistances


def transfer_error(column_currents, cells, rows, cols, segment, modes, seed=3):
    """Error of the transfer matrix, by its range, against the currents of unit inputs."""
    wires = WireResistances(segment, segment, source=10.0, sense=0.5)
    G = np.random.default_rng(seed).uniform(5e-6, 150e-6, (rows, cols))
    expected = column_currents(cells.linear, wires, np.eye(rows), G)
    kernels = WireKernels(rows, cols, wires, modes)
    found = linear_response(reduced(torch.from_numpy(G), kernels)).transfer.numpy()
    inputs = np.random.default_rng(seed + 1).uniform(0, 0.2, (40, rows))
    error = inputs @ (found - expected)
    return np.sqrt(np.mean(error**2)) / np.ptp(inputs @ expected)


@pytest.mark.parametrize(
    ("rows", "cols", "segment", "modes", "allowed"),
    [
        (16, 16, 1.0, 1, 1e-6),
        (32, 32, 1.0, 1, 1e-5),
        (32, 32, 1.0, 2, 5e-6),
        (40, 12, 1.0, 1, 2e-5),
        (12, 40, 1.0, 2, 2e-6),
        (32, 32, 20.0, 1, 3e-3),
        (32, 32, 20.0, 2, 3e-4),
        (32, 32, 20.0, 3, 2e-4),
    ],
)
def test_the_transfer_matches_a_full_nodal_solution(
    column_currents, cells, rows, cols, segment, modes, allowed
):
    error = transfer_error(column_currents, cells, rows, cols, segment, modes)
    assert error < allowed


def test_more_modes_are_more_exact_on_long_lines(column_currents, cells):
    errors = [transfer_error(column_currents, cells, 24, 24, 30.0, k) for k in (1, 2, 3)]
    assert errors[0] > 2 * errors[1] > 2 * errors[2]


def test_without_any_resistance_the_transfer_is_the_conductance():
    perfect = WireKernels(6, 5, WireResistances(0.0, 0.0, 0.0, 0.0), modes=2)
    G = torch.rand(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 1e-4
    response = linear_response(reduced(G, perfect))
    torch.testing.assert_close(response.transfer, G, rtol=1e-6, atol=0)
    torch.testing.assert_close(response.common, torch.ones_like(G), rtol=1e-6, atol=0)


def test_the_common_response_is_what_all_inputs_at_one_volt_give(column_currents, cells, wires):
    G = np.random.default_rng(5).uniform(5e-6, 150e-6, (20, 14))
    response = linear_response(reduced(torch.from_numpy(G), WireKernels(20, 14, wires, 2)))
    currents = (torch.from_numpy(G) * response.common).sum(0).numpy()
    expected = column_currents(cells.linear, wires, np.ones((1, 20)), G)[0]
    np.testing.assert_allclose(currents, expected, rtol=1e-4)


def test_several_tiles_at_once_are_the_same_as_one_by_one(wires):
    generator = torch.Generator().manual_seed(2)
    G = torch.rand(2, 3, 9, 7, dtype=torch.float64, generator=generator) * 1.5e-4
    kernels = WireKernels(9, 7, wires, 2)
    together = linear_response(reduced(G, kernels)).transfer
    for i in range(2):
        for j in range(3):
            alone = linear_response(reduced(G[i, j], kernels)).transfer
            torch.testing.assert_close(together[i, j], alone, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_empty_cells_rows_and_columns_leave_everything_finite(wires, dtype):
    G = torch.full((12, 10), 1e-4, dtype=dtype)
    G[3] = 0
    G[:, 6] = 0
    G.requires_grad_()
    kernels = WireKernels(12, 10, wires, 2).to(dtype)
    transfer = linear_response(reduced(G, kernels)).transfer
    transfer.sum().backward()
    assert torch.isfinite(transfer).all()
    assert torch.isfinite(G.grad).all()
    assert float(transfer.detach()[3].abs().max()) < 1e-9
    assert float(transfer.detach()[:, 6].abs().max()) < 1e-9


def test_its_gradient_is_that_of_finite_differences(wires):
    # Conductances in units of 100 uS: gradcheck's steps are absolute.
    kernels = WireKernels(4, 3, WireResistances(30.0, 20.0, 100.0, 50.0), 2)
    mean = torch.full((2,), 8e-5, dtype=torch.float64)
    G = torch.rand(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4)) + 0.1

    def outputs(g):
        response = linear_response(reduced(g * 1e-4, kernels, mean))
        return response.transfer * 1e4, response.own, response.common, response.rise

    assert torch.autograd.gradcheck(outputs, G.requires_grad_(), atol=1e-6, rtol=1e-4)


def test_negative_conductances_are_refused_with_advice(wires):
    G = torch.full((8, 8), -5e-2, dtype=torch.float64)
    with pytest.raises(CosimError, match=r"not positive definite.*float64.*negative"):
        linear_response(reduced(G, WireKernels(8, 8, wires, 1)))
