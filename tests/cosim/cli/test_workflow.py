"""The commands in the order that a user calls them, on a small tile and with real ngspice."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import zarr

from cosim.characterize import Dataset
from cosim.cli.main import main


TILE = Path(__file__).parents[3] / "examples" / "tile_32x32.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A 6 x 4 tile, arrays for it, a dataset of it and a surrogate fitted to that."""
    folder = tmp_path_factory.mktemp("workflow")
    text = TILE.read_text().replace("rows = 32", "rows = 6").replace("cols = 32", "cols = 4")
    (folder / "tile.toml").write_text(text)
    generator = np.random.default_rng(0)
    np.save(folder / "X.npy", generator.uniform(0, 0.2, (5, 6)))
    np.save(folder / "G.npy", generator.uniform(5e-6, 150e-6, (6, 4)))
    tile, data, surrogate = (str(folder / name) for name in ("tile.toml", "d.zarr", "surrogate"))
    run(
        ["characterize", tile, "--samples", "72", "--inputs-per-matrix", "6", "-o", data, "--quiet"]
    )
    run(["fit", data, "-o", surrogate])
    return folder


def run(arguments):
    assert main(arguments) == 0


def test_simulate_agrees_with_the_deck_that_netlist_writes(folder, tmp_path):
    tile, X, G = (str(folder / name) for name in ("tile.toml", "X.npy", "G.npy"))
    deck, Y = str(tmp_path / "tile.cir"), str(tmp_path / "Y.npy")
    run(["netlist", tile, "--inputs", X, "--conductances", G, "-o", deck])
    run(["simulate", tile, "--inputs", X, "--conductances", G, "-o", Y, "--quiet"])
    spoken = subprocess.run(["ngspice", "-b", deck], capture_output=True, text=True, check=True)
    measured = np.load(Y)
    assert measured.shape == (5, 4)
    assert np.allclose(_table(spoken.stdout, 4), measured, rtol=2e-6, atol=0)


def _table(text, cols):
    """The currents of a printed sweep, whatever the number of columns per printed block."""
    blocks, current = [], []
    for line in text.splitlines():
        if line.startswith("Index"):
            current = []
            blocks.append(current)
        elif re.match(r"^\d+\s", line) and blocks:
            current.append([float(word) for word in line.split()[2:]])
    table = np.concatenate([np.array(block) for block in blocks], axis=1)
    assert table.shape[1] == cols
    return table


def test_the_dataset_has_named_dimensions_units_and_provenance(folder):
    dataset = Dataset.open(folder / "d.zarr")
    data = dataset.arrays()
    dims = {"matrix": 12, "row": 6, "col": 4, "sample": 72}
    assert dict(data.sizes) == {**dims, "condition": 1, "character": 200}
    units = [data[name].attrs["units"] for name in ("conductance", "input", "output")]
    assert units == ["S", "V", "A"]
    assert dataset.provenance["engine"] == "ngspice"
    assert data.attrs["spec_hash"] == dataset.spec.content_hash()


def test_the_surrogate_stands_in_for_ngspice(folder, tmp_path):
    tile, X, G = (str(folder / name) for name in ("tile.toml", "X.npy", "G.npy"))
    answers = []
    for engine in ("ngspice", str(folder / "surrogate")):
        Y = str(tmp_path / "Y.npy")
        run(["simulate", tile, "--inputs", X, "--conductances", G, "--engine", engine, "-o", Y])
        answers.append(np.load(Y))
    assert np.abs(answers[0] - answers[1]).max() < 1e-3 * answers[0].max()


def test_validate_holds_the_certificate_against_fresh_samples(folder, capsys):
    surrogate = str(folder / "surrogate")
    run(["validate", surrogate, "--samples", "32", "--quiet"])
    assert "holds" in capsys.readouterr().out
    assert main(["validate", surrogate, "--samples", "8", "--tolerance", "1e-9", "--quiet"]) == 1
    captured = capsys.readouterr()
    assert "does not hold" in captured.out
    assert "error: the certificate of" in captured.err


def test_validate_prints_the_errors_beyond_the_domain_when_asked(folder, capsys):
    run(["validate", str(folder / "surrogate"), "--samples", "16", "--outside", "--quiet"])
    lines = capsys.readouterr().out.splitlines()
    table = lines[lines.index("holds") + 1 :]
    assert table[0].startswith("beyond the domain (inputs to 0.2 V, conductances to 150 µS)")
    assert len(table) == 12
    inside, farthest = (float(re.findall(r"([\d.]+) %", table[row])[-2]) for row in (2, 11))
    assert inside < farthest


def test_validate_refuses_the_seed_of_the_fit(folder, capsys):
    assert main(["validate", str(folder / "surrogate"), "--seed", "0"]) == 2
    assert "the one of the fit's own samples" in capsys.readouterr().err


def test_a_surrogate_of_another_tile_is_refused(folder, tmp_path, capsys):
    other = tmp_path / "other.toml"
    text = (folder / "tile.toml").read_text()
    other.write_text(text.replace("input_line_resistance = 1.0", "input_line_resistance = 2.0"))
    arguments = ["simulate", str(other), "--inputs", str(folder / "X.npy")]
    arguments += ["--conductances", str(folder / "G.npy"), "--engine", str(folder / "surrogate")]
    assert main(arguments) == 2
    assert "the tile asked for" in capsys.readouterr().err


def test_characterize_goes_on_where_it_stopped(folder, tmp_path):
    """Matrices that are done stay as they are, and those that are missing are added."""
    data = tmp_path / "d.zarr"
    arguments = ["characterize", str(folder / "tile.toml"), "--samples", "72"]
    arguments += ["--inputs-per-matrix", "6", "-o", str(data), "--quiet"]
    run(arguments)
    dataset = Dataset.open(data)
    before = dataset.arrays()["output"].to_numpy()
    assert dataset.pending() == []
    group = zarr.open_group(data, mode="r+")
    group["done"][[2, 5]] = 0
    group["output"][12:18] = np.nan
    marked = group["output"][0:6] * 1.5
    group["output"][0:6] = marked
    assert dataset.pending() == [2, 5]
    run(arguments)
    after = dataset.arrays()["output"].to_numpy()
    assert np.array_equal(after[6:], before[6:])
    assert np.array_equal(after[:6], marked)


def test_another_plan_does_not_overwrite_a_dataset(folder, capsys):
    arguments = ["characterize", str(folder / "tile.toml"), "--samples", "6", "-o"]
    assert main([*arguments, str(folder / "d.zarr"), "--quiet"]) == 2
    assert "another tile or plan" in capsys.readouterr().err


def test_compile_prints_a_subcircuit_and_the_equations(capsys):
    run(["compile", "rram_gap"])
    assert ".subckt rram_gap te be" in capsys.readouterr().out
    run(["compile", "rram_gap", "--to", "equations"])
    assert "gap" in capsys.readouterr().out
    run(["compile", "nmos_ekv", "--to", "numba", "--frozen"])
    assert "def " in capsys.readouterr().out


def test_schema_is_json(capsys):
    for kind, field in (
        ("tile", "rows"),
        ("study", "training"),
        ("card", "model"),
        ("plan", "conditions"),
    ):
        run(["schema", kind])
        assert field in json.loads(capsys.readouterr().out)["properties"]


def test_doctor_says_what_speed_to_expect(capsys):
    run(["doctor", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert float(rows["speed"].split(" ms per sample")[0]) > 0
    assert ("to get better" in rows) is (rows["matrix solver"] != "KLU")
