"""A whole MAC tile over time: drivers, crossbar with its capacitances, amplifiers, converters.

    vin_r ── in_r ──R,C──┬──R,C──┬─ …                input lines; vin_r steps once per read
                        cell    cell
                         │       │
                       out_c ── amplifier ── sensed_c ── converter ── code_c_0 … code_c_(bits-1)
                                   │                        │
                              vdd_sensing             vdd_adc, clocks, references

All potentials of the crossbar are relative to the net `level`, at which the amplifiers hold the
output lines; word lines and bulks follow it. Every block has supplies of its own, so that the
energy of each can be measured. In the first read the logic of the converters has not settled: it is
not an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from compact_models.errors import SpecError
from netlists import names
from netlists.arrays import checked_conductances
from netlists.cells import Gates, cell_lines, device_parameters, load_cell
from netlists.crossbar import input_line_lines, output_line_lines, wire_capacitance_lines
from netlists.drivers import timed_input_lines, wordline_lines
from netlists.readout_spec import ReadoutSpec
from netlists.schematic import Subcircuit, gather_definitions
from netlists.signal_chain import SignalChain
from netlists.specs import TileSpec
from netlists.spice import Netlist, voltage_source
from netlists.technology import Technology


LEVEL = "level"
UNREAD = 1  # reads at the start whose logic has not settled
EDGE = 0.2e-9  # of an input [s]
MOST_READS = 100_000
# Charges are of femtofarads; Gear damps what the trapezoidal rule makes ring at switches. Tighter
# tolerances gave the same codes and the same energy within 0.01 % at twice the time.
TRANSIENT_OPTIONS = "method=gear reltol=1e-3 abstol=1e-12 vntol=1e-6 chgtol=1e-15"
STEPS_PER_READ = 200


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
class MacTile:
    """A tile over time, ready to simulate.

    Attributes:
        spec: the tile.
        netlist: everything, with sources.
        reads: number of reads that are answers, after `UNREAD` that are not.
        supplies: every source that delivers energy.
        technology: of the periphery.
        process: its process corner.
    """

    spec: TileSpec
    netlist: Netlist
    reads: int
    supplies: tuple[Supply, ...]
    technology: Technology
    process: str

    @property
    def readout(self) -> ReadoutSpec:
        """The read-out, which every MAC tile has."""
        return readout_of(self.spec)

    @property
    def period(self) -> float:
        """Time of one read [s]."""
        return self.readout.period

    @property
    def duration(self) -> float:
        """Time of all reads [s]."""
        return (UNREAD + self.reads) * self.period

    def input_times(self) -> Float[np.ndarray, " reads"]:
        """When the inputs of each read are applied [s]."""
        return (UNREAD + np.arange(self.reads)) * self.period + self._delay

    def settled_times(self) -> Float[np.ndarray, " reads"]:
        """When each read is taken: the converter's sampling ends, or the read itself [s]."""
        adc, reads = self.readout.adc, UNREAD + np.arange(self.reads)
        if adc is None:
            return (reads + 1) * self.period - EDGE
        return np.array([adc.sampled_time(int(read)) for read in reads])

    def code_times(self) -> Float[np.ndarray, " reads"]:
        """When each code is ready [s].

        Raises:
            SpecError: the tile has no converter.
        """
        adc = self.readout.adc
        if adc is None:
            raise SpecError(f"the tile {self.spec.name} has no [readout.adc]")
        return np.array([adc.read_time(UNREAD + read) for read in range(self.reads)])

    @property
    def _delay(self) -> float:
        adc = self.readout.adc
        return 0.0 if adc is None else adc.input_time(0)


def readout_of(spec: TileSpec) -> ReadoutSpec:
    """The read-out of a tile.

    Raises:
        SpecError: it has none.
    """
    if spec.readout is None:
        raise SpecError(
            f"the tile {spec.name} has no [readout]; a transient needs amplifiers: add the table"
        )
    return spec.readout


