"""One self-contained HTML page per run: what was run, whether it held, and how accurate it was.

`model` says what a report holds, `page` lays it out, `standalone` makes a file of one
chart, and the rest draws.
"""

from cosim.report.model import Axis, GroupChart, GroupSeries, LineChart, Mark, Series
from cosim.report.page import build_report
from cosim.report.standalone import picture


__all__ = [
    "Axis",
    "GroupChart",
    "GroupSeries",
    "LineChart",
    "Mark",
    "Series",
    "build_report",
    "picture",
]
