"""The surrogate of a whole MAC tile against ngspice: codes, energy and latency of unseen reads.

The example's 32 x 8 tile with 4-bit inputs and a 6-bit SAR converter per column. Sequences of reads
over time, on conductances of three kinds, are split into halves; the laws of the periphery are
fitted to one half and judged on the other, both ways, so that every conversion is judged once.

    codes_equal, codes_within_one   shares of all conversions
    energy, latency                 relative L2 errors, the larger of the two halves

The reference is the same surrogate without any fit to reads over time: currents of the same quality
and the behavioural twins as the specification states them, each read by itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cosim.characterize import Dataset, SamplingPlan, characterize, fit_dataset
from cosim.characterize.transients import take_transients
from cosim.engine import NgspiceEngine
from cosim.ngspice import Workers
from cosim.surrogate.tile_certificate import TileErrors, tile_errors
from cosim.surrogate.tile_fit import fitted_laws
from cosim.surrogate.tile_model import TileModel
from netlists.specs import TileSpec


TILE = Path(__file__).parents[1] / "examples" / "mac_tile.toml"
FULL = SamplingPlan(samples=192, seed=5, transients=12, reads_per_transient=8)
QUICK = SamplingPlan(samples=36, inputs_per_matrix=6, seed=5, transients=4, reads_per_transient=4)


def run(quick: bool) -> dict[str, Any]:
    """Characterise, fit and judge."""
    spec = TileSpec.from_toml(TILE)
    if quick:
        spec = TileSpec.from_dict({**spec.model_dump(), "rows": 8, "cols": 3})
    with tempfile.TemporaryDirectory() as folder, Workers() as workers:
        engine = NgspiceEngine(spec, workers)
        dataset = characterize(engine, QUICK if quick else FULL, Path(folder) / "data.zarr")
        take_transients(dataset, workers)
        return judged(dataset)


def judged(dataset: Dataset) -> dict[str, Any]:
    """The figures of a dataset with transients."""
    lines = fit_dataset(dataset)
    reads = dataset.transients()
    if reads is None:
        raise ValueError("the dataset has no reads over time")
    order = np.arange(len(reads))
    halves = order[0::2], order[1::2]
    found = []
    for seen, unseen in (halves, halves[::-1]):
        model = fitted_laws(TileModel(dataset.spec, lines.surrogate), reads.of(seen))
        found.append(tile_errors(model, reads.of(unseen)))
    figures = _figures(found)
    settled = TileModel(dataset.spec, lines.surrogate)
    pairs = zip(reads.inputs, reads.conductance, reads.outputs, strict=True)
    off = np.concatenate([np.abs(settled.mvm(X, G) - codes) for X, G, codes in pairs])
    plain = {
        "name": "behavioural twins at rest",
        "version": "as specified, nothing fitted",
        "codes_equal": float(np.mean(off == 0)),
        "codes_within_one": float(np.mean(off <= 1)),
    }
    missed = (1.0 - plain["codes_equal"]) / max(1.0 - figures["codes_equal"], 1e-9)
    return {
        "figures": figures,
        "references": [plain],
        "ratios": {"wrong_codes_of_twins_over_ours": missed},
    }


def _figures(found: list[TileErrors]) -> Mapping[str, float]:
    counts = np.array([errors.conversions for errors in found])

    def mean(name: str) -> float:
        return float(np.average([getattr(errors, name) for errors in found], weights=counts))

    return {
        "conversions": int(counts.sum()),
        "codes_equal": mean("codes_equal"),
        "codes_within_one": mean("codes_within_one"),
        "sampled_volts_in_codes": max(errors.volts_lsb for errors in found),
        **{f"energy_{block}": max(e.energy[block] for e in found) for block in found[0].energy},
        "latency": max(errors.latency for errors in found),
        "longest_latency": max(abs(errors.longest_latency) for errors in found),
    }