def mac_tile(
    spec: TileSpec,
    conductances: ArrayLike,
    inputs: ArrayLike,
    *,
    process: str = "tt",
    supply: float = 1.0,
    seed: int | None = None,
) -> MacTile:
    """A tile with conductances and input vectors applied one after the other.

    Args:
        spec: the tile, with a `readout`.
        conductances: `[rows, cols]` [S].
        inputs: `[samples, rows]`, codes of the tile's inputs, or volts.
        process: process corner of the periphery.
        supply: of the periphery, relative to nominal.
        seed: of the mismatch of the periphery; none without a seed.

    Raises:
        SpecError: a tile without a read-out, or with inputs that a transient cannot carry.
        ShapeError: an array of the wrong shape or not finite.
        CardError: a conductance outside the range of the device's card.
    """
    readout = readout_of(spec)
    _refuse_what_has_no_transient(spec)
    voltages = SignalChain(spec).voltages(inputs).reshape(-1, spec.rows)
    if len(voltages) > MOST_READS:
        raise SpecError(f"{len(voltages)} reads are given; one transient takes {MOST_READS}")
    technology = Technology.load(readout.technology)
    periphery = _Periphery(spec, readout, technology, supply, seed)
    parts = replace(load_cell(spec), level=readout.level)
    parameters = device_parameters(parts, checked_conductances(spec, conductances))
    first = np.repeat(voltages[:1], UNREAD, axis=0)
    delay = 0.0 if readout.adc is None else readout.adc.input_time(0)
    steps = np.concatenate([first, voltages])
    elements = (
        voltage_source(f"v{LEVEL}", LEVEL, "0", readout.level),
        *timed_input_lines(steps, readout.period, EDGE, delay, LEVEL),
        *input_line_lines(spec),
        *output_line_lines(spec),
        *wire_capacitance_lines(spec),
        *cell_lines(spec, parts, parameters, Gates.HELD, ground=LEVEL),
        *(wordline_lines(spec, LEVEL) if parts.has_wordlines(Gates.HELD) else ()),
        *periphery.lines(),
    )
    drivers = tuple(
        Supply("drivers", f"vin_{row}", names.driver_node(row), LEVEL) for row in range(spec.rows)
    )
    level = Supply("level", f"v{LEVEL}", LEVEL, "0")
    netlist = Netlist(
        title=f"MAC tile {spec.name}: {spec.rows} x {spec.cols} {spec.cell.topology} over time",
        elements=elements,
        definitions=(
            *technology.models(process), *parts.definitions(Gates.HELD), *periphery.definitions()
        ),
        temperature=spec.temperature,
        outputs=(),
    )  # fmt: skip
    supplies = (*drivers, level, *periphery.supplies())
    tile = MacTile(spec, netlist, len(voltages), supplies, technology, process)
    return replace(tile, netlist=replace(netlist, outputs=_outputs(tile)))


def _refuse_what_has_no_transient(spec: TileSpec) -> None:
    if spec.external is not None:
        raise SpecError(f"the tile {spec.name} is an [external] netlist; it has its own periphery")
    if spec.inputs is not None and spec.inputs.coding == "pulse_width":
        raise SpecError(
            "inputs.coding: pulses need an integrator, not the amplifier of this read-out; use "
            "`dac` or `bit_serial` for a transient, or the conductance-ratio tile"
        )


def _outputs(tile: MacTile) -> tuple[str, ...]:
    """What codes, volts, settling and energy are found from."""
    spec, adc = tile.spec, tile.readout.adc
    sensed = [f"v({names.sensed_node(col)})" for col in range(spec.cols)]
    bits = range(0 if adc is None else adc.bits)
    codes = [f"v({names.bit_node(col, bit)})" for col in range(spec.cols) for bit in bits]
    nets = {net for one in tile.supplies for net in (one.plus, one.minus) if net != "0"}
    currents = [f"i({one.source})" for one in tile.supplies]
    return (*sensed, *codes, *(f"v({net})" for net in sorted(nets)), *currents)


@dataclass(frozen=True)
class _Periphery:
    """Amplifiers and converters of all columns."""

    spec: TileSpec
    readout: ReadoutSpec
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
            name: block.with_mismatch(int(draw)).renamed(f"{block.name}_{col}")
            for (name, block), draw in zip(blocks.items(), draws, strict=True)
        }

    def definitions(self) -> tuple[str, ...]:
        """Every block of every column, equal ones once."""
        columns = range(self.spec.cols if self.seed is not None else 1)
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
        adc = self.readout.adc
        yield voltage_source("vdd_sensing", "vdd_sensing", "0", self.volt)
        if adc is not None:
            yield voltage_source("vdd_adc", "vdd_adc", "0", self.volt)
            for net, volt in adc.references.items():
                yield voltage_source(f"vadc_{net}", f"adc_{net}", "0", volt)
            for net, waveform in adc.clocks(self.volt).items():
                yield f"vclock_{net} adc_{net} 0 {waveform}"
        for col in range(self.spec.cols):
            yield from self._column_lines(col)

    def _column_lines(self, col: int) -> Iterator[str]:
        circuits, adc = self._circuits(col), self.readout.adc
        sensed = names.sensed_node(col)
        nets = {"line": names.sense_node(col), "vcm": LEVEL, "out": sensed, "vdd": "vdd_sensing"}
        yield circuits["sense"].instance(f"sense_{col}", nets)
        if adc is not None:
            shared = {port: f"adc_{port}" for port in (*adc.clocks(self.volt), *adc.references)}
            bits = {port: names.bit_node(col, bit) for bit, port in enumerate(adc.bit_ports)}
            nets = shared | bits | {"vin": sensed, "vdd": "vdd_adc"}
            yield circuits["adc"].instance(f"adc_{col}", nets)
