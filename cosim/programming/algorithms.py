"""Program-and-verify algorithms for filament cells.

Each algorithm is a list of decisions on what pulse to give next to which cell, after looking at its
conductance. It works on any array of cells (`cosim.programming.cells`).

    ISPVA        ramp of the top electrode at a fixed gate voltage per level: G jumps near V_set,
                 then follows the compliance current
    IGVVA        ramp of the gate at a fixed top electrode: G follows the compliance current. The
                 step names the variant: IGVVA-10 in 10 mV, IGVVA-100 in 100 mV
    single shot  one pulse at the gate voltage that a nominal cell needs; no verification
    RESET        ramp of the source line until the conductance is low enough
    read-verify-write
                 nudges every cell into a window around its target, from both sides

ISPVA and IGVVA stop at the first conductance at or above the target: V. Milo et al., IEEE Trans.
Electron Devices (2021), doi 10.1109/TED.2021.3089995.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from cosim.errors import InputError
from cosim.programming.cells import AbstractCells, CellKind, Pulse
from cosim.programming.outcome import Outcome, Progress
from cosim.programming.vectorised import VectorisedCells


HIGH_RESISTANCE = 8e-6  # [S], where SET starts by default: well under the 25 uS of a verified RESET
MAX_GATE = 3.3  # [V]
GATE_SPACING = 0.01  # [V] between the gate voltages that a nominal cell is tried with


@dataclass(frozen=True)
class AbstractAlgorithm(ABC):
    """A way to bring cells to their targets.

    Attributes:
        width: of every pulse [s].
        read_time: of every verification [s].
    """

    width: float = 1e-6
    read_time: float = 1e-6

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called on the command line and in cards' laws."""

    @abstractmethod
    def run(
        self,
        cells: AbstractCells,
        targets: Float[ndarray, " size"],
        start: Float[ndarray, " size"] | None = None,
    ) -> Outcome:
        """Program all cells.

        Args:
            cells: what is programmed.
            targets: wanted conductances [S].
            start: states to start from; all cells at `HIGH_RESISTANCE` when None.

        Raises:
            CardError: a target outside of the card's range.
        """

    def _begin(
        self,
        cells: AbstractCells,
        targets: Float[ndarray, " size"],
        start: Float[ndarray, " size"] | None,
    ) -> Progress:
        cells.check_targets(targets)
        state = cells.start(HIGH_RESISTANCE) if start is None else start
        return Progress.begin(cells, targets, state, self.width, self.read_time)


@dataclass(frozen=True)
class SetRamp(AbstractAlgorithm):
    """What ISPVA and IGVVA share: one voltage rises until the conductance reaches the target.

    Attributes:
        first: voltage of the first pulse [V].
        step: rise from pulse to pulse [V].
        last: highest voltage [V]; cells that need more have not converged. MAX_GATE by default.
    """

    first: float = 0.5
    step: float = 0.1
    last: float = MAX_GATE

    @property
    def steps(self) -> Float[ndarray, " pulses"]:
        """The voltages of the ramp [V]."""
        if not (self.step > 0.0 and self.last >= self.first):
            raise InputError(
                f"a ramp from {self.first} V to {self.last} V in steps of {self.step} V has no "
                "pulses; give a positive step and last >= first"
            )
        return self.first + self.step * np.arange(round((self.last - self.first) / self.step) + 1)

    @abstractmethod
    def pulse_at(self, voltage: float, gates: Float[ndarray, " size"]) -> Pulse:
        """The pulse at one voltage of the ramp."""

    def gates(self, kind: CellKind, targets: Float[ndarray, " size"]) -> Float[ndarray, " size"]:
        """Gate voltage that each target asks for, where the algorithm fixes one [V]."""
        return np.zeros_like(targets)

    def run(
        self,
        cells: AbstractCells,
        targets: Float[ndarray, " size"],
        start: Float[ndarray, " size"] | None = None,
    ) -> Outcome:
        """Program all cells; see `AbstractAlgorithm.run`."""
        progress = self._begin(cells, targets, start)
        gates = self.gates(cells.kind, targets)
        for voltage in self.steps:
            if not progress.active.any():
                break
            progress.give(self.pulse_at(float(voltage), gates), progress.active)
            progress.finish(progress.conductance >= targets)
        return progress.outcome(self.name)


