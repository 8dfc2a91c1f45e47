"""The conductance-ratio multiplier with transistors around real phase-change cells.

Line and mirror (one for the reference cells, one for each positive and negative bit line):

    vdd ──┬───────────┬──          m_in and m_out units of one size: a mirror is never scaled by
       m1 ├┐       m3 ├            its width, which shifts the threshold of narrow transistors
    cas m2 ├│    cas m4 ├           The cascodes' gates are held: in a stack that biases itself
          d├┘         └── out        the output's swing would be fed back through the mirror
        mf ├── amplifier(ref - line)
          line ── bleed ── 0        keeps the follower on while no cell conducts;
                                  the reference line has none, its cells always do

    a sinking line has a mirror of n-channel transistors after it.

Comparator: a five-transistor amplifier with a p-channel pair and two inverters; `y` is high while
`level` is above `ramp`. Row gate: word line = comparator and not pedestal and enable. The
amplifiers of lines and integrators are linear with one pole.

What the select transistors drop, R (G - G_ref) of the result, fades with the cells; the charge of
their gates counts more as the cells fade. Their width is a compromise between the two.

What is left over is constant: the capacitance at the ramp node beyond C_r makes the gain some per
cent too large; the bleeds, the reset switch and the unlike paths of opening and closing edge add an
offset. One calibration takes the gain away, a conversion with all inputs at 0 the offset.
"""

from __future__ import annotations

import numpy as np

from compact_models.errors import InputError
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_mac import RatioMac, RatioState
from netlists.fields import NotNegative, Positive, Spec
from netlists.schematic import GROUND, Schematic, Subcircuit
from netlists.technology import Technology


# Sizes and phases for 2.5-V transistors: the ramp starts where the p-channel pair works, and its
# capacitor is large against what the comparators add.
TRANSISTOR_MAC = RatioMac(
    references=1,
    ramp_start=0.4,
    swing=0.8,
    ramp_gain=8.0,
    common_mode=1.25,
    line_gain=2000.0,
    line_bandwidth=100e6,
)


