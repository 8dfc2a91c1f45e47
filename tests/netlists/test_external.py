"""A designer's own netlist as a tile: holes for the conductances, ports by their roles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compact_models.errors import SpecError
from netlists.external_check import check_external
from netlists.reader import read_deck
from netlists.specs import TileSpec
from netlists.testbench import operating_point_deck
from netlists.tile import tile_netlist
from netlists.toml_files import read_toml


DATA = Path(__file__).parents[2] / "examples"
MACRO = DATA / "own_macro.toml"


@pytest.fixture
def macro(tmp_path: Path):
    """Makes the macro with changed lines in its netlist and changed fields in [external]."""

    def make(old: str = "", new: str = "", **fields: object) -> TileSpec:
        text = (DATA / "own_macro.cir").read_text()
        assert old in text
        (tmp_path / "own_macro.cir").write_text(text.replace(old, new) if old else text)
        data = read_toml(MACRO)
        data["external"] |= fields
        return TileSpec.from_dict(data, origin=str(tmp_path / "tile.toml"))

    return make


def test_every_conductance_goes_to_its_own_cell():
    spec = TileSpec.from_toml(MACRO)
    G = np.arange(1, 13).reshape(4, 3) * 1e-6
    deck = read_deck(operating_point_deck(spec, G, np.zeros(4)))
    cells = {e.name: e.words for e in deck.subcircuits["macro"].elements if e.model == "cell"}
    assert cells["xc_0_1"] == ("g=2e-06",)  # a line that the file continues with `+`
    assert cells["xc_3_2"] == ("g=1.2e-05",)
    assert len(cells) == 12


def test_a_resistor_takes_one_over_the_conductance_as_its_value(macro):
    old = "Gc bl m bl m {g}"
    cells = [f"xc_{row}_{col} n{row} vg b{col} cell" for row in range(4) for col in range(3)]
    spec = macro(old, old, device="rc_{row}_{col}", parameter="value", takes="resistance")
    assert spec.external is not None
    text = Path(spec.external.netlist).read_text().replace("\n+ g=1u", " g=1u")
    for cell in cells:
        name, row, _, col, _ = cell.split()
        text = text.replace(f"{cell} g=1u", f"rc{name[2:]} {row} {col} 1k")
    Path(spec.external.netlist).write_text(text.replace(" vg\n", "\n"))
    spec = spec.model_copy(update={"external": spec.external.model_copy(update={"supplies": {}})})
    deck = read_deck(operating_point_deck(spec, np.full((4, 3), 4e-6), np.zeros(4)))
    values = [e.words for e in deck.subcircuits["macro"].elements if e.name.startswith("rc_")]
    assert values == [("250000.0",)] * 12


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"device": "xc_{row}"}, "holds {row} and {col}"),
        ({"inputs": "r{row}\n.include x"}, "write a plain name"),
        ({"supplies": {"vg 0\nr1": 1.0}}, "is no port"),
        ({"output_gain": 0.0}, "gives no current"),
        ({"supply": 1.0}, "is unknown"),
    ],
)
def test_a_wrong_field_is_named(macro, fields: dict, message: str):
    with pytest.raises(SpecError, match="external") as caught:
        macro(**fields)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"subcircuit": "makro"}, "defines no subcircuit makro; it has cell, macro"),
        ({"inputs": "row{row}"}, "has no port row0"),
        ({"supplies": {}}, "has ports without a role: vg"),
        ({"device": "xcell_{row}_{col}"}, "`xcell_0_0` does not exist; macro has no element"),
        ({"device": "xc_{row}_{col}.gc"}, "which is placed several times"),
        ({"netlist": "gone.cir"}, "cannot be read"),
        ({"libraries": ["pdk.lib"]}, "pdk.lib is no file"),
    ],
)
def test_a_name_that_the_file_lacks_is_named(macro, fields: dict, message: str):
    with pytest.raises(SpecError) as caught:
        tile_netlist(macro(**fields), np.full((4, 3), 1e-5))
    assert message in str(caught.value)


def test_a_cell_inside_an_instance_is_found_by_its_path(macro, tmp_path: Path):
    spec = macro(
        ".subckt macro", ".subckt outer r0 r1 r2 r3 b0 b1 b2 vg\nxi r0 r1 r2 r3 b0 b1 b2 vg macro\n"
        ".ends\n.subckt macro", subcircuit="outer", device="xi.xc_{row}_{col}"
    )  # fmt: skip
    deck = read_deck(operating_point_deck(spec, np.full((4, 3), 7e-6), np.zeros(4)))
    words = [e.words for e in deck.subcircuits["macro"].elements if e.model == "cell"]
    assert words == [("g=7e-06",)] * 12


def test_a_library_is_read_at_the_corner_of_the_specification(macro, tmp_path: Path):
    (tmp_path / "pdk.lib").write_text(".lib tt\n.param x=1\n.endl\n.lib ss\n.param x=2\n.endl\n")
    netlist = tile_netlist(macro(libraries=["pdk.lib"], corner="ss"), np.full((4, 3), 1e-5))
    assert netlist.definitions[0] == f'.lib "{tmp_path / "pdk.lib"}" ss'
    assert netlist.reads_files
    assert not tile_netlist(macro(), np.full((4, 3), 1e-5)).reads_files


def test_a_circuit_that_cannot_work_is_refused_before_it_runs(macro):
    check_external(macro())
    with pytest.raises(SpecError, match=r"breaks 1 electrical rules: line \d+: xtile.rr2"):
        check_external(macro("rr2 r2 n2 {rw}", "rr2 r2 n22 {rw}\nrx n2 0 1meg"))


def test_the_hash_follows_the_contents_of_the_netlist(macro):
    before = macro()
    assert macro().content_hash() == before.content_hash()
    hashed = before.content_hash()
    assert macro("w=4u", "w=5u").content_hash() != hashed
