"""A tile whose cells are SPICE text runs in ngspice as it stands, and in the solver from tables."""

from pathlib import Path

import numpy as np
import pytest

from compact_models.errors import SpecError
from cosim import cell_tables
from cosim.cell import TileCell
from cosim.cell_tables import tabulated_cell
from cosim.cli.main import main
from cosim.engine.ngspice import NgspiceEngine
from cosim.engine.solver import SolverEngine
from cosim.ngspice import Workers
from cosim.solver.solve import TileSolver
from netlists.specs import TileSpec


BSIM4 = ".model nch nmos level=54 version=4.8.2 toxe=2.5n vth0=0.35 u0=0.04\n"
PDK = f""".lib tt
{BSIM4}
.subckt switch d g s b w=1u
m1 d g s b nch w={{w}} l=0.13u
.ends
.endl tt
.lib ff
.endl ff
"""
MEMORY = """.subckt memory te be g=1e-5 v0=0.3
b1 te be I = g * 0.2 / sinh(0.2 / v0) * sinh(V(te, be) / v0)
.ends
"""
TILE = """
name = "pdk"
rows = 6
cols = 5
[cell]
topology = "1T1R"
device = "rram_gap__stanford_jiang2016"
access_transistor = "subcircuit"
gate_voltage = 1.2
conductance_min = 5e-6
conductance_max = 150e-6
[cell.access_subcircuit]
file = "nch.lib"
name = "nch"
kind = "model"
settings = "w=2u l=0.13u"
[wires]
input_line_resistance = 5.0
output_line_resistance = 5.0
[drivers]
read_voltage = 0.2
source_resistance = 10.0
"""
AS_MODEL = 'name = "nch"\nkind = "model"\nsettings = "w=2u l=0.13u"'
AS_LIBRARY = 'name = "switch"\nsection = "tt"\nsettings = "w=2u"'
DEVICE = """[cell.device_subcircuit]
file = "memory.cir"
name = "memory"
parameter = "g"
settings = "v0=0.25"
[wires]"""


@pytest.fixture
def folder(tmp_path):
    """A folder with the files of cells; no table is known to this process yet."""
    cell_tables._table.cache_clear()
    (tmp_path / "nch.lib").write_text(BSIM4)
    (tmp_path / "pdk.lib").write_text(PDK)
    (tmp_path / "memory.cir").write_text(MEMORY)
    return tmp_path


@pytest.fixture(scope="module")
def workers():
    with Workers(1) as pool:
        yield pool


def read(folder, *changes):
    text = TILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "tile.toml").write_text(text)
    return TileSpec.from_toml(folder / "tile.toml")


def problem(volts=0.2):
    generator = np.random.default_rng(3)
    return generator.uniform(0, volts, (3, 6)), generator.uniform(6e-6, 1.5e-4, (6, 5))


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.wrong_input
def test_a_table_is_not_driven_at_its_transistor(folder):
    spec = read(folder, ("gate_voltage", 'driven = "transistor"\ngate_voltage'))
    with pytest.raises(SpecError, match="not from tables; use the ngspice engine"):
        SolverEngine(spec, threads=1)


@pytest.mark.parametrize(
    "changes",
    [
        (),
        ((AS_MODEL, AS_LIBRARY), ("nch.lib", "pdk.lib")),
        (("[wires]", DEVICE), ('device = "rram_gap__stanford_jiang2016"', 'device = "subcircuit"')),
    ],
    ids=["a model of BSIM4", "a section of a library", "device and transistor"],
)
def test_both_engines_take_the_same_file(folder, workers, capsys, changes):
    spec = read(folder, *changes)
    X, G = problem()
    engine = SolverEngine(spec, threads=1)
    expected = NgspiceEngine(spec, workers).mvm(G, X)
    assert relative(engine.mvm(G, X), expected) <= 1e-6
    error = float(engine.provenance()["table_error"])
    assert 0 < error <= 1e-5
    assert f"error of {error:.1g} of its conductance" in capsys.readouterr().err