class RatioTransistors(Spec):
    """Sizes of the transistors.

    Attributes:
        unit_width: of each unit of a mirror [m].
        mirror_length: of a mirror's current sources [m].
        cascode_bias: from the supply down to the cascodes' gates [V].
        units: of a mirror's input per reference cell, or per eight rows.
        follower_width: of the transistor that feeds a line [m].
        bleed: current that each bit line always carries [A].
        comparator_width: of the comparators' input pair [m].
        comparator_current: of each comparator [A].
        select_width: of each cell's select transistor [m].
    """

    unit_width: Positive = 1e-6
    mirror_length: Positive = 2e-6
    cascode_bias: Positive = 1.15
    units: int = 8
    follower_width: Positive = 20e-6
    bleed: NotNegative = 5e-6
    comparator_width: Positive = 4e-6
    comparator_current: Positive = 40e-6
    select_width: Positive = 4e-6

    def line(
        self,
        mac: RatioMac,
        technology: Technology,
        units: tuple[int, int],
        name: str = "source",
        bleed: float = 0.0,
    ) -> Subcircuit:
        """A line held at `ref`, its current mirrored out of `out`; ports line, ref, out, vdd."""
        name = f"ratio_{name}_{units[0]}_{units[1]}"
        draw = Schematic(name, ("line", "ref", "out", "vdd"), technology, "line and mirror")
        self._amplifier(draw, mac)
        draw.nmos("f", d="d", g="g", s="line", w=self.follower_width)
        if bleed:
            draw.current("bleed", "line", GROUND, bleed)
        draw.voltage("cas", "vdd", "cas", self.cascode_bias)
        width, length = self.unit_width, self.mirror_length
        draw.pmos("1", d="a", g="d", s="vdd", w=width, length=length, m=units[0])
        draw.pmos("2", d="d", g="cas", s="a", w=width, m=units[0])
        draw.pmos("3", d="b", g="d", s="vdd", w=width, length=length, m=units[1])
        draw.pmos("4", d="out", g="cas", s="b", w=width, m=units[1])
        return draw.subcircuit()

    @staticmethod
    def _amplifier(draw: Schematic, mac: RatioMac) -> None:
        """Drives `g` with the difference of `ref` and `line`."""
        transconductance = 1e-3
        draw.transconductor("a", GROUND, "p", ("ref", "line"), transconductance)
        draw.resistor("a", "p", GROUND, mac.line_gain / transconductance)
        draw.capacitor("a", "p", GROUND, transconductance / (2.0 * np.pi * mac.line_bandwidth))
        draw.amplifier("a", "e", GROUND, ("p", GROUND), 1.0)
        draw.resistor("g", "e", "g", 200.0)

    def sinking_line(
        self, mac: RatioMac, technology: Technology, units: tuple[int, int]
    ) -> Subcircuit:
        """The same with the current into `out`."""
        name = f"ratio_sink_{units[0]}_{units[1]}"
        draw = Schematic(name, ("line", "ref", "out", "vdd"), technology, "line and sinking mirror")
        source = self.line(mac, technology, units, bleed=self.bleed)
        draw.place("line", source, line="line", ref="ref", out="x", vdd="vdd")
        width, length = self.unit_width, self.mirror_length
        draw.nmos("5", d="c", g="c", s=GROUND, w=width, length=length, m=units[1])
        draw.nmos("6", d="x", g="x", s="c", w=width, m=units[1])
        draw.nmos("7", d="e", g="c", s=GROUND, w=width, length=length, m=units[1])
        draw.nmos("8", d="out", g="x", s="e", w=width, m=units[1])
        return draw.subcircuit()

    def comparator(self, technology: Technology) -> Subcircuit:
        """`y` is high while `level` is above `ramp`."""
        ports = ("level", "ramp", "y", "vdd")
        draw = Schematic("ratio_comparator", ports, technology, "continuous-time comparator")
        width = self.comparator_width
        draw.current("tail", "vdd", "t", self.comparator_current)
        draw.pmos("1", d="a", g="level", s="t", w=width)
        draw.pmos("2", d="b", g="ramp", s="t", w=width)
        draw.nmos("3", d="a", g="a", s=GROUND, w=width, length=0.4e-6)
        draw.nmos("4", d="b", g="a", s=GROUND, w=width, length=0.4e-6)
        inverter(draw, "o", "b", "o", 1e-6, 1.5e-6)
        inverter(draw, "y", "o", "y", 1.5e-6, 4e-6)
        return draw.subcircuit()

    def integrator(self, mac: RatioMac, technology: Technology) -> Subcircuit:
        """Integrates into `sum`; a transmission gate empties the capacitor while `rst` is high."""
        ports = ("sum", "out", "rst", "vdd")
        draw = Schematic("ratio_integrator_tg", ports, technology, "integrator with reset")
        transconductance = 1e-3
        pole = transconductance / (2.0 * np.pi * mac.integrator_bandwidth)
        draw.voltage("cm", "cm", GROUND, mac.common_mode)
        draw.transconductor("a", GROUND, "p", ("cm", "sum"), transconductance)
        draw.resistor("a", "p", GROUND, mac.integrator_gain / transconductance)
        draw.capacitor("a", "p", GROUND, pole)
        draw.amplifier("o", "o", "cm", ("p", GROUND), 1.0)
        draw.resistor("o", "o", "out", 50.0)
        draw.capacitor("int", "sum", "out", mac.output_capacitance)
        inverter(draw, "rst", "rst", "rstb", 1e-6, 3e-6)
        draw.nmos("tg_n", d="sum", g="rst", s="out", w=2e-6)
        draw.pmos("tg_p", d="sum", g="rstb", s="out", w=6e-6)
        return draw.subcircuit()


def inverter(draw: Schematic, name: str, a: str, y: str, nmos: float, pmos: float) -> None:
    """An inverter with the widths of its transistors [m]."""
    draw.nmos(f"{name}_n", d=y, g=a, s=GROUND, w=nmos)
    draw.pmos(f"{name}_p", d=y, g=a, s="vdd", w=pmos)


def row_gate(technology: Technology) -> Subcircuit:
    """Word line: `c` and not `before` and not `off`."""
    ports = ("c", "before", "off", "wl", "vdd")
    draw = Schematic("ratio_row_gate", ports, technology, "word-line driver")
    inverter(draw, "c", "c", "cb", 1e-6, 3e-6)
    for gate in ("cb", "before", "off"):
        draw.nmos(f"n_{gate}", d="wl", g=gate, s=GROUND, w=1e-6)
    for gate, source, drain in (("cb", "vdd", "u"), ("before", "u", "v"), ("off", "v", "wl")):
        draw.pmos(f"p_{gate}", d=drain, g=gate, s=source, w=9e-6)
    return draw.subcircuit()


