"""What a `tile` mark says: which tile, which behavioural model, which samples, what tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from netlists.fields import Spec
from netlists.toml_files import validated


CLOSED_FORM = "closed-form"
SOLVER = "solver"


class TileSettings(Spec):
    """The arguments of a mark.

    Attributes:
        tile: TOML file of the tile, relative to the file of the test.
        tolerance: largest difference that passes, as a fraction of the output range.
        model: the behavioural model: `closed-form`, `solver`, or the folder of a surrogate,
            relative to the file of the test.
        samples: number of input vectors, all matrices together.
        matrices: number of conductance matrices; in turn uniform, differential pairs and sparse.
        seed: of their draws.
        golden_tolerance: likewise for SPICE against its own kept result.
    """

    tile: Annotated[str, Field(min_length=1)]
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.01
    model: Annotated[str, Field(min_length=1)] = CLOSED_FORM
    samples: Annotated[int, Field(ge=1, le=100_000)] = 12
    matrices: Annotated[int, Field(ge=1, le=10_000)] = 3
    seed: Annotated[int, Field(ge=0)] = 0
    golden_tolerance: Annotated[float, Field(gt=0, lt=1)] = 1e-6

    @property
    def inputs_per_matrix(self) -> int:
        """Input vectors of each matrix but the last, which may have fewer."""
        return -(-self.samples // self.matrices)


def settings_of(arguments: tuple[Any, ...], named: Mapping[str, Any], origin: str) -> TileSettings:
    """The settings that the arguments of a mark stand for; the tile may be given by position.

    Raises:
        SpecError: an argument is missing, unknown or out of range; `origin` names the test.
    """
    first = dict(zip(("tile", "tolerance"), map(_plain, arguments), strict=False))
    given = {name: _plain(value) for name, value in named.items()}
    if len(arguments) > len(first):
        given["positional arguments"] = list(arguments)
    return validated(TileSettings, {**first, **given}, f"{origin}: mark `tile`")


def _plain(value: Any) -> Any:  # noqa: ANN401 - an argument of a mark is anything
    return str(value) if isinstance(value, Path) else value
