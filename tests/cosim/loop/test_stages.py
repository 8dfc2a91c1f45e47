"""A stage is done once per key, and found again only when it finished."""

import json

import pytest

from cosim.loop.stages import Stages, key_of


def test_a_finished_stage_is_found_and_not_done_again(tmp_path):
    done = []

    def work():
        done.append(1)
        return {"value": 7}

    stages = Stages(tmp_path)
    first = stages.run("one", "doing one", "key", work)
    second = stages.run("one", "doing one", "key", work)
    assert done == [1]
    assert (first.reused, second.reused) == (False, True)
    assert second.results == {"value": 7}
    assert second.seconds == first.seconds


def test_another_key_does_the_stage_again(tmp_path):
    stages = Stages(tmp_path)
    stages.run("one", "doing one", "key", lambda: {"value": 1})
    again = stages.run("one", "doing one", "other", lambda: {"value": 2})
    assert again.results == {"value": 2}
    assert stages.find("one").key == "other"


def test_a_stage_that_fails_leaves_no_record(tmp_path):
    def work():
        raise RuntimeError("no")

    stages = Stages(tmp_path)
    with pytest.raises(RuntimeError):
        stages.run("one", "doing one", "key", work)
    assert stages.find("one") is None


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"key": "key"})])
def test_a_damaged_record_counts_as_missing(tmp_path, content):
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "one.json").write_text(content)
    record = Stages(tmp_path).run("one", "doing one", "key", lambda: {"value": 3})
    assert not record.reused


def test_what_is_going_on_is_announced(tmp_path):
    said = []
    stages = Stages(tmp_path, said.append)
    for _ in range(2):
        stages.run("one", "doing one", "key", dict)
    assert said == ["doing one", "doing one: found done"]


def test_keys_depend_on_every_part_and_its_order():
    assert key_of("a", 1) == key_of("a", 1)
    assert len({key_of("a", 1), key_of(1, "a"), key_of("a", 2), key_of("a")}) == 4
