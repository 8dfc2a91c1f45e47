"""Input converters from a code to a voltage: an R-2R ladder, and a source with given levels.

    low ─2R─┬── R ──┬── R ──┬ … ┬── out     v(out) = low + (high - low) * code / 2^bits
            2R      2R      2R  2R
            │       │       │   │           each arm to `high` when its bit is set, else to `low`
            b0      b1      b2  b(N-1)

Seen from `out` the ladder is a resistance of R whatever the code. The switches add to the arms: the
ladder is linear as far as their resistance is small against 2R, or the same in every arm. Resistors
differ at random; the twin solves the ladder with them.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from pydantic import Field, model_validator

from netlists.circuits.coded_range import CodedRange
from netlists.circuits.gates import inverter
from netlists.drawn import drawn_value
from netlists.fields import Finite, NotNegative, Positive, Spec
from netlists.schematic import GROUND, Schematic, Subcircuit
from netlists.si_numbers import literal
from netlists.technology import Technology


OFF = 1e12  # of an ideal switch [ohm]


class VoltageDac(CodedRange):
    """An R-2R ladder with its switches, and a buffer.

    Attributes:
        bits: of a code.
        low: output at code 0, the reference `low` [V].
        high: output one step above the last code, the reference `high` [V].
        resistance: R of the ladder [ohm].
        matching: standard deviation of a resistor R, relative; an arm of 2R is two of them.
        switches: `ideal`, or `transistor` for CMOS switches.
        switch_resistance: of an ideal switch [ohm].
        switch_width: of the n-channel transistor of a switch; the other is twice as wide [m].
        buffered: whether an ideal follower drives the output.
        output_resistance: of the follower [ohm].
    """

    bits: int = Field(default=6, ge=2, le=8)
    low: Finite = 0.0
    high: Finite = 0.4
    resistance: Positive = 50e3
    matching: NotNegative = 0.005
    switches: Literal["ideal", "transistor"] = "ideal"
    switch_resistance: Positive = 100.0
    switch_width: Positive = 4e-6
    buffered: bool = True
    output_resistance: Positive = 100.0

    def circuit(self, technology: Technology) -> Subcircuit:
        """The converter with ports b0 …, high, low, out, vdd."""
        ports = (*self.bit_ports, "high", "low", "out", "vdd")
        draw = Schematic("voltage_dac", ports, technology, f"{self.bits}-bit R-2R converter")
        last = self.bits - 1
        nodes = [f"n{bit}" for bit in range(self.bits)]
        if not self.buffered:
            nodes[last] = "out"
        double = self.matching / np.sqrt(2.0)
        for bit, node in enumerate(nodes):
            draw.resistor(f"arm{bit}", node, f"d{bit}", 2.0 * self.resistance, double)
            self._draw_switches(draw, bit)
        draw.resistor("end", nodes[0], "low", 2.0 * self.resistance, double)
        for bit in range(last):
            draw.resistor(f"link{bit}", nodes[bit], nodes[bit + 1], self.resistance, self.matching)
        if self.buffered:
            draw.amplifier("follower", "follower", GROUND, (nodes[last], GROUND), 1.0)
            draw.resistor("out", "follower", "out", self.output_resistance)
        return draw.subcircuit()

    def _draw_switches(self, draw: Schematic, bit: int) -> None:
        """Tie an arm to `high` when its bit is set, else to `low`."""
        gate, arm = f"b{bit}", f"d{bit}"
        if self.switches == "ideal":
            half, on = 0.5 * draw.technology.supply, self.switch_resistance
            draw.switch(f"high{bit}", arm, "high", (gate, GROUND), threshold=half, on=on, off=OFF)
            draw.switch(f"low{bit}", arm, "low", (GROUND, gate), threshold=-half, on=on, off=OFF)
            return
        inverse, width = f"nb{bit}", self.switch_width
        driver = inverter(draw.technology, 0.25 * width)
        draw.place(f"inverse{bit}", driver, a=gate, y=inverse, vdd="vdd")
        for name, reference, n, p in (
            ("high", "high", gate, inverse),
            ("low", "low", inverse, gate),
        ):
            draw.nmos(f"n{name}{bit}", d=arm, g=n, s=reference, w=width)
            draw.pmos(f"p{name}{bit}", d=arm, g=p, s=reference, w=2.0 * width)

    # -- the behavioural twin

    def voltages(
        self,
        codes: Int[np.ndarray, "*shape"],
        resistor_errors: Float[np.ndarray, " resistors"] | None = None,
    ) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: outputs of codes [V], with a ladder of unequal resistors.

        Args:
            codes: from 0 to the number of levels - 1.
            resistor_errors: relative; arms from bit 0 on, the end, links from bit 0 on.
        """
        set_bits = (np.asarray(codes)[..., None] >> np.arange(self.bits)) & 1
        return np.asarray(
            self.low + (self.high - self.low) * (set_bits @ self.weights(resistor_errors))
        )

    def weights(
        self, resistor_errors: Float[np.ndarray, " resistors"] | None = None
    ) -> NDArray[np.float64]:
        """What each bit adds, relative to the full scale: the ladder's node equations solved."""
        bits = self.bits
        errors = np.zeros(2 * bits) if resistor_errors is None else resistor_errors
        nominal = np.concatenate([np.full(bits + 1, 2.0), np.ones(bits - 1)]) * self.resistance
        ohm = nominal * (1.0 + np.asarray(errors))
        if self.switches == "ideal":
            ohm[:bits] += self.switch_resistance
        siemens = 1.0 / ohm
        arms, end, links = siemens[:bits], siemens[bits], siemens[bits + 1 :]
        nodes = np.diag(arms)
        nodes[0, 0] += end
        for index, link in enumerate(links):
            nodes[index, index] += link
            nodes[index + 1, index + 1] += link
            nodes[index, index + 1] = nodes[index + 1, index] = -link
        inverse = np.linalg.inv(nodes)
        return inverse[-1] * arms

    def resistor_errors(self, circuit: Subcircuit) -> Float[np.ndarray, " resistors"]:
        """The relative errors that a circuit was drawn with, in the twin's order."""
        bits = range(self.bits)
        names = (*(f"rarm{k}" for k in bits), "rend", *(f"rlink{k}" for k in bits[:-1]))
        return np.array([drawn_value(circuit, name, "scale", 1.0) - 1.0 for name in names])


