"""Static CMOS gates: an inverter, a NAND of any number of inputs, and a tapered buffer.

Pull-up transistors are twice as wide as pull-down ones; transistors in series are wider by their
number, so that every gate of one width drives about alike.
"""

from __future__ import annotations

from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


def inverter(technology: Technology, width: float) -> Subcircuit:
    """An inverter with ports a, y, vdd; `width` is that of the pull-down transistor [m]."""
    draw = Schematic(f"inverter_{_nanometres(width)}", ("a", "y", "vdd"), technology)
    draw.nmos("n", d="y", g="a", s="0", w=width)
    draw.pmos("p", d="y", g="a", s="vdd", w=2.0 * width)
    return draw.subcircuit()


def nand(technology: Technology, inputs: int, width: float) -> Subcircuit:
    """A NAND with ports a0, a1, …, y, vdd."""
    names = tuple(f"a{index}" for index in range(inputs))
    name = f"nand{inputs}_{_nanometres(width)}"
    draw = Schematic(name, (*names, "y", "vdd"), technology)
    for index, gate in enumerate(names):
        above = "y" if index == 0 else f"t{index}"
        below = f"t{index + 1}" if index + 1 < inputs else "0"
        draw.nmos(f"n{index}", d=above, g=gate, s=below, w=inputs * width)
        draw.pmos(f"p{index}", d="y", g=gate, s="vdd", w=2.0 * width)
    return draw.subcircuit()


def inverters(technology: Technology, count: int, width: float, taper: float) -> Subcircuit:
    """A chain of inverters with ports a, y, vdd, each `taper` times wider than the one before."""
    name = f"inverters{count}_{_nanometres(width)}_{_nanometres(taper)}"
    draw = Schematic(name, ("a", "y", "vdd"), technology)
    nets = ("a", *(f"s{index}" for index in range(1, count)), "y")
    for index in range(count):
        stage = inverter(technology, width * taper**index)
        draw.place(f"stage{index}", stage, a=nets[index], y=nets[index + 1], vdd="vdd")
    return draw.subcircuit()


def _nanometres(length: float) -> int:
    """A length as part of a name."""
    return round(1e9 * length)
