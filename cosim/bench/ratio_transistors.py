"""Testbench of the conductance-ratio multiplier with transistors.

Every result is that of a conversion minus that of one with all inputs at 0, which takes the offset
away; the gain, whose error is constant, is fitted once per condition and left alone over time.
Amplifiers of lines and integrators are linear. A mismatch draw is one for every transistor: a trim
then takes other units away from each mirror, so it changes the ratio a little, and limits of draws
are wider. So are those at -40 and 125 degrees Celsius: hot cells conduct seven times as much, and
what their select transistors drop fades with them; of cold ones so little is left that the charge
of the select transistors' gates counts. Wider transistors help the one and harm the other. Each
condition takes some 20 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.ratio_mac import DECADES, LEVELS, STEEP
from cosim.bench.ratio_run import TransistorRun
from cosim.ngspice import Result, Simulation
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_mac import ROOM, RatioMac, RatioState, trim_for
from netlists.circuits.ratio_transistors import TRANSISTOR_MAC, RatioTransistors
from netlists.circuits.ratio_twin import ideal_outputs


FAR_FROM_ROOM = 50.0  # [K]
SWEPT = np.array([0.05, 0.25, 0.5, 0.75, 1.0])


class RatioTransistorBench(Bench):
    """A sweep of all inputs, and the same sums before and after six decades."""

    name = "ratio_transistors"
    title = "conductance-ratio multiplier, transistor level, eight inputs"
    own_technology = "generic_250nm"

    def __init__(
        self, block: RatioMac | None = None, sizes: RatioTransistors | None = None
    ) -> None:
        """A bench of one tile; eight inputs and one signed column when none is given."""
        self.block = block or TRANSISTOR_MAC
        self.sizes = sizes or RatioTransistors()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """A sweep while cells are fresh, and sums at two ages."""
        return {name: run.simulation for name, run in self._plan(at).items()}

    def _plan(self, at: Condition) -> dict[str, TransistorRun]:
        """The runs by name; the last conversion of each has all inputs at 0."""
        mac, rng = self.block, np.random.default_rng(3)
        sweep = np.repeat(np.append(SWEPT, 0.0)[:, None], mac.inputs, axis=1)
        sums = rng.uniform(0.0, 1.0, (3, mac.inputs))
        sums[-1] = 0.0
        fresh = self._state(at, LEVELS[rng.integers(1, 4, (mac.inputs, mac.columns))])
        aged = replace(fresh, elapsed=DECADES)
        aged = replace(aged, trim=self._trim(aged))
        plan = {"sweep": (fresh, sweep), "fresh": (fresh, sums), "six decades": (aged, sums)}
        return {
            name: TransistorRun(mac, state, x, replace(at, technology=self._name(at)), self.sizes)
            for name, (state, x) in plan.items()
        }

    def _name(self, at: Condition) -> str:
        return at.technology or self.own_technology

    def _state(self, at: Condition, weights: Float[np.ndarray, "inputs columns"]) -> RatioState:
        """Cells that drift alike; every fourth weight is negative."""
        mac = self.block
        swap = (np.arange(weights.size).reshape(weights.shape) % 4) == 1
        low = np.full_like(weights, LEVELS[0])
        adds, subtracts, reference = (
            PhaseChangeCells.uniform(mac.card, values, STEEP)
            for values in (
                np.where(swap, low, weights),
                np.where(swap, weights, low),
                mac.reference_targets,
            )
        )
        state = RatioState(adds, subtracts, reference, adds.birth, at.temperature)
        return replace(state, trim=self._trim(state))

    def _trim(self, state: RatioState) -> float:
        """As far as the mirrors have units; cold cells then take longer than twice as long."""
        return min(trim_for(state, self.block), float(self.sizes.units))

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Linearity, gain, and what six decades change."""
        mac, plan = self.block, self._plan(at)
        out = {name: run.results(results[name]) for name, run in plan.items()}
        above = {name: values[:-1] - values[-1:] for name, values in out.items()}
        state = plan["fresh"].state
        cells = (state.positive, state.negative, state.reference)
        x = plan["fresh"].x[:-1]
        law = ideal_outputs(mac, x, *(group.conductance for group in cells))
        fresh, aged = above["fresh"], above["six decades"]
        gain_limit, limit = self._limits(at)
        return (
            Figure("INL, all inputs swept", self._inl(above["sweep"]), "%", high=1.0),
            Figure("gain over the law", _gain(law, fresh), low=0.9, high=1.4),
            Figure("offset", float(np.abs(out["fresh"][-1]).max()), "V", high=0.15),
            Figure(
                "change of gain in six decades, mirrors stepped",
                100.0 * (_gain(fresh, aged) - 1.0),
                "%",
                low=-gain_limit,
                high=gain_limit,
            ),
            Figure(
                "change in six decades, mirrors stepped",
                100.0 * float(np.abs(aged - fresh).max()) / mac.output_swing,
                "% FS",
                high=limit,
            ),
        )

    @staticmethod
    def _limits(at: Condition) -> tuple[float, float]:
        """Allowed change in six decades: of the gain [%] and of a result [% FS]."""
        if at.seed is not None:
            return 5.0, 2.0
        return (3.0, 1.2) if abs(at.temperature - ROOM) > FAR_FROM_ROOM else (1.5, 0.6)

    @staticmethod
    def _inl(out: Float[np.ndarray, "steps columns"]) -> float:
        """Largest distance from the best straight line over the sweep [%]."""
        fit = np.polynomial.polynomial.polyfit(SWEPT, out, 1)
        line = fit[0] + SWEPT[:, None] * fit[1]
        return 100.0 * float((np.abs(out - line).max(axis=0) / np.ptp(line, axis=0)).max())


def _gain(before: np.ndarray, after: np.ndarray) -> float:
    """The factor that fits best."""
    return float((before * after).sum() / (before**2).sum())
