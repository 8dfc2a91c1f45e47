"""Arrays are read from .npy and .csv, and anything else is one clear message."""

import numpy as np
import pytest

from cosim.cli.files import check_output, read_array, write_array
from cosim.errors import InputError, MissingFileError, ShapeError


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_an_array_round_trips_exactly(tmp_path, suffix):
    array = np.random.default_rng(0).uniform(1e-6, 1e-4, (3, 4))
    path = tmp_path / f"G{suffix}"
    write_array(path, array)
    assert np.array_equal(read_array(path, "conductances"), array)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"X\.npy: no such file; give inputs"):
        read_array(tmp_path / "X.npy", "inputs")


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "X.mat"
    path.write_bytes(b"MATLAB")
    with pytest.raises(InputError, match="unknown kind of file"):
        read_array(path, "inputs")


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_npy_is_refused(tmp_path, content):
    path = tmp_path / "X.npy"
    path.write_bytes(content)
    with pytest.raises(ShapeError, match="not an array of numbers"):
        read_array(path, "inputs")


def test_a_pickled_array_is_never_loaded(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ShapeError, match="not an array of numbers"):
        read_array(path, "inputs")


def test_complex_numbers_are_refused(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, np.array([1j]))
    with pytest.raises(ShapeError, match="real numbers"):
        read_array(path, "inputs")


def test_an_output_path_is_checked_before_any_work(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.npy or \.csv"):
        check_output(tmp_path / "Y.txt", (".npy", ".csv"))
    with pytest.raises(MissingFileError, match="no such folder"):
        check_output(tmp_path / "nowhere" / "Y.npy", (".npy", ".csv"))