@dataclass(frozen=True)
class Igvva(SetRamp):
    """Incremental gate voltage with verify algorithm.

    Attributes:
        te: voltage of the top electrode [V].
    """

    step: float = 0.01
    te: float = 1.2

    @property
    def name(self) -> str:
        """`igvva-10` or `igvva-100`, by the step in millivolt."""
        return f"igvva-{self.step * 1e3:g}"

    def pulse_at(self, voltage: float, gates: Float[ndarray, " size"]) -> Pulse:
        """The pulse at one gate voltage."""
        return Pulse(self.te, voltage, 0.0, self.width)


@dataclass(frozen=True)
class Ispva(SetRamp):
    """Incremental step pulse with verify algorithm.

    Attributes:
        aim: top-electrode voltage at which a nominal cell reaches its target [V]; it decides the
            gate voltage of each level.
    """

    aim: float = 1.9

    @property
    def name(self) -> str:
        """`ispva`."""
        return "ispva"

    def gates(self, kind: CellKind, targets: Float[ndarray, " size"]) -> Float[ndarray, " size"]:
        """Gate voltage that brings a nominal cell to each target at `aim` [V]."""
        return gate_for(kind, targets, replace(self, last=self.aim))

    def pulse_at(self, voltage: float, gates: Float[ndarray, " size"]) -> Pulse:
        """The pulse at one voltage of the top electrode."""
        return Pulse(voltage, gates, 0.0, self.width)


@dataclass(frozen=True)
class SingleShot(AbstractAlgorithm):
    """One SET pulse at the gate voltage that a nominal cell needs.

    Attributes:
        te: voltage of the top electrode [V].
    """

    te: float = 1.2

    @property
    def name(self) -> str:
        """`single-shot`."""
        return "single-shot"

    def run(
        self,
        cells: AbstractCells,
        targets: Float[ndarray, " size"],
        start: Float[ndarray, " size"] | None = None,
    ) -> Outcome:
        """Program all cells; see `AbstractAlgorithm.run`."""
        progress = self._begin(cells, targets, start)
        ramp = Ispva(first=self.te, last=self.te, width=self.width)
        progress.give(Pulse(self.te, gate_for(cells.kind, targets, ramp), 0.0, self.width), None)
        progress.finish(np.ones(cells.size, dtype=bool))
        return progress.outcome(self.name)


@dataclass(frozen=True)
class Reset(AbstractAlgorithm):
    """Incremental RESET: the source line rises until the conductance is at or below the target.

    Attributes:
        first: voltage of the first pulse [V].
        step: rise from pulse to pulse [V].
        last: highest voltage [V].
        gate: voltage of the gate [V].
    """

    first: float = 0.5
    step: float = 0.1
    last: float = 2.0
    gate: float = 2.7

    @property
    def name(self) -> str:
        """`reset`."""
        return "reset"

    def run(
        self,
        cells: AbstractCells,
        targets: Float[ndarray, " size"],
        start: Float[ndarray, " size"] | None = None,
    ) -> Outcome:
        """Program all cells; see `AbstractAlgorithm.run`."""
        progress = self._begin(cells, targets, start)
        progress.finish(progress.conductance <= targets)
        for voltage in np.arange(self.first, self.last + 0.5 * self.step, self.step):
            if not progress.active.any():
                break
            progress.give(Pulse(0.0, self.gate, float(voltage), self.width), progress.active)
            progress.finish(progress.conductance <= targets)
        return progress.outcome(self.name)