def transistor_mac(
    mac: RatioMac, sizes: RatioTransistors, technology: Technology, state: RatioState
) -> Subcircuit:
    """The tile with ports x0.., rst, en, out0.., vdd; clocks reach from 0 to the supply.

    Raises:
        InputError: the cells do not fit the tile, a trim leaves no whole number of units, or a
            fixed ramp is asked for.
    """
    state.check(mac)
    if state.fixed_ramp:
        raise InputError("a fixed ramp is drawn by the behavioural periphery only; use that")
    inputs, outputs = range(mac.inputs), range(mac.columns)
    ports = (*(f"x{i}" for i in inputs), "rst", "en", *(f"out{j}" for j in outputs), "vdd")
    draw = Schematic("ratio_mac_mos", ports, technology, "conductance-ratio multiplier")
    _ramp(draw, mac, sizes, state)
    _windows(draw, mac, sizes)
    units = _units(sizes.units * -(-mac.inputs // 8), mac.output_gain, state.trim)
    lines = {
        "p": (sizes.line(mac, technology, units, bleed=sizes.bleed), state.positive),
        "n": (sizes.sinking_line(mac, technology, units), state.negative),
    }
    integrator = sizes.integrator(mac, technology)
    draw.voltage("line", "vline", GROUND, mac.line_voltage)
    for j in outputs:
        for sign, (line, cells) in lines.items():
            name = f"{sign}{j}"
            draw.place(name, line, line=name, ref="vline", out=f"sum{j}", vdd="vdd")
            _line_load(draw, mac, name)
            for i in np.flatnonzero(cells.conductance[:, j]):
                _cell(draw, sizes, cells, (int(i), j), name, f"wl{i}")
        nets = {"sum": f"sum{j}", "out": f"out{j}", "rst": "rst", "vdd": "vdd"}
        draw.place(f"int{j}", integrator, **nets)
    return draw.subcircuit()


def _units(base: int, gain: float, trim: float) -> tuple[int, int]:
    """Units at a mirror's input and output; a trim takes units away from the input."""
    given, out = base / trim, base * gain
    if given < 1.0 or given != int(given) or out < 1.0 or out != int(out):
        raise InputError(
            f"a trim of {trim:g} and a gain of {gain:g} leave {given:g} units at the input and "
            f"{out:g} at the output of a mirror with {base} units; both must be whole: choose "
            "powers of two, or more units"
        )
    return int(given), int(out)


def _line_load(draw: Schematic, mac: RatioMac, line: str) -> None:
    capacitance = mac.line_capacitance + mac.inputs * mac.cell_capacitance
    draw.capacitor(f"l_{line}", line, GROUND, capacitance)


def _cell(
    draw: Schematic,
    sizes: RatioTransistors,
    cells: PhaseChangeCells,
    cell: tuple[int, ...],
    line: str,
    gate: str,
) -> None:
    """A compiled cell and its select transistor."""
    name = f"{line}_{cell[0]}"
    cells.place(draw, f"c_{name}", (line, f"d_{name}"), cell)
    draw.nmos(f"s_{name}", d=f"d_{name}", g=gate, s=GROUND, w=sizes.select_width)


def _ramp(draw: Schematic, mac: RatioMac, sizes: RatioTransistors, state: RatioState) -> None:
    """Reference cells, always selected, and the ramp that they set."""
    base = sizes.units * mac.reference_count
    gain = mac.ramp_gain / mac.reference_count
    line = sizes.line(mac, draw.technology, _units(base, gain, state.trim), "reference")
    draw.voltage("ref", "vref", GROUND, mac.reference_voltage)
    draw.place("ref", line, line="ref", ref="vref", out="ramp", vdd="vdd")
    _line_load(draw, mac, "ref")
    for r in range(mac.reference_count):
        name = f"ref{r}"
        state.reference.place(draw, f"c_{name}", ("ref", f"d_{name}"), (r,))
        draw.nmos(f"s_{name}", d=f"d_{name}", g="vdd", s=GROUND, w=sizes.select_width)
    draw.voltage("start", "start", GROUND, mac.ramp_start)
    draw.nmos("rst", d="ramp", g="rst", s="start", w=2e-6)
    draw.capacitor("ramp", "ramp", GROUND, mac.ramp_capacitance)


def _windows(draw: Schematic, mac: RatioMac, sizes: RatioTransistors) -> None:
    """One comparator for the pedestal and one per row, with the rows' gates."""
    comparator, gate = sizes.comparator(draw.technology), row_gate(draw.technology)
    inverter(draw, "en", "en", "off", 2e-6, 6e-6)
    draw.voltage("pedestal", "pedestal", GROUND, float(mac.level(np.array(0.0))))
    draw.place("open", comparator, level="pedestal", ramp="ramp", y="before", vdd="vdd")
    for i in range(mac.inputs):
        draw.place(f"cmp{i}", comparator, level=f"x{i}", ramp="ramp", y=f"c{i}", vdd="vdd")
        nets = {"c": f"c{i}", "before": "before", "off": "off", "wl": f"wl{i}", "vdd": "vdd"}
        draw.place(f"row{i}", gate, **nets)
