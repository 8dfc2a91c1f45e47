"""The series-resistance model: exact for one cell, poor for many, and of the right sign."""

import numpy as np
import pytest

from cosim.surrogate import (
    Domain,
    IdealProduct,
    LineModeGalerkin,
    SeriesResistance,
    WireResistances,
    accuracy_of,
)


WIRES = WireResistances(input_line=100.0, output_line=50.0, source=1000.0, sense=30.0)
DOMAIN = Domain(0.0, 0.2, 5e-6, 150e-6)


def test_one_cell_is_in_series_with_everything(cells):
    model = SeriesResistance.from_cell(1, 1, WIRES, cells.linear, DOMAIN)
    current = model.mvm(np.array([[0.2]]), np.array([[1e-4]]))
    assert current[0, 0] == pytest.approx(0.2 / (1e4 + 100 + 50 + 1000 + 30), rel=1e-6)


def test_on_a_tile_it_lies_between_the_ideal_product_and_line_mode_galerkin(cells, samples, wires):
    measured = samples(cells.linear, wires, 32, 32, 1, 4)
    errors = [
        accuracy_of(model, measured).nrmse
        for model in (
            IdealProduct(32, 32, DOMAIN),
            SeriesResistance.from_cell(32, 32, wires, cells.linear, DOMAIN),
            LineModeGalerkin.from_cell(32, 32, wires, cells.linear, DOMAIN),
        )
    ]
    assert errors[0] > 3 * errors[1] > 100 * errors[2]
