"""Arrays from and to files: `.npy` or `.csv`, never pickled."""

from __future__ import annotations

from pathlib import Path

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
            array = np.loadtxt(path, delimiter=",", ndmin=2)
        else:
            raise InputError(f"{path}: unknown kind of file; give {what} as .npy or .csv")
    except (ValueError, OSError, EOFError) as error:
        raise ShapeError(f"{path}: not an array of numbers ({error}); give {what}") from None
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise ShapeError(f"{path}: holds {array.dtype} values; give {what} as real numbers")
    return array


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
    """Refuse an output path before any work is done for it.

    Raises:
        InputError: the ending is not one of `suffixes`, or the folder does not exist.
    """
    if path is None:
        return
    if suffixes and path.suffix not in suffixes:
        raise InputError(f"{path}: the output must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise MissingFileError(f"{path.parent}: no such folder; create it first")


def write_or_print(path: Path | None, text: str) -> None:
    """Write text to a file, or print it when no file is named."""
    if path is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        path.write_text(text, encoding="utf-8")
