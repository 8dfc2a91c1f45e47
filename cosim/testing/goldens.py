"""Golden results: what the reference gave, kept as a file with all that it depends on.

A file holds the column currents and its provenance: hash of the tile's specification (an external
netlist's text is in it), of the parameter cards, of inputs and conductances, their seed, the
engine and its version. No date and no path, so that the same inputs give the same file. Currents
have ten significant digits: more would record the rounding of one machine.

A golden of another tile, of other cards or of other samples is not compared with, because nothing
could be concluded; one message says what is different and what to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from compact_models import load_card
from cosim.errors import CheckFailed, DatasetError
from netlists.cell_spec import SUBCIRCUIT
from netlists.cells import IDEAL_RESISTOR
from netlists.specs import TileSpec


FORMAT = "cosim golden"
FORMAT_VERSION = 1
DIGITS = 10
REWRITE = "run `pytest --update-goldens` and look at what changed in the file"

Job = tuple[Float[np.ndarray, "rows cols"], Float[np.ndarray, "_ rows"]]


@dataclass(frozen=True)
class Origin:
    """All that a golden result depends on.

    Attributes:
        spec_hash: hash of the tile's specification.
        cards: hash of each parameter card, by name.
        samples_hash: hash of the conductances and inputs.
        seed: of their draws.
        engine: name of the reference.
        versions: versions of the programs involved.
    """

    spec_hash: str
    cards: Mapping[str, str]
    samples_hash: str
    seed: int
    engine: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Golden:
    """A kept result.

    Attributes:
        tile: name of the tile.
        origin: what it depends on.
        outputs: column currents [A].
    """

    tile: str
    origin: Origin
    outputs: Float[np.ndarray, "samples cols"]


def origin_of(spec: TileSpec, jobs: Sequence[Job], seed: int, about: Mapping[str, str]) -> Origin:
    """What a result of these jobs depends on; `about` is an engine's provenance."""
    versions = {name: text for name, text in about.items() if name != "engine"}
    return Origin(
        spec.content_hash(), card_hashes(spec), _hash_of(jobs), seed, about["engine"], versions
    )


def card_hashes(spec: TileSpec) -> dict[str, str]:
    """A hash of the values of every card that the cells of a tile use, by name."""
    cell = spec.cell
    names = [cell.device, cell.access_transistor, cell.selector]
    found = {}
    for name in names:
        if name in (None, IDEAL_RESISTOR, SUBCIRCUIT):
            continue
        card = load_card(name)
        content = [card.model_name, sorted(card.values.items()), card.temperature]
        found[card.name] = _digest(repr(content).encode())
    return found


def write_golden(path: Path, golden: Golden) -> None:
    """Write a golden file; makes its folder."""
    rows = [[float(f"{value:.{DIGITS - 1}e}") for value in row] for row in golden.outputs]
    head = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "tile": golden.tile,
        "origin": asdict(golden.origin),
        "unit": "A",
    }
    lines = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    text = json.dumps(head, indent=2)[:-2] + f',\n  "outputs": [\n{lines}\n  ]\n}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read_golden(path: Path) -> Golden:
    """Read a golden file.

    Raises:
        CheckFailed: there is none yet.
        DatasetError: it is damaged or something else.
    """
    if not path.is_file():
        raise CheckFailed(f"{path}: there is no golden result yet; {REWRITE}")
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if (data["format"], data["version"]) != (FORMAT, FORMAT_VERSION):
            raise KeyError("format")
        outputs = np.array(data["outputs"], dtype=np.float64)
        if outputs.ndim != 2 or not np.isfinite(outputs).all():
            raise ValueError("`outputs` is no table of numbers")
        return Golden(data["tile"], Origin(**data["origin"]), outputs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: not a golden result of cosim, or damaged ({error}); it must be as "
            f"`--update-goldens` wrote it; restore it, or {REWRITE}"
        ) from None


def check_origin(path: Path, golden: Golden, now: Origin) -> None:
    """Refuse a golden that something else was simulated for.

    Raises:
        CheckFailed: tile, cards or samples are others.
    """
    kept = golden.origin
    changed = []
    if kept.spec_hash != now.spec_hash:
        changed.append(f"the tile's specification ({kept.spec_hash}, now {now.spec_hash})")
    for name in sorted({*kept.cards, *now.cards}):
        before, after = kept.cards.get(name, "none"), now.cards.get(name, "none")
        if before != after:
            changed.append(f"the card {name} ({before}, now {after})")
    if kept.samples_hash != now.samples_hash and not changed:
        changed.append(f"the samples (seed {kept.seed}, now {now.seed}, or their number)")
    if kept.engine != now.engine:
        changed.append(f"the engine ({kept.engine}, now {now.engine})")
    if changed:
        raise CheckFailed(
            f"{path}: this golden result is of something else: {' and '.join(changed)} changed "
            f"since; if that is meant, {REWRITE}; if not, take the change back"
        )


def version_note(golden: Golden, now: Origin) -> str:
    """Which program versions differ from those that made a golden; empty when none."""
    kept, mine = golden.origin.versions, now.versions
    parts = [
        f"{name} {kept.get(name, 'none')}, now {mine.get(name, 'none')}"
        for name in sorted({*kept, *mine})
        if kept.get(name) != mine.get(name)
    ]
    return f"the golden was made with {'; '.join(parts)}" if parts else ""


def _hash_of(jobs: Sequence[Job]) -> str:
    """Hash of conductances and inputs, beyond the rounding of a draw."""
    text = ";".join(
        ",".join(f"{value:.{DIGITS - 1}e}" for value in array.ravel())
        for job in jobs
        for array in job
    )
    return _digest(text.encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
