"""System level: engines, surrogates, torch layers, the loop, and the command line.

The steps of the command line as calls (see `cosim.api`); each is imported when it is first used.
"""

from cosim.lazy import lazy_names


__version__ = "0.1.0"
__all__ = [
    "__version__",
    "answer_question",
    "characterize_tile",
    "convert",
    "fit",
    "load_surrogate",
    "load_tile",
    "program",
    "run",
    "simulate",
]
__getattr__ = lazy_names(__name__, dict.fromkeys(__all__[1:], "api"))


def __dir__() -> list[str]:
    """The public names, for people who press tab."""
    return __all__
