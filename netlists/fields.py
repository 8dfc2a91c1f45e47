"""What all specifications share: their base class and the types of their fields."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")

Name = Annotated[str, Field(min_length=1, max_length=80)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def plain_name(text: str) -> str:
    """Refuse a name that could smuggle anything but a name into a netlist."""
    if not PLAIN_NAME.fullmatch(text):
        raise ValueError("use letters, digits, and _ . + - only, starting with a letter or digit")
    return text


class Spec(BaseModel):
    """Base of all specifications: frozen, and no field that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
