"""Testbench of the integrator: charge to voltage, reset, and the charge of the switch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.integrator import Integrator
from netlists.si_numbers import literal
from netlists.waveforms import clock, piecewise_linear


PERIOD = 250e-9  # of one conversion: reset, integrate, settle
RESET = 60e-9  # how long the reset is high
BEGIN = 80e-9  # when the current begins
EDGE = 0.2e-9
FULL_SCALE = 10e-6  # largest current in either direction [A]
SHARES = np.array([0.0, 1.0, -1.0, 0.5, -0.5, 0.1, 0.0])
LOAD = 200e-15  # of what samples the output [F]


class IntegratorBench(Bench):
    """Conversions of several currents one after another, each followed by a reset.

    The twin knows the switch's charge at the nominal corner; over corners it moves by 0.5 fC, which
    on 2 pF is 0.05 % of the full scale.
    """

    own_technology = "generic_250nm"

    def __init__(self, block: Integrator | None = None) -> None:
        """A bench of one integrator; linear with a transmission gate when none is given."""
        self.block = block or Integrator()
        kind = self.block.amplifier.kind
        self.name = "integrator" if kind == "linear" else f"integrator_{kind}"
        self.title = f"integrator with reset, {kind} op-amp, {self.block.switch} switch"

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """One transient with a conversion per current."""
        supply = self.technology(at).supply * at.supply
        circuit = self.drawn(at, self.block.circuit(self.technology(at)))
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vcm vcm 0 {literal(self.block.common_mode)}",
            f"vreset reset 0 {clock(0.0, supply, EDGE, EDGE, RESET, PERIOD)}",
            f"iline 0 line {piecewise_linear(self._pulses())}",
            f"cline line 0 {literal(self.block.line_capacitance)}",
            f"cl out 0 {literal(LOAD)}",
            circuit.instance("int", {port: port for port in circuit.ports}),
        )
        analysis = Transient(step=0.5e-9, stop=len(SHARES) * PERIOD, max_step=1e-9)
        outputs = ("v(out)", "v(line)")
        return {"conversions": self.simulation(at, [circuit], elements, analysis, outputs)}

    def _pulses(self) -> list[tuple[float, float]]:
        """The line's current: one pulse per conversion, of the integration window's length."""
        points = [(0.0, 0.0)]
        for number, share in enumerate(SHARES):
            start = number * PERIOD + BEGIN
            stop, value = start + self.block.window, float(share) * FULL_SCALE
            points += [(start, 0.0), (start + EDGE, value), (stop, value), (stop + EDGE, 0.0)]
        return points

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Error against the twin, linearity, injected charge and reset; or a draw's errors."""
        block, result = self.block, results["conversions"]
        number = np.arange(len(SHARES))
        out = values_at(result, "v(out)", (number + 0.99) * PERIOD)
        reset = values_at(result, "v(out)", number * PERIOD + RESET)
        slope, level = np.polyfit(SHARES, out, 1)
        nominal = block.output(np.array([0.0, FULL_SCALE]))
        span = float(nominal[0] - nominal[1])
        gain = float(100.0 * (-slope / span - 1.0))
        if at.seed is not None:
            deviation = block.amplifier.random_offset(self.technology(at))
            shift = 6.0 * deviation + 1e-3
            limit = 600.0 * block.matching + 0.1
            return (
                Figure(
                    "offset of a draw", float(level - nominal[0]), "V", -shift, shift, deviation
                ),
                Figure("gain error of a draw", gain, "%", -limit, limit, 100.0 * block.matching),
            )
        error = np.abs(out - block.output(SHARES * FULL_SCALE)).max()
        straight = np.abs(out - (level + slope * SHARES)).max()
        left = -(out[-1] - reset[-1]) * block.capacitance
        after_full = np.abs(reset[2:-1] - reset[-1]).max()
        return (
            Figure("error of the twin", 100.0 * error / span, "% of full scale", high=0.15),
            Figure("gain error against the twin", gain, "%", -0.1, 0.1),
            Figure("linearity", 100.0 * straight / span, "% of full scale", high=0.05),
            Figure("charge left by the switch", 1e15 * float(left), "fC", -1.5, 1.5),
            Figure("rest of a reset", float(after_full), "V", high=0.5e-3),
        )
