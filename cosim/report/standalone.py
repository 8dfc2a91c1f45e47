"""A chart as an SVG file of its own: with its legend, its style, and what a caption would say.

Inside a page a chart takes its colours from the page; a file that a document shows has to bring
them, for light and for dark surroundings.

    title
    [chart]
    ● series 1
    ■ series 2
    note
"""

from __future__ import annotations

import textwrap

from markupsafe import Markup

from cosim.report.axes import HEIGHT, LEFT, WIDE
from cosim.report.bars import group_chart
from cosim.report.lines import PALETTE, line_chart, marker
from cosim.report.model import GroupChart, LineChart, Series
from cosim.report.svg import element, group, label, number, path, rectangle


LINE = 20.0
TOP, MARGIN = 34.0, 12.0
NOTE_WIDTH = 118  # characters
LIGHT = "--sheet: #fbfbfa; --ink: #1b1f24; --muted: #59626d; --faint: #dfe2e6"
DARK = "--sheet: #191d21; --ink: #e7eaee; --muted: #a0a9b4; --faint: #343a41"
COLOURS = {
    "light": ("#2563a8", "#c2570c", "#1d7f5f", "#7a4fb5", "#b3345c", "#5b6470"),
    "dark": ("#74adf0", "#f0a05a", "#5cc8a0", "#bb9cf2", "#f28aa8", "#a7b0bb"),
}
STYLE = """
svg { font-family: system-ui, sans-serif; }
text { font-size: 13px; fill: var(--ink); } .title { font-size: 15px; font-weight: 600; }
.tick, .axis-title, .note { fill: var(--muted); } .note { font-size: 12px; }
.sheet { fill: var(--sheet); } .grid { stroke: var(--faint); } .axis { stroke: var(--muted); }
.mark { stroke: var(--ink); stroke-dasharray: 5 4; }
.line { fill: none; stroke: var(--colour); stroke-width: 2; stroke-linejoin: round; }
.line.dashed { stroke-dasharray: 7 5; } .marker { fill: var(--colour); stroke: var(--sheet); }
.bar, .spread { fill: var(--colour); fill-opacity: 0.2; }
.mean { stroke: var(--colour); stroke-width: 2; }
"""


def picture(chart: LineChart | GroupChart, title: str, note: str) -> str:
    """The text of an SVG file with a chart of lines or of groups.

    Args:
        chart: what to draw.
        title: stands above it.
        note: stands below it, such as how the numbers are defined and made.
    """
    notes = textwrap.wrap(note, NOTE_WIDTH)
    below = TOP + HEIGHT + LINE
    height = below + LINE * (len(chart.series) + len(notes)) + MARGIN
    place = f'<svg y="{number(TOP)}" width="{number(WIDE)}" height="{number(HEIGHT)}"'
    drawn = line_chart(chart, WIDE) if isinstance(chart, LineChart) else group_chart(chart, WIDE)
    inside = Markup(str(drawn).replace("<svg", place, 1))
    keys = [_key(index, chart, below + LINE * index) for index in range(len(chart.series))]
    first = below + LINE * len(chart.series)
    words = [
        label(LEFT, first + LINE * index, text, "note", "start") for index, text in enumerate(notes)
    ]
    children = (
        element("style", _style()),
        rectangle(0.0, 0.0, WIDE, height, "sheet"),
        label(LEFT, TOP - 12, title, "title", "start"),
        inside,
        *keys,
        *words,
    )
    drawing = element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(WIDE)} {number(height)}",
        role="img",
        aria_label=title,
    )
    return f"{drawing}\n"


def _key(index: int, chart: LineChart | GroupChart, y: float) -> Markup:
    """Line, marker and name of one series."""
    series = chart.series[index]
    dash = " dashed" if isinstance(series, Series) and series.dashed else ""
    stroke = path([(LEFT, y - 4), (LEFT + 34, y - 4)], f"line s{index % PALETTE + 1}{dash}")
    name = label(LEFT + 44, y, series.name, "key", "start")
    return group([stroke, marker(index, LEFT + 17, y - 4), name])


def _style() -> Markup:
    """Colours and strokes; light unless the reader's surroundings are dark."""
    light, dark = (_colours(kind) for kind in ("light", "dark"))
    dark = f"@media (prefers-color-scheme: dark) {{ svg {{ {DARK} }} {dark} }}"
    return Markup(f"svg {{ {LIGHT} }} {light} {STYLE} {dark}")


def _colours(kind: str) -> str:
    return " ".join(
        f".s{index} {{ --colour: {colour}; }}" for index, colour in enumerate(COLOURS[kind], 1)
    )
