"""The conductance-ratio multiplier with behavioural periphery: linear amplifiers, ideal mirrors.

Two ways to draw the array, equal to the last digits:

    cell  every cell is a compiled model behind a copy of its bit line, its current counted while
          its word line is high: an ideal select switch
    sum   below the threshold all cells of a line share one function of the voltage, so a node adds
          up `word line times conductance` and one compiled cell per line gives the shape

                v(word line i) ─► G_ij (age/t0)^-nu_ij ─┐
                                   ...                  ├─► q ── 1 ohm    line: i = v(q) i(unit)
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_mac import RatioErrors, RatioMac, RatioState
from netlists.schematic import GROUND, Schematic, Subcircuit
from netlists.technology import Technology


Form = Literal["sum", "cell"]
SWITCH = {"threshold": 0.5, "on": 500.0, "off": 1e14}
NO_ERRORS = RatioErrors()


def regulated_line(mac: RatioMac, technology: Technology) -> Subcircuit:
    """A line held at `ref` by an amplifier and a follower, whose current comes from `feed`."""
    draw = Schematic("ratio_line", ("line", "ref", "feed"), technology, "line held at a voltage")
    transconductance = 1e-3
    draw.transconductor("a", GROUND, "p", ("ref", "line"), transconductance)
    draw.resistor("a", "p", GROUND, mac.line_gain / transconductance)
    draw.capacitor("a", "p", GROUND, transconductance / (2.0 * np.pi * mac.line_bandwidth))
    draw.amplifier("f", "f", "feed", ("p", GROUND), 1.0)
    draw.resistor("f", "f", "line", mac.follower)
    return draw.subcircuit()


def reset_integrator(mac: RatioMac, technology: Technology) -> Subcircuit:
    """Integrates the current into `sum`; `rst` high empties the capacitor."""
    ports = ("sum", "out", "rst")
    draw = Schematic("ratio_integrator", ports, technology, "integrator with reset")
    transconductance = 1e-3
    draw.voltage("cm", "cm", GROUND, mac.common_mode)
    draw.transconductor("a", GROUND, "p", ("cm", "sum"), transconductance)
    draw.resistor("a", "p", GROUND, mac.integrator_gain / transconductance)
    draw.capacitor("a", "p", GROUND, transconductance / (2.0 * np.pi * mac.integrator_bandwidth))
    draw.amplifier("o", "o", "cm", ("p", GROUND), 1.0)
    draw.resistor("o", "o", "out", 50.0)
    draw.capacitor("int", "sum", "out", mac.output_capacitance)
    draw.switch("rst", "sum", "out", ("rst", GROUND), **SWITCH)
    draw.capacitor("sum", "sum", GROUND, 20e-15)
    return draw.subcircuit()


def behavioural_mac(
    mac: RatioMac,
    technology: Technology,
    state: RatioState,
    form: Form = "sum",
    errors: RatioErrors = NO_ERRORS,
) -> Subcircuit:
    """The tile with ports x0.., rst, en, out0..; outputs are `common_mode` minus the result.

    Raises:
        InputError: the cells do not fit the tile.
    """
    state.check(mac)
    ports = (
        *(f"x{i}" for i in range(mac.inputs)),
        "rst",
        "en",
        *(f"out{j}" for j in range(mac.columns)),
    )
    draw = Schematic("ratio_mac", ports, technology, "conductance-ratio multiplier")
    line, integrator = regulated_line(mac, technology), reset_integrator(mac, technology)
    _ramp(draw, mac, state, errors, line)
    _windows(draw, mac, errors)
    offsets = np.broadcast_to(errors.lines, (2, mac.columns))
    gains = state.trim * mac.output_gain * (1.0 + np.broadcast_to(errors.mirrors, (2, mac.columns)))
    for j in range(mac.columns):
        for k, (sign, cells) in enumerate((("p", state.positive), ("n", state.negative))):
            name, summing = f"{sign}{j}", f"sum{j}"
            _held_line(draw, mac, name, mac.line_voltage + offsets[k, j], line)
            into = (GROUND, summing) if sign == "p" else (summing, GROUND)
            draw.mirror(name, *into, f"s_{name}", gains[k, j])
            _CELLS[form](draw, name, cells, j)
        draw.place(f"int{j}", integrator, sum=f"sum{j}", out=f"out{j}", rst="rst")
        if errors.output_leak:
            draw.current(f"leak{j}", f"sum{j}", GROUND, errors.output_leak)
    return draw.subcircuit()


def _held_line(draw: Schematic, mac: RatioMac, name: str, volt: float, line: Subcircuit) -> None:
    """A line with its amplifier; the voltage source `s_<name>` carries its current."""
    draw.voltage(f"r_{name}", f"ref_{name}", GROUND, volt)
    draw.place(f"l_{name}", line, line=name, ref=f"ref_{name}", feed=f"feed_{name}")
    draw.voltage(f"s_{name}", GROUND, f"feed_{name}", 0.0)
    capacitance = mac.line_capacitance + mac.inputs * mac.cell_capacitance
    draw.capacitor(f"l_{name}", name, GROUND, capacitance)


def _ramp(
    draw: Schematic, mac: RatioMac, state: RatioState, errors: RatioErrors, line: Subcircuit
) -> None:
    """Reference cells, or the resistor instead of them, and the ramp that they set."""
    _held_line(draw, mac, "ref", mac.reference_voltage + errors.reference, line)
    count = mac.reference_count
    if state.fixed_ramp:
        current = count * mac.fresh_current(mac.reference_voltage)
        draw.resistor("fixed", "ref", GROUND, mac.reference_voltage / current)
    else:
        for r in range(count):
            state.reference.place(draw, f"ref{r}", ("ref", GROUND), (r,))
    gain = state.trim * mac.ramp_gain * (1.0 + errors.ramp_mirror) / count
    draw.mirror("ramp", GROUND, "ramp", "s_ref", gain)
    draw.voltage("start", "start", GROUND, mac.ramp_start)
    draw.switch("ramp", "ramp", "start", ("rst", GROUND), **SWITCH)
    draw.capacitor("ramp", "ramp", GROUND, mac.ramp_capacitance)
    if errors.ramp_conductance:
        draw.resistor("ramp", "ramp", GROUND, 1.0 / errors.ramp_conductance)
    if errors.ramp_leak:
        draw.current("ramp", "ramp", GROUND, errors.ramp_leak)


def _windows(draw: Schematic, mac: RatioMac, errors: RatioErrors) -> None:
    """Word lines, 0 to 1 V: from the pedestal on until the row's own level."""
    width = mac.window_width
    pedestal = float(mac.level(np.array(0.0)))
    draw.voltage_expression(
        "open", "open", GROUND, f"0.5*v(en)*(1+tanh((v(ramp)-{pedestal!r})/{width!r}))"
    )
    for i, offset in enumerate(np.broadcast_to(errors.comparators, mac.inputs).tolist()):
        closes = f"tanh((v(x{i})+{offset!r}-v(ramp))/{width!r})"
        draw.voltage_expression(f"wl{i}", f"wl{i}", GROUND, f"v(open)*0.5*(1+{closes})")


