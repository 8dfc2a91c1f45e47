"""The example of a user's regressions runs as a user runs it, and finds a changed circuit."""

import shutil
import subprocess
import sys
from pathlib import Path


EXAMPLES = Path(__file__).parents[2] / "examples"


def pytest_in(folder):
    options = [
        "-p",
        "cosim.testing.plugin",
        "-p",
        "no:cacheprovider",
        "-q",
        "-rN",
        "--rootdir",
        ".",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", "none.ini", "tile_regression"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_holds_and_a_changed_macro_does_not(tmp_path):
    shutil.copytree(EXAMPLES / "tile_regression", tmp_path / "tile_regression")
    for name in ("own_macro.toml", "own_macro.cir"):
        shutil.copy(EXAMPLES / name, tmp_path)
    (tmp_path / "none.ini").write_text("[pytest]\n")
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout

    netlist = tmp_path / "own_macro.cir"
    netlist.write_text(netlist.read_text().replace(".param rw=2", ".param rw=200"))
    done = pytest_in(tmp_path)
    assert "3 failed" in done.stdout
    assert "closed-form against ngspice" in done.stdout
    assert done.stdout.count("the tile's specification") == 2
