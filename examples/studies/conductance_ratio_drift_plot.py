"""Plot the table of the drift study: accuracy over time, simulated and by the twin.

python examples/studies/conductance_ratio_drift_plot.py
"""

import csv
from pathlib import Path

import numpy as np

from cosim.report import Axis, LineChart, Mark, Series, picture


HERE = Path(__file__).parent
TABLE = HERE / "results" / "conductance_ratio_drift.csv"
SHOWN = (
    ("ePCM card", "exponents 0.009 ± 0.0015 (ePCM card)"),
    ("0.04 at 14 h", "exponents 0.05 ± 0.0037"),
    ("spread 0.01", "exponents 0.05 ± 0.01"),
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
    for case, words in SHOWN:
        for ramp in ("reference cells", "resistor"):
            chosen = [row for row in rows if (row["case"], row["ramp"]) == (case, ramp)]
            time = np.array([float(row["time"]) for row in chosen])
            value = np.array([float(row["twin"]) for row in chosen])
            name = f"{words}, ramp set by {'a ' * (ramp == 'resistor')}{ramp}"
            series.append(Series(name, time, value, dashed=ramp == "resistor"))
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
