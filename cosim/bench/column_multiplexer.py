"""Testbench of the column multiplexer: resistance, leakage, and one line after the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import TRANSIENT_OPTIONS, Bench, Condition, Figure
from cosim.bench.waveforms import values_at
from cosim.ngspice import DcSweep, Result, Simulation, Transient
from netlists.circuits.column_multiplexer import ColumnMultiplexer
from netlists.si_numbers import literal
from netlists.spice import READ_OPTIONS
from netlists.waveforms import clock


HELD = 0.9  # level at which a sensor holds the lines [V]
LOW, HIGH = 0.2, 1.4  # range of the lines [V]
READ = 0.2  # what drives the lines, beside the level [V]
CELL = 20e3  # resistance of the first line's cells, each further one 20 % more [ohm]
TEST_CURRENT = 10e-6
LINE = 200e-15  # capacitance of a line [F]
PERIOD, EDGE = 20e-9, 0.2e-9  # of a selection


class ColumnMultiplexerBench(Bench):
    """Eight lines at 0.9 V, selected in turn for 20 ns.

    The twin has the nominal resistance at its largest within the range. A gate's resistance trebles
    at the slow, hot corner with little supply; the cells' resistance in series makes that 1 %.
    """

    name = "column_multiplexer"
    title = "column multiplexer of transmission gates"
    own_technology = "generic_250nm"

    def __init__(self, block: ColumnMultiplexer | None = None) -> None:
        """A bench of one multiplexer; of eight lines when none is given."""
        self.block = block or ColumnMultiplexer()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """A sweep with one gate closed, one with none closed, and a turn through the lines."""
        columns = self.block.columns
        supply = self.technology(at).supply * at.supply
        closed = [literal(supply), *["0"] * (columns - 1)]
        sweep = DcSweep("vout", LOW, HIGH, 0.1)
        forced = (f"icol col0 out {literal(-TEST_CURRENT)}",)
        floating = tuple(f"rc{number} col{number} 0 1e12" for number in range(1, columns))
        away = tuple(f"vc{number} col{number} 0 {LOW}" for number in range(columns))
        turn = [
            clock(0.0, supply, number * PERIOD, EDGE, PERIOD - 2 * EDGE, columns * PERIOD)
            for number in range(columns)
        ]
        cells = tuple(
            element
            for number, resistance in enumerate(self._cells())
            for element in (
                f"rc{number} drive col{number} {literal(resistance)}",
                f"cc{number} col{number} 0 {literal(LINE)}",
            )
        )
        drive = f"vdrive drive 0 {literal(HELD + READ)}"
        time = Transient(step=0.2e-9, stop=columns * PERIOD, max_step=0.5e-9)
        return {
            "resistance": self._run(at, closed, (*forced, *floating), sweep),
            "leakage": self._run(at, ["0"] * columns, away, DcSweep("vout", LOW, HIGH, HIGH - LOW)),
            "turn": self._run(at, turn, (drive, *cells), time),
        }

    def _cells(self) -> np.ndarray:
        return CELL * (1.0 + 0.2 * np.arange(self.block.columns))

    def _run(
        self,
        at: Condition,
        selects: list[str],
        further: tuple[str, ...],
        analysis: DcSweep | Transient,
    ) -> Simulation:
        circuit = self.drawn(at, self.block.circuit(self.technology(at)))
        elements = (
            f"vdd vdd 0 {literal(self.technology(at).supply * at.supply)}",
            f"vout out 0 {HELD}",
            *(f"vsel{number} sel{number} 0 {wave}" for number, wave in enumerate(selects)),
            *further,
            circuit.instance("mux", {port: port for port in circuit.ports}),
        )
        outputs = ("i(vout)", "v(out)", "v(col0)")
        options = READ_OPTIONS if isinstance(analysis, DcSweep) else TRANSIENT_OPTIONS
        return self.simulation(at, [circuit], elements, analysis, outputs, options)

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Resistance and its twin, leakage, and the currents of the lines in turn."""
        block, closed = self.block, results["resistance"].require().vectors
        resistance = (closed["v(col0)"] - closed["v(out)"]) / TEST_CURRENT
        leakage = float(np.abs(results["leakage"].require().vectors["i(vout)"]).max())
        ends = (np.arange(block.columns) + 0.95) * PERIOD
        found = values_at(results["turn"], "i(vout)", ends)
        lines = np.array(
            [block.line_current(np.array(HELD + READ), r, HELD) for r in self._cells()]
        )
        expected = np.array([block.output(lines, number) for number in range(block.columns)])
        error = float(np.abs(found / expected - 1.0).max())
        largest = float(resistance.max())
        return (
            Figure("largest resistance, 0.2 to 1.4 V", largest, "ohm", high=1e3),
            Figure("resistance over twin's", largest / block.input_resistance, "", 0.4, 3.2),
            Figure("leakage of all open gates", leakage, "A", high=2e-9),
            Figure("error of the twin's currents", 100.0 * error, "%", high=2.0),
        )
