"""Golden files: the same for the same inputs, and refused when they are of something else."""

import dataclasses
import json

import numpy as np
import pytest

from cosim.errors import CheckFailed, DatasetError
from cosim.testing.goldens import (
    Golden,
    card_hashes,
    check_origin,
    origin_of,
    read_golden,
    version_note,
    write_golden,
)


DAMAGES = {
    "newer": {"version": 9},
    "text": {"outputs": ["x"]},
    "uneven": {"outputs": [[1.0], [1.0, 2.0]]},
}


@pytest.fixture
def jobs():
    generator = np.random.default_rng(0)
    return [(generator.uniform(5e-6, 1e-4, (3, 2)), generator.uniform(0, 0.2, (4, 3)))]


@pytest.fixture
def origin(rram_tile, jobs):
    return origin_of(rram_tile(3, 2), jobs, 7, {"engine": "ngspice", "ngspice": "46"})


@pytest.fixture
def golden(origin):
    return Golden("mine", origin, np.random.default_rng(1).uniform(0, 1e-5, (4, 2)))


def test_a_golden_comes_back_to_ten_digits_and_writes_the_same_file_again(tmp_path, golden):
    path = tmp_path / "new" / "golden.json"
    write_golden(path, golden)
    first = path.read_bytes()
    read = read_golden(path)
    np.testing.assert_allclose(read.outputs, golden.outputs, rtol=1e-9)
    assert read.origin == golden.origin
    write_golden(path, read)
    assert path.read_bytes() == first


def test_the_origin_knows_both_cards_and_no_ideal_resistor(rram_tile, resistive_tile):
    names = {"rram_gap__stanford_jiang2016", "nmos_ekv__generic_130nm"}
    assert set(card_hashes(rram_tile(2, 2))) == names
    assert card_hashes(resistive_tile(2, 2)) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spec_hash": "0" * 16}, "the tile's specification"),
        ({"cards": {}}, "the card nmos_ekv__generic_130nm"),
        ({"samples_hash": "0" * 16, "seed": 3}, r"the samples \(seed 3, now 7"),
        ({"engine": "solver"}, r"the engine \(solver, now ngspice\)"),
    ],
)
def test_a_golden_of_something_else_says_of_what(tmp_path, golden, change, message):
    kept = dataclasses.replace(golden, origin=dataclasses.replace(golden.origin, **change))
    with pytest.raises(CheckFailed, match=message) as caught:
        check_origin(tmp_path / "golden.json", kept, golden.origin)
    assert "--update-goldens" in str(caught.value)


def test_another_simulator_version_is_said_and_not_refused(tmp_path, golden):
    kept = dataclasses.replace(
        golden, origin=dataclasses.replace(golden.origin, versions={"ngspice": "12"})
    )
    check_origin(tmp_path / "golden.json", kept, golden.origin)
    assert version_note(kept, golden.origin) == "the golden was made with ngspice 12, now 46"
    assert version_note(golden, golden.origin) == ""


@pytest.mark.parametrize("damage", ["cut", "foreign", "newer", "text", "uneven"])
def test_a_damaged_golden_is_refused_with_one_message(tmp_path, golden, damage):
    path = tmp_path / "golden.json"
    write_golden(path, golden)
    text = path.read_text()
    data = json.loads(text)
    if damage == "cut":
        path.write_text(text[: len(text) // 2])
    elif damage == "foreign":
        path.write_text("[1, 2]")
    else:
        path.write_text(json.dumps({**data, **DAMAGES[damage]}))
    with pytest.raises(DatasetError, match="not a golden result of cosim, or damaged"):
        read_golden(path)


def test_a_missing_golden_says_how_to_make_one(tmp_path):
    with pytest.raises(CheckFailed, match="no golden result yet; run `pytest --update-goldens`"):
        read_golden(tmp_path / "golden.json")
