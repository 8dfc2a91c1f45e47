"""The plugin in pytest itself: marks, goldens, messages; with ngspice, on both kinds of tile."""

import importlib
import json
import shutil
from pathlib import Path

import numba
import pytest

from cosim.cell import TileCell
from cosim.surrogate import LineModeGalerkin, save
from netlists.specs import TileSpec


pytest_plugins = ["pytester"]

EXAMPLES = Path(__file__).parents[3] / "examples"
GENERATED = """
name = "generated"
rows = 5
cols = 4
[cell]
topology = "1R"
device = "resistor"
conductance_min = 5e-6
conductance_max = 1e-4
[wires]
input_line_resistance = 2.0
output_line_resistance = 2.0
[drivers]
read_voltage = 0.2
"""


@pytest.fixture(scope="module", autouse=True)
def _libraries_stay():
    """A run inside of this one forgets what it imported, which large libraries do not survive."""
    for name in ("distributed", "cosim.testing.regression", "cosim.engine.ngspice"):
        importlib.import_module(name)
    importlib.import_module("cosim.engine.solver")
    assert numba.njit(lambda x: x + 1)(1) == 2  # numba imports the rest of itself when it compiles


@pytest.fixture
def folder(pytester):
    """A folder of a user, with the tile of a netlist of their own."""
    for name in ("own_macro.toml", "own_macro.cir"):
        shutil.copy(EXAMPLES / name, pytester.path / name)
    return pytester.path


@pytest.fixture
def run(pytester, folder):
    """Run a test file with these lines and give outcomes and text."""

    def run(body, *options, mark='"own_macro.toml", tolerance=0.02, samples=6'):
        pytester.makepyfile(
            test_mine=f"import pytest\n\n@pytest.mark.tile({mark})\n"
            f"def test_tile(tile_regression):\n    {body}\n"
        )
        plugin = ("-p", "cosim.testing.plugin", "-p", "no:cacheprovider", "--strict-markers")
        result = pytester.runpytest_inprocess(*plugin, *options)
        return result.parseoutcomes(), result.stdout.str()

    return run


def test_a_model_within_its_tolerance_passes_against_ngspice(run):
    outcomes, _ = run("tile_regression.check()")
    assert outcomes == {"passed": 1}


def test_a_model_beyond_its_tolerance_fails_with_the_output_and_a_plot(run, folder):
    body = "tile_regression.check(lambda G, X: (X @ G) * [1, 1.2, 1])"
    outcomes, text = run(body)
    assert outcomes == {"failed": 1}
    assert "tile own-macro: the given model against ngspice" in text
    assert "differ by more than 2 % of the output range" in text
    assert "largest by column [% of range]: 1: " in text
    assert "Traceback" not in text
    assert "regression.py" not in text
    plot = folder / "tile-plots" / "test_mine.test_tile.svg"
    assert plot.read_text().startswith("<svg")
    assert str(plot) in text


def test_a_golden_is_asked_for_written_kept_and_found_again(run, folder):
    golden = folder / "goldens" / "test_mine.test_tile.json"
    outcomes, text = run("tile_regression.check_golden()")
    assert outcomes == {"failed": 1}
    assert "there is no golden result yet; run `pytest --update-goldens`" in text

    outcomes, text = run("tile_regression.check_golden()", "--update-goldens")
    assert outcomes == {"passed": 1}
    assert f"golden result written: {golden}" in text
    first = golden.read_bytes()
    assert run("tile_regression.check_golden()", "--update-goldens")[0] == {"passed": 1}
    assert golden.read_bytes() == first

    assert run("tile_regression.check_golden()")[0] == {"passed": 1}
    origin = json.loads(first)["origin"]
    assert origin["engine"] == "ngspice"
    assert origin["versions"]["ngspice"]
    assert origin["seed"] == 0


def test_a_change_of_the_circuit_is_no_silent_difference(run, folder):
    assert run("tile_regression.check_golden()", "--update-goldens")[0] == {"passed": 1}
    netlist = folder / "own_macro.cir"
    netlist.write_text(netlist.read_text().replace(".param rw=2", ".param rw=3"))
    outcomes, text = run("tile_regression.check_against_golden()")
    assert outcomes == {"failed": 1}
    assert "the tile's specification" in text
    assert "if that is meant, run `pytest --update-goldens`" in text


def test_a_kept_result_that_ngspice_no_longer_gives_is_found(run, folder):
    assert run("tile_regression.check_golden()", "--update-goldens")[0] == {"passed": 1}
    golden = folder / "goldens" / "test_mine.test_tile.json"
    data = json.loads(golden.read_text())
    data["outputs"][4][2] *= 1.001
    data["origin"]["versions"]["ngspice"] = "12"
    golden.write_text(json.dumps(data))
    outcomes, text = run("tile_regression.check_golden()")
    assert outcomes == {"failed": 1}
    assert "1 of 18 outputs differ by more than 0.0001 % of the output range" in text
    assert "the golden was made with ngspice 12, now" in text


def test_a_model_is_held_against_a_golden_without_a_simulator(run, pytester):
    assert run("tile_regression.check_golden()", "--update-goldens")[0] == {"passed": 1}
    pytester.makeconftest(
        "import pytest\n\n\n@pytest.fixture(scope='session')\n"
        "def tile_reference():\n    def never(spec):\n"
        "        raise AssertionError('the simulator was asked')\n    return never\n"
    )
    assert run("tile_regression.check_against_golden()")[0] == {"passed": 1}
    assert run("tile_regression.check_against_golden(lambda G, X: 1.1 * X @ G)")[0] == {"failed": 1}
    assert run("tile_regression.check()")[0] == {"failed": 1}


def test_a_generated_tile_is_held_against_solver_and_surrogate_folder(run, folder):
    (folder / "mine.toml").write_text(GENERATED)
    spec = TileSpec.from_toml(folder / "mine.toml")
    surrogate = LineModeGalerkin.from_spec(spec, TileCell(spec).current)
    save(folder / "fitted", surrogate, spec.model_dump(mode="json"), spec.content_hash())

    mark = '"mine.toml", tolerance=1e-5, samples=6, model="solver"'
    assert run("tile_regression.check()", mark=mark)[0] == {"passed": 1}
    mark = '"mine.toml", tolerance=2e-3, samples=6, model="fitted"'
    assert run("tile_regression.check()", mark=mark)[0] == {"passed": 1}


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ('"own_macro.toml", tolerence=0.1', "tolerence"),
        ('"own_macro.toml", tolerance=0', "tolerance"),
        ('"missing.toml"', "missing.toml"),
        ('"own_macro.toml", model="nowhere"', "there is no surrogate folder"),
        ('"own_macro.toml", 0.1, 3', "positional arguments"),
    ],
)
def test_a_wrong_mark_gives_one_message(run, mark, message):
    outcomes, text = run("tile_regression.check()", mark=mark)
    assert outcomes in ({"errors": 1}, {"failed": 1})
    assert message in text
    assert "Traceback" not in text
    assert "cosim/testing" not in text


def test_the_fixture_without_a_mark_says_what_to_write(pytester, folder):
    pytester.makepyfile("def test_tile(tile_regression):\n    tile_regression.check()\n")
    result = pytester.runpytest_inprocess("-p", "cosim.testing.plugin", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*name its tile with*@pytest.mark.tile*"])


def test_loading_the_plugin_costs_a_foreign_test_run_nothing(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        "import sys\n\ndef test_it():\n"
        "    assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules)\n"
    )
    result = pytester.runpytest_subprocess("-p", "cosim.testing.plugin", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
