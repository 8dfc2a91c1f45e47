"""The results of a study as rows of a CSV file, each written when it is known.

A long study is a list of cases. Each case that has been done is one row of its table, found again
by the columns that name the case: interrupted, the study goes on where it was. A table belongs to
one specification; its second line carries the specification's hash, and a table of another one is
refused instead of being mixed with new rows. A table can also be read as far as it goes: cases that
are not in it are then counted instead of being worked out.

    # made by: python examples/studies/rram.py --folder DATA
    # specification: 3f1c...
    arm,seed,chip,accuracy
    plain,0,0,0.9512
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cosim.errors import DatasetError


Value = str | int | float
Row = Mapping[str, Value]


@dataclass(frozen=True)
class Rows:
    """A table that grows case by case.

    Attributes:
        path: of the CSV file.
        command: that makes it, for the reader.
        specification: hash of what it was made from.
        keys: columns that name a case.
        values: columns that a case results in.
        announce: takes one line of text for every case.
        only_known: whether cases that are not in the table are left out.

    Raises:
        DatasetError: the file is the table of something else, or damaged; or only what is known was
            asked for, and there is no file.
    """

    path: Path
    command: str
    specification: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    announce: Callable[[str], object] = lambda text: None
    only_known: bool = False
    _asked: set[tuple[str, ...]] = field(default_factory=set, init=False)
    _known: dict[tuple[str, ...], list[dict[str, str]]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Read what is there already."""
        if self.path.exists():
            for row in self._read():
                self._known.setdefault(self._key(row), []).append(row)
        elif self.only_known:
            raise DatasetError(
                f"`{self.path}` was to be shown as far as it goes, but does not exist; name a"
                " table that does, or start the study"
            )
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            header = f"# made by: {self.command}\n# specification: {self.specification}\n"
            columns = ",".join((*self.keys, *self.values))
            self.path.write_text(f"{header}{columns}\n", encoding="utf-8")

    def case(self, key: Row, work: Callable[[], Sequence[Row] | Row]) -> list[dict[str, str]]:
        """The rows of a case: found, or worked out and written; none if only known ones are taken.

        Args:
            key: the values that name it.
            work: gives the values of the case's row, or of each of its rows.
        """
        name = self._key(key)
        self._asked.add(name)
        shown = ", ".join(
            f"{column} {value}" for column, value in zip(self.keys, name, strict=True)
        )
        if name in self._known:
            self.announce(f"{shown}: found done")
            return self._known[name]
        if self.only_known:
            return []
        self.announce(shown)
        results = work()
        rows = [
            {column: _text(value) for column, value in {**key, **result}.items()}
            for result in ([results] if isinstance(results, Mapping) else results)
        ]
        self._write(rows)
        self._known[name] = rows
        return rows

    @property
    def all(self) -> list[dict[str, str]]:
        """Every row, in the order in which cases were first asked for."""
        return [row for rows in self._known.values() for row in rows]

    @property
    def progress(self) -> tuple[int, int]:
        """How many of the cases that were asked for are in the table, and how many these were."""
        return len(self._asked & self._known.keys()), len(self._asked)

    def _key(self, row: Row) -> tuple[str, ...]:
        return tuple(_text(row[column]) for column in self.keys)

    def _write(self, rows: Sequence[Mapping[str, str]]) -> None:
        """All rows of a case in one write, so that a killed study leaves whole cases."""
        text = io.StringIO()
        writer = csv.DictWriter(text, (*self.keys, *self.values), lineterminator="\n")
        writer.writerows(rows)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())

    def _read(self) -> list[dict[str, str]]:
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        columns = ",".join((*self.keys, *self.values))
        if len(lines) < 3 or lines[2].strip() != columns:
            raise DatasetError(
                f"`{self.path}` is not a table with the columns {columns};"
                " name another file, or remove this one"
            )
        if lines[1].strip() != f"# specification: {self.specification}":
            raise DatasetError(
                f"`{self.path}` was made from another specification ({lines[1].strip()}, now"
                f" {self.specification}); rows of both must not be mixed; name another file, or"
                " remove this one"
            )
        whole = [line for line in lines[2:] if line.endswith("\n")]
        if len(whole) < len(lines) - 2:
            self.path.write_text("".join((*lines[:2], *whole)), encoding="utf-8")
        return list(csv.DictReader(whole))


def _text(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
