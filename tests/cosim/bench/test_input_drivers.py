"""Input converters, drivers and the decoder in ngspice against their twins."""

import pytest

from cosim.bench import Condition, measure
from cosim.bench.bit_serial import BitSerialBench
from cosim.bench.line_driver import LineDriverBench
from cosim.bench.pulse_width import PulseWidthBench
from cosim.bench.voltage_dac import VoltageDacBench
from cosim.bench.wordline_decoder import WordlineDecoderBench
from cosim.ngspice import OperatingPoint, Simulation, Workers
from netlists.circuits.bit_serial import BitSerialDriver
from netlists.circuits.line_driver import LineDriver
from netlists.circuits.pulse_width import PulseWidthDriver
from netlists.circuits.voltage_dac import LevelSource, VoltageDac
from netlists.circuits.wordline_decoder import WordlineDecoder
from netlists.spice import Netlist
from netlists.technology import DEFAULT, Technology


SLOWEST = Condition("ss", 0.9, 398.15)
BENCHES = {
    "dac": VoltageDacBench("dac", "", VoltageDac(bits=4, matching=0.02)),
    "dac of transistors": VoltageDacBench("dac", "", VoltageDac(switches="transistor"), twin=0.5),
    "pulse width": PulseWidthBench("pulse", "", PulseWidthDriver(bits=3)),
    "pulse width of transistors": PulseWidthBench(
        "pulse", "", PulseWidthDriver(bits=2, driver=LineDriver(pull_up="n"))
    ),
    "bit serial": BitSerialBench("bits", "", BitSerialDriver(bits=2)),
    "word line": LineDriverBench("line", "", LineDriver()),
    "input line": LineDriverBench("line", "", LineDriver(pull_up="n"), level=0.3),
    "decoder": WordlineDecoderBench("decoder", "", WordlineDecoder(address_bits=2)),
}
BROKEN = {
    "a ladder of resistors as small as its switches": (
        VoltageDacBench("dac", "", VoltageDac(switches="transistor", resistance=2e3), twin=0.5),
        "INL",
    ),
    "a driver too weak for its cells": (
        BitSerialBench("bits", "", BitSerialDriver(bits=2, driver=LineDriver(output_width=4e-7))),
        "shifted sum from the twin",
    ),
    "a p-channel pull-up to a level below its threshold": (
        LineDriverBench("line", "", LineDriver(pull_up="p"), level=0.3),
        "resistance to the level",
    ),
    "a word line too heavy": (
        LineDriverBench("line", "", LineDriver(), load=2e-11),
        "rise 10 to 90 %",
    ),
}


@pytest.fixture(scope="module")
def workers():
    with Workers(1) as pool:
        yield pool


@pytest.mark.parametrize("name", BENCHES)
def test_block_keeps_its_limits_nominally_at_the_slowest_corner_and_with_mismatch(name, workers):
    for one in measure([BENCHES[name]], [Condition(), SLOWEST, Condition(seed=1)], workers):
        assert one.ok, one


@pytest.mark.parametrize("name", BROKEN)
def test_broken_block_is_caught(name, workers):
    bench, figure = BROKEN[name]
    (one,) = measure([bench], [SLOWEST], workers)
    assert one.status.ok, one.status
    assert not {f.name: f for f in one.figures}[figure].ok


def test_a_level_source_gives_its_levels(workers):
    technology = Technology.load(DEFAULT)
    source = LevelSource(levels=(0.0, 0.05, 0.2, 0.3))
    circuit = source.circuit(technology)
    runs = []
    for code in range(4):
        elements = (
            *(f"vb{bit} b{bit} 0 {1.2 * (code >> bit & 1)}" for bit in range(2)),
            circuit.instance("source", {port: port for port in circuit.ports}),
            "rload out 0 1e9",
        )
        deck = Netlist("levels", elements, circuit.definitions(), outputs=("v(out)",)).text()
        runs.append(Simulation(deck, OperatingPoint(), ("v(out)",)))
    given = [float(result.require().vectors["v(out)"][0]) for result in workers.run_many(runs)]
    assert given == pytest.approx(list(source.levels), rel=1e-6, abs=1e-9)
