"""Plot the table of the drift study: accuracy over time, simulated and by the twin.

python examples/studies/conductance_ratio_drift_plot.py
"""

import csv
from pathlib import Path

import numpy as np

from cosim.report import Axis, LineChart, Mark, Series, picture


HERE = Path(__file__).parent
TABLE = HERE / "results" / "conductance_ratio_drift.csv"
CELLS, RESISTOR = "reference cells", "resistor"
SHOWN = (
    ("ePCM card", CELLS, "twin", "exponents 0.009 ± 0.0015 (ePCM card), reference cells"),
    ("ePCM card", RESISTOR, "twin", "the same, ramp set by a resistor"),
    ("0.04 at 14 h", CELLS, "twin", "exponents 0.05 ± 0.0037, reference cells"),
    ("0.04 at 14 h", RESISTOR, "twin", "the same, ramp set by a resistor"),
    ("spread 0.01", CELLS, "twin", "exponents 0.05 ± 0.01, reference cells"),
    ("spread 0.01", CELLS, "law", "the same by the law for signed sums"),
)
NOTE = (
    "Accuracy = 1 - mean|e| / mean|ideal|, e = output - ideal, where ideal is the transfer law for "
    "the conductances as programmed. 64 inputs, 4 signed columns, 4-level cells of the 90-nm ePCM "
    "card, 16 reference cells of 10 µS. Twin, {chips} chips. ngspice agrees with it, chip by chip, "
    "within {apart} % of full scale ({runs} simulated chips). Made by {made}."
)


def main():
    lines = TABLE.read_text().splitlines()
    made = lines[1].removeprefix("# made by: ")
    rows = [row for row in csv.DictReader(lines[2:]) if row["form"] != "cell"]
    series = []
    for case, ramp, column, name in SHOWN:
        chosen = [row for row in rows if (row["case"], row["ramp"]) == (case, ramp)]
        time, value = (np.array([float(row[key]) for row in chosen]) for key in ("time", column))
        series.append(Series(name, time, value, dashed=ramp == RESISTOR or column == "law"))
    simulated = [row for row in rows if int(row["simulated"])]
    note = NOTE.format(
        chips=rows[0]["chips"],
        apart=f"{max(float(row['apart']) for row in simulated):.3f}",
        runs=sum(int(row["simulated"]) for row in simulated),
        made=made,
    )
    chart = LineChart(
        Axis("time since programming", "s", log=True),
        Axis("accuracy = 1 - mean|e| / mean|ideal|", "%"),
        tuple(series),
        (Mark("95 %", 0.95),),
    )
    text = picture(chart, "Sums of drifting phase-change cells", note)
    TABLE.with_suffix(".svg").write_text(text)


if __name__ == "__main__":
    main()
