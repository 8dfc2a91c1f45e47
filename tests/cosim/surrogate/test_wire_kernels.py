"""Kernels are the resistances that two nodes of a line share; mode shapes follow the decay."""

import numpy as np
import torch

from cosim.surrogate.wire_kernels import WireKernels, WireResistances


WIRES = WireResistances(input_line=1.5, output_line=0.5, source=10.0, sense=3.0)


def line_matrix(nodes, segment, end):
    """Nodal conductances of a line whose node 0 is tied to ground through `end`."""
    Y = np.zeros((nodes, nodes))
    Y[0, 0] = 1 / end
    for j in range(nodes - 1):
        Y[j : j + 2, j : j + 2] += np.array([[1, -1], [-1, 1]]) / segment
    return Y


def test_the_row_kernel_inverts_a_line_driven_at_its_first_node():
    kernels = WireKernels(rows=5, cols=7, wires=WIRES, modes=1)
    np.testing.assert_allclose(
        kernels.row.numpy(), np.linalg.inv(line_matrix(7, 1.5, 10.0 + 1.5)), rtol=1e-9
    )


def test_the_col_kernel_inverts_a_line_sensed_after_its_last_node():
    kernels = WireKernels(rows=5, cols=7, wires=WIRES, modes=1)
    expected = np.linalg.inv(line_matrix(5, 0.5, 3.0 + 0.5))[::-1, ::-1]
    np.testing.assert_allclose(kernels.col.numpy(), expected, rtol=1e-9)


def test_cell_voltages_fall_away_from_the_driver_and_from_the_sensor():
    row, col = WireKernels(32, 48, WIRES, modes=1).mode_shapes(torch.tensor(1e-4).double())
    assert row[0, 0] > row[0, 24] > row[0, 47]
    assert col[0, 31] > col[0, 16] > col[0, 0]


def test_shapes_are_made_for_every_tile_by_its_own_mean_conductance():
    kernels = WireKernels(16, 16, WIRES, modes=2)
    weak, strong = torch.tensor(1e-6).double(), torch.tensor(1e-3).double()
    both, _ = kernels.mode_shapes(torch.stack([weak, strong]))
    torch.testing.assert_close(both[0], kernels.mode_shapes(weak)[0])
    torch.testing.assert_close(both[1], kernels.mode_shapes(strong)[0])


def test_a_line_without_resistance_needs_one_mode_only():
    perfect = WireResistances(input_line=0.0, output_line=1.0, source=10.0, sense=0.0)
    kernels = WireKernels(8, 8, perfect, modes=2)
    assert (kernels.row_modes, kernels.col_modes) == (1, 2)
