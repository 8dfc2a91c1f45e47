"""Names of a package that are imported when they are first used.

A package's public names live in its modules. Some of these need torch or numba, which take seconds
to import, so a package that offers several engines or steps loads each on its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of a package (PEP 562).

    Args:
        package: its `__name__`.
        modules: public name to the module of the package that defines it.
    """

    def get(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module `{package}` has no attribute `{name}`")
        return getattr(importlib.import_module(f"{package}.{modules[name]}"), name)

    return get
