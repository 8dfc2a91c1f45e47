"""How often the bounds of certificates hold on fresh matrices and inputs, over twenty refits.

    python examples/studies/certificate_bounds.py

Draws everything from the solver, for the tile of `examples/tile_32x32.toml` and for one of 16 x 16
with five times its wires. Every refit is a case of the table: interrupted, the study goes on where
it was. Takes three minutes on one core; `--quick` takes seconds.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from cosim.studies import Bounds, Rows, bounds_table, options
from netlists.specs import TileSpec


TILE = Path(__file__).parents[1] / "tile_32x32.toml"
WIRES = {"input_line_resistance": 5.0, "output_line_resistance": 5.0}


def tiles():
    usual = TileSpec.from_toml(TILE)
    data = usual.model_dump(mode="json")
    data["wires"] |= WIRES
    resistive = TileSpec.from_dict({**data, "rows": 16, "cols": 16}, origin=str(TILE))
    return {"16 x 16, 5 ohm": resistive, "32 x 32, 1 ohm": usual}


def main():
    given = options(__file__, __doc__)
    studies = {name: Bounds(spec) for name, spec in tiles().items()}
    if given.quick:
        small = {"refits": 3, "calibration": (20, 50), "fresh": 30}
        studies = {name: replace(one, **small) for name, one in list(studies.items())[:1]}
    rows = Rows(
        given.output,
        f"python examples/studies/{Path(__file__).name}{' --quick' * given.quick}",
        "; ".join(one.specification for one in studies.values()),
        Bounds.keys,
        Bounds.values,
        given.announce,
    )
    for name, study in studies.items():
        for number in range(study.refits):
            rows.case({"tile": name, "refit": number}, partial(study.refit, number))
    table = bounds_table(rows.all, studies)
    given.output.with_suffix(".md").write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
