"""Testbenches of the operational amplifiers, linear and two-stage.

The open-loop numbers are measured in closed loops: a source `v(inn) = v(out) - v(target)` holds
the output at a swept target, so that gain, offset and output range come from one sweep at a fixed
common mode; for the sweep over frequency an inductor closes the loop at DC only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import settling_time, values_at
from cosim.ngspice import AcSweep, DcSweep, Result, Simulation, Transient
from netlists.circuits.opamp import OpAmp
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.schematic import Subcircuit
from netlists.si_numbers import literal
from netlists.spice import READ_OPTIONS
from netlists.waveforms import piecewise_linear


COMMON_MODE = 0.9  # [V], where the read-out circuits hold a line
LOAD = 1e-12  # [F]
LOAD_RESISTANCE = 10e3  # shows the output resistance [ohm]
STEP, START, STOP = 0.1, 20e-9, 400e-9  # of the follower [V], [s], [s]
SERVO = "efb inn inp out target 1"


class OpAmpBench(Bench):
    """Gain, bandwidth, phase margin, offset and output resistance, against the linear twin.

    Attributes:
        block: the amplifier.
        tolerance: allowed error of the twin's gain, gain-bandwidth and output resistance.
    """

    name = "opamp"
    title = "linear operational amplifier"
    own_technology = "generic_250nm"
    tolerance = 0.01

    def __init__(self, block: OpAmp | TwoStageOpAmp | None = None) -> None:
        """A bench of one amplifier; its default numbers when none is given."""
        self.block = block or OpAmp()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """Two sweeps of the output, one over frequency, and a step; draws need one sweep."""
        supply = self.technology(at).supply * at.supply
        sweep = DcSweep("vtarget", 0.0, supply, supply / 250.0)
        runs = {"range": self._run(at, sweep, f"vtarget target 0 {COMMON_MODE}", SERVO)}
        if at.seed is not None:
            return runs
        near = DcSweep("vtarget", COMMON_MODE - 0.02, COMMON_MODE + 0.02, 0.02)
        resistor = f"rl out inp {literal(LOAD_RESISTANCE)}"
        target = f"vtarget target 0 {COMMON_MODE}"
        runs["loaded"] = self._run(at, near, target, SERVO, resistor)
        over_frequency = AcSweep(40, 10.0, 10e9)
        runs["response"] = self._run(
            at, over_frequency, "lfb out inn 1e6", "cfb inn tick 1", "vtick tick 0 ac 1"
        )
        runs["step"] = self._follower(at)
        return runs

    def _run(self, at: Condition, analysis: DcSweep | AcSweep, *elements: str) -> Simulation:
        supply = self.technology(at).supply * at.supply
        circuit = self._circuit(at)
        bench = (
            f"vdd vdd 0 {literal(supply)}",
            f"vcm inp 0 {COMMON_MODE}",
            f"cl out 0 {literal(LOAD)}",
            circuit.instance("amp", {port: port for port in circuit.ports}),
        )
        outputs = ("v(out)", "v(inp)", "v(inn)", "i(vdd)")
        return self.simulation(
            at, [circuit], (*bench, *elements), analysis, outputs, options=READ_OPTIONS
        )

    def _follower(self, at: Condition) -> Simulation:
        supply = self.technology(at).supply * at.supply
        circuit = self._circuit(at)
        points = ((0.0, COMMON_MODE), (START, COMMON_MODE), (START + 1e-10, COMMON_MODE + STEP))
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vin inp 0 {piecewise_linear(points)}",
            f"cl out 0 {literal(LOAD)}",
            circuit.instance("amp", {"inp": "inp", "inn": "out", "out": "out", "vdd": "vdd"}),
        )
        analysis = Transient(step=0.2e-9, stop=STOP, max_step=0.5e-9)
        return self.simulation(at, [circuit], elements, analysis, ("v(out)",))

    def _circuit(self, at: Condition) -> Subcircuit:
        return self.drawn(at, self.block.circuit(self.technology(at)))

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """What the amplifier does, and how far its linear twin is from it."""
        target, gain, offset = _open_loop(results["range"])
        middle = int(np.argmin(np.abs(target - COMMON_MODE)))
        deviation = self.block.random_offset(self.technology(at))
        if at.seed is not None:
            limit = 6.0 * deviation + self.systematic_offset
            return (
                Figure("offset of a draw", float(offset[middle]), "V", -limit, limit, deviation),
            )
        twin, tolerance = self.block.macromodel(), self.tolerance
        _, loaded_gain, _ = _open_loop(results["loaded"])
        resistance = LOAD_RESISTANCE * (gain[middle] / loaded_gain[1] - 1.0)
        crossing, margin = _unity_gain(results["response"])
        low, high = 1.0 - tolerance, 1.0 + tolerance
        same = self.systematic_offset
        return (
            Figure("DC gain over twin's", float(gain[middle] / twin.gain), "", low, high),
            Figure("gain-bandwidth over twin's", crossing / twin.gain_bandwidth, "", low, high),
            Figure(
                "output resistance over twin's", resistance / twin.output_resistance, "", low, high
            ),
            Figure("phase margin into 1 pF", margin, "degrees", low=60.0),
            Figure("systematic offset", float(offset[middle] - twin.offset), "V", -same, same),
            *self._step_figures(results["step"]),
            *self._transistor_figures(at, results["range"], target, gain),
        )

    @property
    def systematic_offset(self) -> float:
        """Allowed offset without mismatch, beside the twin's [V]."""
        return 1e-6

    @staticmethod
    def _step_figures(result: Result) -> tuple[Figure, ...]:
        """Overshoot and settling of the follower after a step of 100 mV."""
        peak = float(result.require().vectors["v(out)"].max())
        before, after = values_at(result, "v(out)", np.array([START, STOP]))
        settled = settling_time(result, "v(out)", START, STOP, 1e-3 * STEP)
        return (
            Figure("overshoot", 100.0 * (peak - after) / (after - before), "%", high=10.0),
            Figure("settling to 0.1 %", settled, "s", high=50e-9),
        )

    def _transistor_figures(
        self, at: Condition, result: Result, target: np.ndarray, gain: np.ndarray
    ) -> tuple[Figure, ...]:
        """Figures that only an amplifier of transistors has."""
        return ()


