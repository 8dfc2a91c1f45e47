"""`cosim surrogate export` as a user types it."""

import numpy as np
import pytest
import torch

from cosim.cell import TileCell
from cosim.cli.main import main
from cosim.surrogate import LineModeGalerkin, save


@pytest.fixture(scope="module")
def folder(resistive_tile, tmp_path_factory):
    spec = resistive_tile(4, 3)
    surrogate = LineModeGalerkin.from_spec(spec, TileCell(spec).current)
    path = tmp_path_factory.mktemp("export") / "surrogate"
    save(path, surrogate, spec.model_dump(mode="json"), spec.content_hash())
    np.save(path.parent / "G.npy", np.full((4, 3), 5e-5))
    np.save(path.parent / "high.npy", np.full((4, 3), 5e-4))
    return path


def export(folder, *arguments):
    return main(["surrogate", "export", str(folder), *map(str, arguments)])


def test_every_target_is_written_and_said_how_to_use(folder, tmp_path, capsys):
    G = folder.parent / "G.npy"
    assert export(folder, "--to", "torch", "-o", tmp_path / "all.pt2") == 0
    assert "on 33 vectors its currents are the surrogate's" in capsys.readouterr().out
    known = ["--conductances", G, "--precision", "double"]
    assert export(folder, "--to", "torch", *known, "-o", tmp_path / "one.pt2") == 0
    assert 'torch.export.load("one.pt2").module()(V)' in capsys.readouterr().out
    voltages = torch.full((1, 4), 0.1, dtype=torch.float64)
    currents = torch.export.load(tmp_path / "one.pt2").module()(voltages)
    assert 0 < float(currents[0, 0]) < 4 * 0.1 * 5e-5

    assert export(folder, "--to", "spice", *known, "-o", tmp_path / "tile.cir") == 0
    assert export(folder, "--to", "verilog-a", *known, "-o", tmp_path / "tile.va") == 0
    printed = capsys.readouterr().out
    assert "x1 r0 ... r3 c0 ... c2 tile" in printed
    text = (tmp_path / "tile.cir").read_text()
    assert "* surrogate: line_mode_galerkin" in text
    assert ".subckt tile r0 r1 r2 r3 c0 c1 c2" in text
    assert "module tile(r0," in (tmp_path / "tile.va").read_text()


def test_onnx_is_written(folder, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    G = folder.parent / "G.npy"
    assert export(folder, "--to", "onnx", "--conductances", G, "-o", tmp_path / "tile.onnx") == 0
    assert (tmp_path / "tile.onnx").stat().st_size > 0


def test_conductances_beyond_the_domain_are_exported_with_a_note(folder, tmp_path, capsys):
    high = folder.parent / "high.npy"
    given = ["--conductances", high, "--name", "mine", "-o", tmp_path / "tile.cir"]
    assert export(folder, "--to", "spice", *given) == 0
    assert "12 of 12 conductances lie outside" in capsys.readouterr().err
    assert ".subckt mine r0" in (tmp_path / "tile.cir").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "spice", "-o", "tile.cir"], "give its conductances with"),
        (["--to", "onnx", "-o", "tile.onnx"], "give its conductances with"),
        (["--to", "torch", "-o", "tile.onnx"], "must end in .pt2"),
        (["--to", "torch", "--conductances", "none.npy", "-o", "t.pt2"], "no such file"),
        (["--to", "basic", "-o", "t.pt2"], "'basic' is not one of"),
        (["--to", "torch", "-o", "2nd.pt2"], "cannot name a subcircuit"),
    ],
)
def test_bad_input_is_one_message(folder, arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert export(folder, *arguments) == 2
    written = capsys.readouterr().err
    assert message in written
    assert "Traceback" not in written


def test_conductances_of_the_wrong_shape_and_no_folder_are_refused(folder, tmp_path, capsys):
    np.save(tmp_path / "G.npy", np.ones((3, 4)))
    given = ["--to", "torch", "--conductances", tmp_path / "G.npy", "-o", tmp_path / "t.pt2"]
    assert export(folder, *given) == 2
    assert export(tmp_path / "nothing", "--to", "torch", "-o", tmp_path / "t.pt2") == 2
    assert "there is no surrogate folder" in capsys.readouterr().err
