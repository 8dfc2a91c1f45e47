"""OSDI libraries come from the `openvaf` binary, where there is one."""

import shutil
from pathlib import Path

import pytest

from compact_models.errors import InputError, VerilogAError
from compact_models.veriloga.to_osdi import to_osdi


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
