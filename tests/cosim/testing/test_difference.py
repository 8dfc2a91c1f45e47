"""A difference says which output, on which input, how far, and against what tolerance."""

import numpy as np
import pytest

from cosim.testing.difference import Difference, Samples
from cosim.testing.plot import write_plot


def difference(tolerance=0.01, **changed):
    generator = np.random.default_rng(0)
    reference = generator.uniform(0, 1e-5, (6, 4))
    reference[0, 0], reference[0, 1] = 0.0, 1e-5  # range of the first matrix
    reference[3, 0], reference[3, 1] = 0.0, 2e-5  # and of the second
    predicted = reference.copy()
    for (sample, col), ampere in changed.get("errors", {}).items():
        predicted[sample, col] += ampere
    samples = Samples(
        generator.uniform(0, 0.2, (6, 3)), np.array([0, 0, 0, 1, 1, 1]), reference, predicted
    )
    return Difference("mine", "closed-form", "ngspice 46", samples, tolerance)


def test_equal_currents_hold():
    found = difference()
    assert found.holds
    assert found.largest == 0
    assert "all outputs within 1 %" in found.text()


def test_an_error_counts_by_the_range_of_its_own_matrix():
    errors = {(1, 2): 2e-7, (4, 3): 2e-7}  # 2 % of the first range, 1 % of the second
    found = difference(tolerance=0.015, errors=errors)
    assert found.beyond == 1
    np.testing.assert_allclose(found.share[[1, 4], [2, 3]], [0.02, 0.01])
    assert difference(tolerance=0.021, errors=errors).holds


def test_the_text_names_matrix_sample_column_ampere_and_percent_of_the_worst_first():
    text = difference(errors={(2, 3): -5e-7, (4, 1): 4e-7}).text()
    lines = text.splitlines()
    assert lines[0].endswith("2 of 24 outputs differ by more than 1 % of the output range")
    worst = lines[2].split()
    assert worst[:3] == ["0", "2", "3"]
    assert float(worst[5]) == pytest.approx(-5e-7)
    assert float(worst[6]) == pytest.approx(-5.0)
    assert lines[3].split()[:3] == ["1", "4", "1"]
    assert "inputs of sample 2 [V]" in text
    assert "largest by column [% of range]: 3: 5, 1: 2" in text


def test_a_current_that_is_not_a_number_never_holds():
    found = difference(errors={(5, 0): np.nan})
    assert not found.holds
    assert found.text().splitlines()[2].split()[:3] == ["1", "5", "0"]


def test_many_outputs_are_shortened():
    errors = {(sample, col): 1e-6 for sample in range(6) for col in range(3)}
    assert "... and 13 more" in difference(errors=errors).text()


def test_the_plot_shows_the_tolerance_and_every_column(tmp_path):
    path = write_plot(difference(errors={(2, 3): -5e-7}), tmp_path / "new" / "plot.svg")
    text = path.read_text()
    assert text.startswith("<svg")
    assert text.count("tolerance") >= 2
    assert "1 of 24 outputs are beyond the tolerance" in text
