"""Results of slow references, kept on disk: a run that was stopped goes on where it ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from cosim.ngspice import ngspice_info
from cosim.solver.generated import cache_folder


@cache
def ngspice_version() -> bytes:
    """The version of ngspice; a child process is started to find it."""
    return str(ngspice_info().version).encode()


def kept(
    name: str, parts: Iterable[bytes], compute: Callable[[], np.ndarray] | None
) -> np.ndarray | None:
    """What `parts` determine, from disk or else computed now.

    Args:
        name: what the file's name starts with.
        parts: everything that the result depends on, besides ngspice's version.
        compute: makes it; `None` takes it from disk only.
    """
    key = b"|".join((ngspice_version(), *parts))
    path = cache_folder() / f"{name}_{hashlib.sha256(key).hexdigest()[:24]}.npy"
    if path.exists():
        return np.load(path)
    if compute is None:
        return None
    found = compute()
    part = path.with_suffix(".part.npy")
    np.save(part, found)
    part.replace(path)
    return found
