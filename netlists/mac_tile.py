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

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from compact_models.errors import SpecError
from netlists import names
from netlists.arrays import checked_conductances
from netlists.cells import Gates, cell_lines, device_parameters, load_cell
from netlists.crossbar import input_line_lines, output_line_lines, wire_capacitance_lines
from netlists.drivers import wordline_lines
from netlists.periphery import LEVEL, Periphery, Supply
from netlists.readout_spec import ReadoutSpec
from netlists.signal_chain import SignalChain
from netlists.specs import TileSpec
from netlists.spice import Netlist, voltage_source
from netlists.technology import Technology
from netlists.tile_timing import TileTiming


MOST_READS = 100_000
# Charges are of femtofarads; Gear damps what the trapezoidal rule makes ring at switches. Tighter
# tolerances gave the same codes and the same energy within 0.01 % at twice the time.
TRANSIENT_OPTIONS = "method=gear reltol=1e-3 abstol=1e-12 vntol=1e-6 chgtol=1e-15"
STEPS_PER_READ = 200


@dataclass(frozen=True)
class MacTile:
    """A tile over time, ready to simulate.

    Attributes:
        spec: the tile.
        netlist: everything, with sources.
        timing: when what happens.
        supplies: every source that delivers energy.
    """

    spec: TileSpec
    netlist: Netlist
    timing: TileTiming
    supplies: tuple[Supply, ...]

    @property
    def readout(self) -> ReadoutSpec:
        """The read-out, which every MAC tile has."""
        return readout_of(self.spec)


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
    volts, shares = SignalChain(spec).pulses(inputs)
    if len(volts) > MOST_READS:
        raise SpecError(f"{len(volts)} reads are given; one transient takes {MOST_READS}")
    technology, timing = Technology.load(readout.technology), TileTiming(readout, len(volts))
    periphery = Periphery(readout, spec.cols, timing, technology, supply, seed)
    parts = replace(load_cell(spec), level=readout.level)
    parameters = device_parameters(parts, checked_conductances(spec, conductances))
    elements = (
        voltage_source(f"v{LEVEL}", LEVEL, "0", readout.level),
        *_input_lines(timing, volts, shares),
        *input_line_lines(spec),
        *output_line_lines(spec, ideal_sensor=False),
        *wire_capacitance_lines(spec),
        *cell_lines(spec, parts, parameters, Gates.HELD, ground=LEVEL),
        *(wordline_lines(spec, LEVEL) if parts.has_wordlines(Gates.HELD) else ()),
        *periphery.lines(),
    )
    definitions = (*technology.models(process), *parts.definitions(Gates.HELD))
    supplies = (*_array_supplies(spec), *periphery.supplies())
    netlist = Netlist(
        title=f"MAC tile {spec.name}: {spec.rows} x {spec.cols} {spec.cell.topology} over time",
        elements=elements,
        definitions=(*definitions, *periphery.definitions()),
        temperature=spec.temperature,
        outputs=_outputs(spec, readout, supplies),
    )
    return MacTile(spec, netlist, timing, supplies)


def _input_lines(
    timing: TileTiming,
    volts: Float[np.ndarray, "reads rows"],
    shares: Float[np.ndarray, "reads rows"],
) -> Iterator[str]:
    """One source per row, against the level."""
    for row in range(volts.shape[1]):
        waveform = timing.waveform(volts[:, row], shares[:, row])
        yield f"vin_{row} {names.driver_node(row)} {LEVEL} {waveform}"


def _array_supplies(spec: TileSpec) -> Iterator[Supply]:
    """The sources of the crossbar."""
    for row in range(spec.rows):
        yield Supply("drivers", f"vin_{row}", names.driver_node(row), LEVEL)
    yield Supply("level", f"v{LEVEL}", LEVEL, "0")


def _refuse_what_has_no_transient(spec: TileSpec) -> None:
    if spec.external is not None:
        raise SpecError(f"the tile {spec.name} is an [external] netlist; it has its own periphery")


def _outputs(spec: TileSpec, readout: ReadoutSpec, supplies: tuple[Supply, ...]) -> tuple[str, ...]:
    """What codes, volts, settling and energy are found from."""
    sensed = [f"v({names.sensed_node(col)})" for col in range(spec.cols)]
    bits = range(0 if readout.adc is None else readout.adc.bits)
    codes = [f"v({names.bit_node(col, bit)})" for col in range(spec.cols) for bit in bits]
    nets = {net for one in supplies for net in (one.plus, one.minus) if net != "0"}
    currents = [f"i({one.source})" for one in supplies]
    return (*sensed, *codes, *(f"v({net})" for net in sorted(nets)), *currents)
