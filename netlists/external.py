"""A designer's own netlist as a tile.

The file is read once and becomes a template: its text with a hole where each cell's conductance
goes. A deck of one conductance matrix is that text with the holes filled, an instance of the
tile's subcircuit, its supplies, and a sensor at every output:

    in_r ── inputs(r) ┌────────────┐ outputs(c) ── out_c ── sensor vsense_c
                      │ subcircuit │
       supplies ──────┤            │
                      └────────────┘
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from numpy import ndarray

from compact_models.errors import SpecError
from netlists import names
from netlists.external_spec import ExternalSpec
from netlists.reader import Element, Scope, read_deck
from netlists.si_numbers import literals
from netlists.specs import TileSpec
from netlists.spice import Netlist, resistor, voltage_expression, voltage_source


VALUE = "value"


@dataclass(frozen=True)
class Template:
    """The text of a netlist with one hole per cell.

    Attributes:
        pieces: the text between the holes; one more than there are cells.
        order: index of the cell, row by row, that fills each hole.
        ports: of the tile's subcircuit.
        reads_files: whether the text makes ngspice read files.
    """

    pieces: tuple[str, ...]
    order: tuple[int, ...]
    ports: tuple[str, ...]
    reads_files: bool

    def filled(self, values: Sequence[str]) -> str:
        """The text with the value of every cell, given row by row."""
        words = [self.pieces[0]]
        for cell, piece in zip(self.order, self.pieces[1:], strict=True):
            words += [values[cell], piece]
        return "".join(words)


def external_netlist(spec: TileSpec, conductances: Float[ndarray, "rows cols"]) -> Netlist:
    """The netlist of an external tile whose cells have given conductances [S].

    Its driver nodes `in_0`, `in_1`, … are open and its outputs are `i(vsense_c)`, as those of a
    generated tile.

    Raises:
        SpecError: the file cannot be read, or lacks a name that the specification gives.
    """
    external = _of(spec)
    template = load_template(external, spec.rows, spec.cols)
    values = conductances if external.takes == "conductance" else 1.0 / conductances
    flat = [value for row in literals(values) for value in row]
    return Netlist(
        title=f"tile {spec.name}: {spec.rows} x {spec.cols} external",
        elements=(
            _instance(spec, external, template),
            *_supply_lines(external),
            *_level_lines(spec, external),
            *_sensor_lines(spec, external),
        ),
        definitions=(*_library_lines(external), template.filled(flat)),
        temperature=spec.temperature,
        inputs=tuple(names.driver_node(row) for row in range(spec.rows)),
        outputs=tuple(names.sense_current(col) for col in range(spec.cols)),
    )


def _of(spec: TileSpec) -> ExternalSpec:
    if spec.external is None:
        raise SpecError(f"the tile {spec.name} has no [external] table; add one")
    return spec.external


def _supply_lines(external: ExternalSpec) -> Iterator[str]:
    """Supply ports on nets of their own, which cannot meet the names of the bench."""
    for port, volt in external.supplies.items():
        yield voltage_source(f"vsupply_{port}", f"supply_{port}", "0", volt)


def _library_lines(external: ExternalSpec) -> Iterator[str]:
    for library in external.libraries:
        path = Path(library).expanduser().resolve()
        if not path.is_file():
            raise SpecError(f"external.libraries: {path} is no file; give the library's path")
        if external.corner is None:
            yield f'.include "{path}"'
        else:
            yield f'.lib "{path}" {external.corner}'


def _instance(spec: TileSpec, external: ExternalSpec, template: Template) -> str:
    """The line that places the tile's subcircuit, every port on the net of its role."""
    nets = {external.inputs.format(row=row): f"drive_{row}" for row in range(spec.rows)}
    nets |= {external.outputs.format(col=col): names.sense_node(col) for col in range(spec.cols)}
    nets |= {port: f"supply_{port}" for port in external.supplies}
    missing = [port for port in nets if port not in template.ports]
    unnamed = [port for port in template.ports if port not in nets]
    if missing or unnamed:
        faults = [f"has no port {', '.join(missing[:6])}"] if missing else []
        faults += [f"has ports without a role: {', '.join(unnamed[:6])}"] if unnamed else []
        raise SpecError(
            f"external: the subcircuit {external.subcircuit} {' and '.join(faults)}; its ports are "
            f"{', '.join(template.ports[:12])}; name each as an input, output or supply"
        )
    return f"xtile {' '.join(nets[port] for port in template.ports)} {external.subcircuit}"


def _level_lines(spec: TileSpec, external: ExternalSpec) -> Iterator[str]:
    """Inputs are relative to the level."""
    for row in range(spec.rows):
        node = names.driver_node(row)
        yield voltage_source(f"vlevel_{row}", f"drive_{row}", node, external.level)


