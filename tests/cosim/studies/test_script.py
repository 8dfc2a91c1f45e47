"""What scripts of studies share: specifications that stay themselves, differences seed by seed."""

from pathlib import Path

import numpy as np
import pytest

from cosim.studies import BoundsStudy, DeviceVariationStudy, RramLevelsStudy
from cosim.studies.script import options, paired


STUDIES = Path(__file__).parents[3] / "examples" / "studies"


@pytest.mark.parametrize(
    ("name", "study"),
    [
        ("rram_levels", RramLevelsStudy),
        ("certificate_bounds", BoundsStudy),
    ],
)
def test_a_committed_table_belongs_to_the_committed_specification(name, study):
    table = STUDIES / "results" / f"{name}.csv"
    content_hash = study.read(STUDIES / f"{name}.toml").content_hash()
    assert table.read_text().splitlines()[1] == f"# specification: {content_hash}"


def test_a_field_that_came_later_counts_only_where_it_is_used():
    path = STUDIES / "device_variation.toml"
    study = DeviceVariationStudy.read(path)
    assert "augmented" not in study.model_dump()
    other = study.model_copy(update={"augmented": True})
    assert other.content_hash() != study.content_hash()


def test_seeds_that_only_one_arm_has_are_left_out_of_a_difference():
    assert list(paired(np.array([3.0, 5.0, 9.0]), np.array([1.0, 2.0]))) == [2.0, 3.0]
    assert len(paired(np.array([3.0]), np.array([]))) == 0


def test_results_are_named_after_the_specification():
    usual = options("studies/one.py", None, [])
    assert (usual.spec.name, usual.output.as_posix()) == ("one.toml", "studies/results/one.csv")
    other = options("studies/one.py", None, ["--spec", "studies/two.toml", "--quick"])
    assert (other.spec.name, other.output.name) == ("two.toml", "two-quick.csv")
