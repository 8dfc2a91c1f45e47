"""A whole study on a small tile, every part real: samples and replays come from ngspice."""

import csv
import dataclasses
import shutil
import subprocess

import numpy as np
import pytest

from cosim.errors import DatasetError, InputError, MissingFileError
from cosim.loop import StudySpec, export_run, run_study, write_report
from cosim.ngspice import ngspice_info


def test_every_tile_operation_of_the_images_ran_in_ngspice(finished):
    _, outcome = finished
    # 64 inputs in 4 row blocks, 7 hidden in 2 column blocks of 4 pairs; 7 hidden to 10 outputs in 3
    tiles = 4 * 2 + 1 * 3
    for training in ("plain", "variability-aware"):
        assert outcome.records[f"replay-{training}"].results["operations"] == 12 * 2 * tiles


def test_the_surrogate_is_accurate_on_what_it_has_not_seen(finished):
    _, outcome = finished
    certificate = outcome.records["fit"].results["certificate"]
    assert certificate["accuracy"]["nrmse"] < 1e-3
    assert certificate["counts"]["held_out_matrices"] == 4
    for training in ("plain", "variability-aware"):
        results = outcome.records[f"replay-{training}"].results
        assert results["surrogate_nrmse"] < 2e-3
        assert results["same_class"] > 0.9


def test_accuracies_are_those_of_a_trained_network(finished):
    _, outcome = finished
    for training in ("plain", "variability-aware"):
        assert outcome.records["train"].results[training]["test_accuracy"] > 0.6
        for engine in ("ideal", "surrogate", "ngspice"):
            accuracies = outcome.accuracies(training, engine)
            assert accuracies.shape == (2,)
            assert np.all((accuracies >= 0) & (accuracies <= 1))


def test_the_report_tells_the_outcome(finished):
    folder, outcome = finished
    page = (folder / "report.html").read_text()
    for claim in outcome.claims:
        assert claim.text in page
    assert "Accuracy, three ways" in page
    assert "cosim run small.toml" in page
    assert "Layers 64-7-10" in page


def test_the_report_opens_in_a_browser_without_a_complaint_or_a_request(finished, browser):
    folder, _ = finished
    for width, dark in ((1280, False), (400, True)):
        browser.open(folder / "report.html", width=width, dark=dark)
        assert browser.complaints() == []
        assert browser.requests() == [(folder / "report.html").as_uri()]
        assert browser.evaluate("document.querySelectorAll('svg').length") > 8
        assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_same_study_again_finds_every_stage_done(finished, tile, workers):
    folder, outcome = finished
    again = run_study(outcome.study, tile, folder, workers)
    assert all(record.reused for record in again.records.values())
    assert again.table() == outcome.table()


def test_a_changed_evaluation_reruns_only_what_depends_on_it(
    finished, tile, workers, tmp_path, small_study
):
    folder, _ = finished
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    study = StudySpec.model_validate(
        {**small_study, "evaluation": {"images": 4, "max_accuracy_gap": 1}}
    )
    changed = run_study(study, tile, copy, workers)
    reused = {name for name, record in changed.records.items() if record.reused}
    assert reused == {"samples", "fit", "train", "program", "solve", "look"}


def test_an_unfinished_run_has_no_report(finished, tmp_path):
    folder, _ = finished
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "stages" / "train.json").unlink()
    with pytest.raises(DatasetError, match="no stage `train`"):
        write_report(copy)
    with pytest.raises(MissingFileError, match="no run here"):
        write_report(tmp_path)


def test_a_claim_that_fails_is_told(finished):
    _, outcome = finished
    surrogate = outcome.study.surrogate.model_copy(update={"max_nrmse": 1e-9})
    study = outcome.study.model_copy(update={"surrogate": surrogate})
    strict = dataclasses.replace(outcome, study=study)
    assert not strict.holds
    assert "FAILS  surrogate error" in strict.table()


def test_an_export_says_where_every_weight_sits_and_its_decks_give_the_currents(finished, tmp_path):
    folder, _ = finished
    exported = export_run(folder, tmp_path / "chip", "plain", chip=1, images=3)
    rows = list(csv.DictReader((tmp_path / "chip" / "cells.csv").read_text().splitlines()))
    weights = 64 * 7 + 7 * 10
    assert len(rows) == exported.cells == 2 * weights
    assert len({(row["layer"], row["output"], row["input"], row["cell"]) for row in rows}) == (
        2 * weights
    )
    kept = np.load(folder / "programmed" / "plain.npz")
    low, high = 5e-6, 150e-6
    by_tile = {}
    for row in rows:
        by_tile.setdefault((row["layer"], row["tile"]), []).append(row)
        target = float(row["target_siemens"])
        # The first cell of a pair holds the positive part of its weight, the second the negative.
        if float(row["weight"]) * (-1 if row["cell"] == "1" else 1) <= 0:
            assert target == pytest.approx(low, rel=1e-6)
        assert low * 0.999 < target < high * 1.001
    for (layer, tile), cells in by_tile.items():
        arrays = np.load(tmp_path / "chip" / "tiles" / f"{layer}_{tile}.npz")
        assert arrays["inputs"].shape == (3, 16)
        for cell in cells:
            programmed = arrays["conductances"][int(cell["row"]), int(cell["col"])]
            assert programmed == pytest.approx(float(cell["programmed_siemens"]), rel=1e-8)
            assert np.isclose(kept["conductance_1"], programmed, rtol=1e-12).any()
            assert cell["pulses"] == ""

    deck = tmp_path / "chip" / "tiles" / "0_5.cir"
    arrays = np.load(deck.with_suffix(".npz"))
    log = subprocess.run(
        [ngspice_info().executable, "-b", deck], capture_output=True, text=True, check=True
    ).stdout
    printed = [line.split() for line in log.splitlines() if line[:1].isdigit()]
    tables = [printed[k : k + 3] for k in range(0, len(printed), 3)]
    currents = np.concatenate([np.array(table, float)[:, 2:] for table in tables], axis=1)
    assert np.abs(currents - arrays["currents"]).max() < 2e-3 * np.ptp(currents)


@pytest.mark.parametrize(
    ("training", "chip", "images", "message"),
    [
        ("other", 0, 1, "name one of them"),
        ("plain", 2, 1, "the study has 2"),
        ("plain", 0, 0, "at least one"),
    ],
)
def test_an_export_of_what_is_not_there_is_refused(
    finished, tmp_path, training, chip, images, message
):
    with pytest.raises(InputError, match=message):
        export_run(finished[0], tmp_path / "chip", training, chip, images)
    assert not list(tmp_path.iterdir())


def test_an_export_does_not_write_over_anything(finished, tmp_path):
    with pytest.raises(InputError, match="name another"):
        export_run(finished[0], tmp_path, "plain", 0, 1)
    with pytest.raises(MissingFileError, match="no run here"):
        export_run(tmp_path, tmp_path / "chip", "plain", 0, 1)
