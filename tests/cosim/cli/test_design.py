"""`cosim design` from a file to an answer, a table and a page."""

import csv
import json

import pytest

from cosim.cli.main import main


TILE = """
name = "array"
rows = 64
cols = 24
[cell]
topology = "1R"
device = "resistor"
conductance_min = 5e-6
conductance_max = 150e-6
[wires]
input_line_resistance = 1.0
output_line_resistance = 1.0
[drivers]
read_voltage = 0.2
"""
QUESTION = """
name = "wires"
tile = "tile.toml"
engine = "surrogate"
images = 60
chips = 2
hidden = [12]
epochs = 15

[sweep]
wire_width = [0.02, 1]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("design")
    (folder / "tile.toml").write_text(TILE)
    (folder / "question.toml").write_text(QUESTION)
    return folder


@pytest.fixture(scope="module")
def asked(folder):
    return ["design", str(folder / "question.toml"), "-o", str(folder / "answer"), "--gradients"]


def test_a_question_is_answered_with_a_page_and_a_table(folder, asked, capsys):
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((folder / "answer" / "design.json").read_text())
    thin, usual = told["points"]
    assert usual["accuracy"] > thin["accuracy"] + 0.02
    assert told["chosen"]["settings"] == {"wire_width": 1}
    slopes = {one["parameter"]: one["slope"] for one in told["gradients"]}
    assert set(slopes) >= {"wires.input_line_resistance", "drivers.read_voltage"}
    page = (folder / "answer" / "design.html").read_text()
    assert "What the loss hinges on" in page
    with (folder / "answer" / "points.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert len(rows) == 4
    mean = sum(float(row["energy"]) for row in rows[2:]) / 2
    assert mean == pytest.approx(usual["energy_J"], rel=1e-5)


def test_a_question_that_was_answered_is_answered_again_at_once(folder, asked, capsys):
    before = (folder / "answer" / "points.csv").read_bytes()
    assert main([*asked[:-1], "--quiet"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].startswith("The cheapest point within 1 point")
    assert told.err == ""
    assert (folder / "answer" / "points.csv").read_bytes() == before


def test_another_question_is_refused_in_the_same_folder(folder, asked, capsys):
    other = folder / "other.toml"
    other.write_text(QUESTION.replace("0.02", "0.5"))
    assert main(["design", str(other), *asked[2:]]) == 2
    assert "another specification" in capsys.readouterr().err
