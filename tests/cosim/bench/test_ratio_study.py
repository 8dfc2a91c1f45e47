"""The drift study: ngspice against the twin, the law, and references of unlike levels."""

from dataclasses import replace

import numpy as np
import pytest

from cosim.bench import DriftCase, DriftSimulations, comma_separated, twin_rows
from cosim.bench.ratio_study import DriftChip, twin_row
from cosim.ngspice import Workers


WEEK, EVENING = 604800.0, 50400.0  # 7 days and 14 hours
EPCM = DriftCase(
    "ePCM", "pcm__epcm_90nm_materials2021", (2e-6, 8e-6, 14e-6, 20e-6), (10e-6,), references=16
)
ALLOWED = replace(EPCM, mean=0.05, spread=0.04 / np.log(EVENING))
HERMES = DriftCase(
    "HERMES", "pcm__hermes_legallo2023", (1e-6, 4e-6, 7e-6, 10e-6), (5e-6,), spread=0.005
)


@pytest.fixture(scope="module")
def workers():
    with Workers(1) as pool:
        yield pool


def test_ngspice_agrees_with_the_twin_on_a_drifted_chip(workers, tmp_path):
    spice = DriftSimulations(workers, tmp_path, lambda _: None)
    row = spice.row(twin_row(ALLOWED, EVENING, True, 1), ALLOWED, 1)
    assert row.apart < 0.02
    assert row.spice == pytest.approx(row.twin_there, abs=1e-3)
    assert 0.9 < row.spice < 1.0


def test_an_interrupted_study_goes_on_where_it_was(workers, tmp_path):
    row, lines = twin_row(EPCM, WEEK, False, 1), []
    spice = DriftSimulations(workers, tmp_path, lines.append)
    first = spice.row(row, EPCM, 1)
    (file,) = tmp_path.glob("*.npy")
    np.save(file, np.load(file) + 1.0)
    again = spice.row(row, EPCM, 1)
    assert again.spice < first.spice - 0.5
    assert len(lines) == 2
    assert all("chip 1 of 1" in line for line in lines)


def test_compensation_keeps_95_per_cent_where_the_spread_allows_it_and_none_about_half():
    with_cells = twin_row(ALLOWED, EVENING, True, 40)
    without = twin_row(ALLOWED, EVENING, False, 40)
    assert with_cells.sigma_log == pytest.approx(0.04)
    assert with_cells.twin >= 0.95
    assert with_cells.twin == pytest.approx(with_cells.law, abs=0.01)
    assert 0.5 <= without.twin <= 0.6


def test_beyond_it_accuracy_follows_the_law():
    wide = replace(ALLOWED, spread=0.01)
    for time in (3600.0, EVENING, WEEK):
        row = twin_row(wide, time, True, 40)
        assert 1.0 - row.twin == pytest.approx(1.0 - row.law, rel=0.1)


def test_of_unlike_levels_a_middle_reference_is_worse_than_none_and_one_per_level_best():
    levels = HERMES.levels
    found = {
        "none": twin_row(HERMES, WEEK, False, 20).twin,
        "middle": twin_row(HERMES, WEEK, True, 20).twin,
        "top": twin_row(replace(HERMES, reference_levels=levels[-1:]), WEEK, True, 20).twin,
        "each": twin_row(
            replace(HERMES, reference_levels=levels, by_level=True), WEEK, True, 20
        ).twin,
    }
    assert found["middle"] < found["none"] < found["top"] < found["each"]


def test_a_chip_is_the_same_alone_and_among_others():
    many, alone = DriftChip.many(EPCM, range(3)), DriftChip.drawn(EPCM, 2)
    assert np.array_equal(many.positive.exponent[2], alone.positive.exponent)
    assert many.twin(WEEK, True)[2] == pytest.approx(alone.twin(WEEK, True), rel=1e-12)


def test_the_table_says_how_accuracy_is_defined():
    rows = [row for _, row in twin_rows([HERMES], [1.0, WEEK], 2)]
    assert {row.time for row in rows} == {WEEK}  # earlier than t0 there is nothing to say
    text = comma_separated(rows, "a test")
    assert text.splitlines()[0].startswith("# accuracy = 1 - mean|e| / mean|ideal|")
    assert len(text.splitlines()) == 2 + 1 + len(rows)
