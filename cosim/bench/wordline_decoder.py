"""Testbench of the word-line decoder: every address in turn, with a pause between."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import crossings, integral, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.wordline_decoder import WordlineDecoder
from netlists.si_numbers import literal
from netlists.waveforms import clock, staircase


SLOT = 10e-9  # per address
EDGE = 50e-12
PAUSE = 0.2  # of a slot, before the address changes and after
LOAD = 100e-15  # capacitance of a word line [F]


class WordlineDecoderBench(Bench):
    """A decoder that is led through all its addresses.

    The lines are compared with the twin while the decoder is enabled and while it is not.
    """

    def __init__(self, name: str, title: str, block: WordlineDecoder | None = None) -> None:
        """A bench of one decoder; its default sizes when none is given."""
        self.name = name
        self.title = title
        self.block = block or WordlineDecoder()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """One transient, a slot per address."""
        block = self.block
        circuit = self.drawn(at, block.circuit(self.technology(at)))
        supply = self.technology(at).supply * at.supply
        addresses = np.arange(block.lines)
        enabled = (1.0 - 2.0 * PAUSE) * SLOT
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"venable enable 0 {clock(0.0, supply, PAUSE * SLOT, EDGE, enabled, SLOT)}",
            *(
                f"v{port} {port} 0 {staircase(supply * ((addresses >> bit) & 1), SLOT, EDGE)}"
                for bit, port in enumerate(block.address_ports)
            ),
            *(f"c{port} {port} 0 {literal(LOAD)}" for port in block.line_ports),
            circuit.instance("dec", {port: port for port in circuit.ports} | {"high": "vdd"}),
        )
        outputs = (*(f"v({port})" for port in block.line_ports), "v(enable)", "i(vdd)")
        analysis = Transient(step=SLOT / 100, stop=block.lines * SLOT, max_step=SLOT / 20)
        return {"addresses": self.simulation(at, [circuit], elements, analysis, outputs)}

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Wrong lines, levels, delay, overlap and energy."""
        block, result = self.block, results["addresses"]
        supply = self.technology(at).supply * at.supply
        addresses = np.arange(block.lines)
        on, off = (self._lines(result, (addresses + share) * SLOT) for share in (0.75, 0.1))
        chosen = block.select(addresses)
        wrong = np.count_nonzero((on > 0.5 * supply) != chosen)
        wrong += np.count_nonzero(off > 0.5 * supply)
        moments = np.linspace(0.0, block.lines * SLOT, 4001)
        second = np.sort(self._lines(result, moments), axis=1)[:, -2]
        rises = crossings(result, "v(enable)", 0.5 * supply, rising=True)
        reached = crossings(result, f"v({block.line_ports[-1]})", 0.5 * supply, rising=True)
        delay = float(reached[-1] - rises[-1]) if len(reached) else np.nan
        energy = -supply * integral(result, "i(vdd)", 0.0, block.lines * SLOT) / block.lines
        return (
            Figure("wrong lines", int(wrong), high=0),
            Figure("least chosen level", 100 * float(on[chosen].min()) / supply, "%", low=99.0),
            Figure("most other level", 100 * float(on[~chosen].max()) / supply, "%", high=1.0),
            Figure("second line at any time", 100 * float(second.max()) / supply, "%", high=10.0),
            Figure("delay", delay, "s", low=0.0, high=0.1 * SLOT),
            Figure("energy of an access", energy, "J", low=0.0),
        )

    def _lines(self, result: Result, times: np.ndarray) -> np.ndarray:
        """Voltages of all lines at some times, `[times, lines]`."""
        ports = self.block.line_ports
        return np.stack([values_at(result, f"v({port})", times) for port in ports], axis=-1)
