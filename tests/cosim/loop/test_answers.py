"""Identical reads are simulated once, and an answer that is on disk is not asked for again."""

import numpy as np
import pytest
import torch

from cosim.engine.ngspice import NgspiceEngine
from cosim.loop.answers import Recorder, distinct
from cosim.loop.programming import MeasuredProgramming


@pytest.fixture
def task(resistive_tile):
    generator = np.random.default_rng(0)
    inputs = generator.uniform(0.0, 0.2, (5, 4))
    return generator.uniform(1e-5, 1e-4, (4, 3)), inputs[[0, 1, 0, 2, 1, 3, 4, 0]]


def test_different_vectors_keep_the_order_of_their_first_appearance():
    X = np.array([[2.0, 0.0], [1.0, 5.0], [2.0, -0.0], [0.0, 1.0], [1.0, 5.0]])
    different, place = distinct(X)
    assert different.tolist() == [[2, 0], [1, 5], [0, 1]]
    assert place.tolist() == [0, 1, 0, 2, 1]
    assert np.array_equal(different[place], X)


def test_repeated_vectors_are_simulated_once_and_all_answered(
    resistive_tile, workers, tmp_path, task
):
    told = []
    engine = NgspiceEngine(resistive_tile(4, 3), workers)
    recorder = Recorder(engine, tmp_path, told.append)
    (answer,) = recorder.mvm_many([task])
    assert (recorder.operations, recorder.simulated, sum(told)) == (8, 5, 8)
    assert np.array_equal(answer[0], answer[2])
    assert np.allclose(answer, engine.mvm(*task), rtol=1e-9)


def test_answers_on_disk_are_found_and_damaged_ones_are_not(
    resistive_tile, workers, tmp_path, task, monkeypatch
):
    engine = NgspiceEngine(resistive_tile(4, 3), workers)
    (first,) = Recorder(engine, tmp_path).mvm_many([task])
    asked = []
    ask = NgspiceEngine.iter_mvm
    monkeypatch.setattr(
        NgspiceEngine, "iter_mvm", lambda self, jobs: (asked.append(len(jobs)), ask(self, jobs))[1]
    )
    (again,) = Recorder(engine, tmp_path).mvm_many([task])
    assert np.array_equal(first, again)
    (path,) = tmp_path.rglob("*.npy")
    path.write_bytes(path.read_bytes()[:50])
    Recorder(engine, tmp_path).mvm_many([task])
    assert asked == [0, 1]
    # Another tile has answers of its own.
    other = NgspiceEngine(resistive_tile(4, 3, drivers={"source_resistance": 99.0}), workers)
    (different,) = Recorder(other, tmp_path).mvm_many([task])
    assert np.abs(different).max() < np.abs(first).max()


def test_measured_errors_have_the_shift_and_spread_of_their_target():
    law = MeasuredProgramming(1.0, 3.0, (0.5, 0.0, -0.5), (0.0, 0.1, 0.2), (0.0, 10.0))
    drawn = law.draw(torch.tensor([1.0, 2.0, 2.5, 3.0]).repeat(20_000, 1), torch.Generator())
    assert drawn.mean(0).tolist() == pytest.approx([1.5, 2.0, 2.25, 2.5], abs=0.01)
    assert drawn.std(0).tolist() == pytest.approx([0.0, 0.1, 0.15, 0.2], abs=0.01)
