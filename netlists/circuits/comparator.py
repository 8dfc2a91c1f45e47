r"""A comparator that decides once per rising edge of its clock and keeps the decision.

    inp ──┤+ \                 ideal:      the sign of inp - inn, taken by a flip-flop
          │   >── latch ── q   strongarm:  a StrongARM latch and the two NAND gates that hold
    inn ──┤- /                             its decision while it precharges
            clk

`q` is a digital net of XSPICE: logic reads it without a bridge. The ideal comparator has an offset
of its own, drawn at random; that of the StrongARM latch comes from its transistors.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from netlists.circuits.strongarm import StrongArm
from netlists.fields import NotNegative, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


CLOCK_THRESHOLD = 0.4  # of the nominal supply: where logic reads a clock as high
DECISION_THRESHOLD = 0.25  # below the level that both outputs pass while they regenerate
DELAYS = "rise_delay=20p fall_delay=20p"
FLIP_FLOP = "d_dff(clk_delay=50p set_delay=50p reset_delay=50p rise_delay=50p fall_delay=50p)"


def bridge(threshold: float) -> str:
    """The model of an XSPICE bridge that reads a voltage as logic."""
    return f"adc_bridge(in_low={threshold:.9g} in_high={threshold:.9g} {DELAYS})"


class Comparator(Spec):
    """A clocked comparator.

    Attributes:
        kind: `ideal`, or `strongarm` of transistors.
        offset_deviation: standard deviation of the ideal comparator's offset [V].
        latch: the StrongARM latch.
    """

    kind: Literal["ideal", "strongarm"] = "ideal"
    offset_deviation: NotNegative = 0.0
    latch: StrongArm = Field(default_factory=StrongArm)

    def circuit(self, technology: Technology) -> Subcircuit:
        """The comparator with ports inp, inn, clk, q, and vdd when it has transistors."""
        return self._ideal(technology) if self.kind == "ideal" else self._strongarm(technology)

    def place(self, draw: Schematic, name: str, *, inp: str, inn: str, clk: str, q: str) -> None:
        """Place the comparator in a schematic whose supply is `vdd`."""
        circuit = self.circuit(draw.technology)
        supply = {"vdd": "vdd"} if "vdd" in circuit.ports else {}
        draw.place(name, circuit, inp=inp, inn=inn, clk=clk, q=q, **supply)

    def _ideal(self, technology: Technology) -> Subcircuit:
        draw = Schematic("comparator_ideal", ("inp", "inn", "clk", "q"), technology)
        draw.voltage("offset", "shifted", "inp", 0.0, self.offset_deviation)
        draw.digital("sign", "[%vd(shifted inn)] [sign]", "sign_bridge", bridge(0.0))
        _clock_bridge(draw, "[clk] [dclk]")
        draw.digital("zero", "zero", "logic_low", "d_pulldown(load=1p)")
        draw.digital("keep", "sign dclk zero zero q nq", "flip_flop", FLIP_FLOP)
        return draw.subcircuit()

    def _strongarm(self, technology: Technology) -> Subcircuit:
        draw = Schematic("comparator_strongarm", ("inp", "inn", "clk", "q", "vdd"), technology)
        nets = {"outp": "outp", "outn": "outn", "vdd": "vdd"}
        draw.place("latch", self.latch.circuit(technology), inp="inp", inn="inn", clk="clk", **nets)
        definition = bridge(DECISION_THRESHOLD * technology.supply)
        draw.digital("read", "[outp outn] [dp dn]", "decision_bridge", definition)
        draw.digital("hold", "[dn nq] q", "nand", f"d_nand({DELAYS})")
        draw.digital("hold_not", "[dp q] nq", "nand", f"d_nand({DELAYS})")
        return draw.subcircuit()


def _clock_bridge(draw: Schematic, ports: str) -> None:
    """Read clocks as logic."""
    definition = bridge(CLOCK_THRESHOLD * draw.technology.supply)
    draw.digital("clocks", ports, "clock_bridge", definition)
