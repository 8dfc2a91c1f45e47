"""Testbench of the DC form of the conductance-ratio multiplier: one sweep through many inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.ratio_mac import DECADES, LEVELS, STEEP
from cosim.ngspice import DcSweep, Result, Simulation
from netlists.circuits.ratio_cells import PhaseChangeCells, elapsed_line
from netlists.circuits.ratio_dc import RatioDc, RatioDcState
from netlists.si_numbers import literal
from netlists.spice import Netlist


SWEPT = np.linspace(0.0, 1.0, 21)
SUMS = 20
DRAWN_SPREAD = 0.005  # of the exponents, in a mismatch draw

# The loop's gain magnifies the rounding of the summing nodes to 1e-12 V behind 100 ohm: currents
# are not known to the 10 fA of `READ_OPTIONS`, and Newton's iteration would circle.
OPTIONS = "reltol=1e-6 abstol=1e-12 vntol=1e-9 gmin=1e-15"


class RatioDcBench(Bench):
    """All inputs swept, then random sums, while cells are fresh and after six decades."""

    name = "ratio_dc"
    title = "conductance-ratio multiplier, DC form: reference cells in the feedback"

    def __init__(self, block: RatioDc | None = None) -> None:
        """A bench of one tile; eight inputs and one signed column when none is given."""
        self.block = block or RatioDc()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """A sweep of an index through all input vectors, at two ages."""
        fresh = self._state(at)
        states = {"fresh": fresh, "six decades": replace(fresh, elapsed=DECADES)}
        return {name: self._sweep(at, state) for name, state in states.items()}

    def _inputs(self) -> Float[np.ndarray, "samples inputs"]:
        """The sweep of all inputs, then random ones."""
        together = np.repeat(SWEPT[:, None], self.block.inputs, axis=1)
        rng = np.random.default_rng(1)
        return np.concatenate([together, rng.uniform(0.0, 1.0, (SUMS, self.block.inputs))])

    def _state(self, at: Condition) -> RatioDcState:
        """Weights of both signs; a draw spreads the exponents."""
        block, rng = self.block, np.random.default_rng(at.seed or 0)
        shape = (block.inputs, block.columns)
        weight = LEVELS[rng.integers(1, 4, shape)]
        plus = np.arange(weight.size).reshape(shape) % 3 != 1
        low = np.full(shape, LEVELS[0])
        targets = (
            np.where(plus, weight, low),
            np.where(plus, low, weight),
            np.full((block.columns, block.references), block.reference_level),
        )
        spread = 0.0 if at.seed is None else DRAWN_SPREAD
        adds, subtracts, feedback = (
            PhaseChangeCells(block.card, target, STEEP + spread * rng.standard_normal(target.shape))
            for target in targets
        )
        return RatioDcState(adds, subtracts, feedback, temperature=at.temperature)

    def _sweep(self, at: Condition, state: RatioDcState) -> Simulation:
        """All input vectors along one index."""
        block, x = self.block, self._inputs()
        circuit = block.circuit(self.technology(at), state)
        volts = (block.input_voltage * x).T.tolist()
        points = [",".join(f"{k},{literal(volt)}" for k, volt in enumerate(row)) for row in volts]
        sources = [f"bx{i} x{i} 0 v=pwl(v(index),{row})" for i, row in enumerate(points)]
        netlist = Netlist(
            title=self.title,
            elements=(
                elapsed_line(state.elapsed),
                "vindex index 0 0",
                *sources,
                circuit.instance("mac", {port: port for port in circuit.ports}),
            ),
            definitions=circuit.definitions(),
            temperature=state.temperature,
            outputs=tuple(f"v(out{j})" for j in range(block.columns)),
        )
        nets = [f"v({net}{j})" for j in range(block.columns) for net in ("xmac.s", "xmac.a", "out")]
        start = " ".join((".nodeset", *(f"{net}={literal(block.common_mode)}" for net in nets)))
        analysis = DcSweep("vindex", 0.0, len(x) - 1.0, 1.0)
        return Simulation(netlist.text(start, options=OPTIONS), analysis, netlist.outputs)

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Linearity, agreement with the twin, and what six decades change."""
        block, x = self.block, self._inputs()
        names = tuple(f"v(out{j})" for j in range(block.columns))
        out = {name: block.common_mode - one.matrix(names) for name, one in results.items()}
        fresh = self._state(at)
        aged = replace(fresh, elapsed=DECADES)
        twin = {"fresh": fresh.twin(block, x), "six decades": aged.twin(block, x)}
        span = float(np.ptp(fresh.law(block, x[: len(SWEPT)])))
        apart = max(float(np.abs(out[name] - twin[name]).max()) for name in out)
        swept = out["fresh"][: len(SWEPT)]
        line = np.polynomial.polynomial.polyfit(SWEPT, swept, 1)
        bend = np.abs(swept - line[0] - SWEPT[:, None] * line[1]).max()
        change = np.abs(out["six decades"] - out["fresh"])[len(SWEPT) :].max()
        return (
            Figure("INL, all inputs swept", 100.0 * float(bend) / span, "% of span", high=1.0),
            Figure("SPICE from twin", 100.0 * apart / span, "% of span", high=0.02),
            Figure(
                "change in six decades",
                100.0 * float(change) / span,
                "% of span",
                high=0.05 if at.seed is None else 30.0,
            ),
        )
