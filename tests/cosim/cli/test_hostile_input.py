"""Every command with every kind of wrong input: one message, exit code 2, nothing left behind.

A command line has places, such as `{tile}` or `{G}`; each place is filled in turn with everything
that is wrong there, while the other places hold what is right.
"""

from pathlib import Path

import numpy as np
import pytest

from cosim.cell import TileCell
from cosim.cli.main import COMMANDS, main
from cosim.surrogate import LineModeGalerkin, save
from netlists.specs import TileSpec


EXAMPLE = Path(__file__).parents[3] / "examples" / "tile_32x32.toml"
STUDY = EXAMPLE.with_name("digits.toml")
GARBAGE = bytes(range(128, 256)) * 3

# What is right in each place.
RIGHT = {
    "tile": "tile.toml",
    "question": "question.toml",
    "study": "study.toml",
    "plan": "plan.toml",
    "G": "G.npy",
    "X": "X.npy",
    "data": "data.zarr",
    "surrogate": "surrogate",
    "run": "run",
    "curves": "curves.csv",
    "deck": "deck.cir",
    "model": "cell.va",
    "array_out": "Y.npy",
    "json_out": "figures.json",
    "text_out": "out.cir",
    "card_out": "card.toml",
    "table_out": "table.csv",
    "program_out": "tile.pt2",
    "folder_out": "new",
    "dataset_out": "new.zarr",
}
# What is wrong there. Inputs:
ANY_FILE = ("nowhere.toml", "folder", "garbage.bin", "file/inside")
TOML = (*ANY_FILE, "empty.toml", "garbage.toml", "unknown_field.toml", "huge.toml", "nan.toml")
ARRAY = (
    *ANY_FILE,
    *("empty.npy", "garbage.npy", "nan.npy", "inf.npy", "shape.npy", "cube.npy", "huge.npy"),
    *("text.npy", "complex.npy", "none.npy", "several.npy", "words.csv", "empty.csv", "ragged.csv"),
)
FOLDER = ("nowhere", "garbage.bin", "empty_folder", "folder", "file/inside", "damaged")
# Outputs:
FILE_OUT = ("folder", "nowhere/{right}", "file/{right}")
FOLDER_OUT = ("file", "folder", "file/inside", "file/in/side")
WRONG = {
    "tile": TOML,
    "question": (*TOML, "tile.toml"),
    "study": (*TOML, "tile.toml"),
    "plan": TOML,
    "G": ARRAY,
    "X": ARRAY,
    "data": FOLDER,
    "surrogate": FOLDER,
    "run": FOLDER,
    "curves": (*ANY_FILE, "empty.csv", "words.csv", "ragged.csv"),
    "deck": ("nowhere.cir", "folder", "garbage.bin", "file/inside", "garbage.toml"),
    "model": (*ANY_FILE[:-1], "garbage.va", "empty.va", "file/inside.va"),
    "array_out": (*FILE_OUT, "Y.txt"),
    "json_out": (*FILE_OUT, "figures.txt"),
    "text_out": FILE_OUT,
    "card_out": (*FILE_OUT, "card.json"),
    "table_out": (*FILE_OUT, "table.xls"),
    "program_out": (*FILE_OUT, "tile.onnx"),
    "folder_out": FOLDER_OUT,
    "dataset_out": (*FOLDER_OUT, "surrogate"),
}
LINES = {
    "compile": "compile {model} -o {text_out}",
    "card show": "card show {tile}",
    "card check": "card check {tile}",
    "card fit": "card fit {curves} --kind iv -o {card_out}",
    "netlist": "netlist {tile} --conductances {G} --inputs {X} -o {text_out}",
    "check": "check {deck}",
    "block deck": "block deck strongarm -o {text_out}",
    "block measure": "block measure opamp -o {table_out}",
    "program": "program {tile} --targets {G} --algorithm igvva-10 -o {folder_out}",
    "simulate": "simulate {tile} --inputs {X} --conductances {G} --engine solver -o {array_out}",
    "simulate surrogate": "simulate {tile} --inputs {X} --conductances {G} --engine {surrogate}",
    "simulate transient": "simulate {tile} --inputs {X} --conductances {G} --transient"
    " --figures {json_out}",
    "characterize": "characterize {tile} --plan {plan} --engine solver -o {dataset_out}",
    "characterize surrogate": "characterize {tile} --samples 4 --engine {surrogate} -o new.zarr",
    "fit": "fit {data} -o {folder_out}",
    "compare": "compare {data} -o {table_out}",
    "compare stored": "compare data.zarr {surrogate}",
    "validate": "validate {surrogate}",
    "surrogate export": "surrogate export {surrogate} --to torch --conductances {G}"
    " -o {program_out}",
    "design": "design {question} -o {folder_out}",
    "run": "run {study} -o {folder_out}",
    "export": "export {run} -o new",
    "report": "report {run}",
}
# A card named as a tile is the other way round; these are no paths at all.
OPTIONS = [
    "",
    "frobnicate",
    "--frobnicate",
    "schema tiles",
    "schema",
    "completion powershell",
    "card",
    "card frobnicate",
    "card show no_such_card",
    "card check no_such_card",
    "block deck no_such_block",
    "block measure no_such_block",
    "block measure opamp --draws 1e3",
    "block measure opamp --draws 99999999999999999999",
    "block spread opamp --draws 1",
    "compile no_such_model",
    "compile rram_gap --to vhdl",
    "netlist",
    "netlist tile.toml tile.toml",
    "simulate tile.toml --inputs X.npy",
    "simulate tile.toml --inputs X.npy --conductances G.npy --engine hspice",
    "simulate tile.toml --inputs X.npy --conductances G.npy --timeout nan",
    "simulate tile.toml --inputs X.npy --conductances G.npy --timeout 0",
    "simulate tile.toml --inputs X.npy --conductances G.npy --figures f.json",
    "simulate tile.toml --inputs X.npy --conductances G.npy --workers 1000000000",
    "characterize tile.toml -o new.zarr",
    "characterize tile.toml --samples 0 -o new.zarr",
    "characterize tile.toml --samples 99999999999999999999 -o new.zarr",
    "characterize tile.toml --samples 4 --seed -1 -o new.zarr",
    "characterize tile.toml --samples 4 --transients 2 --engine solver -o new.zarr",
    "fit data.zarr --held-out nan -o new",
    "fit data.zarr --held-out 2 -o new",
    "fit data.zarr --budget inf -o new",
    "compare data.zarr no_such_kind",
    "validate surrogate --tolerance nan",
    "validate surrogate --samples 0",
    "program tile.toml --targets G.npy --algorithm magic -o new",
    "program tile.toml --targets G.npy --algorithm igvva-10 --seed x -o new",
    "surrogate export surrogate --to onnx -o tile.onnx",
    "surrogate export surrogate --to torch --name 1x -o tile.pt2",
    "design question.toml --workers 0 -o new",
    "design mnist.toml -o new",
    "design mnist.toml --data nowhere -o new",
]


