"""Arrays that do not fit a tile are refused before anything is simulated."""

import numpy as np
import pytest

from compact_models.errors import CardError, ShapeError
from netlists.arrays import checked_conductances, checked_inputs
from netlists.specs import TileSpec


@pytest.fixture
def spec(resistive_tile) -> TileSpec:
    return resistive_tile(rows=3, cols=2)


def test_a_single_input_vector_becomes_one_sample(spec):
    assert checked_inputs(spec, [0.1, 0.2, 0.0]).shape == (1, 3)


@pytest.mark.parametrize("shape", [(5, 2), (2, 3, 3), (0, 3)])
def test_inputs_of_the_wrong_shape_are_refused(spec, shape):
    with pytest.raises(ShapeError, match="shape"):
        checked_inputs(spec, np.zeros(shape))


def test_inputs_that_would_write_the_cells_are_refused(spec):
    with pytest.raises(ShapeError, match=r"reaches 3 V.*±2 V"):
        checked_inputs(spec, [[0.1, 3.0, 0.1]])


def test_nan_is_refused_with_its_place(spec):
    with pytest.raises(ShapeError, match=r"holds nan at \(0, 1\)"):
        checked_inputs(spec, [[0.1, np.nan, 0.1]])


def test_text_is_refused(spec):
    with pytest.raises(ShapeError, match="not numbers"):
        checked_conductances(spec, [["a", "b"]] * 3)


def test_conductances_are_positive(spec):
    with pytest.raises(CardError, match=r"holds 0 S at \(1, 0\).*program at least 5 µS"):
        checked_conductances(spec, [[1e-6, 1e-6], [0.0, 1e-6], [1e-6, 1e-6]])


def test_rows_come_first(spec):
    with pytest.raises(ShapeError, match=r"shape \(2, 3\); the tile needs \(3, 2\)"):
        checked_conductances(spec, np.full((2, 3), 1e-5))
