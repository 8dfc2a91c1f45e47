"""Tables of studies: a case is worked out once, and whole or not at all."""

import pytest

from cosim.errors import DatasetError
from cosim.studies import Rows


KEYS, VALUES = ("arm", "seed"), ("chip", "accuracy")


def table(path, specification="abc"):
    return Rows(path, "python study.py", specification, KEYS, VALUES)


def two_chips():
    return [{"chip": 0, "accuracy": 0.5}, {"chip": 1, "accuracy": 1 / 3}]


def test_a_case_is_worked_out_once_and_found_again_by_the_next_run(tmp_path):
    path = tmp_path / "results" / "study.csv"
    first = table(path).case({"arm": "plain", "seed": 0}, two_chips)
    assert [row["accuracy"] for row in first] == ["0.5", "0.333333"]

    def never():
        raise AssertionError("the case was worked out again")

    again = table(path)
    assert again.case({"arm": "plain", "seed": 0}, never) == first
    again.case({"arm": "plain", "seed": 1}, lambda: {"chip": 0, "accuracy": 0.25})
    again.case({"arm": "levels 0, 50", "seed": 1}, lambda: {"chip": 0, "accuracy": 0.25})
    assert [row["seed"] for row in table(path).all] == ["0", "0", "1", "1"]
    assert table(path).all[-1]["arm"] == "levels 0, 50"
    assert path.read_text().splitlines()[:2] == [
        "# made by: python study.py",
        "# specification: abc",
    ]


def test_a_row_that_was_cut_short_is_dropped_and_written_anew(tmp_path):
    path = tmp_path / "study.csv"
    table(path).case({"arm": "plain", "seed": 0}, lambda: {"chip": 0, "accuracy": 0.5})
    with path.open("a") as file:
        file.write("plain,1,0")
    later = table(path)
    assert len(later.all) == 1
    later.case({"arm": "plain", "seed": 1}, lambda: {"chip": 0, "accuracy": 0.75})
    assert [row["accuracy"] for row in table(path).all] == ["0.5", "0.75"]


def test_a_table_of_another_specification_is_left_alone(tmp_path):
    path = tmp_path / "study.csv"
    table(path).case({"arm": "plain", "seed": 0}, two_chips)
    content = path.read_text()
    with pytest.raises(DatasetError, match="another specification"):
        table(path, "def")
    assert path.read_text() == content


def test_a_file_that_is_no_such_table_is_left_alone(tmp_path):
    path = tmp_path / "study.csv"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(DatasetError, match="arm,seed,chip,accuracy"):
        table(path)
    assert path.read_text() == "x,y\n1,2\n"


def test_a_table_can_be_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "study.csv"
    with pytest.raises(DatasetError, match="as far as it goes"):
        Rows(path, "python study.py", "abc", KEYS, VALUES, only_known=True)
    table(path).case({"arm": "plain", "seed": 0}, two_chips)
    content = path.read_text()

    def never():
        raise AssertionError("a case was worked out")

    known = Rows(path, "python study.py", "abc", KEYS, VALUES, only_known=True)
    assert len(known.case({"arm": "plain", "seed": 0}, never)) == 2
    assert known.case({"arm": "plain", "seed": 1}, never) == []
    assert known.progress == (1, 2)
    assert path.read_text() == content
