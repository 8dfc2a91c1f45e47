"""Keeping commands out of decks.

ngspice runs whatever stands between `.control` and `.endc`, and its commands include `shell`. A
deck made from a specification must therefore hold elements only, whatever the specification said.
Two barriers: a value that goes into a deck is a number or a plain name (`assert_plain_value`), and
no deck reaches ngspice with a command section in it (`assert_no_commands`).
"""

from __future__ import annotations

import math
import re
from numbers import Real

from cosim.errors import InputError


_PLAIN = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:meg|mil|[fpnumkgt])?|[A-Za-z_]\w*", re.IGNORECASE
)
# `*#` lines are commands in scripts; `*ng_script` as the first line turns a deck into a script.
_COMMANDS = re.compile(
    r"^[ \t]*(?:\.control|\.endc|\.exec|\*#|\*ng_script)|`", re.IGNORECASE | re.MULTILINE
)
_FILES = re.compile(
    r"^[ \t]*\.(?:include|inc|lib|spef_include)\b|\b(?:\w+_)?file\s*=\s*\S",
    re.IGNORECASE | re.MULTILINE,
)


def assert_plain_value(value: float | str, what: str) -> str:
    """A parameter value as text that cannot be anything but a value.

    Args:
        value: a finite number, a number as text (`2.5k`), or a plain name.
        what: the name of the parameter, for the message.

    Returns:
        The text to write into a deck.

    Raises:
        InputError: line breaks, quotes, backticks, braces, paths, commands, or not finite.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        if math.isfinite(value):
            return repr(float(value))
    elif isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    raise InputError(
        f"`{what}` = {value!r} cannot go into a netlist; a value is one finite number or one plain "
        "name: remove everything else"
    )


def assert_no_commands(deck: str, *, reads_files: bool) -> None:
    """Refuse a deck that would make ngspice do more than simulate it.

    Args:
        deck: SPICE text.
        reads_files: whether `.include`, `.lib` and tables in files are allowed.

    Raises:
        InputError: the deck holds a command section, a backtick, or a file it may not name.
    """
    found = _COMMANDS.search(deck)
    if found:
        raise InputError(
            f"the deck holds `{_line_at(deck, found.start())}`; a deck describes a circuit and has "
            "no commands: remove it and ask for the analysis by its object"
        )
    found = None if reads_files else _FILES.search(deck)
    if found:
        raise InputError(
            f"the deck names a file: `{_line_at(deck, found.start())}`; a generated deck holds all "
            "it needs: write the definitions into it, or allow files for a deck of your own"
        )


def _line_at(text: str, position: int) -> str:
    """The line around a position, shortened."""
    start = text.rfind("\n", 0, position) + 1
    return text[start:].lstrip().partition("\n")[0][:80]
