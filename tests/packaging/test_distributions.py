"""The wheel works where there is no repository, and the source distribution holds what tests need.

The wheel is installed into an environment of its own, which finds the dependencies in ours but not
our own installation, so that nothing is downloaded and nothing of the checkout is seen.
"""

import csv
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest


ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("compact_models", "netlists", "cosim")
TILE = """
name = "wheel"
rows = 4
cols = 3

[cell]
topology = "1T1R"
device = "rram_gap__stanford_jiang2016"
access_transistor = "nmos_ekv__generic_130nm"
gate_voltage = 1.2
conductance_min = 5e-6
conductance_max = 150e-6

[wires]
card = "wire__65nm_neurosim2020"

[drivers]
read_voltage = 0.2
"""


def kept(folder):
    """Every file of a folder of the checkout but those that programs leave there."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def run(*command, folder, check=True):
    """A program as a user starts it: nothing of the tests' own paths."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), folder=ROOT)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory):
    """The programs of an environment with the wheel, and an empty folder to work in."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", "--without-pip", "env", folder=folder)
    bin_ = folder / "env" / "bin"
    # A folder that a path file adds has its own path files left alone: not our editable install.
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(bin_ / "python"), "install", "--quiet"]
    alone = ["--no-deps", "--no-index", "--ignore-installed", "--no-compile"]
    run(*pip, *alone, "--disable-pip-version-check", str(distributions[0]), folder=folder)
    work = folder / "work"
    work.mkdir()
    return bin_, work


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(distributions):
    with zipfile.ZipFile(distributions[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert names == set().union(*map(kept, PACKAGES))
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {Path(name).suffix for name in names} >= {".va", ".toml", ".jinja", ".css", ".lark"}


def test_the_source_distribution_holds_what_the_tests_need(distributions):
    with tarfile.open(distributions[1]) as source:
        names = {name.partition("/")[2] for name in source.getnames()}

    folders = (*PACKAGES, "tests", "examples", "benchmarks", "docs", "scripts", ".ci")
    needed = set().union(*map(kept, folders))
    needed |= {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "constraints.txt"}
    assert needed | {"mkdocs.yml"} <= names


def test_the_installed_packages_are_those_of_the_wheel(installed):
    bin_, work = installed
    code = "import cosim, netlists, compact_models as c\nprint(cosim.__file__, c.__file__)"
    places = run(bin_ / "python", "-c", code, folder=work).stdout.split()

    assert all(Path(place).is_relative_to(bin_.parent) for place in places)


def test_the_installed_command_finds_its_models_cards_and_ngspice(installed):
    bin_, work = installed
    assert "ngspice" in run(bin_ / "cosim", "doctor", folder=work).stdout
    shown = run(bin_ / "cosim", "card", "show", "rram_gap__stanford_jiang2016", folder=work)
    assert "gap_init" in shown.stdout


def test_a_tile_is_written_and_simulated_where_there_is_no_repository(installed):
    bin_, work = installed
    (work / "tile.toml").write_text(TILE)
    G = np.linspace(5e-6, 150e-6, 12).reshape(4, 3)
    X = np.linspace(0.05, 0.2, 8).reshape(2, 4)
    np.save(work / "G.npy", G)
    np.save(work / "X.npy", X)

    files = ["--inputs", "X.npy", "--conductances", "G.npy", "-o"]
    run(bin_ / "cosim", "netlist", "tile.toml", *files, "tile.cir", folder=work)
    assert "nmos_ekv" in (work / "tile.cir").read_text()
    run(bin_ / "cosim", "simulate", "tile.toml", *files, "Y.csv", folder=work)
    with (work / "Y.csv").open() as lines:
        Y = np.array([[float(text) for text in row] for row in csv.reader(lines)])
    assert Y.shape == (2, 3)
    # Wires and transistors take a tenth of the current, more or less.
    assert np.all((Y < X @ G) & (Y > 0.7 * X @ G))


def test_wrong_input_is_one_message_and_no_traceback_in_the_installed_command(installed):
    bin_, work = installed
    done = run(bin_ / "cosim", "check", "missing.toml", folder=work, check=False)

    assert done.returncode == 2
    assert "missing.toml" in done.stderr
    assert "Traceback" not in done.stderr
