"""The circuit of a tile and of its cell, drawn from the specification that the engines read.

The drawing of a tile shows its corner at the drivers and sensors, as the specification's own
picture has it: input lines are level, output lines upright, one segment of wire between
neighbouring cells, and the sensors under the columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from cosim.report.svg import drawing, element, group, label, line, path, rectangle
from netlists.si_numbers import readable
from netlists.specs import CellSpec, TileSpec


PITCH_X, PITCH_Y = 128.0, 92.0
FIRST_X, FIRST_Y = 208.0, 66.0
SHOWN = 3
CELL_DX, CELL_DY = 30.0, 34.0
RESISTOR = 26.0


def tile_drawing(spec: TileSpec) -> Markup:
    """The corner of a tile with the values of its parts."""
    rows, cols = _shown(spec.rows), _shown(spec.cols)
    last_x = FIRST_X + PITCH_X * (len(cols) - 1)
    last_y = FIRST_Y + PITCH_Y * (len(rows) - 1)
    markup: list[Markup] = []
    for place, row in enumerate(rows):
        markup += _input_line(spec, place, row, cols)
    for place, col in enumerate(cols):
        markup += _output_line(spec, place, col, rows)
        markup += [
            _cell(FIRST_X + PITCH_X * place, FIRST_Y + PITCH_Y * line_, spec.cell.topology)
            for line_ in range(len(rows))
        ]
    markup += _values(spec, last_x, last_y)
    text = (
        f"Circuit of tile {spec.name}: {spec.rows} input lines with drivers on the left, "
        f"{spec.cols} output lines with sensors below, a {spec.cell.topology} cell at each crossing"
    )
    return drawing(last_x + 172.0, last_y + _sensor_drop(spec) + 42.0, text, markup)


def cell_drawing(spec: CellSpec) -> Markup:
    """One cell between its input line and its output line."""
    x, top = 128.0, 40.0
    bottom = 268.0 if spec.topology == "1T1R" else 180.0
    markup = [
        line(20, top, 310, top, "wire input"),
        label(310, top - 10, "input line", "part", "end"),
        line(20, bottom, 310, bottom, "wire output"),
        label(310, bottom + 22, "output line", "part", "end"),
        _joint(x, top),
        _joint(x, bottom),
        line(x, top, x, 76, "wire"),
        rectangle(x - 11, 76, 22, 58, "device"),
        *(line(x - 11, y, x + 11, y, "device-band") for y in (94, 100, 106)),
        *_card_label(x + 26, 90, spec.device),
        label(x + 26, 128, _conductance_range(spec), "part-value", "start"),
    ]
    if spec.topology == "1T1R":
        markup += [line(x, 134, x, 176, "wire"), *_transistor(x, 176, 20.0)]
        markup += [line(x, 224, x, bottom, "wire")]
        markup += _card_label(x + 26, 196, spec.access_transistor or "")
        markup.append(label(20, 192, "gate", "part", "start"))
        markup.append(
            label(20, 222, readable(spec.gate_voltage or 0.0, "V"), "part-value", "start")
        )
    else:
        markup.append(line(x, 134, x, bottom, "wire"))
    return drawing(330, bottom + 34, f"Circuit of one {spec.topology} cell", markup)


def _card_label(x: float, y: float, card: str) -> Iterator[Markup]:
    """The name of a card in two lines: its model, and whose values it holds."""
    model, _, source = Path(card).stem.partition("__")
    yield label(x, y, model, "part", "start")
    if source:
        yield label(x, y + 17, source, "part-value", "start")


def _conductance_range(spec: CellSpec) -> str:
    return f"{readable(spec.conductance_min, 'S')} to {readable(spec.conductance_max, 'S')}"


def _shown(count: int) -> list[int]:
    """Indices of the lines that are drawn: all of a small tile, else the first and the last."""
    return list(range(count)) if count <= SHOWN else [0, 1, count - 1]


def _sensor_drop(spec: TileSpec) -> float:
    """Distance from the last input line down to the sensors."""
    return 142.0 if spec.sensing.input_resistance > 0 else 106.0


def _pieces(indices: list[int], pitch: float) -> list[tuple[float, bool]]:
    """Offsets of the wire segments between drawn lines, and whether lines are left out there."""
    return [(pitch * place, b - a > 1) for place, (a, b) in enumerate(pairwise(indices))]


def _input_line(spec: TileSpec, place: int, row: int, cols: list[int]) -> Iterator[Markup]:
    y = FIRST_Y + PITCH_Y * place
    yield path([(34, y - 13), (60, y), (34, y + 13)], "driver", closed=True)
    yield label(28, y + 5, f"{row}", "index", "end")
    yield line(60, y, FIRST_X, y, "wire input")
    if spec.drivers.source_resistance > 0:
        yield _resistor(96, y)
    yield _resistor(158, y)
    for offset, left_out in _pieces(cols, PITCH_X):
        start = FIRST_X + offset
        middle = start + PITCH_X / 2 + 14
        if left_out:
            yield line(start, y, middle - 16, y, "wire input")
            yield line(middle + 16, y, start + PITCH_X, y, "wire input")
            yield group(_dot(middle + shift, y) for shift in (-8, 0, 8))
        else:
            yield line(start, y, start + PITCH_X, y, "wire input")
            yield _resistor(middle, y)
    end = FIRST_X + PITCH_X * (len(cols) - 1)
    yield line(end, y, end + 46, y, "wire input")


def _output_line(spec: TileSpec, place: int, col: int, rows: list[int]) -> Iterator[Markup]:
    x, last_y = FIRST_X + PITCH_X * place + CELL_DX, FIRST_Y + PITCH_Y * (len(rows) - 1)
    sensor_y = last_y + _sensor_drop(spec)
    for offset, left_out in _pieces(rows, PITCH_Y):
        start = FIRST_Y + offset + CELL_DY
        middle = start + 30
        if left_out:
            yield line(x, start, x, middle - 14, "wire output")
            yield line(x, middle + 14, x, start + PITCH_Y, "wire output")
            yield group(_dot(x, middle + shift) for shift in (-8, 0, 8))
        else:
            yield line(x, start, x, start + PITCH_Y, "wire output")
            yield _resistor(x, middle, upright=True)
    yield line(x, last_y + CELL_DY, x, sensor_y - 12, "wire output")
    yield _resistor(x, last_y + 64, upright=True)
    if spec.sensing.input_resistance > 0:
        yield _resistor(x, last_y + 104, upright=True)
    yield element("circle", cx=x, cy=sensor_y, r=12, class_="sensor")
    yield label(x, sensor_y + 4.5, "A", "sensor-text")
    yield label(x, sensor_y + 30, f"{col}", "index")


def _cell(x: float, y: float, topology: str) -> Markup:
    """Device and transistor between the input line at `y` and the output line at `x + CELL_DX`."""
    end_x, end_y = x + CELL_DX, y + CELL_DY
    parts = [_joint(x, y), _joint(end_x, end_y), line(x, y, x, end_y, "wire")]
    parts.append(rectangle(x - 5, y + 9, 10, 18, "device"))
    parts.append(line(x, end_y, end_x, end_y, "wire"))
    if topology == "1T1R":
        parts.append(rectangle(x + 8, end_y - 5, 14, 10, "switch"))
        parts.append(line(x + 8, end_y - 9, x + 22, end_y - 9, "gate"))
        parts.append(line(x + 15, end_y - 9, x + 15, end_y - 15, "gate"))
    return group(parts, class_="cell")


def _transistor(x: float, top: float, gate_x: float) -> Iterator[Markup]:
    """An n-channel transistor from `top` to `top + 48`, its gate reaching left to `gate_x`."""
    middle, channel = top + 24, x - 16
    yield path([(x, top), (x, top + 8), (channel, top + 8)], "wire")
    yield path([(channel, top + 40), (x, top + 40), (x, top + 48)], "wire")
    yield line(channel, top + 2, channel, top + 46, "gate")
    yield line(channel - 7, top + 6, channel - 7, top + 42, "gate")
    yield line(gate_x, middle + 2, channel - 7, middle + 2, "wire")


def _values(spec: TileSpec, last_x: float, last_y: float) -> Iterator[Markup]:
    """Names and values of the parts, each beside one of its kind."""
    yield label(34, 24, "drivers", "part", "start")
    yield label(34, 41, f"0 to {readable(spec.drivers.read_voltage, 'V')}", "part-value", "start")
    if spec.drivers.source_resistance > 0:
        yield label(96, FIRST_Y + 26, readable(spec.drivers.source_resistance, "Ω"), "part-value")
    input_wire = readable(spec.wires.input_line_resistance, "Ω")
    yield label(158, FIRST_Y + 26, input_wire, "part-value")
    if spec.cols > 1:
        yield label(FIRST_X + PITCH_X / 2 + 14, FIRST_Y - 14, input_wire, "part-value")
    right = last_x + 56
    yield label(right, FIRST_Y - 3, "input lines", "part", "start")
    yield label(right, FIRST_Y + 14, f"{spec.rows} rows", "part-value", "start")
    right = last_x + CELL_DX + 20
    output_wire = readable(spec.wires.output_line_resistance, "Ω")
    yield label(right, last_y + 69, output_wire, "part-value", "start")
    sensor_y = last_y + _sensor_drop(spec)
    if spec.sensing.input_resistance > 0:
        input_resistance = readable(spec.sensing.input_resistance, "Ω")
        yield label(right, last_y + 109, input_resistance, "part-value", "start")
    yield label(right, sensor_y - 2, "sensors at 0 V", "part", "start")
    yield label(right, sensor_y + 15, f"{spec.cols} columns", "part-value", "start")


def _resistor(x: float, y: float, upright: bool = False) -> Markup:
    half, thin = RESISTOR / 2, 5.0
    if upright:
        return rectangle(x - thin, y - half, 2 * thin, 2 * half, "resistor")
    return rectangle(x - half, y - thin, 2 * half, 2 * thin, "resistor")


def _joint(x: float, y: float) -> Markup:
    return element("circle", cx=x, cy=y, r=2.6, class_="joint")


def _dot(x: float, y: float) -> Markup:
    return element("circle", cx=x, cy=y, r=1.8, class_="dot")
