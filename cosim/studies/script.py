"""What the scripts of studies share: their options, and the table that ends each of them.

    python examples/studies/rram_levels.py --folder DATA            the whole study, resumable
    python examples/studies/rram_levels.py --folder DATA --table    what there is of it so far
    python examples/studies/rram_levels.py --quick                  the same on little, in a minute

A study leaves three files: every result as a row (`.csv`, see `rows`), what it comes to, next to
what was published (`.md`), and its picture (`.svg`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from cosim.report import LineChart, Series, picture
from cosim.studies.rows import Rows
from cosim.studies.spec import StudyBase
from cosim.studies.study_run import StudyRun


S = TypeVar("S", bound=StudyBase)


@dataclass(frozen=True)
class Given:
    """The options that a study was started with.

    Attributes:
        script: the study's script.
        spec: its specification.
        is_own: whether that is the script's own one.
        folder: of data sets that do not come with cosim.
        quick: whether to run the quick form.
        table: whether to show what there is, without any work.
        output: the table of results.
    """

    script: Path
    spec: Path
    is_own: bool
    folder: Path | None
    quick: bool
    table: bool
    output: Path

    def rows(self, study: StudyBase, run: type[StudyRun[S]]) -> Rows:
        """The table of a study: found, or new."""
        other = "" if self.is_own else f" --spec examples/studies/{self.spec.name}"
        data = " --folder DATA" if study.needs_folder else ""
        return Rows(
            self.output,
            f"python examples/studies/{self.script.name}{other}"
            f"{' --quick' if self.quick else data}",
            study.content_hash(),
            run.keys,
            run.values,
            _nothing if self.table else _line,
            only_known=self.table,
        )


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
    parser.add_argument("--spec", type=Path, help="another specification than the script's own")
    parser.add_argument("--quick", action="store_true", help="little data, few chips: a minute")
    parser.add_argument("--table", action="store_true", help="show what is done, without any work")
    parser.add_argument("-o", "--output", type=Path, help="the table; found results are kept")
    given = parser.parse_args(arguments)
    spec = given.spec or path.with_suffix(".toml")
    usual = Path("runs") / "studies" / f"{spec.stem}-quick.csv"
    whole = path.parent / "results" / f"{spec.stem}.csv"
    output = given.output or (usual if given.quick else whole)
    own = given.spec is None
    return Given(path, spec, own, given.folder, given.quick, given.table, output)


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _nothing(text: str) -> None:
    pass


def concluded(
    script: str,
    description: str | None,
    study_class: type[S],
    run_class: type[StudyRun[S]],
    arguments: list[str] | None = None,
) -> str:
    """Do what a study's script was asked for: run it, or show what there is.

    Args:
        script: its `__file__`.
        description: its docstring.
        study_class: of its specification.
        run_class: of its runs.
        arguments: None for those of the command line.

    Returns:
        The comparison with what was published, as text.
    """
    given = options(script, description, arguments)
    study = study_class.read(given.spec, quick=given.quick)
    return finished(run_class.of(study, given.rows(study, run_class), given.folder))


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


def paired(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Differences, seed by seed, as far as both have been run."""
    both = min(len(one), len(other))
    return one[:both] - other[:both]


def finished(run: StudyRun) -> str:
    """Run a study and leave its table, its comparison with what was published and its picture.

    Returns:
        The comparison as text.
    """
    run.run()
    study, rows = run.study, run.rows
    note = f"{study.source}. Made by {rows.command}."
    chart = run.chart()
    if isinstance(chart, LineChart):  # curves without a point are not drawn
        chart = replace(chart, series=tuple(one for one in chart.series if len(one.x)))
    picture_path = rows.path.with_suffix(".svg")
    picture_path.write_text(picture(chart, study.title, note), encoding="utf-8")
    text = _comparison(study, run.figures(), rows) + run.more()
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
    ]
    done, asked = rows.progress
    if done < asked:
        lines += [
            "",
            f"**{done} of {asked} cases are done.** The same command goes on where it was cut off.",
        ]
    if published or ours:
        lines += ["", "| | published | ours | why they differ |", "|---|---|---|---|"]
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