def _sensor_lines(spec: TileSpec, external: ExternalSpec) -> Iterator[str]:
    """Sensors whose current is the output, positive into the sensor."""
    for col in range(spec.cols):
        node, source = names.sense_node(col), names.sense_source(col)
        if external.sensing == "current":
            yield voltage_source(source, node, "0", external.level)
            continue
        yield resistor(f"rload_{col}", node, "0", 1e12)
        scale = f"(v({node})-({external.output_level!r}))/({external.output_gain!r})"
        yield voltage_expression(f"bsense_{col}", f"sensed_{col}", "0", scale)
        yield resistor(f"rsense_{col}", f"sensed_{col}", f"sensor_{col}", 1.0)
        yield voltage_source(source, f"sensor_{col}", "0", 0.0)


def load_template(external: ExternalSpec, rows: int, cols: int) -> Template:
    """Read the netlist of an external tile; cut again only when its text has changed.

    Raises:
        SpecError: the file cannot be read, or lacks the subcircuit or a cell's element.
    """
    path = Path(external.netlist).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read: {error}; give a netlist of SPICE text") from None
    folder = str(path.resolve().parent)
    wanted = (external.subcircuit, external.device, external.parameter)
    return _template(text, folder, wanted, rows, cols)


@functools.lru_cache(maxsize=8)
def _template(
    text: str, folder: str, wanted: tuple[str, str, str], rows: int, cols: int
) -> Template:
    subcircuit, device, parameter = wanted
    deck = read_deck(f"* netlist of a tile\n{text}")
    scope = deck.subcircuits.get(subcircuit)
    if scope is None:
        known = ", ".join(deck.subcircuits) or "none"
        raise SpecError(f"external.netlist defines no subcircuit {subcircuit}; it has {known}")
    holes: dict[int, tuple[int, Element]] = {}
    for row in range(rows):
        for col in range(cols):
            element = _cell_element((deck, scope), device.format(row=row, col=col), deck)
            holes[element.line] = (row * cols + col, element)
    if len(holes) < rows * cols:
        raise SpecError(
            f"external.device: `{device}` names the same element for several cells; each cell "
            "needs an element of its own"
        )
    pieces, order = _pieces(text, folder, holes, parameter)
    return Template(pieces, order, scope.ports, deck.reads_files)


def _cell_element(scopes: tuple[Scope, ...], path: str, deck: Scope) -> Element:
    """The element at a path of instances."""
    *instances, name = path.split(".")
    for instance in instances:
        placed = _named(scopes[-1], instance, path)
        inner = next((s.subcircuits[placed.model] for s in reversed(scopes)
                      if placed.model in s.subcircuits), None)  # fmt: skip
        if inner is None:
            raise SpecError(f"external.device: {instance} of `{path}` is no instance in the file")
        if _placements(deck, inner.name) > 1:
            raise SpecError(
                f"external.device: `{path}` is inside {inner.name}, which is placed several times, "
                "so its cells share one definition; place it once, or pass the conductance down"
            )
        scopes = (*scopes, inner)
    return _named(scopes[-1], name, path)


def _named(scope: Scope, name: str, path: str) -> Element:
    for element in scope.elements:
        if element.name == name:
            return element
    raise SpecError(
        f"external.device: `{path}` does not exist; {scope.name or 'the deck'} has no element "
        f"{name}"
    )


def _placements(scope: Scope, subcircuit: str) -> int:
    """How often a subcircuit is placed in a scope and the scopes defined in it."""
    here = sum(element.model == subcircuit for element in scope.elements)
    return here + sum(_placements(child, subcircuit) for child in scope.subcircuits.values())


def _pieces(
    text: str, folder: str, holes: dict[int, tuple[int, Element]], parameter: str
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The text cut at the holes; line numbers count the title that `_template` puts in front."""
    pieces, order, kept, replaced = [], [], [], False
    for number, line in enumerate(text.splitlines(), start=2):
        if replaced and line.lstrip().startswith("+"):
            continue
        replaced = number in holes
        if not replaced:
            if line.strip().lower() != ".end":
                kept.append(_absolute(line, folder))
            continue
        cell, element = holes[number]
        before, after = _around(element, parameter)
        pieces.append("\n".join([*kept, before]))
        order.append(cell)
        kept = [after]
    return (*pieces, "\n".join(kept)), tuple(order)


def _around(element: Element, parameter: str) -> tuple[str, str]:
    """An element's line before and after the value of a parameter."""
    words = list(element.words)
    head = " ".join(word for word in (element.name, *element.nets, element.model) if word)
    if parameter == VALUE:
        return f"{head} ", " ".join(["", *words[1:]])
    others = [word for word in words if not word.startswith(f"{parameter}=")]
    return " ".join([head, *others, f"{parameter}="]), ""


def _absolute(line: str, folder: str) -> str:
    """An `.include` or `.lib` line with its file's full path."""
    words = line.split()
    if len(words) < 2 or words[0].lower() not in {".include", ".inc", ".lib"}:
        return line
    file = Path(folder) / words[1].strip("\"'")
    if words[0].lower() == ".lib" and len(words) == 2:
        return line  # the start of a section, not a reference
    return f'{words[0]} "{file}" {" ".join(words[2:])}'.rstrip()
