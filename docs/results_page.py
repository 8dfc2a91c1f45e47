"""Write `results.md`: what studies and benchmarks have given, from the files that hold it.

    python docs/results_page.py

The tests hold the page against the files, so it is made again when one of them changes.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path


DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PAGE = DOCS / "results.md"
MOST_ROWS = 8  # of a study's table; the rest stays in the study's own file
LINK = re.compile(r"\]\(([^)#:]+)(?=[)#])")
INTRODUCTION = """# Results

Made by `python docs/results_page.py` from the files that studies and benchmarks leave in the
repository. Every table links to the file it is taken from, and says what makes it again.
"""


def text() -> str:
    """The whole page."""
    results = sorted((ROOT / "examples").rglob("results/*.md"))
    told = {path.with_suffix("") for path in results}
    data = [
        path
        for path in sorted((ROOT / "examples").rglob("results/*.csv"))
        if path.with_suffix("") not in told
    ]
    parts = [INTRODUCTION, "## Studies\n", *map(_study, results)]
    parts += ["## More tables and pictures\n", *map(_data, data)]
    parts += ["## Benchmarks\n", "\n".join(_benchmarks()) + "\n"]
    return "\n".join(parts)


def _study(path: Path) -> str:
    """A study's title, first paragraph, picture and the first rows of its first table."""
    lines = path.read_text("utf-8").splitlines()
    title = lines[0].removeprefix("# ")
    before = list(takewhile(lambda line: not line.startswith("|"), lines[1:]))
    table = list(takewhile(lambda line: line.startswith("|"), lines[1 + len(before) :]))
    shown = table[: MOST_ROWS + 2]
    left = len(table) - len(shown)
    more = f"{left} more rows are in" if left else "From"
    parts = [
        f"### {title}\n",
        "\n".join(before).strip(),
        "",
        *shown,
        "",
        f"{more} [{path.name}]({path.name}).\n",
    ]
    return _moved("\n".join(parts), path.parent)


def _data(path: Path) -> str:
    """What makes a table of results, its size, and its picture."""
    lines = path.read_text("utf-8").splitlines()
    comments = [line.removeprefix("# ") for line in lines if line.startswith("#")]
    commands = [line.removeprefix("made by: ") for line in comments if line.startswith("made by: ")]
    made = f"; made by `{commands[0]}`" if commands else ""
    rows = len(lines) - len(comments) - 1
    name = path.stem.replace("_", " ")
    parts = [f"### {name[0].upper()}{name[1:]}\n"]
    parts.append(f"{rows} rows, [{path.name}]({path.name}){made}.\n")
    picture = path.with_suffix(".svg")
    if picture.exists():
        parts.append(f"![{name}]({picture.name})\n")
    return _moved("\n".join(parts), path.parent)


def _moved(markdown: str, folder: Path) -> str:
    """Markdown with links that are relative to `docs/` instead of to a folder."""

    def moved(match: re.Match[str]) -> str:
        target = (folder / match[1]).resolve()
        return "](" + Path(os.path.relpath(target, DOCS)).as_posix()

    return LINK.sub(moved, markdown)


def _benchmarks() -> Iterator[str]:
    """A row for each registered case: what it measures, and where its figures are discussed."""
    yield "`./scripts/bench CASE` measures one of these and prints a JSON object.\n"
    yield "| case | what it measures | figures |"
    yield "|---|---|---|"
    pages = {path: path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))}
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        documentation = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        if path.stem in {"__init__", "run"}:
            continue
        mentions = [
            f"[{_title(page)}]({page.name})"
            for page, content in pages.items()
            if page != PAGE and re.search(rf"(`|bench |benchmarks.run ){path.stem}\b", content)
        ]
        yield f"| `{path.stem}` | {documentation.splitlines()[0]} | {', '.join(mentions)} |"


def _title(page: Path) -> str:
    """The first heading of a page."""
    return page.read_text("utf-8").splitlines()[0].removeprefix("# ")


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
