"""The preprocessor: conditions, macros, includes, and the way back to a place."""

import pytest

from compact_models import compile_source, compile_text
from compact_models.veriloga.diagnostics import SourceError
from compact_models.veriloga.source import File, preprocess


def lines_of(text, folder):
    source = preprocess(File.of("t.va", text, folder))
    return [line.strip() for line in source.text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("defined", "kept"), [("A", "one"), ("B", "two"), ("C", "three"), ("A\n`define B", "one")]
)
def test_exactly_one_arm_of_a_condition_is_kept(tmp_path, defined, kept):
    text = f"`define {defined}\n`ifdef A\none\n`elsif B\ntwo\n`else\nthree\n`endif\n"
    assert lines_of(text, tmp_path) == [kept]


def test_a_macro_is_not_expanded_inside_a_string(tmp_path):
    assert lines_of('`define x(a) "a" a\n`x(7)\n', tmp_path) == ['"a" 7']


def test_an_undefined_macro_is_gone(tmp_path):
    with pytest.raises(SourceError, match="unknown-macro"):
        lines_of("`define A 1\n`undef A\n`A\n", tmp_path)


def test_an_included_file_is_found_beside_the_source_and_faults_point_into_it(tmp_path):
    (tmp_path / "inner.inc").write_text("\n  `NOTHING\n")
    with pytest.raises(SourceError) as caught:
        lines_of('`include "inner.inc"\n', tmp_path)
    place = caught.value.diagnostics[0].place
    assert (place.file, place.line, place.column) == ("inner.inc", 2, 3)


def test_a_source_that_ends_inside_a_line_comment_is_complete():
    text = (
        '`include "disciplines.vams"\nmodule m(p);\ninout p;\nelectrical p;\n'
        "analog I(p) <+ V(p);\nendmodule // the end"
    )
    assert compile_text(text).ports == ("p",)


def test_a_scale_factor_is_the_nearest_double():
    text = (
        '`include "disciplines.vams"\nmodule m(p);\ninout p;\nelectrical p;\n'
        "parameter real a = 2.5n;\nparameter real b = 3M;\n"
        "analog I(p) <+ a * b * V(p);\nendmodule\n"
    )
    parameters = compile_text(text).parameters
    assert (parameters["a"].default, parameters["b"].default) == (2.5e-9, 3e6)


@pytest.mark.parametrize("name", ["__VAMS_COMPACT_MODELING__", "__OPENVAF__"])
def test_the_macros_that_compilers_define_are_defined(tmp_path, name):
    text = f"`ifdef {name}\nyes\n`else\nno\n`endif\n"
    assert lines_of(text, tmp_path) == ["yes"]


DEVICE = "module m(p, n);\ninout p{direction};\nelectrical p, n;\n{body}\nendmodule\n"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            DEVICE.format(direction="", body="analog I(p, n) <+ V(p, n);"),
            "1:13: the port `n` has no direction: taken as inout",
        ),
        (
            DEVICE.format(direction=", n", body="analog I(p, n) <+ V(p, n) * `P_Q / `P_K;"),
            "4:29: `P_Q is the constant of constants.vams, which is not included",
        ),
        (
            DEVICE.format(
                direction=", n",
                body="parameter real g = 0.5 from [0, 1];\nanalog I(p, n) <+ g * V(p, n);",
            ),
            "4:29: the range of `g` has a comma where the colon belongs",
        ),
    ],
)
def test_a_slip_that_leaves_no_doubt_is_mended_and_said(text, note):
    model = compile_text(text)
    assert f"model.va:{note}" in [n.render() for n in model.notes]
    assert model.ports == ("p", "n")


WHOLE = '`include "disciplines.vams"\n' + DEVICE.format(
    direction=", n", body="analog I(p, n) <+ V(p, n);"
)


@pytest.mark.parametrize(
    "guard", ["`ifndef CELL\n`define CELL\n", "`ifdef CELL\n`else\n`define CELL 1\n"]
)
def test_a_guard_around_the_whole_file_may_lack_its_end(guard):
    model = compile_text(f"// a comment\n{guard}{WHOLE}")
    assert model.ports == ("p", "n")
    assert any("the guard `CELL` is not closed" in n.render() for n in model.notes)


@pytest.mark.parametrize(
    "text",
    [
        WHOLE + "`ifndef CELL\n`define CELL\n",
        "`ifndef CELL\n" + WHOLE,
        "`ifndef CELL\n`define CELL\n`ifndef FAST\n`define FAST\n" + WHOLE,
        "`define CELL\n`ifdef CELL\n" + WHOLE,
    ],
    ids=["not first", "not defined", "one inside", "no guard"],
)
def test_any_other_condition_needs_its_end(text):
    with pytest.raises(SourceError, match="unfinished-conditional"):
        compile_text(text)


def test_a_guard_of_an_included_file_needs_its_end(tmp_path):
    (tmp_path / "inner.inc").write_text("`ifndef INNER\n`define INNER\n")
    with pytest.raises(SourceError, match="unfinished-conditional"):
        compile_text('`include "inner.inc"\n' + WHOLE, folder=tmp_path)


def test_an_included_file_with_the_other_ending_is_read_and_said(tmp_path):
    (tmp_path / "functions.va").write_text("parameter real g = 2.0;\n")
    text = DEVICE.format(
        direction=", n", body='`include "functions.vams"\nanalog I(p, n) <+ g * V(p, n);'
    )
    model = compile_text(text, folder=tmp_path)
    assert model.parameters["g"].default == 2.0
    notes = [n.render() for n in model.notes]
    assert "model.va:4:1: there is no functions.vams: functions.va is read" in notes


def test_byte_order_marks_and_foreign_line_ends_do_not_matter(tmp_path):
    text = DEVICE.format(direction=", n", body="// a comment\nanalog I(p, n) <+ V(p, n);")
    for name, raw in {
        "mark": b"\xef\xbb\xbf" + text.encode(),
        "returns": text.replace("\n", "\r").encode(),
        "both": text.replace("\n", "\r\n").rstrip().encode(),
    }.items():
        path = tmp_path / f"{name}.va"
        path.write_bytes(raw)
        assert compile_source(path).ports == ("p", "n")
