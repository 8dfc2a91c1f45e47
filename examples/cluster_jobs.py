r"""Characterise a tile on a cluster: every job of the queue is a Dask worker that runs ngspice.

    python examples/cluster_jobs.py examples/tile_32x32.toml --samples 100000 -o data.zarr \
        --queue slurm --jobs 50 --directive=--partition=short

Jobs may come late, end early or never start: samples that are missing are taken by the others,
and the same command goes on where an interrupted run stopped. Needs `pip install cosim[cluster]`.
"""

import argparse
import sys
from pathlib import Path

from dask_jobqueue import LSFCluster, SLURMCluster
from rich.progress import Progress

from cosim.characterize import SamplingPlan, characterize
from cosim.engine import NgspiceEngine
from cosim.ngspice import Workers
from netlists.specs import TileSpec


QUEUES = {"slurm": SLURMCluster, "lsf": LSFCluster}


def main() -> None:
    """Start the jobs, take the samples, end the jobs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tile", type=Path)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--queue", choices=QUEUES, default="slurm")
    parser.add_argument("--jobs", type=int, default=10, help="how many, each with one core")
    parser.add_argument("--walltime", default="04:00", help="of each job, as the queue writes it")
    parser.add_argument("--directive", action="append", default=[], help="a line of the job's own")
    options = parser.parse_args()

    plan = SamplingPlan(samples=options.samples)
    with QUEUES[options.queue](
        cores=1,
        memory="2GiB",
        walltime=options.walltime,
        python=sys.executable,
        job_extra_directives=options.directive,
        death_timeout=600,
    ) as cluster:
        # Unlike a fixed number, it replaces jobs that the queue has ended.
        cluster.adapt(minimum_jobs=options.jobs, maximum_jobs=options.jobs)
        with Workers(scheduler=cluster.scheduler_address) as workers, Progress() as progress:
            bar = progress.add_task(options.queue, total=plan.samples)
            engine = NgspiceEngine(TileSpec.from_toml(options.tile), workers)
            dataset = characterize(
                engine, plan, options.output, lambda done: progress.advance(bar, done)
            )
    print(f"{options.output}: {plan.samples} samples, {len(dataset.failures())} matrices failed")


if __name__ == "__main__":
    main()