def cases():
    for name, line in LINES.items():
        for place, wrong in WRONG.items():
            if f"{{{place}}}" in line:
                for value in wrong:
                    value = value.format(right=RIGHT[place])
                    right = {**RIGHT, place: value}
                    words = [word.format(**right) for word in line.split()]
                    yield pytest.param(words, value, id=f"{name}-{place}-{value}")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with right and wrong files of every kind."""
    folder = tmp_path_factory.mktemp("hostile")
    _texts(folder)
    _arrays(folder)
    for name in ("folder", "empty_folder", "damaged"):
        (folder / name).mkdir()
    (folder / "folder" / "keep.txt").write_text("not yours")
    for name in ("zarr.json", "surrogate.json", "study.json", "points.csv"):
        (folder / "damaged" / name).write_bytes(GARBAGE)
    spec = TileSpec.from_toml(folder / "tile.toml")
    surrogate = LineModeGalerkin.from_spec(spec, TileCell(spec).current)
    save(folder / "surrogate", surrogate, spec.model_dump(mode="json"), spec.content_hash())
    line = "characterize tile.toml --samples 12 --inputs-per-matrix 2 --engine surrogate --quiet"
    words = line.replace("tile.toml", str(folder / "tile.toml")).split()
    words[words.index("surrogate")] = str(folder / "surrogate")
    assert main([*words, "-o", str(folder / "data.zarr")]) == 0
    return folder


def _texts(folder):
    text = EXAMPLE.read_text().replace("rows = 32", "rows = 3").replace("cols = 32", "cols = 2")
    question = 'name = "q"\ntile = "tile.toml"\n[sweep]\nread_voltage = [0.1]\n'
    files = {
        "tile.toml": text,
        "empty.toml": "",
        "unknown_field.toml": f"colour = 'red'\n{text}",
        "huge.toml": text.replace("rows = 3", "rows = 99999999999999999999"),
        "nan.toml": text.replace("read_voltage = 0.2", "read_voltage = nan"),
        "question.toml": question,
        "mnist.toml": f'data = "mnist"\n{question}',
        "study.toml": STUDY.read_text().replace("tile_32x32.toml", "tile.toml"),
        "plan.toml": "samples = 4\n",
        "curves.csv": "device,voltage,current\n"
        + "".join(f"{d},{v},{1e-5 * v}\n" for d in range(3) for v in (0.1, 0.2, 0.3, 0.4, 0.5)),
        "empty.csv": "",
        "words.csv": "device,voltage,current\none,two,three\n",
        "ragged.csv": "1,2,3\n4,5\n",
        "cell.va": '`include "disciplines.vams"\nmodule r(a, b);\n  inout a, b;\n'
        "  electrical a, b;\n  analog I(a, b) <+ V(a, b) / 1e3;\nendmodule\n",
        "empty.va": "",
        "deck.cir": "one resistor\nv1 a 0 1\nr1 a 0 1k\n.end\n",
        "file": "in the way",
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    for name in ("garbage.bin", "garbage.toml", "garbage.npy", "garbage.va"):
        (folder / name).write_bytes(GARBAGE)


def _arrays(folder):
    arrays = {
        "G": np.full((3, 2), 5e-5),
        "X": np.full((4, 3), 0.1),
        "nan": np.full((3, 2), np.nan),
        "inf": np.full((3, 2), np.inf),
        "shape": np.full((7, 5), 5e-5),
        "cube": np.full((3, 2, 2), 5e-5),
        "huge": np.full((3, 2), 1e300),
        "text": np.array([["a", "b"]]),
        "complex": np.full((3, 2), 1j),
        "none": np.zeros((0, 2)),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    with (folder / "several.npy").open("wb") as file:
        np.savez(file, a=arrays["G"], b=arrays["X"])
    (folder / "empty.npy").write_bytes(b"")


def contents(folder):
    """Every path with what would change if anybody wrote to it."""
    seen = {}
    for path in folder.rglob("*"):
        found = path.stat()
        seen[path] = (found.st_mtime_ns, found.st_ino, found.st_size)
    return seen


@pytest.fixture
def working_folder(prepared, monkeypatch):
    monkeypatch.chdir(prepared)
    return prepared


def refused(words, folder, capsys):
    """The message of a command line that must be refused and leave everything as it was."""
    before = contents(folder)
    capsys.readouterr()
    code = main(words)
    told = capsys.readouterr()
    assert code == 2, f"exit code {code}: {told.out[-300:]} {told.err[-300:]}"
    assert told.out == ""
    assert "Traceback" not in told.err
    assert told.err.count("error:") == 1, told.err
    assert told.err.startswith("error: "), told.err
    assert contents(folder) == before
    return told.err


@pytest.mark.wrong_input
@pytest.mark.parametrize(("words", "value"), list(cases()))
def test_wrong_files_are_one_message_that_names_them(working_folder, capsys, words, value):
    message = refused(words, working_folder, capsys)
    # Diagnostics of Verilog-A have their parts on lines of their own.
    assert ";" in message or message.count("\n") > 2, (
        f"not what was given, what is allowed and what to do: {message}"
    )
    assert len(message) < 2000


@pytest.mark.wrong_input
@pytest.mark.parametrize("line", OPTIONS)
def test_wrong_options_are_one_message_that_says_where_to_look(working_folder, capsys, line):
    assert ";" in refused(line.split(), working_folder, capsys)


def test_every_command_is_in_the_matrix():
    tested = {line.split()[0] for line in [*LINES.values(), *filter(None, OPTIONS)]}
    assert set(COMMANDS) - tested <= {"doctor"}
