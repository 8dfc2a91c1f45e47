"""The periphery of a MAC tile: amplifiers and converters of all columns, with their supplies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from netlists import names
from netlists.readout_spec import ReadoutSpec
from netlists.schematic import Subcircuit, gather_definitions
from netlists.spice import voltage_source
from netlists.technology import Technology
from netlists.tile_timing import TileTiming


LEVEL = "level"
RESET = "reset"


@dataclass(frozen=True)
class Supply:
    """A source that delivers energy.

    Attributes:
        block: whose energy it is.
        source: its name.
        plus: net of its positive end.
        minus: net of its negative end.
    """

    block: str
    source: str
    plus: str
    minus: str


@dataclass(frozen=True)
class Periphery:
    """Amplifiers and converters of all columns.

    Attributes:
        readout: what they are.
        cols: number of columns.
        timing: of the tile.
        technology: of the transistors.
        supply: relative to nominal.
        seed: of the mismatch; none without a seed.
    """

    readout: ReadoutSpec
    cols: int
    timing: TileTiming
    technology: Technology
    supply: float
    seed: int | None

    @property
    def volt(self) -> float:
        """The supply [V]."""
        return (self.readout.supply or self.technology.supply) * self.supply

    def _circuits(self, col: int) -> dict[str, Subcircuit]:
        """The blocks of one column, with a mismatch draw of their own."""
        blocks = {"sense": self.readout.sensing.circuit(self.technology)}
        if self.readout.adc is not None:
            blocks["adc"] = self.readout.adc.circuit(self.technology)
        if self.seed is None:
            return blocks
        draws = np.random.SeedSequence([self.seed, col]).generate_state(len(blocks))
        return {
            name: block.with_mismatch(int(draw), f"_{col}").renamed(f"{block.name}_{col}")
            for (name, block), draw in zip(blocks.items(), draws, strict=True)
        }

    def definitions(self) -> tuple[str, ...]:
        """Every block of every column, equal ones once."""
        columns = range(self.cols if self.seed is not None else 1)
        return gather_definitions(
            block for col in columns for block in self._circuits(col).values()
        )

    def references(self) -> Mapping[str, float]:
        """Constant voltages that the converters share [V]."""
        return {} if self.readout.adc is None else self.readout.adc.references

    def supplies(self) -> tuple[Supply, ...]:
        """The sources of the periphery."""
        sources = [Supply("sensing", "vdd_sensing", "vdd_sensing", "0")]
        if self.readout.adc is not None:
            sources.append(Supply("adc", "vdd_adc", "vdd_adc", "0"))
        sources += [Supply("adc", f"vadc_{net}", f"adc_{net}", "0") for net in self.references()]
        return tuple(sources)

    def lines(self) -> Iterator[str]:
        """Supplies, references and clocks, then the blocks of every column."""
        adc, reset = self.readout.adc, self.timing.reset(self.volt)
        yield voltage_source("vdd_sensing", "vdd_sensing", "0", self.volt)
        if reset is not None:
            yield f"vreset {RESET} 0 {reset}"
        if adc is not None:
            yield voltage_source("vdd_adc", "vdd_adc", "0", self.volt)
            for net, volt in adc.references.items():
                yield voltage_source(f"vadc_{net}", f"adc_{net}", "0", volt)
            for net, waveform in adc.clocks(self.volt).items():
                yield f"vclock_{net} adc_{net} 0 {waveform}"
        for col in range(self.cols):
            yield from self._column_lines(col)

    def _column_lines(self, col: int) -> Iterator[str]:
        circuits, adc = self._circuits(col), self.readout.adc
        line, sensed = names.sense_node(col), names.sensed_node(col)
        nets = {"line": line, "out": sensed, "vdd": "vdd_sensing"}
        shared = {"vcm": LEVEL, "vref": LEVEL, "reset": RESET}
        nets |= {port: shared[port] for port in circuits["sense"].ports if port in shared}
        yield circuits["sense"].instance(f"sense_{col}", nets)
        if adc is not None:
            shared = {port: f"adc_{port}" for port in (*adc.clocks(self.volt), *adc.references)}
            bits = {port: names.bit_node(col, bit) for bit, port in enumerate(adc.bit_ports)}
            nets = shared | bits | {"vin": sensed, "vdd": "vdd_adc"}
            yield circuits["adc"].instance(f"adc_{col}", nets)
