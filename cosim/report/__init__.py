"""One self-contained HTML page per run: what was run, whether it held, and how accurate it was.

`model` says what a report holds, `page` lays it out, and the rest draws.
"""

from cosim.report.page import build_report


__all__ = ["build_report"]
