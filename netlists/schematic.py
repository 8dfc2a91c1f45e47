"""Schematics: draw a circuit element by element and get a subcircuit.

    draw = Schematic("inverter", ("a", "y", "vdd"), technology)
    draw.nmos("n", d="y", g="a", s="0", w=1e-6)
    draw.pmos("p", d="y", g="a", s="vdd", w=2e-6)
    inverter = draw.subcircuit()

A subcircuit holds its elements, the subcircuits it uses and the models of its digital parts. Nets
are local but for its ports and ground, `0`. Elements that match each other imperfectly know by how
much: `with_mismatch(seed)` is the same circuit with one draw for every transistor and every
matched passive, at every level of the hierarchy, each instance with a definition of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from compact_models.errors import InputError
from netlists.si_numbers import drawn_size, literal
from netlists.technology import Polarity, Technology


GROUND = "0"
OPEN = 1e15  # [ohm]


@dataclass(frozen=True)
class Spread:
    """One instance parameter that differs from element to element.

    Attributes:
        parameter: its name, such as `delvto`.
        mean: its value in a perfectly matched circuit.
        deviation: its standard deviation.
    """

    parameter: str
    mean: float
    deviation: float


@dataclass(frozen=True)
class Part:
    """One line of a schematic: its text, and what differs from element to element."""

    text: str
    spreads: tuple[Spread, ...] = ()

    def drawn(self, generator: np.random.Generator) -> Part:
        """The element with one draw written into it."""
        words = [
            f"{spread.parameter}={literal(spread.mean + spread.deviation * generator.normal())}"
            for spread in self.spreads
        ]
        return Part(" ".join([self.text, *words]))


@dataclass(frozen=True)
class Placement:
    """A subcircuit placed in a schematic."""

    name: str
    nets: tuple[str, ...]
    child: Subcircuit

    @property
    def text(self) -> str:
        """The line of the instance."""
        return f"{self.name} {' '.join(self.nets)} {self.child.name}"


@dataclass(frozen=True)
class Subcircuit:
    """A circuit with ports.

    Attributes:
        name: what instances call it.
        ports: its nets, in the order of an instance's nets.
        parts: its elements and placed subcircuits, in order.
        models: `.model` lines of digital parts, switches and diodes that it uses, and compiled
            compact models.
        comment: one line about it.
    """

    name: str
    ports: tuple[str, ...]
    parts: tuple[Part | Placement, ...]
    models: tuple[str, ...] = ()
    comment: str = ""

    def instance(self, name: str, nets: Mapping[str, str]) -> str:
        """A line that places this subcircuit in a deck; `nets` maps every port to a net.

        Raises:
            InputError: a port without a net, or a net for what is no port.
        """
        return f"x{name} {' '.join(self._ordered(name, nets))} {self.name}"

    def _ordered(self, name: str, nets: Mapping[str, str]) -> tuple[str, ...]:
        if set(nets) != set(self.ports):
            raise InputError(
                f"the instance {name} connects {', '.join(nets)}; the ports of {self.name} are "
                f"{', '.join(self.ports)}; connect each once"
            )
        return tuple(nets[port] for port in self.ports)

    def definitions(self) -> tuple[str, ...]:
        """Models and subcircuits that an instance needs, each once, used ones first.

        Raises:
            InputError: two different subcircuits have the same name.
        """
        return gather_definitions((self,))

    def with_mismatch(self, seed: int, mark: str = "") -> Subcircuit:
        """The same circuit with one draw of its mismatch; equal seeds draw equally.

        Args:
            seed: of the draw.
            mark: ends the names of what differs, where several draws stand in one netlist.
        """
        return self._drawn(np.random.default_rng(seed), "", mark)

    def _drawn(self, generator: np.random.Generator, path: str, mark: str) -> Subcircuit:
        parts: list[Part | Placement] = []
        for part in self.parts:
            if isinstance(part, Part):
                parts.append(part.drawn(generator))
            else:
                child = part.child._drawn(generator, f"{path}_{part.name}", mark)
                parts.append(replace(part, child=child))
        same = tuple(parts) == self.parts
        if same:
            return self
        return replace(self, name=f"{self.name}{path}_drawn{mark}", parts=tuple(parts))

    def renamed(self, name: str) -> Subcircuit:
        """The same circuit under another name."""
        return replace(self, name=name)

    def text(self) -> str:
        """Its own definition."""
        lines = [f"* {self.comment}"] if self.comment else []
        lines.append(f".subckt {self.name} {' '.join(self.ports)}")
        return "\n".join([*lines, *(part.text for part in self.parts), f".ends {self.name}"])


def gather_definitions(circuits: Iterable[Subcircuit]) -> tuple[str, ...]:
    """Models and subcircuits that several circuits need, each once, used ones first.

    Raises:
        InputError: two different subcircuits have the same name.
    """
    models: dict[str, None] = {}
    texts: dict[str, str] = {}
    for circuit in circuits:
        _gather(circuit, models, texts)
    return (*models, *texts.values())


def _gather(circuit: Subcircuit, models: dict[str, None], texts: dict[str, str]) -> None:
    for part in circuit.parts:
        if isinstance(part, Placement):
            _gather(part.child, models, texts)
    models.update(dict.fromkeys(circuit.models))
    text = circuit.text()
    if texts.setdefault(circuit.name, text) != text:
        raise InputError(
            f"two different subcircuits are called {circuit.name}; give one another name"
        )


class Schematic:
    """Draws a subcircuit.

    Every method adds one element. Names are without SPICE's leading letter, nets are plain names,
    values are SI. `matching` is the standard deviation of a passive's value relative to it.
    """

    def __init__(
        self, name: str, ports: Iterable[str], technology: Technology, comment: str = ""
    ) -> None:
        """An empty schematic with its ports."""
        self.name = name
        self.ports = tuple(ports)
        self.technology = technology
        self.comment = comment
        self._parts: list[Part | Placement] = []
        self._models: dict[str, None] = {}

    def subcircuit(self) -> Subcircuit:
        """What has been drawn."""
        return Subcircuit(
            self.name, self.ports, tuple(self._parts), tuple(self._models), self.comment
        )

    # -- transistors

    def nmos(
        self,
        name: str,
        *,
        d: str,
        g: str,
        s: str,
        w: float,
        length: float = 0.0,
        b: str = GROUND,
        m: int = 1,
    ) -> None:
        """An n-channel transistor; the shortest channel when `length` is 0; bulk at ground."""
        self._transistor("nmos", name, (d, g, s, b), w, length, m)

    def pmos(
        self,
        name: str,
        *,
        d: str,
        g: str,
        s: str,
        w: float,
        length: float = 0.0,
        b: str = "vdd",
        m: int = 1,
    ) -> None:
        """A p-channel transistor; the shortest channel when `length` is 0; bulk at net `vdd`."""
        self._transistor("pmos", name, (d, g, s, b), w, length, m)

    def _transistor(
        self, polarity: Polarity, name: str, nets: tuple[str, ...], w: float, length: float, m: int
    ) -> None:
        technology, library = self.technology, self.technology.library
        length = length or technology.length
        unit = 1.0 if library is None else library.unit
        letter = "m" if library is None else library.element
        words = [
            f"{letter}{name}",
            *nets,
            technology.model_name(polarity),
            f"w={drawn_size(w / unit)}",
            f"l={drawn_size(length / unit)}",
        ]
        if library is None or library.geometry:
            area, edge = w * technology.diffusion, 2.0 * (w + technology.diffusion)
            words += [f"ad={drawn_size(area)}", f"as={drawn_size(area)}"]
            words += [f"pd={drawn_size(edge)}", f"ps={drawn_size(edge)}"]
        if m != 1:
            words.append(f"m={m}")
        threshold, current = technology.mismatch(polarity, w, length * m)
        spreads: tuple[Spread, ...] = ()
        if threshold or current:
            spreads = (Spread("delvto", 0.0, threshold), Spread("mulu0", 1.0, current))
        self._parts.append(Part(" ".join(words), spreads))

    # -- passives

    def resistor(self, name: str, plus: str, minus: str, ohm: float, matching: float = 0.0) -> None:
        """A resistor."""
        self._passive(f"r{name}", plus, minus, ohm, matching)

    def capacitor(
        self, name: str, plus: str, minus: str, farad: float, matching: float = 0.0
    ) -> None:
        """A capacitor."""
        self._passive(f"c{name}", plus, minus, farad, matching)

    def _passive(self, name: str, plus: str, minus: str, value: float, matching: float) -> None:
        spreads = (Spread("scale", 1.0, matching),) if matching else ()
        self._parts.append(Part(f"{name} {plus} {minus} {literal(value)}", spreads))

    # -- sources and macromodels

    def voltage(self, name: str, plus: str, minus: str, volt: float, offset: float = 0.0) -> None:
        """A constant voltage source; `offset` is the standard deviation of a random part [V]."""
        if not offset:
            self._parts.append(Part(f"v{name} {plus} {minus} {literal(volt)}"))
            return
        self._parts.append(Part(f"v{name} {plus} {minus}", (Spread("dc", volt, offset),)))

    def current(self, name: str, plus: str, minus: str, ampere: float) -> None:
        """A constant current source; current flows through it from plus to minus."""
        self._parts.append(Part(f"i{name} {plus} {minus} {literal(ampere)}"))

    def transconductor(
        self, name: str, plus: str, minus: str, control: tuple[str, str], siemens: float | str
    ) -> None:
        """A current `siemens * v(control)` from plus through the source to minus.

        Text stands as it is: an expression of the deck's parameters, in braces.
        """
        value = siemens if isinstance(siemens, str) else literal(siemens)
        self._parts.append(Part(f"g{name} {plus} {minus} {control[0]} {control[1]} {value}"))

    def amplifier(
        self, name: str, plus: str, minus: str, control: tuple[str, str], gain: float
    ) -> None:
        """A voltage `gain * v(control)` between plus and minus."""
        line = f"e{name} {plus} {minus} {control[0]} {control[1]} {literal(gain)}"
        self._parts.append(Part(line))

    def mirror(self, name: str, plus: str, minus: str, sensor: str, gain: float) -> None:
        """A current `gain * i(sensor)` from plus to minus; `sensor` is a voltage source's name."""
        self._parts.append(Part(f"f{name} {plus} {minus} v{sensor} {literal(gain)}"))

    def voltage_expression(self, name: str, plus: str, minus: str, expression: str) -> None:
        """A behavioural voltage source."""
        self._parts.append(Part(f"b{name} {plus} {minus} v={expression}"))

    def current_expression(self, name: str, plus: str, minus: str, expression: str) -> None:
        """A behavioural current source."""
        self._parts.append(Part(f"b{name} {plus} {minus} i={expression}"))

    def switch(
        self,
        name: str,
        plus: str,
        minus: str,
        control: tuple[str, str],
        *,
        threshold: float,
        on: float,
        off: float,
    ) -> None:
        """An ideal switch: `on` ohm above the threshold, `off` ohm below it."""
        model = f"sw_{_digest((threshold, on, off))}"
        values = f"vt={literal(threshold)} vh=0 ron={literal(on)} roff={literal(off)}"
        self._models[f".model {model} sw {values}"] = None
        self._parts.append(Part(f"s{name} {plus} {minus} {control[0]} {control[1]} {model}"))

    def digital(self, name: str, ports: str, model: str, definition: str) -> None:
        """An XSPICE element: `ports` as written in a deck, and its model's definition.

        `definition` is what follows the model's name: `d_dff(clk_delay=50p rise_delay=50p)`.
        """
        self._models[f".model {model} {definition}"] = None
        self._parts.append(Part(f"a{name} {ports} {model}"))

    def compiled(
        self, name: str, nets: Iterable[str], model: str, definition: str, **values: float | str
    ) -> None:
        """An instance of a subcircuit that is given as text, such as a compiled compact model.

        Args:
            name: of the instance.
            nets: in the order of the model's ports.
            model: name of the subcircuit.
            definition: its text, from `.subckt` to `.ends`; written once however often it is used.
            values: parameters of this instance; text stands as it is, such as `{elapsed}`.
        """
        self._models[definition.strip()] = None
        words = [
            f"{key}={value if isinstance(value, str) else literal(value)}"
            for key, value in values.items()
        ]
        self._parts.append(Part(" ".join([f"x{name}", *nets, model, *words])))

    def leave_open(self, port: str) -> None:
        """A port that this circuit has for the sake of others of its kind, and does not use."""
        self.resistor(f"open_{port}", port, GROUND, OPEN)

    # -- hierarchy

    def place(self, name: str, child: Subcircuit, **nets: str) -> None:
        """Place a subcircuit; every port is connected by its name.

        Raises:
            InputError: a port without a net, or a net for what is no port.
        """
        self._parts.append(Placement(f"x{name}", child._ordered(name, nets), child))


def _digest(values: tuple[float, ...]) -> str:
    """A short name for a set of values."""
    return "_".join(
        f"{value:g}".replace("+", "").replace("-", "m").replace(".", "p") for value in values
    )
