"""A sweep that is killed, starved or misled loses nothing and repeats nothing."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zarr

from cosim.characterize import Dataset, SamplingPlan, characterize
from cosim.engine.ngspice import NgspiceEngine
from cosim.ngspice import Workers
from netlists.specs import TileSpec


TILE = Path(__file__).parents[3] / "examples" / "tile_32x32.toml"
PLAN = SamplingPlan(samples=240, inputs_per_matrix=6, seed=11)

# A sweep in a process of its own; it says when it has begun to simulate.
SWEEP = """
import sys
from cosim.characterize import SamplingPlan, characterize
from cosim.engine.ngspice import NgspiceEngine
from cosim.ngspice import Workers
from netlists.specs import TileSpec

if __name__ == "__main__":
    tile, plan, path = sys.argv[1:]
    spec = TileSpec.from_toml(tile).model_copy(update={"rows": 12, "cols": 12})
    with Workers(1) as workers:
        plan = SamplingPlan.model_validate_json(plan)
        characterize(NgspiceEngine(spec, workers), plan, path, lambda done: print(done, flush=True))
"""


@pytest.fixture(scope="module")
def spec():
    return TileSpec.from_toml(TILE).model_copy(update={"rows": 12, "cols": 12})


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as workers:
        yield workers


@pytest.fixture(scope="module")
def undisturbed(spec, workers, tmp_path_factory):
    path = tmp_path_factory.mktemp("undisturbed") / "d.zarr"
    return characterize(NgspiceEngine(spec, workers), PLAN, path).arrays()["output"].to_numpy()


def test_a_sweep_killed_again_and_again_ends_with_the_same_samples(undisturbed, spec, tmp_path):
    script, data = tmp_path / "sweep.py", tmp_path / "d.zarr"
    script.write_text(SWEEP)
    draw = random.Random(3)
    done = []
    for kills in range(20):
        with subprocess.Popen(
            [sys.executable, str(script), str(TILE), PLAN.model_dump_json(), str(data)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
        ) as process:
            process.stdout.readline()  # how many were there already
            for _ in range(draw.randint(1, 12)):
                process.stdout.readline()
            time.sleep(draw.uniform(0, 0.02))
            if kills < 2:
                os.killpg(process.pid, signal.SIGKILL)
            process.stdout.read()
        if process.returncode == 0:
            break
        done.append(40 - len(Dataset.open(data).pending()))
    assert process.returncode == 0
    assert done == sorted(done)
    assert 0 < done[0] < 40
    assert np.array_equal(Dataset.open(data).arrays()["output"], undisturbed)


def test_a_dataset_is_there_in_full_or_not_at_all(spec, tmp_path, monkeypatch):
    path, plan = tmp_path / "data.zarr", SamplingPlan(samples=4, inputs_per_matrix=2, seed=1)
    move = Path.replace

    def cut_off(source, target):
        if source.is_dir():  # zarr moves files in the same way
            raise KeyboardInterrupt
        return move(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            Dataset.create(path, spec, plan, {})
    assert not path.exists()
    assert Dataset.create(path, spec, plan, {}).pending() == [0, 1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["data.zarr"]


def test_samples_that_fail_are_rows_with_a_status_and_a_deck(undisturbed, spec, workers, tmp_path):
    """The last four matrices have no time at all."""
    path = tmp_path / "d.zarr"
    dataset = Dataset.create(path, spec, PLAN, {"engine": "ngspice"})
    group = zarr.open_group(path, mode="r+")
    group["done"][:36] = 1
    group["output"][:216] = undisturbed[:216]
    hasty = NgspiceEngine(spec, workers, timeout=1e-3)
    characterize(hasty, PLAN, path)
    failures = dataset.failures()
    assert dataset.pending() == []
    assert sorted(failures) == list(range(36, 40))
    assert all("timeout" in status for status in failures.values())
    assert np.array_equal(dataset.arrays()["output"], undisturbed[:216])
    deck = dataset.decks / "matrix_000038.cir"
    spoken = subprocess.run(["ngspice", "-b", deck], capture_output=True, text=True, check=False)
    assert "No. of Data Rows : 6" in spoken.stdout
    characterize(NgspiceEngine(spec, workers), PLAN, path, again=True)
    assert dataset.failures() == {}
    assert np.array_equal(dataset.arrays()["output"], undisturbed)


def test_the_progress_of_a_resumed_sweep_begins_with_what_is_there(spec, workers, tmp_path):
    path = tmp_path / "d.zarr"
    dataset = Dataset.create(path, spec, PLAN, {"engine": "ngspice"})
    zarr.open_group(path, mode="r+")["done"][:39] = 1
    told = []
    characterize(NgspiceEngine(spec, workers), PLAN, path, told.append)
    assert told == [39 * 6, 6]
    assert dataset.pending() == []
