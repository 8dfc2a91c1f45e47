"""Sweeps resume, pair their chips, and say which point is good and cheapest."""

import dataclasses

import numpy as np
import pytest

from cosim.design import Measured, Sweep, answer, design_page
from cosim.errors import DatasetError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("design")


@pytest.fixture(scope="module")
def found(question, points, images, folder):
    return Sweep(question, points, images, folder).run()


def test_a_lower_read_voltage_takes_a_quarter_of_the_drivers_energy(found):
    low, high = found[2], found[3]
    assert low.blocks["drivers"] / high.blocks["drivers"] == pytest.approx(0.25, rel=0.05)
    assert low.energy < high.energy
    assert low.accuracy.shape == (2,)
    assert low.mean > 0.5


def test_a_sweep_that_is_run_again_works_out_nothing(question, points, images, folder, found):
    before = (folder / "points.csv").read_bytes()
    sweep = Sweep(question, points, images, folder)
    again = dataclasses.replace(sweep).run()
    assert (folder / "points.csv").read_bytes() == before
    assert [one.energy for one in again] == [one.energy for one in found]


def test_an_interrupted_sweep_ends_with_the_same_rows(
    question, points, images, folder, found, tmp_path
):
    lines = (folder / "points.csv").read_text().splitlines(keepends=True)
    (tmp_path / "points.csv").write_text("".join(lines[:-3]) + lines[-3][:9])
    for file in folder.glob("network-*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    resumed = Sweep(question, points, images, tmp_path).run()
    assert [one.accuracy.tolist() for one in resumed] == [one.accuracy.tolist() for one in found]
    assert (tmp_path / "points.csv").read_text() == "".join(lines)


def test_results_of_another_question_are_not_mixed(question, points, images, folder, found):
    other = question.model_copy(update={"seed": 1})
    with pytest.raises(DatasetError, match="another specification"):
        Sweep(other, points, images, folder).run()


def test_a_foreign_network_file_is_refused(question, points, images, tmp_path):
    path = tmp_path / f"network-{question.training_hash()}.safetensors"
    path.write_bytes(b"not a network")
    with pytest.raises(DatasetError, match="remove the file"):
        Sweep(question, points, images, tmp_path).run()


def measured(points, accuracies, energies):
    blocks = dict.fromkeys(("drivers", "lines", "level", "rows", "sensing", "adc"), 0.0)
    return [
        Measured(point, np.array(accuracy), energy, blocks, 3.0, 2)
        for point, accuracy, energy in zip(points, accuracies, energies, strict=True)
    ]


def test_the_answer_is_the_cheapest_point_within_what_may_be_given_up(question, points):
    chips = [(0.90, 0.92), (0.955, 0.957), (0.96, 0.964), (0.96, 0.96)]
    said = answer(question, measured(points, chips, [1e-9, 2e-9, 4e-9, 5e-9]))
    assert said.best is said.points[2]
    assert said.chosen is said.points[1]
    assert said.front == said.points[:3]
    mean, error = said.difference
    assert mean == pytest.approx(-0.006)
    assert error == pytest.approx(0.001)
    assert said.words() == (
        "The cheapest point within 1 point of the best (96.2 % at wire_width 1, read_voltage 0.1 V)"
        " is wire_width 0.1, read_voltage 0.2 V: 95.6 % at 2 nJ per inference, 50% of the best"
        " point's energy, and 0.6 ± 0.1 points below it."
    )
    assert said.table().splitlines()[2].startswith(">")


def test_a_point_that_is_best_and_cheapest_is_its_own_answer(question, points):
    said = answer(question, measured(points, [(0.9, 0.9)] * 4, [1e-9, 2e-9, 4e-9, 5e-9]))
    assert said.chosen is said.best is said.points[0]
    assert said.front == said.points[:1]
    assert said.words().endswith("the best point itself.")


def test_the_page_holds_the_answer_and_every_point_and_loads_nothing(question, found):
    said = answer(question, found)
    text = design_page(said, [], "cosim design q.toml")
    assert "Accuracy over energy" in text
    assert "within" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert said.as_json()["points"][0]["settings"] == {"wire_width": 0.1, "read_voltage": 0.1}
