"""Offsets of the StrongARM latch over mismatch draws, beside what its input pair predicts.

python examples/studies/offset_histogram.py [DRAWS]

Every draw is one latch with its own transistors, measured in ngspice; the expected curve is a
normal distribution with the standard deviation that the input pair alone would give.
"""

import sys
from pathlib import Path

import numpy as np

from cosim.bench import NOMINAL, draws, find_bench, measure
from cosim.ngspice import Workers, ngspice_info
from cosim.report import Axis, LineChart, Series, picture


RESULT = Path(__file__).parent / "results" / "strongarm_offsets.csv"
BIN = 3e-3  # V; one step of the bench


def main(count: int = 100) -> None:
    bench = find_bench("strongarm")
    with Workers() as workers:
        measured = measure(
            [bench], draws(count), workers, lambda one: print(one.condition.label, flush=True)
        )
    offsets = np.array([one.figures[0].value for one in measured])
    expected = bench.block.offset_deviation(bench.technology(NOMINAL))
    made = f"examples/studies/offset_histogram.py {count}, ngspice {ngspice_info().version}"
    lines = [
        f"# made by: {made}",
        "seed,offset_V",
        *(f"{k},{v:.6g}" for k, v in enumerate(offsets)),
    ]
    RESULT.write_text("\n".join(lines) + "\n")
    edges = np.arange(-12.5, 13.5) * BIN
    heights = np.histogram(offsets, edges)[0]
    fine = np.linspace(edges[0], edges[-1], 200)
    normal = np.exp(-0.5 * (fine / expected) ** 2) / (expected * np.sqrt(2 * np.pi))
    chart = LineChart(
        Axis("offset", "V"),
        Axis(f"draws per {BIN * 1e3:g} mV", low=0),
        (
            Series(f"ngspice, {count} draws", np.repeat(edges, 2)[1:-1], np.repeat(heights, 2)),
            Series("input pair alone", fine, normal * BIN * count, dashed=True),
        ),
    )
    note = (
        f"Mean {offsets.mean() * 1e3:.2f} mV, standard deviation {offsets.std() * 1e3:.2f} mV; the "
        f"input pair alone gives {expected * 1e3:.2f} mV. Made by {made}."
    )
    RESULT.with_suffix(".svg").write_text(picture(chart, "Offset of a StrongARM latch", note))
    print(note)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
