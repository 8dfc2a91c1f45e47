"""How accurate sums of drifting phase-change cells stay, with and without reference cells.

    python examples/studies/conductance_ratio_drift.py

64 inputs, 4 signed columns, weights of four levels, from one second to one week. The twin computes
all chips, ngspice some of them, cell by cell with each cell's own drift exponent. What has been
simulated is kept in `--folder`: interrupted, the study goes on where it was. Takes ten minutes.
"""

import argparse
import math
from dataclasses import replace
from pathlib import Path

from cosim.bench import DriftCase, DriftSimulations, comma_separated, twin_rows
from cosim.ngspice import Workers


HOUR, WEEK = 3600.0, 604800.0
TIMES = (1.0, 60.0, HOUR, 14 * HOUR, 24 * HOUR, WEEK)
EPCM, HERMES = "pcm__epcm_90nm_materials2021", "pcm__hermes_legallo2023"
CARD = DriftCase("ePCM card", EPCM, (2e-6, 8e-6, 14e-6, 20e-6), (10e-6,))
ALLOWED = replace(CARD, name="0.04 at 14 h", mean=0.05, spread=0.04 / math.log(14 * HOUR))
BEYOND = replace(CARD, name="spread 0.01", mean=0.05, spread=0.01)
LEVELS = (1e-6, 4e-6, 7e-6, 10e-6)
MIDDLE = DriftCase("HERMES, middle level", HERMES, LEVELS, (5e-6,), spread=0.005)
TOP = replace(MIDDLE, name="HERMES, top level", reference_levels=LEVELS[-1:])
MIXED = replace(MIDDLE, name="HERMES, levels 2-4", reference_levels=LEVELS[1:], references=5)
EACH = replace(MIDDLE, name="HERMES, each level", reference_levels=LEVELS, by_level=True)
IBM = replace(CARD, name="IBM card", card="pcm__ibm_nandakumar2019")
CASES = (CARD, ALLOWED, BEYOND, IBM, MIDDLE, TOP, MIXED, EACH)
RESULT = Path(__file__).parent / "results" / "conductance_ratio_drift.csv"


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--chips", type=int, default=100, help="by the twin")
    options.add_argument("--simulated", type=int, default=20, help="chips of the ePCM cases")
    options.add_argument("--folder", type=Path, default=Path("runs/conductance_ratio_drift"))
    options.add_argument("-o", "--output", type=Path, default=RESULT)
    given = options.parse_args()
    rows = []
    with Workers(1) as workers:
        spice = DriftSimulations(workers, given.folder)
        for case, row in twin_rows(CASES, TIMES, given.chips):
            if case == CARD or (case == ALLOWED and row.time in (14 * HOUR, WEEK)):
                row = spice.row(row, case, given.simulated)
            elif case == ALLOWED or row.time == WEEK:
                row = spice.row(row, case, max(given.simulated // 4, 1))
            rows.append(row)
            if case == CARD and row.time == 14 * HOUR:
                rows.append(spice.row(row, case, max(given.simulated // 5, 1), form="cell"))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(comma_separated(rows, "examples/studies/conductance_ratio_drift.py"))


if __name__ == "__main__":
    main()
