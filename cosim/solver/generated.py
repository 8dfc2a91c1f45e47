"""Generated kernels as modules on disk, so that numba can keep their machine code between runs."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Timer
from types import ModuleType

import numba


FOLDER_VARIABLE = "COSIM_CACHE"
PATIENCE_S = 2.0
# What the machine code of a cell, and of the loop over samples, is made from.
CELL_MODULES = ("simd", "elementary", "elementary_single", "cell_call")
LOOP_MODULES = (
    *("simd", "arrays", "ladder", "krylov", "cell_call", "evaluate", "newton", "matrix"),
    *("predictor", "samples"),
)


def cache_folder() -> Path:
    """Where generated modules live: $COSIM_CACHE, or `cosim` in the user's cache folder.

    A folder that cannot be written is replaced by one under the system's temporary folder.
    """
    given = os.environ.get(FOLDER_VARIABLE)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    wanted = [Path(given)] if given else [home / "cosim"]
    for folder in (*wanted, Path(tempfile.gettempdir()) / f"cosim-{os.getuid()}"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    return Path(tempfile.mkdtemp(prefix="cosim-"))


@cache
def digest_of(*modules: str) -> str:
    """A hash of modules of this package and of numba: machine code of one is stale for another."""
    digest = hashlib.sha256(numba.__version__.encode())
    for module in modules:
        digest.update((Path(__file__).parent / f"{module}.py").read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def patience(what: str, loop: Callable[..., None] | None = None) -> Iterator[None]:
    """Say on the standard error stream what takes long, if it takes long.

    Args:
        what: what is being done.
        loop: a compiled function; nothing is said when it has its machine code already.
    """
    if loop is not None and loop.signatures:  # type: ignore[attr-defined]
        yield
        return
    note = f"cosim: {what}; this happens once, the result is kept for later runs"
    timer = Timer(PATIENCE_S, print, (note,), {"file": sys.stderr, "flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@cache
def module_of(text: str) -> ModuleType:
    """The module of a text, written to the cache folder once and imported from there."""
    digest = hashlib.sha256((digest_of(*CELL_MODULES) + text).encode()).hexdigest()[:16]
    name = f"cosim_cell_{digest}"
    path = cache_folder() / f"{name}.py"
    if not path.exists() or path.read_text() != text:
        # Written aside and renamed, because another process may be importing it.
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part", text=True)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(part).replace(path)
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} cannot be imported as a module; empty the folder and try again")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    with patience("compiling a cell for the solver"):
        specification.loader.exec_module(module)
    return module
