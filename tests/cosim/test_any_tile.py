"""Any tile that the specification allows builds, breaks no rule, and simulates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from cosim.cli.main import main
from cosim.engine import NgspiceEngine, SolverEngine
from cosim.engine.transient import run_transient
from cosim.errors import ShapeError, SpecError
from cosim.ngspice import Workers
from netlists.mac_tile import mac_tile
from netlists.rules import check_deck
from netlists.signal_chain import SignalChain
from netlists.specs import TileSpec
from netlists.testbench import operating_point_deck


TRANSISTOR = {"access_transistor": "nmos_ekv__generic_130nm", "gate_voltage": 1.2}
CELLS = (
    {"topology": "1R", "device": "resistor"},
    {"topology": "1R", "device": "rram_gap__stanford_jiang2016"},
    {"topology": "1S1R", "device": "resistor", "selector": "selector_exp__generic"},
    {"topology": "1T1R", "device": "resistor", **TRANSISTOR},
    {"topology": "1T1R", "device": "rram_gap__stanford_jiang2016", **TRANSISTOR},
    {"topology": "1T1R", "device": "resistor", **TRANSISTOR, "driven": "transistor"},
)  # fmt: skip
SETTINGS = settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def workers():
    """One ngspice for all tests here."""
    with Workers(1) as pool:
        yield pool


@st.composite
def tiles(draw, readout: bool):
    """Tiles of all kinds; a read-out only where asked for."""
    cell = draw(st.sampled_from(CELLS))
    rows, cols = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    ohm = st.floats(0.1, 20.0)
    lines = draw(st.integers(0, cols - 1))
    data = {
        "name": "any",
        "rows": rows,
        "cols": cols,
        "cell": {**cell, "conductance_min": 5e-6, "conductance_max": 150e-6},
        "wires": {"input_line_resistance": draw(ohm), "output_line_resistance": draw(ohm)},
        "drivers": {"read_voltage": draw(st.sampled_from([0.1, 0.2, 0.3]))},
        "temperature": draw(st.floats(233.0, 398.0)),
        "dummy_columns": list(range(cols - lines, cols)) if draw(st.booleans()) else [],
        "inactive_rows": draw(st.sets(st.integers(0, rows - 1), max_size=rows - 1)),
    }
    if draw(st.booleans()):
        data["wires"] |= {"input_line_capacitance": 1e-16, "output_line_capacitance": 3e-16}
    if draw(st.booleans()):
        data["drivers"]["source_resistance"] = draw(ohm)
        data["sensing"] = {"input_resistance": draw(ohm)}
    if readout:
        data |= draw(peripheries(cols - len(data["dummy_columns"])))
    return TileSpec.from_dict(data)


@st.composite
def peripheries(draw, lines: int):
    """Inputs and read-outs for tiles with some output lines."""
    weights = ["unsigned"]
    weights += ["differential"] if lines % 2 == 0 else []
    weights += ["offset"] if lines > 1 else []
    amplifier = {"kind": "linear"}
    readout = {
        "weights": draw(st.sampled_from(weights)),
        "sensing": {"kind": "tia", "amplifier": amplifier, "resistance": 5e3, "common_mode": 0.9},
    }
    if draw(st.booleans()):
        readout["adc"] = {"kind": "sar", "bits": draw(st.integers(3, 6)), "low": 0.3, "high": 0.9}
    inputs = {"coding": draw(st.sampled_from(["dac", "bit_serial"])), "bits": 2}
    return {"readout": readout, "inputs": inputs}


def conductances(spec: TileSpec) -> np.ndarray:
    """Random conductances of a tile."""
    return np.random.default_rng(spec.rows).uniform(5e-6, 150e-6, (spec.rows, spec.cols))


@SETTINGS
@given(tiles(readout=False))
def test_any_tile_builds_and_its_currents_are_those_of_the_solver(workers, spec: TileSpec):
    G = conductances(spec)
    full = spec.drivers.read_voltage
    X = np.random.default_rng(1).uniform(0, full, (3, spec.rows))
    X[:, list(spec.inactive_rows)] = 0.0
    assert check_deck(operating_point_deck(spec, G, X[0])) == []
    currents = NgspiceEngine(spec, workers).mvm(G, X)
    assert np.isfinite(currents).all()
    solved = SolverEngine(spec, threads=1).mvm(G, X)
    np.testing.assert_allclose(solved, currents, atol=1e-6 * np.abs(currents).max())


@SETTINGS
@given(tiles(readout=True))
def test_any_tile_with_a_read_out_gives_its_outputs_over_time(workers, spec: TileSpec):
    G, chain = conductances(spec), SignalChain(spec)
    codes = np.random.default_rng(2).integers(0, spec.inputs.largest + 1, (2, spec.rows))
    codes[:, list(spec.inactive_rows)] = 0
    V = chain.voltages(codes)
    currents = NgspiceEngine(spec, workers).mvm(G, V.reshape(-1, spec.rows))
    expected = chain.read_out(currents.reshape(2, chain.reads, spec.cols))
    answer = run_transient(spec, G, codes, workers)
    assert answer.outputs.shape == expected.shape == (2, chain.outputs)
    # One code per conversion: of each line, in each read with its weight.
    lines = 1 if spec.readout.weights == "unsigned" else 2
    weight = 3 if spec.inputs.coding == "bit_serial" else 1
    allowed = lines * weight * (1.0 if spec.readout.adc else 1e-3)
    assert np.abs(answer.outputs - expected).max() <= allowed
    assert answer.energy_per_read > 0 or not codes.any()


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("cell", {"selector": "selector_exp__generic"}, "needs a `selector`"),
        ("cell", {"driven": "transistor", **dict.fromkeys(TRANSISTOR), "topology": "1R"}, "driven"),
        ("cell", {"topology": "2T2R"}, "1R"),
        ("readout", {"adc": {"kind": "sar", "bits": 11}}, "10"),
        ("readout", {"adc": {"kind": "sar", "low": 0.9, "high": 0.1}}, "empty"),
        ("readout", {"technology": ""}, "technology"),
        ("wires", {"card": "pcm__ibm_nandakumar2019"}, "name one of a wire"),
        ("inputs", {"coding": "morse", "bits": 2}, "coding"),
    ],
)
def test_a_tile_that_the_specification_does_not_allow_is_refused(rram_tile, table, change, message):
    with pytest.raises(SpecError, match=table) as caught:
        rram_tile(2, 2, **{table: change})
    assert message in str(caught.value)


def test_lines_that_do_not_exist_are_refused(rram_tile):
    data = rram_tile(3, 2).model_dump()
    for field, given_lines in (("inactive_rows", [3]), ("dummy_columns", [0, 0])):
        with pytest.raises(SpecError, match=f"`{field}` is"):
            TileSpec.from_dict({**data, field: given_lines})
    with pytest.raises(SpecError, match="leaves none"):
        TileSpec.from_dict({**data, "dummy_columns": [0, 1]})


def test_an_inactive_row_passes_no_current_and_takes_no_input(rram_tile, workers):
    spec = rram_tile(3, 2).model_copy(update={"inactive_rows": (1,)})
    G, X = np.full((3, 2), 1e-4), np.array([[0.2, 0.0, 0.2]])
    idle = NgspiceEngine(spec, workers).mvm(G, X)
    active = NgspiceEngine(rram_tile(3, 2), workers).mvm(G, X)
    # An active row whose driver is at 0 V takes current off the output line.
    assert (idle > active).all()
    with pytest.raises(ShapeError, match="row 1, which is inactive"):
        NgspiceEngine(spec, workers).mvm(G, np.full((1, 3), 0.2))


def test_an_inactive_row_takes_no_code_over_time_either(rram_tile):
    inputs = {"coding": "dac", "bits": 2}
    spec = rram_tile(3, 2, inputs=inputs, readout={"sensing": {"kind": "tia"}})
    spec = spec.model_copy(update={"inactive_rows": (1,)})
    with pytest.raises(ShapeError, match="row 1, which is inactive"):
        mac_tile(spec, np.full((3, 2), 1e-4), np.full((1, 3), 3))


@pytest.mark.parametrize("command", [["check"], ["netlist"], ["netlist", "--transient"]])
def test_commands_leave_inactive_rows_at_rest(tmp_path, command):
    text = (Path(__file__).parents[2] / "examples" / "mac_tile.toml").read_text()
    small = text.replace("rows = 32", "rows = 4\ninactive_rows = [2]").replace(
        "cols = 8", "cols = 2"
    )
    (tmp_path / "tile.toml").write_text(small)
    name, *options = command
    assert main([name, str(tmp_path / "tile.toml"), *options]) == 0
