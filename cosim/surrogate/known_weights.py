"""Weights that stay: the rest of the error of one programmed tile, fitted away.

Once the conductances are fixed, the mean-field operator of a tile is linear in its features (powers
of the inputs and of their weighted mean). What is left of its error on samples of that very tile is
a ridge regression on the same features, so the corrected operator costs exactly what the
uncorrected one costs: its weights have changed, nothing else. The closed form as the starting point
makes fewer samples than features safe.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.errors import ShapeError
from cosim.surrogate.line_mode_galerkin import MeanFieldOperator


# Relative to the mean square of a scaled feature. Few samples need the stronger pull towards the
# closed form; with many, the residual is determined by the samples.
RIDGE = 1e-6
RIDGE_FEW = 1e-4


def corrected(
    operator: MeanFieldOperator,
    V: Float[Tensor, "samples rows"],
    currents: Float[Tensor, "samples cols"],
) -> MeanFieldOperator:
    """An operator that also fits reference samples of its own tile.

    Args:
        operator: from `LineModeGalerkin.prepare` of one tile, float64.
        V: inputs of the samples [V].
        currents: what the reference gave for them on the same conductances [A].

    Raises:
        ShapeError: the operator is of several tiles, or the samples do not fit it.
    """
    if operator.table.dim() != 2 or currents.shape != (len(V), operator.table.shape[-1]):
        raise ShapeError(
            f"inputs {tuple(V.shape)} and currents {tuple(currents.shape)} were given for weights"
            f" {tuple(operator.weights.shape)}; allowed are samples of one tile, (samples, rows)"
            " and (samples, cols); correct one tile at a time"
        )
    with torch.no_grad():
        features = operator.features(V)
        scale = features.square().mean(0).sqrt()
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        X = features / scale
        samples, count = X.shape
        ridge = (RIDGE if samples > 2 * count else RIDGE_FEW) * samples
        normal = X.T @ X + ridge * torch.eye(count, dtype=X.dtype, device=X.device)
        change = torch.linalg.solve(normal, X.T @ (currents - operator(V))) / scale[:, None]
    return replace(operator, table=operator.table + change)
