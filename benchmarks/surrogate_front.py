"""Surrogates of a tile: error against the time of a training step, ours beside the closed forms.

A 1T1R tile of the example's cells and wires with n rows and columns, three kinds of conductances
(uniform, differential pairs, sparse), inputs dense and sparse. Nothing here is fitted on arrays:
every model comes from the specification and a sweep of one cell, so all samples are unseen. The
truth is the solver engine at its full accuracy, which agrees with ngspice to better than any model
here (`solver_accuracy`) and is cheap at every size.

    nrmse         by the output range, the worst of the three kinds
    ms_forward    new conductances and 100 vectors, single precision, one thread, median
    ms_both       the same with gradients in inputs and conductances

Where the conductances stay, a further table has the operator of one tile per kind, corrected with
samples of that tile, against the plain product: error on fresh inputs, and time for 100 of them.

The iteration in the style of CrossSim is the one of `peers`: linear cells at their secant, the
wires without the drivers. alpha-beta and the series resistance know the drivers as ours do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peers.crossbar_peers import relaxed_currents
from benchmarks.run import missing_reference
from cosim.cell import TileCell
from cosim.characterize import SamplingPlan
from cosim.engine import SolverEngine
from cosim.surrogate import (
    AlphaBeta,
    IdealProduct,
    LineModeFields,
    LineModeGalerkin,
    SeriesResistance,
    Surrogate,
    TileSamples,
    accuracy,
    accuracy_of,
    corrected,
    domain_of,
)
from cosim.surrogate.comparison import BATCH, step_times
from netlists.specs import TileSpec


TILE = Path(__file__).resolve().parents[1] / "examples" / "tile_32x32.toml"
SIZES = (32, 64, 128)
# What the names of our models start with.
OURS = "line_mode"
ONE_MODE = "line_mode_galerkin, 1 mode"
REFERENCES = {
    "ideal": "I = V G",
    "series_resistance": "Jeong et al. 2018, with drivers",
    "alpha_beta": "Crossbar_Models_Comparison, with drivers",
    "relaxation": "in the style of CrossSim, linear cells, wires alone",
}
# A model may take this many times alpha-beta's time and still count as being as fast.
AS_FAST = 1.5
# Largest change of a cell's voltage [V] at the end of the relaxation, and the largest tile for it.
SETTLED = 2e-4
RELAXED_SIZE = 64
# Samples of a tile that its operator is corrected with, and fresh ones that it is judged on.
CORRECTING, JUDGING = 1500, 100
OWN_ENVIRONMENT = "not measured here; it belongs into an environment of its own"

Row = dict[str, Any]


def run(quick: bool) -> dict[str, Any]:
    """Error and time of every model at every size."""
    front = [row for n in SIZES for row in at_size(n, quick)]
    ours = {(row["name"], row["n"]): row for row in front}
    figures = {f"nrmse_n{n}": ours["line_mode_galerkin", n]["nrmse"] for n in SIZES}
    fields = {f"nrmse_fields_n{n}": ours["line_mode_fields", n]["nrmse"] for n in SIZES}
    return {
        "figures": {
            **figures,
            **fields,
            "truth": "solver engine",
            "front": front,
            "weights_known": [known(n, quick) for n in SIZES],
        },
        "references": [
            *(_reference(name, about, front) for name, about in REFERENCES.items()),
            missing_reference("CrossSim AnalogCore with parasitics", OWN_ENVIRONMENT),
            missing_reference("aihwkit TorchInferenceRPUConfigIRDropT tile", OWN_ENVIRONMENT),
        ],
        "ratios": {
            **ratios([row for row in front if row["n"] == 64]),
            **{f"fast_time_vs_alpha_beta_n{n}": fast_ratio(front, n) for n in SIZES},
        },
    }


def at_size(n: int, quick: bool) -> list[Row]:
    """The models of one size on the same samples, ours first."""
    spec = TileSpec.from_toml(TILE).model_copy(update={"rows": n, "cols": n})
    samples = reference_samples(spec, matrices=3 if quick else 9, inputs=8 if quick else 16)
    surrogates = models(spec)
    times = step_times(surrogates, samples, repeats=3 if quick else 25)
    rows = [
        {
            "name": name,
            "n": n,
            "nrmse": worst_nrmse(surrogate, samples),
            "ms_forward": times[name][0],
            "ms_both": times[name][1],
        }
        for name, surrogate in surrogates.items()
    ]
    return [*rows, relaxed(spec, samples)] if n <= RELAXED_SIZE else rows


def reference_samples(spec: TileSpec, matrices: int, inputs: int) -> TileSamples:
    """What the solver says, on matrices of the three kinds in turn."""
    plan = SamplingPlan(samples=matrices * inputs, inputs_per_matrix=inputs, seed=8)
    jobs = [(plan.conductances(spec, m), plan.inputs(spec, m)) for m in range(matrices)]
    currents = SolverEngine(spec).mvm_many(jobs)
    return TileSamples(
        np.stack([G for G, _ in jobs]),
        np.concatenate([X for _, X in jobs]),
        np.concatenate(currents),
        np.repeat(np.arange(matrices), inputs),
    )


def models(spec: TileSpec) -> dict[str, Surrogate]:
    """Every model by name, as the specification and a sweep of one cell give it."""
    current = TileCell(spec).current
    default = LineModeGalerkin.from_spec(spec, current)
    fewer = {ONE_MODE: LineModeGalerkin.from_spec(spec, current, modes=1)}
    for ours in (default, *fewer.values()):
        ours.patience = 0  # steps are those of a long training, with compiled kernels
    return {
        "line_mode_galerkin": default,
        **(fewer if default.modes > 1 else {}),
        "line_mode_fields": LineModeFields.from_spec(spec, current),
        "alpha_beta": AlphaBeta.from_spec(spec, current),
        "series_resistance": SeriesResistance.from_spec(spec, current),
        "ideal": IdealProduct(spec.rows, spec.cols, domain_of(spec)),
    }


def known(n: int, quick: bool) -> Row:
    """A tile whose conductances stay: its corrected operator against the plain product."""
    spec = TileSpec.from_toml(TILE).model_copy(update={"rows": n, "cols": n})
    surrogate = LineModeGalerkin.from_spec(spec, TileCell(spec).current)
    count = 60 if quick else CORRECTING
    errors = []
    for matrix in range(3):
        plan = SamplingPlan(
            samples=3 * (count + JUDGING), inputs_per_matrix=count + JUDGING, seed=9
        )
        G, X = plan.conductances(spec, matrix), plan.inputs(spec, matrix)
        Y = SolverEngine(spec).mvm(G, X)
        inputs, truth = torch.from_numpy(X), torch.from_numpy(Y)
        operator = corrected(surrogate.prepare(torch.from_numpy(G)), inputs[:count], truth[:count])
        found = operator(inputs[count:]).numpy()
        errors.append(accuracy(found, Y[count:], np.zeros(JUDGING, dtype=int)).nrmse)
    single = replace(
        operator, table=operator.table.float(), mean_weights=operator.mean_weights.float()
    )
    V, plain = inputs[:BATCH].float(), torch.from_numpy(G).float()
    times = [median_ms(lambda: single(V), quick), median_ms(lambda: V @ plain, quick)]
    return {"n": n, "nrmse": max(errors), "ms": times[0], "ms_plain_product": times[1]}


def median_ms(step: Callable[[], object], quick: bool) -> float:
    """Median milliseconds of a step on one thread, without gradients."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    taken = []
    with torch.no_grad():
        for _ in range(20 if quick else 500):
            began = time.perf_counter()
            step()
            taken.append(time.perf_counter() - began)
    torch.set_num_threads(threads)
    return 1e3 * statistics.median(taken)


