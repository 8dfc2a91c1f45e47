"""Check a designer's netlist against the electrical rules before anything simulates it."""

from __future__ import annotations

import numpy as np

from compact_models.errors import SpecError
from netlists.arrays import middle_conductances
from netlists.rules import check_deck
from netlists.specs import TileSpec
from netlists.testbench import operating_point_deck


SHOWN = 5


def check_external(spec: TileSpec) -> None:
    """Refuse an external tile whose circuit cannot work, with what is wrong and where.

    Raises:
        SpecError: names that the file lacks, or findings of the electrical rules.
    """
    deck = operating_point_deck(spec, middle_conductances(spec), np.zeros(spec.rows))
    findings = check_deck(deck)
    if findings:
        some = "; ".join(str(finding) for finding in findings[:SHOWN])
        raise SpecError(
            f"the netlist of {spec.name} breaks {len(findings)} electrical rules: {some}; lines "
            "are those of `cosim netlist`; see `cosim check`"
        )
