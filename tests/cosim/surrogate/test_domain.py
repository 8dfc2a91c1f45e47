"""What lies outside of a surrogate's domain is counted and named."""

import numpy as np
import pytest
import torch

from cosim.errors import DatasetError
from cosim.surrogate import Domain


def test_values_on_the_bounds_are_inside_even_in_single_precision(domain):
    V = torch.tensor([[0.0, 0.2]], dtype=torch.float32)
    G = torch.tensor([[5e-6], [150e-6]], dtype=torch.float32)
    report = domain.report(V, G)
    assert report.inside
    assert "inside" in str(report)


def test_inputs_and_conductances_outside_are_counted(domain):
    V = np.array([[0.0, 0.25], [-0.01, 0.1]])
    G = np.array([[5e-6], [1e-3]])
    report = domain.report(V, G)
    assert (report.inputs.count, report.inputs.total) == (2, 4)
    assert (report.conductances.count, report.conductances.high) == (1, 1e-3)
    text = str(report)
    assert "2 of 4 inputs" in text
    assert "allowed 0 to 0.2 V" in text
    assert "1 of 2 conductances" in text
    assert "use the ngspice engine" in text


def test_it_survives_json(domain):
    assert Domain.from_dict(domain.to_dict()) == domain


@pytest.mark.wrong_input
@pytest.mark.parametrize("bad", [{}, {"input_low": 0.0}, {"input_low": "low"}])
def test_an_incomplete_domain_is_refused(domain, bad):
    data = {**domain.to_dict(), **bad} if bad.get("input_low") == "low" else bad
    with pytest.raises(DatasetError, match=r"input_low.*fit the surrogate again"):
        Domain.from_dict(data)
