"""What the conductance-ratio cell makes of a sum: its response as ngspice measures it.

A network is not simulated transient by transient. What it needs of the multiplier is, for every bit
line, how the result follows from the sum of the line's conductances, while the reference cells have
faded to a factor f of what they were programmed for:

    result = gain u + bend 4 u (1 - u) + offset,       u = sum x G / (n G_ref)

with the conductances G as they are now, and G_ref as it was meant to be. Without any error of the
circuit the gain is 1/f and the rest zero; gain, bend and offset here are fitted to simulated
conversions, for draws of the offsets and mirror errors of the periphery, and kept in a table:

    python examples/studies/ratio_response.py        simulates, and writes the table anew
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from compact_models import load_card
from cosim.bench.ratio_mac import RatioRun
from cosim.errors import InputError
from cosim.ngspice import Workers
from netlists.circuits.ratio_behavioural import NO_ERRORS
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_mac import RatioErrors, RatioMac, RatioState, trim_for


TABLE = Path(__file__).with_suffix(".csv")
MADE_BY = "# made by: python examples/studies/ratio_response.py"
TILE = RatioMac(inputs=8, columns=4, references=16)
LEVELS = np.array([8e-6, 14e-6, 20e-6])  # [S]
FADES = (1.2, 1.0, 0.7, 0.5, 0.35, 0.25)
EXPONENT = 0.1  # of all cells: they fade to 0.25 in 1e6 seconds
DRAWS = 6
STEPS = 4  # of the inputs of either line, in all combinations


@dataclass(frozen=True)
class ResponseRow:
    """The response of one bit line.

    Attributes:
        draw: of the periphery's errors; 0 is a periphery without any.
        column: of the tile.
        line: 1 for the line that adds, -1 for the one that subtracts.
        fade: of the reference cells, f.
        gain: of the result over u.
        bend: largest distance from the straight line, relative to full scale.
        offset: relative to full scale; both lines of a column share it.
        residual: rms of what the fit leaves, relative to full scale.
    """

    draw: int
    column: int
    line: int
    fade: float
    gain: float
    bend: float
    offset: float
    residual: float


def measured(workers: Workers, draw: int, tile: RatioMac = TILE) -> Iterator[ResponseRow]:
    """Simulate all fades of a draw, and fit every line."""
    runs = [response_run(draw, fade, tile) for fade in FADES]
    results = workers.run_many([run.simulation for run in runs])
    for fade, run, result in zip(FADES, runs, results, strict=True):
        yield from fitted(run, run.results(result), draw, fade)


def response_run(draw: int, fade: float, tile: RatioMac = TILE) -> RatioRun:
    """Conversions of scaled inputs; half of the rows have cells on one line, half on the other."""
    rng = np.random.default_rng(draw)
    weights = LEVELS[rng.integers(0, len(LEVELS), (tile.inputs, tile.columns))]
    adds = np.broadcast_to(np.arange(tile.inputs)[:, None] % 2 == 0, weights.shape)
    birth, more = load_card(tile.card).values["t0"], max(fade, 1.0)

    def cells(targets: np.ndarray) -> PhaseChangeCells:
        return PhaseChangeCells.uniform(tile.card, more * targets, EXPONENT)

    state = RatioState(
        cells(weights).where(adds),
        cells(weights).where(~adds),
        cells(tile.reference_targets),
        elapsed=birth * (fade / more) ** (-1.0 / EXPONENT),
    )
    state = replace(state, trim=trim_for(state, tile))
    steps = np.linspace(0.1, 1.0, STEPS)
    scales = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    x = np.tile(scales, tile.inputs // 2) * rng.uniform(0.8, 1.0, (len(scales), tile.inputs))
    errors = NO_ERRORS if draw == 0 else RatioErrors.drawn(tile, draw)
    return RatioRun(tile, state, x, "sum", errors)


def fitted(
    run: RatioRun, results: Float[np.ndarray, "conversions columns"], draw: int, fade: float
) -> Iterator[ResponseRow]:
    """Gain, bend and offset of each line, by least squares over the conversions."""
    mac, state = run.mac, run.state
    full = mac.inputs * mac.reference_conductance
    scale = mac.volts_per_sum * mac.inputs
    for column in range(mac.columns):
        parts = [
            run.x @ cells.aged(state.elapsed)[:, column] / full
            for cells in (state.positive, state.negative)
        ]
        shapes = parts + [4.0 * u * (1.0 - u) for u in parts]
        design = np.stack([*shapes, np.ones(len(run.x))], axis=1)
        wanted = results[:, column] / scale
        fit, *_ = np.linalg.lstsq(design, wanted, rcond=None)
        residual = float(np.sqrt(np.mean((design @ fit - wanted) ** 2)))
        for k, line in enumerate((1, -1)):
            gain, bend = float(line * fit[k]), float(line * fit[2 + k])
            yield ResponseRow(draw, column, line, fade, gain, bend, float(fit[4]), residual)


def comma_separated(rows: Sequence[ResponseRow]) -> str:
    """Rows of the table, without its header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        values = (getattr(row, field.name) for field in fields(ResponseRow))
        writer.writerow(f"{v:.7g}" if isinstance(v, float) else v for v in values)
    return text.getvalue()


