"""What a dataset holds before the first simulation: every draw of its plan, and empty outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from cosim.characterize.conditions import Condition
from cosim.characterize.plan import SamplingPlan
from netlists.cells import device_parameters, load_cell
from netlists.specs import TileSpec


STATUS_LENGTH = 200

Variables = dict[str, xr.Variable]


def empty_dataset(spec: TileSpec, plan: SamplingPlan) -> xr.Dataset:
    """The arrays of a plan, with NaN where results will be.

    Raises:
        CardError: a conductance outside the range of the device's card.
        SpecError: a condition that the tile cannot have.
    """
    numbers = range(plan.matrices)
    conductance = np.stack([plan.conductances(spec, matrix) for matrix in numbers])
    _check_range(spec, plan, conductance)
    return xr.Dataset(
        {
            **_of_samples(spec, plan),
            "conductance": xr.Variable(("matrix", "row", "col"), conductance, {"units": "S"}),
            "condition_of_matrix": xr.Variable(
                "matrix", np.array([plan.condition_of(matrix) for matrix in numbers])
            ),
            "done": xr.Variable("matrix", np.zeros(plan.matrices, dtype=np.int8)),
            "failure": xr.Variable(
                ("matrix", "character"), np.zeros((plan.matrices, STATUS_LENGTH), np.uint8)
            ),
            **_of_conditions(plan.conditions.all(spec)),
        }
    )


def _check_range(
    spec: TileSpec, plan: SamplingPlan, conductance: Float[np.ndarray, "matrix rows cols"]
) -> None:
    """Refuse a plan that asks for what a cell cannot be, before anything is written."""
    condition = -1
    for matrix, G in enumerate(conductance):
        if plan.condition_of(matrix) != condition:
            condition = plan.condition_of(matrix)
            parts = load_cell(plan.tile(spec, condition))
        device_parameters(parts, G)


def _of_samples(spec: TileSpec, plan: SamplingPlan) -> Variables:
    numbers = range(plan.matrices)
    inputs = [plan.inputs(spec, matrix) for matrix in numbers]
    output = np.full((plan.all_samples, spec.cols), np.nan)
    about = {"units": "A", "description": "positive into the sensor"}
    return {
        "input": xr.Variable(("sample", "row"), np.concatenate(inputs), {"units": "V"}),
        "output": xr.Variable(("sample", "col"), output, about),
        "matrix_of_sample": xr.Variable("sample", np.repeat(numbers, [len(x) for x in inputs])),
    }


def _of_conditions(conditions: Sequence[Condition]) -> Variables:
    corners = list(dict.fromkeys(there.corner for there in conditions))

    def column(values: list[float], **about: object) -> xr.Variable:
        return xr.Variable("condition", np.array(values), about)

    return {
        "corner": column([corners.index(there.corner) for there in conditions], names=corners),
        "temperature": column([there.temperature for there in conditions], units="K"),
        "time": column(
            [there.time or 0.0 for there in conditions],
            units="s",
            description="since programming",
        ),
        "draw": column([there.draw for there in conditions]),
    }
