"""What a testbench is: simulations of one block under a condition, and the figures they give.

A bench names the runs it needs (`runs`) and turns their results into figures (`figures`). It never
starts a simulator itself, so that any number of benches under any number of conditions share the
same workers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cosim.ngspice import Result, Simulation
from cosim.ngspice.simulation import Analysis
from cosim.results import Status
from netlists.schematic import Subcircuit, gather_definitions
from netlists.si_numbers import readable
from netlists.spice import Netlist
from netlists.technology import DEFAULT, Technology


# Tolerances of a transient with switching; Gear damps what the trapezoidal rule makes ring.
TRANSIENT_OPTIONS = "method=gear reltol=1e-4 abstol=1e-13 vntol=1e-6 chgtol=1e-17"


@dataclass(frozen=True)
class Condition:
    """Where a block is measured.

    Attributes:
        process: process corner of the technology.
        supply: supply voltage relative to nominal.
        temperature: [K].
        seed: of the mismatch draw; no mismatch when None.
        technology: name or path of the technology; the bench's own when empty.
    """

    process: str = "tt"
    supply: float = 1.0
    temperature: float = 300.15
    seed: int | None = None
    technology: str = ""

    @property
    def label(self) -> str:
        """A short name for tables: `ss -10 % 398 K #3`."""
        percent = round(100.0 * (self.supply - 1.0))
        draw = "" if self.seed is None else f" #{self.seed}"
        return f"{self.process} {percent:+d} % {self.temperature:.0f} K{draw}"


@dataclass(frozen=True)
class Figure:
    """One measured number with the limits it must keep.

    Attributes:
        name: what was measured.
        value: in SI units (or in LSB, per cent: see `unit`).
        unit: of the value.
        low: least allowed value; none when None.
        high: largest allowed value; none when None.
        deviation: standard deviation over mismatch draws that the block's twin expects.
    """

    name: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    deviation: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the value keeps its limits; a value that is no number does not."""
        above = self.low is None or self.value >= self.low
        below = self.high is None or self.value <= self.high
        return bool(above and below and self.value == self.value)

    @property
    def limits(self) -> str:
        """The limits for a table: `<= 0.5 LSB`."""
        words = []
        if self.low is not None:
            words.append(f">= {self._shown(self.low)}")
        if self.high is not None:
            words.append(f"<= {self._shown(self.high)}")
        return ", ".join(words)

    @property
    def shown(self) -> str:
        """The value for a table."""
        return self._shown(self.value)

    def _shown(self, value: float) -> str:
        prefixed = self.unit in {"V", "A", "s", "F", "ohm", "S", "J", "W", "Hz"}
        return readable(value, self.unit) if prefixed else f"{value:.4g} {self.unit}".strip()


@dataclass(frozen=True)
class Measurement:
    """The figures of one bench under one condition.

    Attributes:
        bench: name of the bench.
        condition: where it was measured.
        figures: what was measured; empty when a run failed.
        status: the worst status of its runs.
        seconds: time of its runs.
    """

    bench: str
    condition: Condition
    figures: tuple[Figure, ...]
    status: Status
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every run ended and every figure keeps its limits."""
        return self.status.ok and all(figure.ok for figure in self.figures)


class Bench(ABC):
    """A block's testbench.

    Attributes:
        name: what the command line calls it.
        title: one line about what is measured.
        own_technology: what the block's default sizes are drawn for.
    """

    name: str
    title: str
    own_technology: str = DEFAULT

    @abstractmethod
    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """The simulations that the figures need, by name."""

    @abstractmethod
    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """The figures, from the results of the runs under the same names."""

    def technology(self, at: Condition) -> Technology:
        """The technology of a condition, or else the one that the block is drawn for."""
        return Technology.load(at.technology or self.own_technology)

    def simulation(
        self,
        at: Condition,
        circuits: Iterable[Subcircuit],
        elements: Iterable[str],
        analysis: Analysis,
        outputs: Iterable[str],
        options: str = TRANSIENT_OPTIONS,
    ) -> Simulation:
        """A run of some circuits among further elements, under a condition.

        Args:
            at: process corner, temperature and mismatch draw; the bench sets the supply itself.
            circuits: what the elements place; drawn with the condition's mismatch by the caller.
            elements: sources, instances and loads.
            analysis: what to compute.
            outputs: vectors to save.
            options: contents of the deck's `.options` line.
        """
        technology = self.technology(at)
        netlist = Netlist(
            title=f"{self.name}: {self.title}",
            elements=tuple(elements),
            definitions=(*technology.models(at.process), *gather_definitions(circuits)),
            temperature=at.temperature,
            outputs=tuple(outputs),
        )
        deck = netlist.text(options=options)
        return Simulation(deck, analysis, netlist.outputs, reads_files=technology.reads_files)

    @staticmethod
    def drawn(at: Condition, circuit: Subcircuit) -> Subcircuit:
        """The circuit with the condition's mismatch draw, if it has one."""
        return circuit if at.seed is None else circuit.with_mismatch(at.seed)