@dataclass(frozen=True, eq=False)
class RatioResponse:
    """The measured response of many lines, to look up.

    Attributes:
        fades: of the reference cells, rising.
        gain: `[lines, fades]`.
        bend: relative to full scale.
        offset: relative to full scale.
    """

    fades: Float[np.ndarray, " fades"]
    gain: Float[np.ndarray, "lines fades"]
    bend: Float[np.ndarray, "lines fades"]
    offset: Float[np.ndarray, "lines fades"]

    @property
    def lines(self) -> int:
        """How many lines were measured."""
        return len(self.gain)

    def at(
        self, line: Int[np.ndarray, "*places"], fade: Float[np.ndarray, "*places"]
    ) -> tuple[
        Float[np.ndarray, "*places"], Float[np.ndarray, "*places"], Float[np.ndarray, "*places"]
    ]:
        """Gain, bend and offset between the measured fades, straight in the logarithm of the fade.

        Args:
            line: which of the measured lines.
            fade: of the reference cells.

        Raises:
            InputError: a fade outside of what was measured.
        """
        low, high = self.fades[0], self.fades[-1]
        if fade.min() < low or fade.max() > high:
            raise InputError(
                f"reference cells have faded to {fade.min():.3g} ... {fade.max():.3g} of their"
                f" conductance; the ratio cell was measured from {low:g} to {high:g}; read"
                " earlier, or measure further with `examples/studies/ratio_response.py`"
            )
        position = np.interp(np.log(fade), np.log(self.fades), np.arange(len(self.fades)))
        index = np.minimum(position.astype(np.int64), len(self.fades) - 2)
        part = position - index

        def between(table: np.ndarray) -> np.ndarray:
            return (1.0 - part) * table[line, index] + part * table[line, index + 1]

        gain = np.exp(between(np.log(self.gain)))
        return gain, between(self.bend), between(self.offset)


@cache
def ratio_response(ideal: bool = False) -> RatioResponse:
    """The response in the table.

    Args:
        ideal: only of the periphery without offsets and mirror errors, instead of only of draws.
    """
    rows = [row for row in _rows(TABLE) if (row["draw"] == "0") == ideal]
    fades = sorted({float(row["fade"]) for row in rows})
    places = sorted({(row["draw"], row["column"], row["line"]) for row in rows})
    found = {(row["draw"], row["column"], row["line"], float(row["fade"])): row for row in rows}

    def table(name: str) -> np.ndarray:
        return np.array([[float(found[*place, fade][name]) for fade in fades] for place in places])

    return RatioResponse(np.array(fades), table("gain"), table("bend"), table("offset"))


def write_ratio_response(path: Path = TABLE, draws: int = DRAWS) -> None:
    """Simulate every draw that the table does not have yet; each is written when it is known."""
    if not path.exists():
        names = ",".join(field.name for field in fields(ResponseRow))
        path.write_text(f"{MADE_BY}\n{names}\n", encoding="utf-8")
    done = {int(row["draw"]) for row in _rows(path)}
    with Workers(1) as workers:
        for draw in sorted(set(range(draws + 1)) - done):
            text = comma_separated(list(measured(workers, draw)))
            with path.open("a", encoding="utf-8") as file:
                file.write(text)


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()[1:]))
