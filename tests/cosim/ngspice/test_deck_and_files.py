"""Small parts: the completed deck, raw files, what kind of ngspice there is, how to install it."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from cosim.errors import InputError, SimulatorError, SimulatorMissing
from cosim.ngspice import (
    AcSweep,
    DcSweep,
    OperatingPoint,
    Simulation,
    Transient,
    advice,
    ngspice_info,
)
from cosim.ngspice.deck import Build, runnable_deck, uses_klu
from cosim.ngspice.rawfile import read_rawfile


BANNER_39 = "******\n** ngspice-39 : Circuit level simulation program\n"
BANNER_46 = BANNER_39.replace("39", "46") + "** Compiled with KLU Direct Linear Solver\n"
SPARSE, KLU = Build(39, klu=False), Build(46, klu=True)
CIRCUIT = "t\nv1 1 0 1\nr1 1 0 1k"


def simulation(deck=CIRCUIT, analysis=None, outputs=("v(1)",)):
    return Simulation(deck, analysis or OperatingPoint(), outputs)


@pytest.mark.parametrize("end", ["", "\n", "\n.end", "\n.END\n\n", "\n  .end \n"])
def test_a_deck_is_ended_once_whatever_its_end(end):
    text = runnable_deck(simulation(CIRCUIT + end), SPARSE, ["bx 1 0 I=0"])
    assert text == CIRCUIT + "\n.save v(1)\nbx 1 0 I=0\n.end\n"


def test_many_outputs_are_saved_over_several_lines():
    outputs = tuple(f"i(v{k})" for k in range(45))
    saves = [
        line
        for line in runnable_deck(simulation(outputs=outputs), SPARSE).splitlines()
        if line.startswith(".save")
    ]
    assert len(saves) == 3
    assert " ".join(saves).replace(".save ", "").split() == list(outputs)


def test_klu_is_asked_for_where_it_is_built_in():
    assert ".options klu" in runnable_deck(simulation(), KLU)
    assert ".options klu" not in runnable_deck(simulation(), SPARSE)


def test_a_gear_or_small_transient_is_not_given_to_klu():
    large = CIRCUIT + "".join(f"\nrload_{k} 1 0 1k" for k in range(600))
    over_time = Transient(1e-9, 1e-6)
    assert uses_klu(simulation(large, over_time), KLU)
    assert not uses_klu(simulation(large + "\n.options method=gear", over_time), KLU)
    assert not uses_klu(simulation(CIRCUIT, over_time), KLU)
    assert uses_klu(simulation(CIRCUIT), KLU)


def test_the_banner_tells_version_and_solver():
    assert Build.from_banner(BANNER_39) == SPARSE
    assert Build.from_banner(BANNER_46) == KLU


@pytest.mark.parametrize(
    ("analysis", "command"),
    [
        (OperatingPoint(), "op"),
        (DcSweep("vindex", 0, 49, 1), "dc vindex 0.0 49.0 1.0"),
        (Transient(1e-9, 1e-6), "tran 1e-09 1e-06 0.0"),
        (Transient(1e-9, 1e-6, 2e-9, 5e-7, True), "tran 1e-09 1e-06 5e-07 2e-09 uic"),
    ],
)
def test_an_analysis_is_written_in_the_words_of_ngspice(analysis, command):
    assert analysis.command == command


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DcSweep("v1; quit", 0, 1, 1), "`v1; quit` cannot be swept"),
        (lambda: DcSweep("v1", 0, 1, 0), "never ends; the step leads from start to stop"),
        (lambda: DcSweep("v1", 0, 1, -0.1), "never ends"),
        (lambda: AcSweep(0, 1, 1e6), "are no sweep; give at least one point"),
        (lambda: AcSweep(10, 0, 1e6), "are no sweep; .* 0 < start <= stop"),
        (lambda: Transient(0, 1e-6), "is empty; give 0 < step <= stop"),
        (lambda: Transient(1e-9, 1e-6, start=2e-6), "is empty"),
        (lambda: simulation(outputs=()), "has no outputs; name at least one"),
    ],
)
def test_impossible_analyses_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def raw(flags="real", points=2, data=(0.0, 1.0, 1.0, 3.0)):
    header = (
        f"Title: t\nDate: x\nPlotname: DC\nFlags: {flags}\nNo. Variables: 2\n"
        f"No. Points: {points}\nVariables:\n\t0\tv(v-sweep)\tvoltage\n\t1\tI(V1)\tcurrent\n"
        "Binary:\n"
    )
    return header.encode() + struct.pack(f"{len(data)}d", *data)


def test_a_raw_file_gives_its_vectors_under_lower_case_names(tmp_path):
    path = tmp_path / "out.raw"
    path.write_bytes(raw())
    vectors = read_rawfile(path)
    np.testing.assert_array_equal(vectors["v(v-sweep)"], [0, 1])
    np.testing.assert_array_equal(vectors["i(v1)"], [1, 3])


def test_a_raw_file_of_complex_numbers_gives_complex_vectors(tmp_path):
    path = tmp_path / "out.raw"
    path.write_bytes(raw(flags="complex", data=(1.0, 0.0, 3.0, -4.0, 2.0, 0.0, 0.0, 5.0)))
    np.testing.assert_array_equal(read_rawfile(path)["i(v1)"], [3 - 4j, 5j])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "is not a binary raw file of an analysis; run it again"),
        (raw(flags="imaginary"), "is not a binary raw file of an analysis"),
        (raw(flags="complex"), "ends after 32 bytes of data; run it again"),
        (raw(points=3), "ends after 32 bytes of data; run it again"),
    ],
)
def test_a_damaged_raw_file_is_named(tmp_path, content, message):
    path = tmp_path / "out.raw"
    path.write_bytes(content)
    with pytest.raises(SimulatorError, match=rf"out\.raw {message}"):
        read_rawfile(path)


def test_the_installed_ngspice_is_found_without_loading_it_here():
    info = ngspice_info()
    assert info.version >= 35
    assert info.library
    assert info.executable
    assert info.solver == ("KLU" if info.klu else "Sparse 1.3")
    assert bool(info.advice) is not info.klu
    assert "libngspice" not in Path("/proc/self/maps").read_text()


def test_no_ngspice_at_all_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", "/nowhere/libngspice.so")
    monkeypatch.setenv("NGSPICE_EXECUTABLE", "/nowhere/ngspice")
    with pytest.raises(SimulatorMissing, match=r"neither the library nor the program.*install it"):
        ngspice_info()


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian\n", "sudo apt install ngspice libngspice0"),
        ('ID=pop\nID_LIKE="ubuntu debian"\n', "sudo apt install"),
        ("ID=fedora\n", "sudo dnf install ngspice"),
        ("ID=arch\n", "sudo pacman -S ngspice"),
        ("ID=plan9\n", "debian: .*; fedora: .*; arch: .*; macos: `brew install"),
    ],
)
def test_the_way_to_install_fits_the_system(tmp_path, release, command):
    path = tmp_path / "os-release"
    path.write_text(release)
    assert re.search(command, advice.how_to_install(path))


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian\nVERSION_CODENAME=bookworm\n", "apt install -t bookworm-backports ngspice"),
        ("ID=arch\n", "ngspice 42 or newer solves large tiles faster, with KLU$"),
    ],
)
def test_the_way_to_klu_fits_the_system(tmp_path, release, command):
    path = tmp_path / "os-release"
    path.write_text(release)
    assert re.search(command, advice.how_to_get_klu(path))