@dataclass(frozen=True)
class ReadVerifyWrite(AbstractAlgorithm):
    """Pulses of either polarity until every conductance lies in a window around its target.

    A cell that is too low gets a SET pulse with a gate voltage one step higher than its last one;
    one that is too high a RESET pulse, one step higher, and starts its gate ramp anew, further down
    than the time before.

    Attributes:
        tolerance: half of the window, relative to the target.
        rounds: most pulses that one cell gets.
        te: voltage of the top electrode in SET pulses [V].
        gate_step: step of the gate voltage [V].
        margin: how far below the nominal gate voltage the ramp starts [V].
        reset: amplitudes of the RESET pulses; small steps, because a cell that falls deep has to be
            SET abruptly again.
    """

    tolerance: float = 0.02
    rounds: int = 400
    te: float = 1.2
    gate_step: float = 0.01
    margin: float = 0.2
    reset: Reset = Reset(first=0.3, step=0.02)

    @property
    def name(self) -> str:
        """`read-verify-write`."""
        return "read-verify-write"

    def run(
        self,
        cells: AbstractCells,
        targets: Float[ndarray, " size"],
        start: Float[ndarray, " size"] | None = None,
    ) -> Outcome:
        """Program all cells; see `AbstractAlgorithm.run`."""
        progress = self._begin(cells, targets, start)
        ramp = Ispva(first=self.te, last=self.te, width=self.width)
        first_gate = gate_for(cells.kind, targets, ramp) - self.margin
        gate, source = first_gate.copy(), np.full(cells.size, self.reset.first)
        progress.finish(self._inside(progress.conductance, targets))
        for _ in range(self.rounds):
            if not progress.active.any():
                break
            low = progress.active & (progress.conductance < targets)
            high = progress.active & ~low
            progress.give(
                Pulse(
                    np.where(low, self.te, 0.0),
                    np.where(low, gate, self.reset.gate),
                    np.where(low, 0.0, source),
                    self.width,
                ),
                progress.active,
            )
            first_gate = np.where(high, np.maximum(first_gate - self.margin, 0.0), first_gate)
            gate = np.where(low, np.minimum(gate + self.gate_step, MAX_GATE), first_gate)
            source = np.where(high, source + self.reset.step, self.reset.first)
            progress.finish(self._inside(progress.conductance, targets))
        return progress.outcome(self.name)

    def _inside(
        self, conductance: Float[ndarray, " size"], targets: Float[ndarray, " size"]
    ) -> Bool[ndarray, " size"]:
        return np.abs(conductance - targets) <= self.tolerance * targets


def gate_for(
    kind: CellKind, targets: Float[ndarray, " size"], ramp: SetRamp
) -> Float[ndarray, " size"]:
    """Gate voltage at which a nominal cell ends at each target [V].

    Args:
        kind: of the cells.
        targets: wanted conductances [S].
        ramp: the pulses that the cell gets up to its last voltage.

    Raises:
        InputError: no gate voltage up to 3.3 V gives a target.
    """
    gates, reached = _transfer(kind, ramp)
    if targets.max() > reached[-1]:
        raise InputError(
            f"a target of {targets.max():g} S is given; at a gate voltage of {gates[-1]:g} V the "
            f"cell reaches {reached[-1]:g} S; lower the target or take a stronger transistor"
        )
    return np.interp(targets, reached, gates)


def _transfer(
    kind: CellKind, ramp: SetRamp
) -> tuple[Float[ndarray, " gates"], Float[ndarray, " gates"]]:
    """Conductance that a nominal cell reaches, over the gate voltage."""
    gates = np.linspace(0.0, MAX_GATE, round(MAX_GATE / GATE_SPACING) + 1)
    cells = VectorisedCells(kind, gates.size, seed=0, ideal=True, threads=1)
    state, everywhere = cells.start(HIGH_RESISTANCE), np.ones(gates.size, dtype=bool)
    for voltage in ramp.steps:
        pulse = Pulse(float(voltage), gates, 0.0, ramp.width)
        state, _ = cells.pulse(state, pulse, everywhere, 0)
    return gates, np.maximum.accumulate(cells.conductance(state))