class LevelSource(Spec):
    """A behavioural converter: any level for each code, exactly.

    Attributes:
        levels: output of each code [V]; their number is a power of two.
        output_resistance: [ohm].
    """

    levels: tuple[Finite, ...] = Field(min_length=2, max_length=64)
    output_resistance: Positive = 100.0

    @model_validator(mode="after")
    def _one_level_per_code(self) -> Self:
        if 2**self.bits != len(self.levels):
            raise ValueError(f"{len(self.levels)} levels are no power of two: codes are of bits")
        return self

    @property
    def bits(self) -> int:
        """Of a code."""
        return len(self.levels).bit_length() - 1

    @property
    def bit_ports(self) -> tuple[str, ...]:
        """The ports of the code, least significant bit first; high is the supply."""
        return tuple(f"b{bit}" for bit in range(self.bits))

    def circuit(self, technology: Technology) -> Subcircuit:
        """The source with ports b0 …, out."""
        draw = Schematic("level_source", (*self.bit_ports, "out"), technology)
        half = literal(0.5 * technology.supply)
        terms = []
        for code, level in enumerate(self.levels):
            factors = [
                f"u(v({port})-{half})" if code >> bit & 1 else f"u({half}-v({port}))"
                for bit, port in enumerate(self.bit_ports)
            ]
            terms.append(f"{literal(level)}*{'*'.join(factors)}")
        draw.voltage_expression("level", "level", GROUND, "+".join(terms))
        draw.resistor("out", "level", "out", self.output_resistance)
        return draw.subcircuit()

    def voltages(self, codes: Int[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: the level of each code [V]."""
        return np.asarray(np.array(self.levels)[codes])
