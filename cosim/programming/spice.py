"""Cells in ngspice: every pulse is a transient of the real 1T1R subcircuits.

    vte_i ── device ── m_i ── access transistor ── vsl_i        gate: vg_i

All cells that are pulsed stand side by side in one deck, each with its own sources, parameters and
starting state. The state comes back from the device's state node; conductances come from an
operating point of the frozen devices at the read voltage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from compact_models import load_model
from compact_models.veriloga.subcircuit import Subcircuit
from cosim.ngspice import OperatingPoint, Result, Simulation, Transient
from cosim.programming.cells import AbstractCells, Pulse, per_cell


EDGE = 2e-9  # [s], rise and fall of a pulse
POINTS = 50  # steps into which a pulse is at least divided
OPTIONS = ".options reltol=1e-4"
KELVIN = 273.15


@dataclass(frozen=True)
class SpiceCells(AbstractCells):
    """Cells that ngspice simulates.

    Attributes:
        run: runs one simulation; a worker's `run`, for example.
    """

    run: Callable[[Simulation], Result] = field(kw_only=True)

    def conductance(self, state: Float[ndarray, " size"]) -> Float[ndarray, " size"]:
        """Conductance of every device alone at the card's read voltage [S]."""
        values = {**self.device_parameters, self.kind.state_parameter: state}
        voltage = self.kind.memory.range.read_voltage
        lines = [self._held.text, f"vread te 0 {voltage!r}"]
        for i in range(self.size):
            lines.append(f"vs_{i} b_{i} 0 0")
            lines.append(f"xd_{i} te b_{i} {self._instance(self._held, values, i)}")
        outputs = tuple(f"i(vs_{i})" for i in range(self.size))
        result = self._run(lines, OperatingPoint(), outputs)
        return np.array([result.vectors[name][0] for name in outputs]) / voltage

    def pulse(
        self,
        state: Float[ndarray, " size"],
        pulse: Pulse,
        active: Bool[ndarray, " size"],
        index: int,
    ) -> tuple[Float[ndarray, " size"], Float[ndarray, " size"]]:
        """Give one pulse to the active cells; see `AbstractCells.pulse`."""
        chosen: list[int] = np.flatnonzero(active).tolist()
        values = {**self.parameters(index), self.kind.state_parameter: state}
        volts = [per_cell(v, self.size) for v in (pulse.te, pulse.gate, pulse.sl)]
        lines = [self._moving.text, self._transistor]
        outputs: list[str] = []
        model = self.kind.memory.model
        node = self._moving.nodes[model.states[0].name]
        for i in chosen:
            te, gate, sl = (float(v[i]) for v in volts)
            lines += [
                f"vte_{i} te_{i} 0 {_waveform(te, pulse.width)}",
                f"vg_{i} g_{i} 0 {gate!r}",
                f"vsl_{i} sl_{i} 0 {_waveform(sl, pulse.width)}",
                f"xd_{i} te_{i} m_{i} {self._instance(self._moving, values, i)}",
                f"xt_{i} m_{i} g_{i} sl_{i} 0 {self.kind.transistor.model}",
            ]
            driver = f"i(vte_{i})" if te >= sl else f"i(vsl_{i})"
            outputs += [f"v(xd_{i}.{node})", driver]
        step = pulse.width / POINTS
        analysis = Transient(step, pulse.width + 3 * EDGE, max_step=step)
        result = self._run(lines, analysis, tuple(outputs))
        new, energy = state.copy(), np.zeros(self.size)
        scale = model.states[0].scale
        for k, i in enumerate(chosen):
            new[i] = result.vectors[outputs[2 * k]][-1] * scale
            current = np.abs(result.vectors[outputs[2 * k + 1]])
            drop = abs(float(volts[0][i]) - float(volts[2][i]))
            energy[i] = drop * np.trapezoid(current, result.axis)
        return new, energy

    def _run(
        self, lines: list[str], analysis: OperatingPoint | Transient, outputs: tuple[str, ...]
    ) -> Result:
        temperature = self.kind.temperature - KELVIN
        deck = ["programming", *lines, OPTIONS, f".options temp={temperature!r}", ".end"]
        return self.run(Simulation("\n".join(deck) + "\n", analysis, outputs)).require()

    @cached_property
    def _moving(self) -> Subcircuit:
        return self._written(frozen=False)

    @cached_property
    def _held(self) -> Subcircuit:
        return self._written(frozen=True)

    def _written(self, *, frozen: bool) -> Subcircuit:
        """The device's subcircuit; the temperature comes from the deck."""
        temperature = self.kind.memory.model.system.temperature
        baked = {n: v for n, v in self.kind.fixed_values.items() if n != temperature}
        return self.kind.memory.model.subcircuit(frozen, baked)

    @cached_property
    def _transistor(self) -> str:
        model = load_model(self.kind.transistor.model)
        return model.to_ngspice(frozen=True, values=self.kind.transistor_values)

    def _instance(
        self, written: Subcircuit, values: dict[str, Float[ndarray, " size"]], i: int
    ) -> str:
        """Model name and parameters of one device."""
        words = [
            f"{spelt}={float(values[name][i])!r}" for name, spelt in written.parameters.items()
        ]
        return " ".join([self.kind.device.model, *words])


def _waveform(level: float, width: float) -> str:
    """A pulse whose flat part and half of each edge last `width`."""
    if level == 0.0:
        return "0"
    times = (EDGE, 2 * EDGE, EDGE + width, 2 * EDGE + width)
    levels = (0.0, level, level, 0.0)
    return "pwl(0 0 " + " ".join(f"{t!r} {v!r}" for t, v in zip(times, levels, strict=True)) + ")"
