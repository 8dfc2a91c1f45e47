"""Read a TOML file into a validated specification, and say in one message what is wrong with it.

A wrong field is reported with the file, the field, the value that was given and what is allowed,
for every wrong field at once, so that a user mends the file in one go.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from compact_models.errors import SpecError


M = TypeVar("M", bound=BaseModel)


def read_toml(path: str | Path) -> dict:
    """Read one TOML file.

    Raises:
        SpecError: the file is missing, unreadable, or not TOML (with line and column).
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise SpecError(f"{path}: no such file; give the path of a TOML specification") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"{path}: cannot be read as text ({error}); give the path of a TOML specification"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{path}: not valid TOML: {error}; see toml.io for the format") from None


def validated(model: type[M], data: dict, origin: str) -> M:
    """Turn a dictionary into a specification.

    Args:
        model: the pydantic class of the specification.
        data: the fields as read.
        origin: what to call the source in a message, usually the file's path.

    Raises:
        SpecError: one line per wrong field.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [_describe(fault) for fault in error.errors(include_url=False)]
        raise SpecError(f"{origin}: " + f"\n{origin}: ".join(faults)) from None


def _describe(fault: ErrorDetails) -> str:
    """One pydantic fault as: field, what was given, what is allowed."""
    field = ".".join(str(part) for part in fault["loc"]) or "the file"
    kind = fault["type"]
    if kind == "missing":
        return f"field `{field}` is missing; add it (see `cosim schema`)"
    if kind == "extra_forbidden":
        return f"field `{field}` is unknown; remove it or correct its name (see `cosim schema`)"
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        return _describe_choice(field, fault)
    message = fault["msg"].removeprefix("Value error, ")
    given = fault["input"]
    if isinstance(given, dict):
        return f"`{field}`: {message}"
    return f"field `{field}` is {given!r}; {message[0].lower()}{message[1:]}"


def _describe_choice(field: str, fault: ErrorDetails) -> str:
    """A table whose kind is missing or unknown, with the kinds there are."""
    context = fault.get("ctx", {})
    name = str(context.get("discriminator", "kind")).strip("'")
    known = context.get("expected_tags", "one of those in `cosim schema`")
    if fault["type"] == "union_tag_not_found":
        return f"field `{field}.{name}` is missing; say which kind it is (see `cosim schema`)"
    return f"field `{field}.{name}` is {context.get('tag')!r}; choose {known}"