class TwoStageOpAmpBench(OpAmpBench):
    """As the linear amplifier, and output range and supply current.

    The twin has the nominal numbers, so its error over corners is the spread of the amplifier:
    transconductance falls with temperature, and gain-bandwidth with it.
    """

    name = "two_stage_opamp"
    title = "two-stage Miller operational amplifier"
    tolerance = 0.35

    def __init__(self, block: TwoStageOpAmp | None = None) -> None:
        """A bench of one amplifier; its default sizes when none is given."""
        super().__init__(block or TwoStageOpAmp())

    @property
    def systematic_offset(self) -> float:
        """What unequal drain voltages of the load may leave [V]."""
        return 0.2e-3

    def _transistor_figures(
        self, at: Condition, result: Result, target: np.ndarray, gain: np.ndarray
    ) -> tuple[Figure, ...]:
        supply = self.technology(at).supply * at.supply
        middle = int(np.argmin(np.abs(target - COMMON_MODE)))
        good = target[gain > 0.5 * gain[middle]]
        drawn = -float(result.require().vectors["i(vdd)"][middle])
        return (
            Figure("output range above ground", float(good[0]), "V", high=0.4),
            Figure("output range below supply", float(supply - good[-1]), "V", high=0.4),
            Figure("supply current", drawn, "A", high=550e-6),
        )


def _open_loop(result: Result) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Output held [V], open-loop gain, and input-referred offset [V] of a servo sweep."""
    vectors = result.require().vectors
    out, difference = vectors["v(out)"], vectors["v(inp)"] - vectors["v(inn)"]
    return out, np.gradient(out) / np.gradient(difference), -difference


def _unity_gain(result: Result) -> tuple[float, float]:
    """Frequency of unity gain [Hz] and the phase left there [degrees]."""
    checked = result.require()
    frequency, gain = np.log(np.asarray(checked.axis)), -checked.vectors["v(out)"]
    above = np.abs(gain) >= 1.0
    if not above.any() or above.all():
        return float("nan"), float("nan")
    last = int(np.flatnonzero(above)[-1])
    magnitude = np.log(np.abs(gain[last : last + 2]))
    share = magnitude[0] / (magnitude[0] - magnitude[1])
    crossing = frequency[last] + share * (frequency[last + 1] - frequency[last])
    phase = np.interp(crossing, frequency, np.unwrap(np.angle(gain)))
    return float(np.exp(crossing)), 180.0 + float(np.degrees(phase))
