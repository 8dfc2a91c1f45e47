"""MAC tiles over time in ngspice, against the tile at rest with its twins, and their energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosim.cell import TileCell
from cosim.engine import NgspiceEngine
from cosim.engine.transient import read_transient, run_transient, simulation_of
from cosim.errors import SpecError
from cosim.ngspice import Result, Workers
from netlists import names
from netlists.mac_tile import mac_tile
from netlists.rules import check_deck
from netlists.signal_chain import SignalChain


WIRES = {"card": "wire__65nm_neurosim2020"}
DAC = {"coding": "dac", "bits": 4}
SENSING = {"kind": "tia", "common_mode": 0.9, "resistance": 5e3}
READOUT = {"sensing": SENSING, "adc": {"kind": "sar", "bits": 6, "low": 0.1, "high": 0.9}}


@pytest.fixture(scope="module")
def workers():
    """One ngspice for all tests here."""
    with Workers(1) as pool:
        yield pool


def at_rest(spec, conductances, inputs, workers):
    """The outputs of the tile without time: currents from ngspice, then the twins."""
    chain = SignalChain(spec)
    volts = chain.voltages(inputs)
    currents = NgspiceEngine(spec, workers).mvm(conductances, volts.reshape(-1, spec.rows))
    return chain.read_out(currents.reshape(len(volts), chain.reads, spec.cols))


def draw(spec, samples: int, seed: int = 0):
    """Random conductances and input codes."""
    generator = np.random.default_rng(seed)
    low, high = spec.cell.conductance_min, spec.cell.conductance_max
    G = generator.uniform(low, high, (spec.rows, spec.cols))
    return G, generator.integers(0, spec.inputs.largest + 1, (samples, spec.rows))


@pytest.mark.slow
def test_every_code_of_a_32_by_8_tile_is_within_one_of_the_tile_at_rest(rram_tile, workers):
    sensing = {**SENSING, "resistance": 2.5e3}
    spec = rram_tile(
        32, 8, wires=WIRES, inputs=DAC, readout={**READOUT, "sensing": sensing},
        cell={"conductance_max": 1e-4},
    )  # fmt: skip
    G, X = draw(spec, 3)
    expected = at_rest(spec, G, X, workers)
    answer = run_transient(spec, G, X, workers)
    assert expected.max() > 24  # the codes use the converter's range
    assert np.abs(answer.outputs - expected).max() <= 1
    assert (answer.outputs == expected).mean() > 0.8
    assert 0.0 < answer.latency.max() < spec.readout.adc.sampled_time(0)


def test_bit_serial_inputs_and_differential_lines_give_the_same_codes(rram_tile, workers):
    spec = rram_tile(
        4, 4, wires=WIRES, inputs={"coding": "bit_serial", "bits": 2},
        readout={**READOUT, "weights": "differential"},
    )  # fmt: skip
    G, X = draw(spec, 2)
    expected, answer = at_rest(spec, G, X, workers), run_transient(spec, G, X, workers)
    assert answer.outputs.shape == expected.shape == (2, 2)
    assert answer.codes.shape == (4, 4)
    # Two reads with weights 2 and 1, two lines: each may be one code off.
    assert np.abs(answer.outputs - expected).max() <= 6
    assert np.abs(answer.outputs - expected).mean() < 1.5


def test_a_read_out_without_converter_gives_the_volts_of_its_twin(rram_tile, workers):
    spec = rram_tile(5, 3, wires=WIRES, inputs=DAC, readout={"sensing": SENSING})
    G, X = draw(spec, 2)
    answer = run_transient(spec, G, X, workers)
    np.testing.assert_allclose(answer.outputs, at_rest(spec, G, X, workers), atol=2e-4)
    assert answer.figures()["energy_per_read_J"] > 0


@pytest.mark.parametrize(("process", "supply"), [("ss", 0.9), ("ff", 1.1)])
def test_a_read_out_of_transistors_keeps_its_codes_over_corners(
    rram_tile, workers, process, supply
):
    sensing = {**SENSING, "amplifier": {"kind": "two_stage"}}
    readout = {"technology": "generic_250nm", "sensing": {**sensing, "common_mode": 1.2}}
    readout["adc"] = {"kind": "sar", "bits": 5, "low": 0.4, "high": 1.2, "slot": 40e-9}
    spec = rram_tile(4, 2, wires=WIRES, inputs=DAC, readout=readout)
    G, X = draw(spec, 2)
    answer = run_transient(spec, G, X, workers, process=process, supply=supply)
    assert np.abs(answer.outputs - at_rest(spec, G, X, workers)).max() <= 1


def test_mismatch_of_the_periphery_is_drawn_per_column(rram_tile, workers):
    adc = {"kind": "sar", "bits": 6, "low": 0.1, "high": 0.9, "unit_matching": 0.2}
    spec = rram_tile(4, 3, wires=WIRES, inputs=DAC, readout={"sensing": SENSING, "adc": adc})
    G = np.full((4, 3), 1e-4)
    X = np.arange(0, 16, 3)[:, None].repeat(4, axis=1)
    codes = run_transient(spec, G, X, workers, seed=3).codes
    assert (codes.max(axis=1) != codes.min(axis=1)).any()
    equal = run_transient(spec, G, X, workers).codes
    assert np.ptp(equal, axis=1).max() <= 1


def test_the_supplies_deliver_what_is_dissipated_and_stored(rram_tile, workers):
    spec = rram_tile(6, 3, wires=WIRES, inputs=DAC, readout={"sensing": SENSING})
    G, X = draw(spec, 3, seed=5)
    tile = mac_tile(spec, G, X)
    grids = (names.input_line_nodes(6, 3), names.output_line_nodes(6, 3))
    inner = [f"v({node})" for grid in grids for row in grid for node in row]
    inner += [f"v({names.sense_node(col)})" for col in range(3)]
    inner += [f"v(xsense_{col}.xamp.drive)" for col in range(3)]
    watched = replace(tile, netlist=replace(tile.netlist, outputs=(*tile.netlist.outputs, *inner)))
    (result,) = workers.run_many([simulation_of(watched)])
    delivered, dissipated, stored = _energies(tile, result.require(), G)
    assert delivered > 0
    assert delivered == pytest.approx(dissipated + stored, rel=0.01)
    reported = read_transient(tile, result).energy
    assert set(reported) == {"drivers", "level", "sensing"}


def _energies(tile, result: Result, G: np.ndarray) -> tuple[float, float, float]:
    """Energies over the whole transient [J]: delivered, dissipated, and stored at the end."""
    spec, readout, time = tile.spec, tile.readout, np.asarray(result.axis)

    def volt(net: str) -> np.ndarray:
        return result.vectors[f"v({net})"] if net != "0" else np.zeros(len(time))

    def total(power: np.ndarray) -> float:
        return float(np.trapezoid(power, time))

    def heat(a: str, b: str, ohm: float) -> float:
        return total((volt(a) - volt(b)) ** 2 / ohm)

    il = np.array(names.input_line_nodes(spec.rows, spec.cols))
    ol = np.array(names.output_line_nodes(spec.rows, spec.cols))
    delivered = sum(
        total(-(volt(one.plus) - volt(one.minus)) * result.vectors[f"i({one.source})"])
        for one in tile.supplies
    )
    dissipated, cell = 0.0, TileCell(spec)
    for row in range(spec.rows):
        dissipated += heat(names.driver_node(row), il[row, 0], spec.input_line_end)
        for before, here in zip(il[row, :-1], il[row, 1:], strict=True):
            dissipated += heat(before, here, spec.wires.input_line_resistance)
    for col in range(spec.cols):
        for before, here in zip(ol[:-1, col], ol[1:, col], strict=True):
            dissipated += heat(before, here, spec.wires.output_line_resistance)
        line, out = names.sense_node(col), names.sensed_node(col)
        end = spec.sensing.input_resistance + spec.wires.output_line_resistance
        dissipated += heat(ol[-1, col], line, end)
        sensing = readout.sensing
        drive = f"xsense_{col}.xamp.drive"
        dissipated += heat(line, out, sensing.resistance)
        dissipated += heat(drive, out, sensing.amplifier.output_resistance)
        current = (volt(drive) - volt(out)) / sensing.amplifier.output_resistance
        delivered += total(volt(drive) * current)
    for row in range(spec.rows):
        for col in range(spec.cols):
            top, bottom = volt(il[row, col]) - readout.level, volt(ol[row, col]) - readout.level
            current = cell.current(top, bottom, np.full(len(time), G[row, col]))
            dissipated += total((top - bottom) * current)
    stored = _stored(spec.wires.input_line_capacitance, [volt(net) for net in il.flat])
    stored += _stored(spec.wires.output_line_capacitance, [volt(net) for net in ol.flat])
    feedback = [
        volt(names.sense_node(col)) - volt(names.sensed_node(col)) for col in range(spec.cols)
    ]
    return delivered, dissipated, stored + _stored(readout.sensing.capacitance, feedback)


def _stored(farad: float, volts: list[np.ndarray]) -> float:
    """How much more is stored in capacitors at the end than at the start [J]."""
    return sum(0.5 * farad * (volt[-1] ** 2 - volt[0] ** 2) for volt in volts)


def test_a_tile_over_time_breaks_no_electrical_rule(rram_tile):
    spec = rram_tile(3, 2, wires=WIRES, inputs=DAC, readout=READOUT)
    tile = mac_tile(spec, *draw(spec, 1))
    assert check_deck(tile.netlist.text()) == []


def test_what_has_no_transient_is_refused(rram_tile):
    pulses = rram_tile(3, 2, inputs={"coding": "pulse_width", "bits": 2}, readout=READOUT)
    with pytest.raises(SpecError, match="pulses need a read-out that integrates"):
        mac_tile(pulses, *draw(pulses, 1))
    with pytest.raises(SpecError, match=r"has no \[readout\]"):
        mac_tile(rram_tile(3, 2), np.full((3, 2), 1e-5), np.zeros((1, 3)))


def test_pulses_are_integrated_to_the_codes_of_the_tile_at_rest(rram_tile, workers):
    adc = {"kind": "sar", "bits": 5, "low": 0.1, "high": 0.9, "slot": 40e-9}
    sensing = {"kind": "integrator", "capacitance": 2e-12, "window": 100e-9, "switch": "ideal"}
    spec = rram_tile(
        5, 2, wires=WIRES, inputs={"coding": "pulse_width", "bits": 3},
        readout={"sensing": sensing, "adc": adc}, cell={"conductance_max": 5e-5},
    )  # fmt: skip
    G, X = draw(spec, 4)
    expected, answer = at_rest(spec, G, X, workers), run_transient(spec, G, X, workers)
    assert expected.max() > 8
    assert np.abs(answer.outputs - expected).max() <= 1
    assert (answer.outputs == expected).mean() > 0.6


def test_currents_that_cells_draw_are_mirrored_to_the_codes_of_the_tile_at_rest(rram_tile, workers):
    adc = {"kind": "sar", "bits": 5, "low": 0.0, "high": 1.6, "common": 0.8, "slot": 80e-9}
    sensing = {"kind": "current_mirror", "cascoded": True, "bleed": 0.0, "resistance": 16e3}
    spec = rram_tile(
        5, 2, wires=WIRES, inputs=DAC, cell={"conductance_max": 1e-4},
        readout={"technology": "generic_250nm", "sensing": sensing, "adc": adc},
    )  # fmt: skip
    G, X = draw(spec, 3)
    expected, answer = at_rest(spec, G, X, workers), run_transient(spec, G, X, workers)
    assert expected.max() > 8
    assert np.abs(answer.outputs - expected).max() <= 1


@pytest.mark.parametrize(
    "adc", [{"kind": "flash", "bits": 4, "slot": 20e-9}, {"kind": "ramp", "bits": 4}]
)
def test_every_kind_of_converter_gives_the_codes_of_the_tile_at_rest(rram_tile, workers, adc):
    sensing = {**SENSING, "common_mode": 1.0, "resistance": 1e4}
    spec = rram_tile(
        4, 2, wires=WIRES, inputs=DAC, readout={"sensing": sensing, "adc": adc},
        cell={"conductance_max": 1e-4},
    )  # fmt: skip
    G, X = draw(spec, 3)
    expected, answer = at_rest(spec, G, X, workers), run_transient(spec, G, X, workers)
    assert expected.max() > 4
    assert np.abs(answer.outputs - expected).max() <= 1
