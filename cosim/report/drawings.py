"""The circuit of a tile and of its cell, drawn from the specification that the engines read.

The drawing of a tile shows its corner at the drivers and sensors, as the specification's own
picture has it: input lines are level, output lines upright, one segment of wire between
neighbouring cells, and the sensors under the columns.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    width, height = last_x + 150.0, last_y + 190.0
    markup = [
        *(part for place, row in enumerate(rows) for part in _input_line(spec, place, row, last_x)),
        *(
            part
            for place, col in enumerate(cols)
            for part in _output_line(spec, place, col, last_y)
        ),
        *(
            _cell(FIRST_X + PITCH_X * i, FIRST_Y + PITCH_Y * j, spec.cell.topology)
            for i in range(len(cols))
            for j in range(len(rows))
        ),
        *_gaps(rows, cols, last_x, last_y),
        *_values(spec, last_x, last_y),
    ]
    text = (
        f"Circuit of tile {spec.name}: {spec.rows} input lines with drivers on the left, "
        f"{spec.cols} output lines with sensors below, a {spec.cell.topology} cell at each crossing"
    )
    return drawing(width, height, text, markup)


def cell_drawing(spec: CellSpec) -> Markup:
    """One cell between its input line and its output line."""
    x, top = 150.0, 46.0
    bottom = 268.0 if spec.topology == "1T1R" else 180.0
    device_range = f"{readable(spec.conductance_min, 'S')} to {readable(spec.conductance_max, 'S')}"
    markup = [
        line(40, top, 330, top, "wire input"),
        label(330, top - 10, "input line", "part", "end"),
        line(40, bottom, 330, bottom, "wire output"),
        label(330, bottom + 20, "output line", "part", "end"),
        *_joint(x, top),
        *_joint(x, bottom),
        line(x, top, x, 78, "wire"),
        rectangle(x - 11, 78, 22, 58, "device"),
        *(line(x - 11, y, x + 11, y, "device-band") for y in (96, 102, 108)),
        label(x + 26, 100, spec.device, "part", "start"),
        label(x + 26, 119, device_range, "part-value", "start"),
    ]
    if spec.topology == "1T1R":
        markup += [line(x, 136, x, 176, "wire"), *_transistor(x, 176, 34.0)]
        markup += [line(x, 224, x, bottom, "wire")]
        markup += [
            label(x + 26, 198, spec.access_transistor or "", "part", "start"),
            label(26, 190, "gate", "part", "start"),
            label(26, 220, readable(spec.gate_voltage or 0.0, "V"), "part-value", "start"),
        ]
    else:
        markup.append(line(x, 136, x, bottom, "wire"))
    return drawing(360, bottom + 34, f"Circuit of one {spec.topology} cell", markup)


def _shown(count: int) -> list[int]:
    """Indices of the lines that are drawn: all of a small tile, else the first and the last."""
    return list(range(count)) if count <= SHOWN else [0, 1, count - 1]


def _input_line(spec: TileSpec, place: int, row: int, last_x: float) -> Iterator[Markup]:
    y = FIRST_Y + PITCH_Y * place
    yield path([(34, y - 13), (60, y), (34, y + 13)], "driver", closed=True)
    yield label(28, y + 5, f"{row}", "index", "end")
    yield line(60, y, last_x + 46, y, "wire input")
    if spec.drivers.source_resistance > 0:
        yield _resistor(96, y)
    yield _resistor(158, y)
    for column in range(len(_shown(spec.cols)) - 1):
        yield _resistor(FIRST_X + PITCH_X * (column + 0.5) + 12, y)


def _output_line(spec: TileSpec, place: int, col: int, last_y: float) -> Iterator[Markup]:
    x = FIRST_X + PITCH_X * place + CELL_DX
    first_y, sensor_y = FIRST_Y + CELL_DY, last_y + 146
    yield line(x, first_y - 18, x, sensor_y - 12, "wire output")
    for row in range(len(_shown(spec.rows)) - 1):
        yield _resistor(x, first_y + PITCH_Y * (row + 0.5) + 8, upright=True)
    yield _resistor(x, last_y + 66, upright=True)
    if spec.sensing.input_resistance > 0:
        yield _resistor(x, last_y + 108, upright=True)
    yield element("circle", cx=x, cy=sensor_y, r=12, class_="sensor")
    yield label(x, sensor_y + 4.5, "A", "sensor-text")
    yield label(x + 20, sensor_y + 5, f"{col}", "index", "start")


def _cell(x: float, y: float, topology: str) -> Markup:
    """Device and transistor between the input line at `y` and the output line at `x + CELL_DX`."""
    end_x, end_y = x + CELL_DX, y + CELL_DY
    parts = [*_joint(x, y), *_joint(end_x, end_y), line(x, y, x, end_y, "wire")]
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
    yield line(gate_x - 8, middle + 2, channel - 7, middle + 2, "wire")


def _gaps(rows: list[int], cols: list[int], last_x: float, last_y: float) -> Iterator[Markup]:
    """Dots where lines are left out."""
    if rows[-1] != len(rows) - 1:
        y = last_y - PITCH_Y / 2 + 2
        for column in range(len(cols)):
            x = FIRST_X + PITCH_X * column
            yield group(element("circle", cx=x, cy=y + d, r=1.8, class_="dot") for d in (-8, 0, 8))
    if cols[-1] != len(cols) - 1:
        x = last_x - PITCH_X / 2 + 34
        for row in range(len(rows)):
            y = FIRST_Y + PITCH_Y * row + CELL_DY - 10
            yield group(element("circle", cx=x + d, cy=y, r=1.8, class_="dot") for d in (-8, 0, 8))


def _values(spec: TileSpec, last_x: float, last_y: float) -> Iterator[Markup]:
    """Names and values of the parts, each beside one of its kind."""
    yield label(34, 24, "drivers", "part", "start")
    yield label(34, 40, f"0 to {readable(spec.drivers.read_voltage, 'V')}", "part-value", "start")
    if spec.drivers.source_resistance > 0:
        yield label(96, FIRST_Y + 26, readable(spec.drivers.source_resistance, "Ω"), "part-value")
    input_wire = readable(spec.wires.input_line_resistance, "Ω")
    yield label(158, FIRST_Y + 26, input_wire, "part-value")
    yield label(FIRST_X + PITCH_X * 0.5 + 12, FIRST_Y - 14, input_wire, "part-value")
    right = last_x + 56
    yield label(right, FIRST_Y - 4, "input line", "part", "start")
    yield label(right, FIRST_Y + 13, f"{spec.rows} rows", "part-value", "start")
    output_wire = readable(spec.wires.output_line_resistance, "Ω")
    yield label(right, last_y + 72, output_wire, "part-value", "start")
    if spec.sensing.input_resistance > 0:
        input_resistance = readable(spec.sensing.input_resistance, "Ω")
        yield label(right, last_y + 114, input_resistance, "part-value", "start")
    yield label(right, last_y + 138, "sensors", "part", "start")
    yield label(right, last_y + 155, f"{spec.cols} columns, 0 V", "part-value", "start")


def _resistor(x: float, y: float, upright: bool = False) -> Markup:
    half, thin = RESISTOR / 2, 5.0
    if upright:
        return rectangle(x - thin, y - half, 2 * thin, 2 * half, "resistor")
    return rectangle(x - half, y - thin, 2 * half, 2 * thin, "resistor")


def _joint(x: float, y: float) -> list[Markup]:
    return [element("circle", cx=x, cy=y, r=2.6, class_="joint")]
