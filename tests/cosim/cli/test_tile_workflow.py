"""The commands on a tile with a read-out: transients, fit, codes from the surrogate, validation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cosim.cli.main import main


TILE = Path(__file__).parents[3] / "examples" / "mac_tile.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A 6 x 3 tile with a converter per column, a dataset of it and a surrogate fitted to that."""
    folder = tmp_path_factory.mktemp("tile")
    text = TILE.read_text().replace("rows = 32", "rows = 6").replace("cols = 8", "cols = 3")
    text = text.replace("resistance = 2.5e3", "resistance = 8e3").replace("bits = 6", "bits = 5")
    (folder / "tile.toml").write_text(text)
    generator = np.random.default_rng(0)
    np.save(folder / "X.npy", generator.integers(0, 16, (5, 6)))
    np.save(folder / "G.npy", generator.uniform(5e-6, 1e-4, (6, 3)))
    run(["characterize", str(folder / "tile.toml"), *PLAN, "-o", str(folder / "d.zarr"), "--quiet"])
    run(["fit", str(folder / "d.zarr"), "-o", str(folder / "surrogate")])
    return folder


PLAN = ["--samples", "36", "--inputs-per-matrix", "6", "--transients", "5"]
PLAN += ["--reads-per-transient", "5", "--workers", "1"]


def run(arguments):
    assert main(arguments) == 0


def simulated(folder, tmp_path, *options):
    names = {"--inputs": "X.npy", "--conductances": "G.npy"}
    arguments = [word for name, file in names.items() for word in (name, str(folder / file))]
    Y = str(tmp_path / "Y.npy")
    run(["simulate", str(folder / "tile.toml"), *arguments, *options, "-o", Y])
    return np.load(Y)


def test_the_surrogate_gives_the_codes_latency_and_energy_of_a_transient(folder, tmp_path):
    figures = []
    codes = []
    for engine in ("ngspice", str(folder / "surrogate")):
        file = tmp_path / "figures.json"
        options = ("--engine", engine, "--transient", "--figures", str(file))
        codes.append(simulated(folder, tmp_path, *options))
        figures.append(json.loads(file.read_text()))
    assert codes[0].dtype == codes[1].dtype == np.int64
    assert np.abs(codes[0] - codes[1]).max() <= 1
    assert (codes[0] == codes[1]).mean() >= 0.9
    for name in ("period_s", "energy_per_read_J", "energy_level_J", "energy_adc_J"):
        assert figures[1][name] == pytest.approx(figures[0][name], rel=0.02)
    assert figures[1]["latency_worst_s"] == pytest.approx(figures[0]["latency_worst_s"], rel=0.05)


def test_the_surrogate_gives_codes_at_rest(folder, tmp_path):
    still = simulated(folder, tmp_path, "--engine", str(folder / "surrogate"))
    exact = simulated(folder, tmp_path, "--engine", "solver")
    assert still.dtype == np.int64
    assert np.abs(still - exact).max() <= 1
    assert (still == exact).mean() > 0.8


def test_a_characterisation_continues_with_the_transients_that_are_missing(folder, capsys):
    """The same command on a complete dataset simulates nothing, and says what there is."""
    run(["characterize", str(folder / "tile.toml"), *PLAN, "-o", str(folder / "d.zarr")])
    assert "6 of 6 matrices simulated, 5 transients" in capsys.readouterr().out


def test_fit_says_which_surrogate_it_keeps_and_why(folder, tmp_path, capsys):
    run(["fit", str(folder / "d.zarr"), "-o", str(tmp_path / "s")])
    said = capsys.readouterr().out
    assert "* line_mode_galerkin" in said
    assert "chosen: line_mode_galerkin, the smallest error of those" in said
    assert "codes" in said
    assert main(["fit", str(folder / "d.zarr"), "--budget", "1e-6", "-o", str(tmp_path / "s")]) == 2
    assert "no surrogate keeps a training step within" in capsys.readouterr().err


def test_validate_draws_fresh_reads_over_time(folder, capsys):
    options = ["--samples", "24", "--transients", "1", "--quiet", "--tolerance", "1e-2"]
    run(["validate", str(folder / "surrogate"), *options])
    said = capsys.readouterr().out
    assert "reads over time: hold" in said
    assert "energy of a read" in said


def test_engines_that_know_no_time_and_tiles_without_a_readout_are_refused(
    folder, tmp_path, capsys
):
    names = ["--inputs", str(folder / "X.npy"), "--conductances", str(folder / "G.npy")]
    tile = str(folder / "tile.toml")
    assert main(["simulate", tile, *names, "--engine", "solver", "--transient"]) == 2
    assert "which knows no time" in capsys.readouterr().err
    plain = TILE.with_name("tile_32x32.toml")
    given = ["--samples", "4", "--transients", "2", "-o", str(tmp_path / "d")]
    assert main(["characterize", str(plain), *given]) == 2
    assert "has no [readout]" in capsys.readouterr().err
