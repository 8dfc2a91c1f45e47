"""The page: one HTML file that holds its style, its script and every drawing.

The page loads nothing. Its content security policy says so to the browser, which would refuse a
reference to anything outside; so the file can be mailed, archived and opened offline, and shows the
same years later.
"""

from __future__ import annotations

import re
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from cosim.report.figures import draw, is_wide, legend, numbers
from cosim.report.model import Block, CellValue, Column, Figure, KeyFigure, RunReport, Table
from cosim.report.shown import cell_text


CODE = re.compile(r"`([^`]+)`")
NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=(?:%|[afpnµmkMG]?[VASΩFHJWKs])(?!\w))")
NUMBER_THEN_WORD = re.compile(r"([+−-]?[\d.,]+) (\D+)")
SHORT = 24  # characters of a cell that are never broken into two lines


def build_report(run: RunReport) -> str:
    """The HTML text of the page about `run`."""
    assets = files("cosim.report")
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters.update(prose=prose, block_kind=block_kind)
    environment.globals.update(
        draw=draw,
        is_wide=is_wide,
        legend=legend,
        numbers=numbers,
        cell=cell,
        key_text=key_text,
        alignments=alignments,
    )
    template = environment.from_string(assets.joinpath("page.html.jinja").read_text("utf-8"))
    return template.render(
        run=run,
        ids=section_ids(run),
        style=Markup(assets.joinpath("page.css").read_text("utf-8")),
        script=Markup(assets.joinpath("page.js").read_text("utf-8")),
    )


def prose(text: str) -> Markup:
    """Text with its backticked words as code; everything else is shown as it is written."""
    unbroken = NUMBER_AND_UNIT.sub("\N{NO-BREAK SPACE}", text)
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(unbroken))))


def anchor(title: str) -> str:
    """The address of a section inside the page."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"


def block_kind(block: Block) -> str:
    """`text`, `figure` or `table`."""
    if isinstance(block, Figure):
        return "figure"
    return "table" if isinstance(block, Table) else "text"


def key_text(figure: KeyFigure) -> tuple[str, str]:
    """The number of a key figure and the unit that stands smaller behind it."""
    if isinstance(figure.value, str):
        written = NUMBER_THEN_WORD.fullmatch(figure.value)
        return (written[1], written[2]) if written else (figure.value, figure.unit)
    text = cell_text(figure.value, figure.unit, figure.digits)
    if figure.unit in ("", "s"):
        return text, ""
    number, space, unit = text.rpartition(" ")
    return (number, unit) if space else (unit, "")


def cell(value: CellValue, column: Column) -> dict[str, str]:
    """What a table's cell shows, how it is set, and what it is sorted by."""
    if isinstance(value, bool):
        text = "✓ held" if value else "✗ failed"
        return {"text": text, "kind": "held" if value else "failed", "key": str(int(value))}
    if isinstance(value, int | float):
        text = cell_text(value, column.unit, column.digits)
        return {"text": text, "kind": "number", "key": repr(float(value))}
    words = value or ""
    return {"text": words, "kind": "short" if len(words) <= SHORT else "words", "key": words}


def alignments(table: Table) -> list[str]:
    """The class of each column: `right` where it holds numbers."""
    return [
        "right"
        if any(
            isinstance(row[i], int | float) and not isinstance(row[i], bool) for row in table.rows
        )
        else "left"
        for i in range(len(table.columns))
    ]


def section_ids(run: RunReport) -> list[str]:
    """One address per section, told apart by a number where titles are alike."""
    ids: list[str] = []
    for section in run.sections:
        base = anchor(section.title)
        taken = {"failures", "provenance", "main", "tip", *ids}
        numbered = (f"{base}-{index}" for index in range(2, len(taken) + 3))
        ids.append(base if base not in taken else next(x for x in numbered if x not in taken))
    return ids
