"""The example for job queues, on queues whose programs start the jobs on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cosim.characterize import Dataset


EXAMPLES = Path(__file__).parents[2] / "examples"
# What a user of the queue sees of them: a job is given as a file or as text, and gets a number.
PROGRAMS = {
    "sbatch": 'cp "$1" job.$$\nsetsid sh job.$$ > /dev/null 2>&1 &\necho "Submitted batch job $!"',
    "scancel": 'for job; do kill -- "-$job"; done',
    "bsub": "cat > job.$$\nsetsid sh job.$$ > /dev/null 2>&1 &\n"
    'echo "Job <$!> is submitted to default queue <normal>."',
    "bkill": 'for job; do kill -- "-$job"; done',
}


@pytest.fixture
def queues(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, body in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("queue", ["slurm", "lsf"])
def test_jobs_of_a_queue_take_all_samples(queues, tmp_path, queue):
    tile, data = tmp_path / "tile.toml", tmp_path / "data.zarr"
    text = (EXAMPLES / "tile_32x32.toml").read_text()
    tile.write_text(text.replace("rows = 32", "rows = 6").replace("cols = 32", "cols = 4"))
    arguments = [tile, "--samples", "80", "-o", data, "--queue", queue, "--jobs", "2"]
    run = subprocess.run(
        [sys.executable, EXAMPLES / "cluster_jobs.py", *arguments],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{queues}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    assert Dataset.open(data).pending() == []
    assert len(Dataset.open(data).arrays()["sample"]) == 80
