"""The study of weak RESET: every arm is a row, found again, and its figures are paired."""

import numpy as np
import pytest

from cosim.datasets import digits
from cosim.studies import Rows, WeakResetArms, WeakResetStudy
from cosim.studies.weak_reset import interval


STUDY = WeakResetStudy(
    title="small",
    source="none",
    data="digits",
    hidden=(48,),
    arms=("ideal", "mean", "D2D", "all"),
    card="rram_weak_reset__hfox_majumdar2021",
    epochs=6,
    batch=100,
    rate=30.0,
    halved_every=3,
    most_pulses=14,
    digital_rate=8e-3,
    ideal_rate=1e-2,
    reads=3,
    seeds=1,
)


@pytest.fixture(scope="module")
def arms(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "rows.csv"
    rows = Rows(path, "this test", STUDY.content_hash(), WeakResetArms.keys, WeakResetArms.values)
    made = WeakResetArms(STUDY, rows, digits(0))
    made.run()
    return made


def column(arms, name):
    return {row["arm"]: float(row[name]) for row in arms.rows.all}


def test_devices_without_imperfections_learn_and_all_of_them_cost(arms):
    accuracy = column(arms, "accuracy")
    assert accuracy["ideal"] > 80
    assert accuracy["mean"] > 85
    assert 30 < accuracy["all"] < accuracy["mean"]


def test_only_devices_get_pulses_and_only_noise_makes_reads_differ(arms):
    pulses, reads = column(arms, "pulses"), column(arms, "read_std")
    assert pulses["ideal"] == 0
    assert min(pulses["mean"], pulses["D2D"], pulses["all"]) > 50
    assert max(reads["ideal"], reads["mean"], reads["D2D"]) < 1e-9
    assert reads["all"] > 0


def test_what_is_done_is_not_done_again(arms, monkeypatch):
    def refused(self, arm, seed):
        raise AssertionError(f"{arm} {seed} was trained again")

    monkeypatch.setattr(WeakResetArms, "row", refused)
    again = Rows(
        arms.rows.path, "this test", STUDY.content_hash(), WeakResetArms.keys, WeakResetArms.values
    )
    WeakResetArms(STUDY, again, arms.images).run()
    assert again.all == arms.rows.all


def test_figures_compare_arms_of_the_same_seeds(arms):
    figures = arms.figures()
    accuracy = column(arms, "accuracy")
    assert figures["mean"] == f"{accuracy['mean']:.2f} % (1 seeds)"
    assert figures["all minus mean"].startswith(f"{accuracy['all'] - accuracy['mean']:+.2f} points")
    assert "D2D minus C2C" not in figures


def test_an_interval_is_that_of_student():
    assert interval(np.array([1.0, 2.0, 3.0])) == "2.00 ± 2.48 % (3 seeds)"
    assert interval(np.array([])) == "not run"
