"""The difference of two models by column, as an SVG file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cosim.report.model import Axis, LineChart, Mark, Series
from cosim.report.standalone import picture
from cosim.testing.difference import Difference


def write_plot(difference: Difference, path: Path) -> Path:
    """Draw the largest, smallest and mean difference of every column; makes the folder."""
    share = np.nan_to_num(difference.share)
    cols = np.arange(float(share.shape[1]))
    chart = LineChart(
        x=Axis("column"),
        y=Axis("difference by the output range", "%"),
        series=(
            Series("largest", cols, share.max(axis=0)),
            Series("mean", cols, share.mean(axis=0)),
            Series("smallest", cols, share.min(axis=0)),
        ),
        marks=(
            Mark("tolerance", difference.tolerance),
            Mark("tolerance", -difference.tolerance),
        ),
    )
    title = f"{difference.tile}: {difference.judged} minus {difference.against}"
    note = (
        f"Over {len(share)} samples of {len(np.unique(difference.samples.matrix))} conductance "
        f"matrices; {difference.beyond} of {share.size} outputs are beyond the tolerance."
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture(chart, title, note), encoding="utf-8")
    return path
