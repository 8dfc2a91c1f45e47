"""Wrong input to any command ends in one message and exit code 2, and leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cosim.cli.main import main


TILE = Path(__file__).parents[3] / "examples" / "tile_32x32.toml"


@pytest.fixture
def files(tmp_path):
    """A valid small tile with arrays that fit it, and spoilt variants of each."""
    text = TILE.read_text().replace("rows = 32", "rows = 3").replace("cols = 32", "cols = 2")
    (tmp_path / "tile.toml").write_text(text)
    (tmp_path / "missing_field.toml").write_text(text.replace("rows = 3", ""))
    (tmp_path / "bad_field.toml").write_text(text.replace("rows = 3", "rows = -3"))
    (tmp_path / "broken.toml").write_text(text + "\n[cell")
    (tmp_path / "unknown_card.toml").write_text(text.replace("nmos_ekv__generic_130nm", "nmos__x"))
    np.save(tmp_path / "X.npy", np.full((4, 3), 0.1))
    np.save(tmp_path / "X_shape.npy", np.full((4, 2), 0.1))
    np.save(tmp_path / "X_nan.npy", np.array([[0.1, np.nan, 0.1]]))
    np.save(tmp_path / "G.npy", np.full((3, 2), 5e-5))
    np.save(tmp_path / "G_range.npy", np.full((3, 2), 5e-1))
    np.save(tmp_path / "G_shape.npy", np.full((2, 3), 5e-5))
    (tmp_path / "cell.va").write_text(
        "module broken(a, b);\n  inout a, b;\n  analog begin\n  I(a,b <+ 1;\nend\nendmodule\n"
    )
    (tmp_path / "study.toml").write_text('name = "s"\ntile = "tile.toml"\n')
    return tmp_path


CASES = [
    (["netlist", "nowhere.toml"], "nowhere.toml: no such file"),
    (["netlist", "missing_field.toml"], "field `rows` is missing"),
    (["netlist", "bad_field.toml"], "field `rows` is -3"),
    (["netlist", "broken.toml"], "not valid TOML"),
    (["netlist", "unknown_card.toml"], "nmos__x"),
    (["netlist", "tile.toml", "--conductances", "G_range.npy"], "0.5 S"),
    (["netlist", "tile.toml", "--conductances", "G_shape.npy"], "shape (2, 3)"),
    (["netlist", "tile.toml", "--inputs", "X_nan.npy"], "holds nan at (0, 1)"),
    (["netlist", "tile.toml", "-o", "nowhere/tile.cir"], "no such folder"),
    (
        ["simulate", "tile.toml", "--inputs", "X_shape.npy", "--conductances", "G.npy"],
        "shape (4, 2)",
    ),
    (["simulate", "tile.toml", "--inputs", "X.npy"], "--conductances"),
    (
        [
            "simulate",
            "tile.toml",
            "--inputs",
            "X.npy",
            "--conductances",
            "G.npy",
            "--engine",
            "hspice",
        ],
        "engine `hspice` is unknown",
    ),
    (
        ["simulate", "tile.toml", "--inputs", "X.npy", "--conductances", "G.npy", "-o", "Y.txt"],
        "must end in .npy or .csv",
    ),
    (["characterize", "tile.toml", "--samples", "0", "-o", "d.zarr"], "--samples"),
    (["fit", "nowhere.zarr", "-o", "s"], "no such dataset"),
    (["fit", ".", "-o", "s"], "not a dataset of cosim"),
    (["validate", "nowhere"], "nowhere"),
    (["compile", "nowhere.va"], "nowhere.va"),
    (["compile", "cell.va"], "cell.va:4:"),
    (["run", "study.toml", "-o", "run"], "field `characterize` is missing"),
    (["report", "nowhere"], "nowhere"),
    (["schema", "tiles"], "tiles"),
    (["frobnicate"], "No such command"),
]


@pytest.mark.parametrize(("arguments", "message"), CASES)
def test_bad_input_is_one_message_and_exit_code_2(files, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(files)
    before = sorted(files.rglob("*"))
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert sorted(files.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["doctor"],
        ["simulate", "tile.toml", "--inputs", "X.npy", "--conductances", "G.npy"],
    ],
)
def test_a_missing_ngspice_is_exit_code_3_with_how_to_install_it(files, arguments):
    """Every process, the children included, finds neither program nor library."""
    hidden = files / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import ctypes.util\nctypes.util.find_library = lambda name: None\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "cosim", *arguments],
        capture_output=True,
        text=True,
        cwd=files,
        env={**os.environ, "PATH": "", "PYTHONPATH": str(hidden)},
        check=False,
    )
    assert run.returncode == 3
    assert "apt" in run.stderr
    assert "Traceback" not in run.stderr