def _cell_by_cell(draw: Schematic, line: str, cells: PhaseChangeCells, column: int) -> None:
    """One compiled cell per crosspoint, at a copy of the line's voltage."""
    draw.amplifier(f"copy_{line}", f"copy_{line}", GROUND, (line, GROUND), 1.0)
    for i in np.flatnonzero(cells.conductance[:, column]):
        name = f"{line}_{i}"
        cells.place(draw, name, (f"copy_{line}", f"c_{name}"), (i, column))
        draw.voltage(f"c_{name}", f"c_{name}", GROUND, 0.0)
        draw.current_expression(name, line, GROUND, f"v(wl{i})*i(vc_{name})")


def _conductance_sum(draw: Schematic, line: str, cells: PhaseChangeCells, column: int) -> None:
    """A node that adds up the selected conductances, and one compiled cell for the shape."""
    draw.amplifier(f"copy_{line}", f"copy_{line}", GROUND, (line, GROUND), 1.0)
    cells.place_unit(draw, f"unit_{line}", (f"copy_{line}", f"u_{line}"))
    draw.voltage(f"u_{line}", f"u_{line}", GROUND, 0.0)
    for i in np.flatnonzero(cells.conductance[:, column]):
        share, select = cells.share((i, column)), (f"wl{i}", GROUND)
        draw.transconductor(f"{line}_{i}", GROUND, f"q_{line}", select, share)
    draw.resistor(f"q_{line}", f"q_{line}", GROUND, 1.0)
    draw.current_expression(line, line, GROUND, f"v(q_{line})*i(vu_{line})")


_CELLS = {"cell": _cell_by_cell, "sum": _conductance_sum}