def fast_ratio(front: list[Row], n: int) -> float:
    """Time of a training step with one mode per line, by that of alpha-beta at the same size."""
    at = {row["name"]: row["ms_both"] for row in front if row["n"] == n}
    return at.get(ONE_MODE, at["line_mode_galerkin"]) / at["alpha_beta"]


def worst_nrmse(surrogate: Surrogate, samples: TileSamples) -> float:
    """The largest of the errors on the three kinds of conductances."""
    kinds = [np.arange(first, samples.matrices, 3) for first in range(3)]
    return max(accuracy_of(surrogate, samples.of_matrices(kind)).nrmse for kind in kinds)


def relaxed(spec: TileSpec, samples: TileSamples) -> Row:
    """The damped iteration on the tile's linearised cells; one matrix of each kind."""
    linear = AlphaBeta.from_spec(spec, TileCell(spec).current)
    errors = []
    for matrix in range(3):
        part = samples.of_matrices(np.array([matrix]))
        with torch.no_grad():
            G = torch.from_numpy(part.conductance[0])
            secant = linear.secant(linear.cell.coefficients(G)).numpy()
        wire = spec.wires.input_line_resistance
        currents = relaxed_currents(part.inputs, secant, wire, SETTLED)[1]
        errors.append(accuracy(currents, part.outputs, part.matrix).nrmse)
    X = np.resize(samples.inputs, (BATCH, spec.rows))
    began = time.perf_counter()
    relaxed_currents(X, secant, wire, SETTLED)
    forward = 1e3 * (time.perf_counter() - began)
    return {
        "name": "relaxation",
        "n": spec.rows,
        "nrmse": max(errors),
        "ms_forward": forward,
        "ms_both": None,
    }


def ratios(rows: list[Row]) -> dict[str, float | None]:
    """Ours against alpha-beta at one size.

    The error ratio is that of our most accurate model among those as fast as alpha-beta; None when
    there is none. The other two are of our default model, whatever its time.
    """
    by_name = {row["name"]: row for row in rows}
    peer = by_name["alpha_beta"]
    default = by_name["line_mode_galerkin"]
    fast = [
        row["nrmse"] / peer["nrmse"]
        for name, row in by_name.items()
        if name.startswith(OURS) and row["ms_both"] <= AS_FAST * peer["ms_both"]
    ]
    return {
        "error_vs_alpha_beta_n64": min(fast, default=None),
        "default_error_vs_alpha_beta_n64": default["nrmse"] / peer["nrmse"],
        "default_time_vs_alpha_beta_n64": default["ms_both"] / peer["ms_both"],
    }


def _reference(name: str, about: str, front: list[Row]) -> Row:
    """The figures of another model at every size where it was measured."""
    rows = [row for row in front if row["name"] == name]
    figures = {
        f"{figure}_n{row['n']}": row[figure]
        for row in rows
        for figure in ("nrmse", "ms_forward", "ms_both")
    }
    return {"name": name, "version": f"as written here: {about}", **figures}
