"""The stage that trains: cut off anywhere, it does not do again what it has done."""

from contextlib import contextmanager

import pytest

from cosim.cell import TileCell
from cosim.engine.ngspice import NgspiceEngine
from cosim.loop import StudySpec
from cosim.loop.context import Context, Progress
from cosim.loop.networks import train_networks, weights_path
from cosim.nn import ProgrammingError
from cosim.surrogate import LineModeGalerkin


EPOCHS = 3
NETWORKS = ("plain", "variability-aware")


class CutOffError(Exception):
    """The machine is gone."""


class Bars:
    """Counts the steps of each training, and cuts one off after some of them."""

    def __init__(self, title="", last=0):
        self.steps, self.totals = {}, {}
        self.title, self.last = title, last

    @contextmanager
    def __call__(self, title, total):
        self.steps[title], self.totals[title] = [], total

        def advance(count):
            self.steps[title].append(count)
            if title == self.title and len(self.steps[title]) == self.last:
                raise CutOffError

        yield advance


@pytest.fixture
def stage(tile, small_study, workers, tmp_path):
    training = {"epochs": EPOCHS, "exact_epochs": 1, "batch": 32, "variation": 30e-6}
    network = {"hidden": [7], "levels": 8, "train_images": 96}
    study = StudySpec.model_validate({**small_study, "training": training, "network": network})
    surrogate = LineModeGalerkin.from_spec(tile, TileCell(tile).current)
    engine, error = NgspiceEngine(tile, workers), ProgrammingError(30e-6, 5e-6, 150e-6)

    def run(folder, bars):
        progress = Progress(bar=bars)
        context = Context(study, tile, tmp_path / folder, engine=engine, progress=progress)
        results = train_networks(context, surrogate, error)
        weights = [weights_path(context, name).read_bytes() for name in NETWORKS]
        return results, weights

    return run


def test_trainings_before_the_one_that_was_cut_off_are_found(stage, tmp_path):
    whole = Bars()
    expected = stage("whole", whole)
    steps = -(-96 // 32)
    assert all(sum(done) == whole.totals[title] for title, done in whole.steps.items())
    assert set(whole.totals.values()) == {EPOCHS * steps, steps}
    assert not (tmp_path / "whole" / "training").exists()

    with pytest.raises(CutOffError):
        stage("cut", Bars("training: variability-aware", 2 * steps + 1))
    again = Bars()
    assert stage("cut", again) == expected
    # Whatever was finished is not done again: one jump of the bar to its end.
    ends = {"plain": [EPOCHS * steps], "exact": [steps], "variability-aware": [1] * steps}
    ends["variability-aware"].append(2 * steps)
    assert again.steps == {f"training: {name}": done for name, done in ends.items()}
    assert not (tmp_path / "cut" / "training").exists()
