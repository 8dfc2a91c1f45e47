"""Samples keep inputs, conductances and outputs together, and split by matrix."""

import numpy as np
import pytest

from cosim.errors import ShapeError
from cosim.surrogate import TileSamples


def made(matrices=5, per_matrix=3, rows=6, cols=4, seed=0):
    rng = np.random.default_rng(seed)
    index = rng.permutation(np.repeat(np.arange(matrices), per_matrix))
    conductance = rng.uniform(5e-6, 1.5e-4, (matrices, rows, cols))
    inputs = rng.uniform(0, 0.2, (len(index), rows))
    return TileSamples(
        conductance, inputs, np.einsum("sr,src->sc", inputs, conductance[index]), index
    )


def test_a_split_shares_no_matrix_and_loses_no_sample():
    first, second = made().split(0.6, seed=3)
    assert (first.matrices, second.matrices) == (3, 2)
    assert len(first) + len(second) == 15
    seen = {G.tobytes() for G in first.conductance}
    assert not seen & {G.tobytes() for G in second.conductance}


def test_after_a_split_each_sample_still_has_its_own_matrix():
    for part in made().split(0.4, seed=1):
        expected = np.einsum("sr,src->sc", part.inputs, part.conductance[part.matrix])
        np.testing.assert_allclose(part.outputs, expected)


def test_the_same_seed_splits_in_the_same_way():
    first, again = made().split(0.5, seed=7)[0], made().split(0.5, seed=7)[0]
    np.testing.assert_array_equal(first.inputs, again.inputs)


def test_predictions_come_in_the_order_of_the_samples(small):
    samples = made()
    predicted = samples.predict(small)
    for index in (0, 7, 14):
        expected = small.mvm(samples.inputs[[index]], samples.conductance[samples.matrix[index]])
        np.testing.assert_allclose(predicted[index], expected[0])


@pytest.mark.wrong_input
def test_arrays_that_do_not_belong_together_are_refused():
    good = made()
    with pytest.raises(ShapeError, match=r"`outputs` \(15, 6\).*\(samples, cols\).*dimensions"):
        TileSamples(good.conductance, good.inputs, good.inputs, good.matrix)


def test_values_that_are_not_finite_are_refused():
    good = made()
    outputs = good.outputs.copy()
    outputs[2, 1] = np.nan
    with pytest.raises(ShapeError, match=r"`outputs` holds 1 values that are not finite"):
        TileSamples(good.conductance, good.inputs, outputs, good.matrix)


def test_an_index_without_a_matrix_is_refused():
    good = made()
    with pytest.raises(ShapeError, match=r"`matrix` names 5, but there are 5"):
        TileSamples(good.conductance, good.inputs, good.outputs, good.matrix + 1)


def test_one_matrix_cannot_be_split():
    with pytest.raises(ShapeError, match=r"1 conductance matrix.*at least 2.*more matrices"):
        made(matrices=1).split(0.5, seed=0)
