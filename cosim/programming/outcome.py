"""What programming left: conductances after the last verification and at the end, and the cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from cosim.programming.cells import AbstractCells, Pulse


@dataclass(frozen=True)
class Outcome:
    """The result of one algorithm on an array of cells.

    Attributes:
        algorithm: its name.
        targets: wanted conductances [S].
        verified: conductances right after each cell's last verification [S].
        final: conductances at the end of the whole algorithm, after relaxation [S].
        state: of every cell, after its last pulse.
        pulses: how many pulses each cell got.
        converged: whether the cell met its condition.
        seconds: time that pulses and verifications of each cell took [s].
        joules: energy that the drivers gave to each cell [J].
    """

    algorithm: str
    targets: Float[ndarray, " cells"]
    verified: Float[ndarray, " cells"]
    final: Float[ndarray, " cells"]
    state: Float[ndarray, " cells"]
    pulses: Int[ndarray, " cells"]
    converged: Bool[ndarray, " cells"]
    seconds: Float[ndarray, " cells"]
    joules: Float[ndarray, " cells"]

    def spread(self, target: float, verified: bool = False) -> float:
        """Standard deviation over the converged cells of one target [S]."""
        chosen = np.isclose(self.targets, target, rtol=1e-9, atol=0.0) & self.converged
        return float((self.verified if verified else self.final)[chosen].std())

    def summary(self) -> str:
        """A few words on how it went."""
        if not self.converged.any():
            return f"{self.algorithm}: none of {self.targets.size} cells converged"
        error, done = 1e6 * (self.final - self.targets)[self.converged], int(self.converged.sum())
        return (
            f"{self.algorithm}: {done} of {self.targets.size} cells converged; "
            f"{self.pulses.mean():.1f} pulses each, mean error {error.mean():+.2f} uS, spread "
            f"{error.std():.2f} uS, {self.seconds.sum():.3g} s and {self.joules.sum():.3g} J in all"
        )


@dataclass
class Progress:
    """The book that an algorithm keeps while it runs.

    Attributes:
        cells: what is programmed.
        targets: wanted conductances [S].
        state: of every cell.
        conductance: as last read [S].
        active: cells that still get pulses.
        pulses: given so far, per cell.
        joules: spent so far, per cell [J].
        width: of a pulse [s].
        read_time: of a verification [s].
        given: pulses given in all; numbers the cycle-to-cycle draws.
    """

    cells: AbstractCells
    targets: Float[ndarray, " cells"]
    state: Float[ndarray, " cells"]
    conductance: Float[ndarray, " cells"]
    active: Bool[ndarray, " cells"]
    pulses: Int[ndarray, " cells"]
    joules: Float[ndarray, " cells"]
    width: float
    read_time: float
    given: int = 0

    @classmethod
    def begin(
        cls,
        cells: AbstractCells,
        targets: Float[ndarray, " cells"],
        state: Float[ndarray, " cells"],
        width: float,
        read_time: float,
    ) -> Progress:
        """Nothing done yet."""
        return cls(
            cells=cells,
            targets=targets,
            state=state,
            conductance=cells.conductance(state),
            active=np.ones(cells.size, dtype=bool),
            pulses=np.zeros(cells.size, dtype=np.int64),
            joules=np.zeros(cells.size),
            width=width,
            read_time=read_time,
        )

    def give(self, pulse: Pulse, selected: Bool[ndarray, " cells"] | None) -> None:
        """Give one pulse to the selected cells (all, if None) and read them."""
        chosen = np.ones(self.cells.size, dtype=bool) if selected is None else selected
        self.state, energy = self.cells.pulse(self.state, pulse, chosen, self.given)
        self.given += 1
        self.pulses = self.pulses + chosen
        self.joules = self.joules + energy
        self.conductance = np.where(chosen, self.cells.conductance(self.state), self.conductance)

    def finish(self, satisfied: Bool[ndarray, " cells"]) -> None:
        """Take the satisfied cells out."""
        self.cells.watch(int((self.active & satisfied).sum()))
        self.active = self.active & ~satisfied

    def outcome(self, algorithm: str) -> Outcome:
        """The result, with the cells that are still active as not converged."""
        return Outcome(
            algorithm=algorithm,
            targets=self.targets,
            verified=self.conductance,
            final=self.cells.relaxed(self.conductance),
            state=self.state,
            pulses=self.pulses,
            converged=~self.active,
            seconds=self.pulses * (self.width + self.read_time),
            joules=self.joules,
        )
