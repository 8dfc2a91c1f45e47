"""What the ngspice target gives: the text, and how to find things in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subcircuit:
    """A system as ngspice text.

    Attributes:
        text: from .subckt to .ends.
        parameters: subcircuit parameter of each model parameter that can be set per instance.
        nodes: internal node of each state and internal node of the model, e.g. {"gap": "gap"}.
        scales: what one volt on the node of a state stands for.
    """

    text: str
    parameters: dict[str, str]
    nodes: dict[str, str]
    scales: dict[str, float]
