"""What commands read and write: arrays as `.npy` or `.csv`, never pickled; text; JSON; folders.

Outputs are checked before any work is done for them, so that a wrong path costs no time and leaves
nothing behind.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from cosim.errors import InputError, MissingFileError, ShapeError


def read_array(path: Path, what: str) -> np.ndarray:
    """Read one array of numbers.

    Raises:
        MissingFileError: no such file.
        InputError: neither `.npy` nor `.csv`.
        ShapeError: the contents are not an array of numbers.
    """
    if not path.is_file():
        raise MissingFileError(f"{path}: no such file; give {what} as .npy or .csv")
    try:
        if path.suffix == ".npy":
            array = np.load(path, allow_pickle=False)
        elif path.suffix == ".csv":
            array = _read_csv(path)
        else:
            raise InputError(f"{path}: unknown kind of file; give {what} as .npy or .csv")
    except (ValueError, OSError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ShapeError(f"{path}: not an array of numbers ({reason}); give {what}") from None
    if not isinstance(array, np.ndarray):  # an archive of several
        array.close()
        raise ShapeError(f"{path}: holds several arrays; allowed is one; give {what}")
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise ShapeError(f"{path}: holds {array.dtype} values; give {what} as real numbers")
    return array


def _read_csv(path: Path) -> np.ndarray:
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        raise ValueError("the file is empty")
    return np.loadtxt(text.splitlines(), delimiter=",", ndmin=2)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as `.npy` or `.csv`.

    Raises:
        InputError: neither `.npy` nor `.csv`.
    """
    if path.suffix == ".npy":
        np.save(path, array, allow_pickle=False)
    elif path.suffix == ".csv":
        np.savetxt(path, array, delimiter=",", fmt="%.17g")
    else:
        raise InputError(f"{path}: unknown kind of file; give an output ending in .npy or .csv")


def check_output(path: Path | None, suffixes: tuple[str, ...]) -> None:
    """Refuse an output file before any work is done for it.

    Raises:
        InputError: the ending is not one of `suffixes`, or the path is a folder.
        MissingFileError: the folder that it is to be in does not exist.
    """
    if path is None:
        return
    if suffixes and path.suffix not in suffixes:
        raise InputError(
            f"{path}: was given as the output, which must end in {' or '.join(suffixes)}; name"
            " another file"
        )
    if not path.parent.is_dir():
        raise MissingFileError(
            f"{path.parent}: no such folder; outputs go into folders that exist; create it first"
        )
    if path.is_dir():
        raise InputError(f"{path}: is a folder; the output is a file; name another path")
    _check_writable(path.parent if not path.exists() else path)


def check_folder(path: Path, *marks: str) -> None:
    """Refuse an output folder before any work is done for it.

    Args:
        path: may exist when it is empty, or holds one of `marks`.
        marks: names of files that a folder of this kind holds.

    Raises:
        InputError: a file is in its place, it holds something else, or it cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; the output is a folder; name another path")
    if path.is_dir():
        inside = {entry.name for entry in path.iterdir()}
        if inside and not inside & set(marks):
            raise InputError(
                f"{path}: holds other things, such as {min(inside)}; the output is a new folder,"
                " or one that this command began; name another path"
            )
    nearest = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not nearest.is_dir():
        raise InputError(f"{nearest}: is a file; {path} cannot be made in it; name another path")
    _check_writable(nearest)


def _check_writable(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise InputError(f"{path}: you may not write there; outputs need that; name another path")


def write_or_print(path: Path | None, text: str) -> None:
    """Write text to a file, or print it when no file is named."""
    if path is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        path.write_text(text, encoding="utf-8")


def print_json(data: Mapping[str, Any], path: Path | None = None) -> None:
    """One JSON object, printed or written; what is not a finite number becomes null."""
    write_or_print(path, json.dumps(_plain(data), indent=2) + "\n")


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON takes
    """A value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
