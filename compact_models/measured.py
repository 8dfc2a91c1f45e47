"""Measurements in CSV files, read strictly: one message with the line where something is wrong."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from compact_models.errors import InputError


Columns = dict[str, Float[ndarray, " _"]]


def read_measurements(path: Path, columns: tuple[str, ...]) -> Columns:
    """Read columns of finite numbers from a CSV file with a header.

    Args:
        path: of the file. Further columns are ignored; empty lines at its end too.
        columns: names that the header must have.

    Raises:
        InputError: no such file, a missing column, a gap, NaN, or something that is no number.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a CSV file with the columns {_list(columns)}")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as fault:
        raise InputError(
            f"{path}: cannot be read as CSV text ({fault}); save it as plain comma-separated text"
        ) from fault
    while rows and not any(field.strip() for field in rows[-1]):
        rows.pop()
    header = [name.strip().lower() for name in rows[0]] if rows else []
    for name in columns:
        if name not in header:
            raise InputError(
                f"{path}: line 1: there is no column `{name}`, but {', '.join(header)}; "
                f"give the columns {_list(columns)}"
            )
    if len(rows) < 2:
        raise InputError(f"{path}: there are no rows below the header; give measurements")
    return {
        name: np.array(
            [
                _number(path, line, name, row, header.index(name))
                for line, row in enumerate(rows[1:], start=2)
            ]
        )
        for name in columns
    }


def _number(path: Path, line: int, name: str, row: list[str], place: int) -> float:
    text = row[place].strip() if place < len(row) else ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{path}: line {line}: `{name}` is {text or 'empty'!r}; allowed is a finite number; "
            "fill the gap or remove the line"
        )
    return value


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)
