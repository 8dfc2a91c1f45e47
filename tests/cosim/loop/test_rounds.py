"""Rounds on a tiny tile: write and verify, a bad start that is found out, runs that are killed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import cosim
from cosim.errors import DatasetError, InputError, MissingFileError, SpecError
from cosim.loop import StudySpec, export_run, load_study, run_study
from cosim.loop.networks import weights_path
from cosim.loop.started import Started


@pytest.fixture
def ended(tiny, workers, tmp_path):
    """Runs the tiny study from a start of its own; its folder and outcome."""

    def run(initial="", written=True):
        study, tile = load_study(tiny(initial, written))
        folder = tmp_path / "run"
        return folder, run_study(study, tile, folder, workers)

    return run


def test_a_good_start_agrees_in_the_first_round_and_a_bad_one_ends_in_the_same_place(
    ended, tmp_path
):
    folder, good = ended()
    folder.rename(tmp_path / "good")
    folder, bad = ended("wrong.toml")
    assert good.numbers == 1
    assert good.last.agrees
    assert bad.numbers in {2, 3}
    assert bad.last.agrees

    first = bad.rounds[0]
    assert first.of("replay-variability-aware")["surrogate_nrmse"] > 2e-3
    assert first.of("replay-variability-aware")["images"] == 3  # the pilot was enough to see it
    assert not first.has("solve")
    assert "surrogate error on the reads" in first.verdict
    last = bad.last
    # Four tiles on two chips, read with three images each: fewer than could join.
    assert (last.of("join")["matrices"], last.of("join")["samples"]) == (8, 24)
    assert last.of("fit")["certificate"]["counts"]["held_out_matrices"] >= 3
    assert last.of("replay-variability-aware")["surrogate_nrmse"] < 2e-3
    for outcome in (good, bad):
        predicted, spice = (
            outcome.accuracies("variability-aware", name).mean()
            for name in ("surrogate", "ngspice")
        )
        assert abs(predicted - spice) <= 0.005
        found = outcome.last.of("solve")["variability-aware"]
        assert found["images"] == 449
        assert (
            abs(np.mean(found["accuracy"]["solver"]) - np.mean(found["accuracy"]["surrogate"]))
            <= 0.005
        )
    # The same place: as accurate as from a good start, on all test images, solved.
    ends = [one.last.on_all("variability-aware", "solver").mean() for one in (good, bad)]
    assert abs(ends[0] - ends[1]) < 0.05

    page = (folder / "report.html").read_text()
    assert "Warning: round 1 did not fit a surrogate" in page
    assert "They agree after round" in page
    _export_tells_pulses(folder, bad, tmp_path / "chip")


def _export_tells_pulses(folder, outcome, output):
    """The export of the last round names the pulses of every cell."""
    exported = export_run(folder, output, "variability-aware", chip=1, images=2)
    rows = list(csv.DictReader((output / "cells.csv").read_text().splitlines()))
    assert len(rows) == exported.cells == 2 * 64 * 10
    pulses = np.array([int(row["pulses"]) for row in rows])
    assert pulses.min() >= 1
    high = np.array([float(row["target_siemens"]) for row in rows]) > 100e-6
    assert pulses[high].mean() > pulses[~high].mean()
    programmed = outcome.last.of("program")["variability-aware"]
    assert programmed["converged"] > 0.95
    assert 0 < programmed["error_std"] < 10e-6
    law = outcome.records["measure"].results
    assert abs(np.mean(law["shift"]) - programmed["error_mean"]) < 4e-6
    assert weights_path(Started.read(folder).material(folder, outcome.numbers), "variability-aware")


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(ended, tiny, tmp_path):
    folder, outcome = ended("wrong.toml", written=False)
    killed = tmp_path / "killed"
    command = [
        sys.executable,
        "-m",
        "cosim",
        "run",
        str(tiny("wrong.toml", False)),
        "-o",
        str(killed),
    ]
    command += ["--workers", "1"]
    moments = (
        lambda: (killed / "samples.zarr").exists(),
        lambda: len(list((killed / "answers").rglob("*.npy"))) >= 3,
        lambda: (killed / "round-2" / "joined.npz").exists(),
        lambda: len(list((killed / "solved").rglob("*.npy"))) >= 2,
    )
    for moment in moments:
        _killed_at(command, moment)
    ran = subprocess.run([*command, "--json"], check=True, capture_output=True, timeout=300)
    told = json.loads(ran.stdout)
    assert told["holds"]
    assert told["rounds"] == outcome.numbers
    for name, accuracy in told["accuracy"]["variability-aware"].items():
        assert accuracy == outcome.accuracies("variability-aware", name).mean()

    end = json.loads((folder / "finished.json").read_text())
    assert json.loads((killed / "finished.json").read_text()) == end
    again = Started.read(killed).ended(killed)
    for name, record in outcome.records.items():
        assert again.records[name].results == json.loads(json.dumps(record.results)), name
    assert again.table() == outcome.table()
    assert cosim.run(tiny("wrong.toml", False), killed, workers=1).table() == outcome.table()
    assert (killed / "report.html").exists()


def _killed_at(command, moment):
    """Start a run and kill it, with its workers, as soon as something is there."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while process.poll() is None and not moment():
        time.sleep(0.02)
    assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_surrogate_of_another_size_cannot_be_started_with(tiny, tmp_path, workers):
    study, tile = load_study(tiny("other.toml"))
    text = (tmp_path / "tile.toml").read_text()
    (tmp_path / "other.toml").write_text(text.replace("cols = 20", "cols = 8"))
    with pytest.raises(InputError, match="name one of that size"):
        run_study(study, tile, tmp_path / "run", workers)
    (tmp_path / "other.toml").unlink()
    with pytest.raises((MissingFileError, SpecError)):
        run_study(study, tile, tmp_path / "run", workers)
    assert not (tmp_path / "run").exists()


def test_data_that_do_not_come_along_have_to_be_named(tiny, tmp_path, workers):
    study, tile = load_study(tiny())
    mnist = study.model_copy(
        update={"network": study.network.model_copy(update={"data": "mnist", "kind": "lenet5"})}
    )
    with pytest.raises(InputError, match="--data FOLDER"):
        run_study(mnist, tile, tmp_path / "run", workers)
    with pytest.raises(DatasetError, match="does not exist"):
        run_study(mnist, tile, tmp_path / "run", workers, data=tmp_path)
    with pytest.raises(InputError, match="leave it out"):
        run_study(study, tile, tmp_path / "run", workers, data=tmp_path)
    assert not (tmp_path / "run").exists()


def test_cells_without_a_transistor_are_written_through_one_that_is_named(tiny, tmp_path, workers):
    study, tile = load_study(tiny())
    programming = study.programming.model_copy(update={"transistor": None})
    with pytest.raises(InputError, match="name its card"):
        run_study(
            study.model_copy(update={"programming": programming}), tile, tmp_path / "run", workers
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("programming", {"variation": 1e-6, "algorithm": "ispva"}, "not both"),
        ("programming", {}, "either"),
        ("programming", {"algorithm": "wish"}, "allowed are"),
        ("training", {"variation": "from programming"}, "takes a programming.algorithm"),
        ("loop", {"rounds": 0}, "greater than or equal to 1"),
    ],
)
def test_a_study_that_cannot_be_is_refused(small_study, table, values, message):
    with pytest.raises(ValueError, match=message):
        StudySpec.model_validate({**small_study, table: values})
