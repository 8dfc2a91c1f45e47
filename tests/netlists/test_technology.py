"""Technologies: own models with corners, and a foundry's library."""

from __future__ import annotations

from pathlib import Path

import pytest

from compact_models.errors import SpecError
from netlists.schematic import Schematic
from netlists.technology import Technology


PDK = """
name = "my_pdk"
supply = 1.8
length = 150e-9
diffusion = 300e-9
[library]
file = "models.lib"
corners = { tt = "typical", ss = "slow" }
nmos = "nfet_01v8"
pmos = "pfet_01v8"
element = "x"
unit = 1e-6
geometry = false
"""


def test_a_slow_corner_raises_the_threshold_of_both_polarities():
    technology = Technology.load("generic_65nm")
    typical, slow = technology.models("tt"), technology.models("ss")
    assert [line.split()[1] for line in typical] == ["nch", "pch"]
    assert "vth0=0.38 " in typical[0]
    assert "vth0=0.41 " in slow[0]
    assert "vth0=-0.41 " in slow[1]


def test_matching_follows_the_area():
    technology = Technology.load("generic_65nm")
    threshold, current = technology.mismatch("nmos", 1e-6, 100e-9)
    # A_VT = 3.5 mV um of a pair over sqrt(2 W L): 3.5e-9 / sqrt(2e-13)
    assert threshold == pytest.approx(7.826e-3, rel=1e-3)
    assert current == pytest.approx(0.02236, rel=1e-3)
    assert technology.mismatch("nmos", 4e-6, 100e-9)[0] == pytest.approx(threshold / 2)


def test_a_foundry_library_gives_its_section_and_its_own_units(tmp_path: Path):
    (tmp_path / "pdk.toml").write_text(PDK)
    technology = Technology.load(tmp_path / "pdk.toml")
    assert technology.models("ss") == (f'.lib "{tmp_path / "models.lib"}" slow',)
    assert technology.reads_files
    draw = Schematic("one", ("d", "g"), technology)
    draw.nmos("1", d="d", g="g", s="0", w=2e-6)
    assert draw.subcircuit().parts[0].text == "x1 d g 0 0 nfet_01v8 w=2 l=0.15"


def test_what_is_unknown_is_refused_with_what_is_known(tmp_path: Path):
    with pytest.raises(SpecError, match="generic_250nm, generic_65nm"):
        Technology.load("sky42")
    with pytest.raises(SpecError, match="tt, ff, ss, fs, sf"):
        Technology.load("generic_65nm").models("xx")
    (tmp_path / "both.toml").write_text(PDK + "[corners]\ntt = { nmos = [0, 1], pmos = [0, 1] }\n")
    with pytest.raises(SpecError, match="has no own `nmos`"):
        Technology.load(tmp_path / "both.toml")
    (tmp_path / "none.toml").write_text(PDK[: PDK.index("[library]")])
    with pytest.raises(SpecError, match="or a `library`"):
        Technology.load(tmp_path / "none.toml")
