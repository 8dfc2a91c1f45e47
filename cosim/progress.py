"""How work says how far it is: whoever starts it hands in a bar, whoever does it advances it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext


# Takes the number of pieces that have been done since it was called before.
Advance = Callable[[int], object]
# Opens a progress bar with a title and a total; its value advances it.
Bar = Callable[[str, int], AbstractContextManager[Advance]]


def no_bar(title: str, total: int) -> AbstractContextManager[Advance]:
    """A progress bar that shows nothing."""
    return nullcontext(lambda count: None)
