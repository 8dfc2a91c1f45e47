"""OSDI libraries come from the `openvaf` binary, where there is one."""

import shutil
from pathlib import Path

import pytest

from compact_models.errors import InputError, VerilogAError
from compact_models.veriloga.to_osdi import osdi_command, to_osdi


CORPUS = Path(__file__).parent / "corpus"


def test_a_missing_compiler_is_named_with_an_alternative(tmp_path):
    with pytest.raises(InputError, match=r"'no-such-openvaf' is not on PATH.*install it.*ngspice"):
        to_osdi(CORPUS / "macros.va", tmp_path / "m.osdi", compiler="no-such-openvaf")


def test_a_hidden_state_is_refused_because_osdi_would_lose_it(tmp_path):
    # Any program stands for the compiler here: the refusal comes before it is started.
    compiler = shutil.which("true") or "true"
    source = CORPUS / "hidden_forward_euler.va"
    with pytest.raises(VerilogAError, match=r"x is kept in a variable.*idt\(\)"):
        to_osdi(source, tmp_path / "h.osdi", compiler=compiler)


def test_the_command_line_is_that_of_openvaf(tmp_path):
    command = osdi_command("/opt/openvaf", Path("cell.va"), tmp_path / "cell.osdi")
    assert command == ["/opt/openvaf", "cell.va", "-o", str(tmp_path / "cell.osdi")]


def test_a_compiler_that_fails_is_reported_with_its_exit_code(tmp_path):
    compiler = shutil.which("false") or "false"
    with pytest.raises(VerilogAError, match=r"macros\.va: openvaf refused it \(exit code 1\)"):
        to_osdi(CORPUS / "macros.va", tmp_path / "m.osdi", compiler=compiler)


def test_a_compiler_that_writes_nothing_is_no_success(tmp_path):
    compiler = shutil.which("true") or "true"
    with pytest.raises(VerilogAError, match=r"wrote no m\.osdi.*openvaf compiler"):
        to_osdi(CORPUS / "macros.va", tmp_path / "m.osdi", compiler=compiler)


@pytest.mark.parametrize("name", ["step_team", "step_counted", "step_reset", "step_pushed"])
def test_every_form_of_a_hidden_state_is_refused(name, tmp_path):
    compiler = shutil.which("true") or "true"
    with pytest.raises(VerilogAError, match="kept in a variable"):
        to_osdi(CORPUS / f"{name}.va", tmp_path / "h.osdi", compiler=compiler)
