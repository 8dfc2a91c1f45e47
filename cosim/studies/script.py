"""What the scripts of studies share: their options, and the table that ends each of them.

    python examples/studies/rram_levels.py --folder DATA            the whole study, resumable
    python examples/studies/rram_levels.py --quick                  the same on little, in a minute

A study leaves two files: every result as a row (`.csv`, see `rows`), and what it comes to, next to
what was published (`.md`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosim.report import Series, picture
from cosim.studies.rows import Rows
from cosim.studies.spec import StudyBase
from cosim.studies.study_run import StudyRun


@dataclass(frozen=True)
class Given:
    """The options that a study was started with.

    Attributes:
        folder: of data sets that do not come with cosim.
        quick: whether to run the quick form.
        output: the table of results.
        announce: takes one line of text for every case.
    """

    folder: Path | None
    quick: bool
    output: Path
    announce: Callable[[str], object]


def options(script: str, description: str | None, arguments: list[str] | None = None) -> Given:
    """The options of a study's script.

    Args:
        script: its `__file__`.
        description: its docstring.
        arguments: None for those of the command line.
    """
    path = Path(script)
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="holds MNIST/raw or cifar-10-batches-bin")
    parser.add_argument("--quick", action="store_true", help="little data, few chips: a minute")
    parser.add_argument("-o", "--output", type=Path, help="the table; found results are kept")
    given = parser.parse_args(arguments)
    usual = Path("runs") / "studies" / f"{path.stem}-quick.csv"
    whole = path.parent / "results" / f"{path.stem}.csv"
    output = given.output or (usual if given.quick else whole)
    return Given(given.folder, given.quick, output, _line)


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table_of(
    study: StudyBase, given: Given, script: str, keys: tuple[str, ...], values: tuple[str, ...]
) -> Rows:
    """The table of a study: found, or new."""
    quick = " --quick" if given.quick else " --folder DATA" if study.data != "digits" else ""
    command = f"python examples/studies/{Path(script).name}{quick}"
    return Rows(given.output, command, study.content_hash(), keys, values, given.announce)


def selected(rows: list[dict[str, str]], column: str, **wanted: str | float) -> np.ndarray:
    """The numbers of a column in all rows whose other columns are as wanted.

    Args:
        rows: of a study's table.
        column: its name.
        wanted: value by column; numbers are compared as the table writes them.
    """
    texts = {
        name: f"{value:.6g}" if isinstance(value, float) else str(value)
        for name, value in wanted.items()
    }
    found = [row for row in rows if all(row[name] == text for name, text in texts.items())]
    return np.array([float(row[column]) for row in found])


def shown(values: np.ndarray, unit: str = " %") -> str:
    """Mean and standard deviation over training seeds as text; a dash for no value."""
    if not len(values):
        return "not run"
    spread = f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
    return f"{values.mean():.2f}{spread}{unit}"


def finished(run: StudyRun) -> str:
    """Run a study and leave its table, its comparison with what was published and its picture.

    Returns:
        The comparison as text.
    """
    run.run()
    study, rows = run.study, run.rows
    note = f"{study.source}. Made by {rows.command}."
    picture_path = rows.path.with_suffix(".svg")
    picture_path.write_text(picture(run.chart(), study.title, note), encoding="utf-8")
    text = _comparison(study, run.figures(), rows)
    rows.path.with_suffix(".md").write_text(text, encoding="utf-8")
    return text


def _comparison(study: StudyBase, ours: Mapping[str, str], rows: Rows) -> str:
    published = {figure.name: figure for figure in study.published}
    lines = [
        f"# {study.title}",
        "",
        f"{study.source}.",
        "",
        f"![{study.title}]({rows.path.stem}.svg)",
        "",
        f"Made by `{rows.command}`; every result is a row of `{rows.path.name}`.",
        "",
        "| | published | ours | why they differ |",
        "|---|---|---|---|",
    ]
    for name, figure in published.items():
        lines.append(f"| {figure.figure} | {figure.value} | {ours.get(name, '')} | {figure.why} |")
    lines += [f"| {name} | | {text} | |" for name, text in ours.items() if name not in published]
    return "\n".join(lines) + "\n"


def curve(
    name: str, rows: list[dict[str, str]], x: str, *, dashed: bool = False, **wanted: str | float
) -> Series:
    """The mean accuracy over a column, averaged over training seeds.

    Args:
        name: of the curve.
        rows: of a study's table.
        x: column of the abscissa.
        dashed: whether its line is.
        wanted: what other columns must be; see `selected`.
    """
    at, mean = selected(rows, x, **wanted), selected(rows, "mean", **wanted)
    places = np.unique(at)
    values = np.array([mean[at == place].mean() for place in places])
    return Series(name, places, values / 100, dashed=dashed)
