"""An engine by its name, as people give it: `ngspice`, `solver`, or the folder of a surrogate.

Each is imported where it is opened: torch alone takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cosim.engine.base import AbstractEngine
from cosim.errors import InputError
from netlists.specs import TileSpec


@contextmanager
def open_engine(
    name: str,
    spec: TileSpec,
    workers: int | None = None,
    scheduler: str | None = None,
    runner: str = "shared",
    timeout: float | None = None,
) -> Iterator[AbstractEngine]:
    """An engine for one tile; the processes that it starts end with the context.

    Args:
        name: `ngspice`, `solver`, or the path of a surrogate folder.
        spec: the tile.
        workers: processes of ngspice or threads of the solver; one per core when None.
        scheduler: address of a Dask scheduler in the place of local processes.
        runner: how ngspice runs, `shared` or `batch`.
        timeout: longest time for one load of the circuit in ngspice [s]; its default when None.

    Raises:
        InputError: an unknown engine, or a surrogate of another tile.
        SimulatorMissing: ngspice is not installed.
    """
    if name == "ngspice":
        from cosim.engine.ngspice import NgspiceEngine
        from cosim.ngspice import DEFAULT_TIMEOUT, Workers

        with Workers(workers, scheduler=scheduler, runner=runner) as pool:
            yield NgspiceEngine(spec, pool, DEFAULT_TIMEOUT if timeout is None else timeout)
        return
    if name == "solver":
        from cosim.engine.solver import SolverEngine

        yield SolverEngine(spec, threads=workers)
        return
    if not Path(name).is_dir():
        raise InputError(
            f"engine `{name}` is unknown; use `ngspice`, `solver`, or a surrogate's folder"
        )
    from cosim.engine.surrogate import SurrogateEngine
    from cosim.surrogate import load

    stored = load(name, spec.content_hash())
    yield SurrogateEngine(spec, stored.surrogate, stored.tile)
