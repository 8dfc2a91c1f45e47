"""Testbench of a line driver: resistance at both levels, delay and edges into a line, energy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import crossings, integral, values_at
from cosim.ngspice import OperatingPoint, Result, Simulation, Transient
from netlists.circuits.line_driver import LineDriver
from netlists.schematic import Subcircuit
from netlists.si_numbers import literal
from netlists.waveforms import clock


PERIOD = 20e-9
EDGE = 50e-12
LINEAR = 0.8  # share of the level from which the pull-up is in its linear region
PROBE = 10e-6  # taken from a driven line to see its resistance [A]


class LineDriverBench(Bench):
    """A driver of one line: a lumped capacitance, and a small current that shows its resistance."""

    def __init__(
        self, name: str, title: str, block: LineDriver, level: float = 0.0, load: float = 500e-15
    ) -> None:
        """A bench of one driver.

        Args:
            name: what the command line calls it.
            title: one line about it.
            block: the driver.
            level: that the line is driven to [V]; the supply when 0.
            load: capacitance of the line [F].
        """
        self.name = name
        self.title = title
        self.block = block
        self.level = level
        self.load = load

    def _levels(self, at: Condition) -> tuple[float, float]:
        """Supply and level of the line [V]."""
        supply = self.technology(at).supply * at.supply
        return supply, self.level or supply

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """Two periods of a clock; operating points with a probe current at either level."""
        circuit = self.drawn(at, self.block.circuit(self.technology(at)))
        supply, high = self._levels(at)
        common = (
            f"vdd vdd 0 {literal(supply)}",
            f"vhigh high 0 {literal(high)}",
            circuit.instance("driver", {port: port for port in circuit.ports}),
        )
        wave = clock(0.0, supply, 0.25 * PERIOD, EDGE, 0.5 * PERIOD - EDGE, PERIOD)
        moving = (*common, f"va a 0 {wave}", f"cline y 0 {literal(self.load)}")
        analysis = Transient(step=PERIOD / 1000, stop=2 * PERIOD, max_step=PERIOD / 400)
        outputs = ("v(a)", "v(y)", "i(vdd)", "i(vhigh)")
        return {
            "edges": self.simulation(at, [circuit], moving, analysis, outputs),
            "up": self._probed(at, circuit, common, supply, PROBE),
            "down": self._probed(at, circuit, common, 0.0, -PROBE),
        }

    def _probed(
        self, at: Condition, circuit: Subcircuit, common: tuple[str, ...], gate: float, probe: float
    ) -> Simulation:
        elements = (*common, f"va a 0 {literal(gate)}", f"iprobe y 0 {literal(probe)}")
        return self.simulation(at, [circuit], elements, OperatingPoint(), ("v(y)",))

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Resistances, delay, rise time, distance from the twin, energy of a cycle."""
        _, high = self._levels(at)
        rest = {name: float(results[name].require().vectors["v(y)"][0]) for name in ("up", "down")}
        up, down = (high - rest["up"]) / PROBE, rest["down"] / PROBE
        result = results["edges"]
        reached = [self._crossing(result, "v(y)", share * high) for share in (0.1, 0.5, 0.9)]
        started = self._crossing(result, "v(a)", 0.5 * self._levels(at)[0])
        return (
            Figure("resistance to the level", up, "ohm", low=0.0, high=1e3),
            Figure("resistance to ground", down, "ohm", low=0.0, high=1e3),
            Figure("delay", reached[1] - started, "s", high=0.1 * PERIOD),
            Figure("rise 10 to 90 %", reached[2] - reached[0], "s", high=0.1 * PERIOD),
            self._against_twin(result, high, up),
            Figure("swing lost", self._lost(result, high), "%", high=0.1),
            Figure("energy of a cycle", self._energy(at, result), "J", low=self.load * high**2),
        )

    @staticmethod
    def _crossing(result: Result, output: str, level: float) -> float:
        """The second time an output rises through a level [s]; the first period settles."""
        times = crossings(result, output, level, rising=True)
        return float(times[1]) if len(times) > 1 else np.nan

    def _against_twin(self, result: Result, high: float, resistance: float) -> Figure:
        """Distance of the end of an edge from the exponential of the measured resistance.

        The last fifth of the level is compared: before it a transistor saturates, which the twin
        does not have.
        """
        start = self._crossing(result, "v(y)", LINEAR * high)
        constant = resistance * self.load
        after = np.linspace(0.0, 5.0 * constant, 200)
        wave = values_at(result, "v(y)", start + after)
        from_ground = after - np.log(1.0 - LINEAR) * constant
        twin = self.block.response(from_ground, high, resistance, self.load)
        return Figure("from the twin", 100.0 * float(np.abs(wave - twin).max()) / high, "%", high=5)

    @staticmethod
    def _lost(result: Result, high: float) -> float:
        """What is missing at the end of both half periods, of the level [%]."""
        ends = values_at(result, "v(y)", (1.0 + np.array([0.24, 0.74])) * PERIOD)
        return 100.0 * max(abs(float(ends[0])), abs(high - float(ends[1]))) / high

    def _energy(self, at: Condition, result: Result) -> float:
        supply, high = self._levels(at)
        span = (PERIOD, 2 * PERIOD)
        return -supply * integral(result, "i(vdd)", *span) - high * integral(
            result, "i(vhigh)", *span
        )
