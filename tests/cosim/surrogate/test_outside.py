"""Errors outside of the domain: what is drawn, and how they grow for a surrogate and for a cell."""

import numpy as np
import pytest

from cosim.surrogate import IdealProduct, LineModeGalerkin, OutsideSamples, outside_domain
from cosim.surrogate.outside import cases, outside_table


DRAWS = OutsideSamples(matrices=2, samples=4, seed=5)


@pytest.fixture(scope="module")
def rows(cells, domain, wires, column_currents):
    model = LineModeGalerkin.from_cell(8, 6, wires, cells.sinh_1t1r, domain)

    def reference(tasks):
        return [column_currents(cells.sinh_1t1r, wires, V, G) for G, V in tasks]

    return outside_domain(model, reference, (0.25, 0.5), DRAWS)


def test_every_case_is_a_row_and_the_first_one_is_inside(rows):
    assert [(row.inputs, row.conductances) for row in rows] == [
        (0.0, 0.0),
        *((0.25, 0.0), (0.0, 0.25), (0.25, 0.25)),
        *((0.5, 0.0), (0.0, 0.5), (0.5, 0.5)),
    ]
    assert len(cases()) == 10


def test_the_error_grows_with_the_inputs_beyond_the_domain(rows):
    error = {(row.inputs, row.conductances): row.accuracy.nrmse for row in rows}
    assert error[0.0, 0.0] < error[0.25, 0.0] < error[0.5, 0.0]
    assert error[0.5, 0.0] > 3 * error[0.0, 0.0]


def test_draws_are_the_same_stretched_over_the_upper_end(domain):
    model = IdealProduct(5, 4, domain)
    inside, beyond = (DRAWS.tasks(model, *case) for case in ((0.0, 0.0), (0.5, 0.25)))
    assert len(inside) == 2
    for (G, V), (wide_G, wide_V) in zip(inside, beyond, strict=True):
        np.testing.assert_allclose(wide_V, 1.5 * V)
        np.testing.assert_allclose(
            (wide_G - 5e-6) / (1.25 * 150e-6 - 5e-6), (G - 5e-6) / (150e-6 - 5e-6)
        )
    assert all(model.domain.report(V, G).inside for G, V in inside)
    assert not model.domain.report(beyond[0][1], beyond[0][0]).inside


def test_the_errors_are_those_against_the_reference(domain):
    """A reference that is one percent above the surrogate, on each case's own samples."""
    model = IdealProduct(5, 4, domain)
    rows = outside_domain(model, lambda tasks: [1.01 * V @ G for G, V in tasks], (0.1,), DRAWS)
    assert [row.accuracy.relative_l2 for row in rows] == pytest.approx([0.01 / 1.01] * 4)
    assert rows[3].accuracy.output_range > rows[0].accuracy.output_range


def test_the_table_names_each_case(rows, domain):
    lines = outside_table(rows, domain).splitlines()
    assert "inputs to 0.2 V, conductances to 150 µS" in lines[0]
    assert lines[2].split()[:2] == ["inside", "inside"]
    assert lines[-1].split()[:4] == ["+50", "%", "+50", "%"]
    assert float(lines[-1].split()[4]) == pytest.approx(100 * rows[-1].accuracy.nrmse, abs=1e-4)
