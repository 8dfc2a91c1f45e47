"""Every refusal says what, where, why, and what to write instead; one golden file for each.

To accept a changed text run `python tests/compact_models/test_diagnostics.py` and read the diff.
"""

import ast
import re
from pathlib import Path

import pytest

import compact_models.veriloga
from compact_models import compile_source, compile_text
from compact_models.errors import VerilogAError
from compact_models.veriloga.diagnostics import SourceError


GOLDENS = Path(__file__).parent / "goldens"
PACKAGE = Path(compact_models.veriloga.__file__).parent
ELSEWHERE = {"bits-in-spice"}
"""Found by one target only, when it is written; it has a test of its own."""
SOURCES = sorted(GOLDENS.glob("*.va"))


def message_of(path: Path) -> str:
    """What the compiler says about a source, without folders of this machine."""
    try:
        compile_source(path)
    except SourceError as fault:
        return str(fault).replace(str(path.parent), "<folder>") + "\n"
    return "accepted\n"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_refusal_reads_as_in_its_golden_file(path):
    assert message_of(path) == path.with_suffix(".log").read_text()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_refusal_has_a_place_a_caret_a_reason_and_an_alternative(path):
    text = path.with_suffix(".log").read_text()
    assert re.search(rf"--> {path.name}:\d+:\d+", text)
    assert re.search(r"\n *\| +\^+", text)
    assert "= why: " in text
    assert "= instead: " in text


def codes_of_the_compiler():
    """Every code that the compiler's source can put on a diagnostic, read from its syntax trees."""
    found = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                first = node.args[0] if node.args else None
                if name in {"refuse", "fault", "Refusal"} and isinstance(first, ast.Constant):
                    found.add(first.value)
    return found


def test_every_diagnostic_has_a_golden_file():
    written = {
        match.group(1)
        for path in SOURCES
        for match in re.finditer(r"^error\[([a-z-]+)\]", path.with_suffix(".log").read_text(), re.M)
    }
    codes = codes_of_the_compiler()
    assert len(codes) > 40
    assert codes - ELSEWHERE <= written, f"no golden file for {sorted(codes - ELSEWHERE - written)}"
    assert written <= codes, f"no such diagnostic any more: {sorted(written - codes)}"


def test_bits_are_refused_where_the_subcircuit_is_written():
    model = compile_text(
        '`include "disciplines.vams"\nmodule m(p, n);\n    inout p, n;\n    electrical p, n;\n'
        "    integer i;\n    analog begin\n        i = 10 * V(p, n);\n"
        "        I(p, n) <+ i & 6;\n    end\nendmodule\n"
    )
    with pytest.raises(SourceError, match=r"error\[bits-in-spice\].*(?s:.)*instead: "):
        model.to_ngspice()


def test_a_source_with_two_faults_reports_both(tmp_path):
    source = tmp_path / "two.va"
    source.write_text(
        '`include "disciplines.vams"\nmodule two(p, n);\n    inout p, n;\n    electrical p, n;\n'
        "    analog I(p, n) <+ gain * V(p, n) + offset;\nendmodule\n"
    )
    with pytest.raises(SourceError) as caught:
        compile_source(source)
    assert [item.place.line for item in caught.value.diagnostics] == [5, 5]
    assert [item.place.column for item in caught.value.diagnostics] == [23, 40]


def test_a_fault_is_an_input_error_of_the_common_tree(tmp_path):
    source = tmp_path / "bad.va"
    source.write_text("module")
    with pytest.raises(VerilogAError):
        compile_source(source)


if __name__ == "__main__":
    for golden in SOURCES:
        golden.with_suffix(".log").write_text(message_of(golden))