def test_the_shipped_tile_around_a_foundry_s_card_is_read_by_both_engines(workers):
    path = Path(__file__).parents[3] / "examples" / "foundry_transistor.toml"
    spec = TileSpec.from_toml(path).model_copy(update={"rows": 6, "cols": 5})
    X, G = problem()
    found = SolverEngine(spec, threads=1).mvm(G, X)
    assert relative(found, NgspiceEngine(spec, workers).mvm(G, X)) <= 1e-6


def test_the_table_is_that_of_the_transistor_and_not_of_another(folder, workers):
    spec = read(folder)
    weak = read(folder, ("w=2u", "w=0.3u"))
    X, G = problem()
    strong = SolverEngine(spec, threads=1).mvm(G, X)
    found = SolverEngine(weak, threads=1).mvm(G, X)
    assert relative(found, strong) > 1e-2
    assert relative(found, NgspiceEngine(weak, workers).mvm(G, X)) <= 1e-6
    assert spec.content_hash() != weak.content_hash()


def test_inputs_beyond_the_read_voltage_get_a_wider_table(folder, workers):
    spec = read(folder)
    X, G = problem(volts=0.5)
    X[0] -= 0.3
    engine = SolverEngine(spec, threads=1)
    assert relative(engine.mvm(G, X), NgspiceEngine(spec, workers).mvm(G, X)) <= 1e-6


def test_the_command_line_runs_either_engine(folder):
    read(folder)
    X, G = problem()
    np.save(folder / "X.npy", X)
    np.save(folder / "G.npy", G)
    found = {}
    for engine in ("solver", "ngspice"):
        output = folder / f"{engine}.npy"
        arguments = ["simulate", str(folder / "tile.toml"), "--engine", engine, "--workers", "1"]
        arguments += ["--inputs", str(folder / "X.npy"), "--conductances", str(folder / "G.npy")]
        assert main([*arguments, "-o", str(output)]) == 0
        found[engine] = np.load(output)
    assert relative(found["solver"], found["ngspice"]) <= 1e-6


def test_a_device_that_leaks_to_ground_is_refused(folder):
    (folder / "memory.cir").write_text(MEMORY.replace(".ends", "rleak be 0 10k\n.ends"))
    spec = read(
        folder,
        ("[wires]", DEVICE),
        ('device = "rram_gap__stanford_jiang2016"', 'device = "subcircuit"'),
    )
    with pytest.raises(SpecError, match="more than the voltages of two terminals"):
        SolverEngine(spec, threads=1)


def test_what_needs_compiled_models_says_so(folder, rram_tile):
    spec = read(folder)
    with pytest.raises(SpecError, match="needs compiled models"):
        TileCell(spec).current(0.2, 0.0, 1e-4)
    with pytest.raises(SpecError, match="from a table only"):
        TileSolver(spec)
    with pytest.raises(SpecError, match="no subcircuits"):
        tabulated_cell(rram_tile(rows=2, cols=2), 0.0, 0.2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("nch.lib", "nowhere.lib"), "cannot be read"),
        (('name = "nch"', 'name = "pch"'), "defines no model `pch`; it has nch"),
        (("w=2u l=0.13u", "w=2u\\n.control"), "write `name=value name=value`"),
        (
            ('access_transistor = "subcircuit"', 'access_transistor = "nmos_ekv__generic_130nm"'),
            "need each other",
        ),
        (("[cell.access_subcircuit]", "[cell.device_subcircuit]"), "device_subcircuit"),
    ],
)
def test_a_wrong_subcircuit_is_named(folder, change, words):
    with pytest.raises(SpecError, match=words):
        SolverEngine(read(folder, change))


def test_text_with_commands_does_not_run(folder, workers):
    (folder / "nch.lib").write_text(f"{BSIM4}.control\nshell true\n.endc\n")
    X, G = problem()
    with pytest.raises(Exception, match="no commands"):
        NgspiceEngine(read(folder), workers).mvm(G, X)
