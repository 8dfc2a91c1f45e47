"""Testbench of every analog-to-digital converter: a ramp of inputs, a conversion at each.

The input climbs from below the first code to above the last in a few equal steps per code, none of
them on an ideal transition. The number of conversions below code k places transition k (the
code-density method of IEEE Std 1241 with a ramp, known to one step). From the transitions follow

    offset  transition 1 against its ideal place        DNL  each code's width against one LSB
    gain    last transition against the first           INL  transitions against the line through
            and their ideal distance                         the first and the last

All in LSB. Every code is also compared with the ideal converter's and with the behavioural twin's,
which knows the circuit's drawn capacitors, resistors and offsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import integral, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.adc import Adc, decode
from netlists.schematic import Subcircuit
from netlists.si_numbers import literal
from netlists.waveforms import staircase


UNREAD = 1  # conversions at the start whose logic has not settled
EDGE = 50e-12
# Charges of femtofarads: the default `chgtol` would not resolve a switching, one a hundred times
# smaller follows every capacitor's last per mille at several times the cost.
OPTIONS = "method=gear reltol=1e-3 abstol=1e-12 vntol=1e-6 chgtol=1e-15"


@dataclass(frozen=True)
class Limits:
    """What a converter must keep.

    Attributes:
        distance: of any code from the ideal code, without mismatch [codes].
        offset: magnitude, without mismatch [LSB].
        gain: magnitude, without mismatch [LSB].
        nonlinearity: of INL and DNL without mismatch [LSB].
        drawn: of INL and DNL of a mismatch draw [LSB].
        twin: of a transition from the twin's, offset removed [LSB]; 0 demands equal codes.
    """

    distance: float = 1.0
    offset: float = 0.5
    gain: float = 0.5
    nonlinearity: float = 0.5
    drawn: float = 1.0
    twin: float = 0.0


class AdcBench(Bench):
    """A converter on a ramp of inputs."""

    def __init__(
        self,
        name: str,
        title: str,
        block: Adc,
        steps: int = 4,
        limits: Limits | None = None,
        columns: bool = False,
    ) -> None:
        """A bench of one converter.

        Args:
            name: what the command line calls it.
            title: one line about it.
            block: the converter.
            steps: of the ramp per code.
            limits: of the figures.
            columns: whether each input has a column of its own, all at once, as suits a converter
                whose clocks are slow but shared.
        """
        self.name = name
        self.title = title
        self.block = block
        self.steps = steps
        self.limits = limits or Limits()
        self.columns = columns

    @property
    def inputs(self) -> Float[np.ndarray, " conversions"]:
        """The ramp [V]: from one LSB below the full scale to one above it."""
        count = (self.block.levels + 2) * self.steps
        return self.block.low + ((np.arange(count) + 0.5) / self.steps - 1.0) * self.block.lsb

    def drawn_circuit(self, at: Condition) -> Subcircuit:
        """The converter under a condition, with its mismatch draw."""
        return self.drawn(at, self.block.circuit(self.technology(at)))

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """One transient: a conversion per step of the ramp, or a column per step of the ramp."""
        block, circuit = self.block, self.drawn_circuit(at)
        supply = self.technology(at).supply * at.supply
        constants = {"vdd": supply} | dict(block.references)
        elements = [
            *(f"v{port} {port} 0 {literal(volt)}" for port, volt in constants.items()),
            *(f"v{port} {port} 0 {wave}" for port, wave in block.clocks(supply).items()),
        ]
        if self.columns:
            for column, volt in enumerate(self.inputs):
                own = {port: f"{port}_{column}" for port in ("vin", *block.bit_ports)}
                elements.append(f"vin_{column} vin_{column} 0 {literal(volt)}")
                elements.append(circuit.instance(f"adc_{column}", block.nets(**own)))
        else:
            inputs = np.concatenate([np.repeat(self.inputs[:1], UNREAD), self.inputs])
            ramp = staircase(inputs, block.period, EDGE, delay=block.input_time(0))
            elements += [f"vin vin 0 {ramp}", circuit.instance("adc", block.nets())]
        outputs = (
            *(f"v({net})" for nets in self._bit_nets() for net in nets),
            *(f"i(v{port})" for port in constants),
        )
        conversions = UNREAD + self._conversions
        analysis = Transient(
            step=block.slot / 10, stop=conversions * block.period, max_step=block.slot / 4
        )
        run = self.simulation(at, [circuit], elements, analysis, outputs, OPTIONS)
        return {"ramp": run}

    @property
    def _conversions(self) -> int:
        """How many conversions are read, one after another."""
        return 1 if self.columns else len(self.inputs)

    def _bit_nets(self) -> list[tuple[str, ...]]:
        """The nets of the bits of each column."""
        ports = self.block.bit_ports
        if not self.columns:
            return [ports]
        return [tuple(f"{port}_{k}" for port in ports) for k in range(len(self.inputs))]

    def codes(self, result: Result) -> Int[np.ndarray, " conversions"]:
        """The codes of the ramp."""
        times = np.array([self.block.read_time(UNREAD + k) for k in range(self._conversions)])
        columns = [
            decode(np.stack([values_at(result, f"v({net})", times) for net in nets], axis=-1))
            for nets in self._bit_nets()
        ]
        return np.concatenate(columns)

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Static errors, distances from ideal and twin, energy and time of a conversion."""
        result = results["ramp"]
        codes = self.codes(result)
        energy = self._energy(at, result)
        return (
            *self._static(at, codes),
            *self._against_twin(at, codes),
            Figure("energy per conversion", energy, "J", low=0.0),
            Figure("time of a conversion", self.block.period, "s"),
        )

    def _static(self, at: Condition, codes: np.ndarray) -> tuple[Figure, ...]:
        """Figures of the transfer characteristic; limits of a draw are its nonlinearity only."""
        limits, block = self.limits, self.block
        ideal = at.seed is None
        missing = block.levels - len(np.unique(codes))
        distance = int(np.abs(codes - block.ideal_codes(self.inputs)).max())
        places = self.transitions(codes)
        offset, gain, integral_error, differential_error = static_errors(places)
        inl = limits.nonlinearity if ideal else limits.drawn
        return (
            Figure("missing codes", missing, high=0 if ideal else None),
            Figure("from the ideal code", distance, "LSB", high=limits.distance if ideal else None),
            _symmetric("offset", offset, limits.offset if ideal else None),
            _symmetric("gain error", gain, limits.gain if ideal else None),
            Figure("INL", integral_error, "LSB", high=inl),
            Figure("DNL", differential_error, "LSB", high=inl),
        )

    def _against_twin(self, at: Condition, codes: np.ndarray) -> tuple[Figure, ...]:
        """How far the codes are from those of the twin."""
        twin = self.block.codes_of(self.drawn_circuit(at), self.inputs)
        unlike = int(np.count_nonzero(codes != twin))
        if not self.limits.twin:
            return (Figure("codes unlike the twin's", unlike, high=0),)
        apart = self.transitions(codes) - self.transitions(twin)
        distance = float(np.abs(apart - np.median(apart)).max())
        return (Figure("transitions from the twin's", distance, "LSB", high=self.limits.twin),)

    def transitions(self, codes: np.ndarray) -> Float[np.ndarray, " transitions"]:
        """Inputs at which codes 1, 2, … begin, in LSB from their ideal place."""
        below = np.array([np.count_nonzero(codes < code) for code in range(1, self.block.levels)])
        return below / self.steps - 1.0 - np.arange(1, self.block.levels)

    def _energy(self, at: Condition, result: Result) -> float:
        """Energy from supply and references, the mean over all conversions that are read [J]."""
        volts = {"vdd": self.technology(at).supply * at.supply} | dict(self.block.references)
        start = UNREAD * self.block.period
        stop = start + self._conversions * self.block.period
        total = sum(
            -volt * integral(result, f"i(v{port})", start, stop) for port, volt in volts.items()
        )
        return total / len(self.inputs)


def static_errors(
    places: Float[np.ndarray, " transitions"],
) -> tuple[float, float, float, float]:
    """Offset, gain error, INL and DNL from the transitions' distances to their ideal places."""
    line = np.linspace(places[0], places[-1], len(places))
    integral_error = float(np.abs(places - line).max())
    widths = np.diff(places - line)
    differential_error = float(np.abs(widths).max())
    return float(places[0]), float(places[-1] - places[0]), integral_error, differential_error


def _symmetric(name: str, value: float, limit: float | None) -> Figure:
    """A figure whose magnitude is limited."""
    return Figure(name, value, "LSB", low=None if limit is None else -limit, high=limit)
