"""Measurements that were cut off go on, and end with the same figures."""

import json

import pytest

from cosim.bench import NOMINAL, draws, measure
from cosim.bench.catalog import find_bench
from cosim.bench.kept import KeptMeasurements
from cosim.errors import DatasetError
from cosim.ngspice import Workers


BENCH = find_bench("strongarm")
CONDITIONS = [NOMINAL, *draws(2)]


class Counting(Workers):
    """Workers that count the simulations they are given."""

    count = 0

    def iter_many(self, simulations, timeout=600.0):
        simulations = list(simulations)
        self.count += len(simulations)
        return super().iter_many(simulations, timeout)


@pytest.fixture(scope="module")
def workers():
    with Counting(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def whole(workers):
    """The measurements without interruption."""
    return measure([BENCH], CONDITIONS, workers)


def cut_off_after(number, path, workers):
    seen = []

    def progress(one):
        seen.append(one)
        if len(seen) == number:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure([BENCH], CONDITIONS, workers, progress, kept=KeptMeasurements(path))


def figures(measured):
    return [(one.condition, one.figures) for one in measured]


def test_what_was_measured_is_not_measured_again(tmp_path, workers, whole):
    path = tmp_path / "figures.md.partial"
    cut_off_after(2, path, workers)
    before = workers.count
    resumed = measure([BENCH], CONDITIONS, workers, kept=KeptMeasurements(path))
    assert figures(resumed) == figures(whole)
    assert workers.count - before == sum(len(BENCH.runs(at)) for at in CONDITIONS[2:])
    assert len(path.read_text().splitlines()) == len(CONDITIONS)


def test_a_line_that_was_cut_off_is_measured_again(tmp_path, workers, whole):
    path = tmp_path / "partial"
    cut_off_after(3, path, workers)
    text = path.read_text()
    path.write_text(text[:-40])
    resumed = measure([BENCH], CONDITIONS, workers, kept=KeptMeasurements(path))
    assert figures(resumed) == figures(whole)
    assert [json.loads(line)["key"] for line in text.splitlines()] == [
        json.loads(line)["key"] for line in path.read_text().splitlines()[:3]
    ]


def test_another_circuit_is_not_taken_for_a_kept_one(tmp_path):
    kept = KeptMeasurements(tmp_path / "partial")
    runs = [BENCH.runs(at) for at in (NOMINAL, *draws(1))]
    keys = {kept.key(BENCH, NOMINAL, one) for one in runs}
    assert len(keys) == 2


@pytest.mark.wrong_input
@pytest.mark.parametrize(
    "content",
    [
        b"| a | table |\n",
        b"{}\n",
        b'{"key": "a", "figures": [1]}\n',
        b"one line without an end",
        b"first\nlast line without an end",
        b"\xff\xfe\n",
    ],
)
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "partial"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="move it away"):
        KeptMeasurements(path)
    assert path.read_bytes() == content


@pytest.mark.wrong_input
def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="move it away"):
        KeptMeasurements(tmp_path)
