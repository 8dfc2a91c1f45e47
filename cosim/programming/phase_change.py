"""Iterative program-and-verify of phase-change memory.

Every pulse melts a part of the cell and quenches it, so the conductance after it depends on the
amplitude of that pulse and not on what was there before. The algorithm therefore corrects the
amplitude: too conductive means a stronger pulse next time, too resistive a weaker one, by a share
of what a nominal cell would need, until the conductance lies in a window around the target.

Principle: N. Papandreou et al., IEEE ISCAS 2011, doi 10.1109/ISCAS.2011.5937569.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from cosim.programming.algorithms import AbstractAlgorithm
from cosim.programming.cells import AbstractCells, CellKind, Pulse
from cosim.programming.outcome import Outcome
from cosim.programming.vectorised import VectorisedCells


@dataclass(frozen=True)
class IterativeProgramVerify(AbstractAlgorithm):
    """Amplitude feedback until the conductance lies in a window.

    Attributes:
        tolerance: half of the window, relative to the target.
        rounds: most pulses that one cell gets.
        te: voltage of the top electrode [V].
        lowest: lowest gate voltage [V].
        highest: highest gate voltage [V].
        gain: share of the missing amplitude that one pulse corrects.
    """

    width: float = 200e-9
    tolerance: float = 0.05
    rounds: int = 40
    te: float = 2.5
    lowest: float = 0.5
    highest: float = 3.3
    gain: float = 0.5

    @property
    def name(self) -> str:
        """`program-verify`."""
        return "program-verify"

    def run(
        self,
        cells: AbstractCells,
        targets: Float[ndarray, " size"],
        start: Float[ndarray, " size"] | None = None,
    ) -> Outcome:
        """Program all cells; see `AbstractAlgorithm.run`."""
        gates, reached = self._transfer(cells.kind)
        first = np.full(cells.size, reached[0]) if start is None else start
        progress = self._begin(cells, targets, cells.start(first) if start is None else first)
        # reached falls with the gate voltage; np.interp wants it rising.
        ruler, position = np.log(reached[::-1]), gates[::-1]
        gate = np.interp(np.log(targets), ruler, position)
        for _ in range(self.rounds):
            progress.give(Pulse(self.te, gate, 0.0, self.width), progress.active)
            missing = np.log(progress.conductance / targets)
            progress.finish(np.abs(np.expm1(missing)) <= self.tolerance)
            if not progress.active.any():
                break
            here = np.interp(np.log(progress.conductance), ruler, position)
            wanted = np.interp(np.log(targets), ruler, position)
            gate = np.clip(gate + self.gain * (wanted - here), self.lowest, self.highest)
        return progress.outcome(self.name)

    def _transfer(
        self, kind: CellKind
    ) -> tuple[Float[ndarray, " gates"], Float[ndarray, " gates"]]:
        """Conductance of a nominal cell after one pulse, over the gate voltages that melt it."""
        gates = np.linspace(self.lowest, self.highest, 281)
        cells = VectorisedCells(kind, gates.size, seed=0, ideal=True, threads=1)
        state = cells.start(kind.memory.range.high)
        everywhere = np.ones(gates.size, dtype=bool)
        state, _ = cells.pulse(state, Pulse(self.te, gates, 0.0, self.width), everywhere, 0)
        reached = np.minimum.accumulate(cells.conductance(state))
        falling = np.flatnonzero(np.diff(reached) < -1e-6 * reached[0])
        useful = slice(falling[0], falling[-1] + 2)
        return gates[useful], reached[useful]
