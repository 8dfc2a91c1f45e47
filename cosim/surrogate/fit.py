"""Fitting: the closed form first, then a few physical parameters refined on reference samples.

The closed form (wires as the spec states them, the cell polynomial from a sweep of one cell) has
nothing to learn from arrays, and its error is already small. What is left is systematic: the mean
field ignores the spread of the column voltages, and the real sources, wires and cells may differ
from what the spec says. Both are taken up by small changes of the parameters that are there anyway,

    log factors of the four resistances, and the coefficients of the cell polynomial,

found by Levenberg-Marquardt least squares with a quadratic penalty that holds each parameter at
its closed-form value unless the samples speak against it. The result is kept only if it lowers the
error on matrices of the held-in samples that the least squares have not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from cosim.surrogate.accuracy import accuracy_of
from cosim.surrogate.certificate import Certificate, Provenance, certify
from cosim.surrogate.dataset import TileSamples
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin


@dataclass(frozen=True)
class FitSettings:
    """How the refinement searches.

    Attributes:
        held_out: part of the matrices kept away from the fit, for the certificate.
        validation: part of the held-in matrices that decides whether the refinement is kept.
        iterations: most Levenberg-Marquardt steps.
        resistance_spread: change of a log resistance that costs as much as one unit of chi-squared.
        coefficient_spread: the same for a coefficient, in units of the first one.
        noise: error by the output range below which residuals do not matter.
        step: step of the finite differences.
        seed: of the splits.
    """

    held_out: float = 0.4
    validation: float = 0.25
    iterations: int = 6
    resistance_spread: float = 0.3
    coefficient_spread: float = 0.02
    noise: float = 1e-4
    step: float = 1e-5
    seed: int = 0


@dataclass(frozen=True)
class Fit:
    """A fitted surrogate with its certificate.

    Attributes:
        surrogate: the surrogate, float64.
        certificate: its error on held-out inputs and conductances.
        closed_form_nrmse: error of the closed form on the validation matrices.
        refined_nrmse: error of the refined parameters on them.
        held_in: samples that the fit has seen.
        held_out: samples of the certificate.
    """

    surrogate: LineModeGalerkin
    certificate: Certificate
    closed_form_nrmse: float
    refined_nrmse: float
    held_in: TileSamples
    held_out: TileSamples


def fit(
    start: LineModeGalerkin,
    samples: TileSamples,
    provenance: Provenance,
    settings: FitSettings | None = None,
) -> Fit:
    """Refine a closed-form surrogate on samples and certify it on others.

    Args:
        start: the closed form, float64.
        samples: reference samples on at least three conductance matrices.
        provenance: where the samples came from.
        settings: how to search; None takes the defaults.

    Raises:
        ShapeError: there are too few matrices for the splits.
    """
    settings = settings or FitSettings()
    held_in, held_out = samples.split(1 - settings.held_out, settings.seed)
    training, validation = held_in.split(1 - settings.validation, settings.seed + 1)
    candidate = refine(start, training, settings)
    before = accuracy_of(start, validation).nrmse
    after = accuracy_of(candidate, validation).nrmse
    better = after < before
    surrogate = candidate if better else start
    certificate = certify(surrogate, held_in, held_out, provenance, refined=better)
    return Fit(surrogate, certificate, before, after, held_in, held_out)


def refine(
    start: LineModeGalerkin, samples: TileSamples, settings: FitSettings
) -> LineModeGalerkin:
    """The surrogate whose physical parameters fit the samples best, near the closed form."""
    problem = _Problem(start, samples, settings)
    theta = np.zeros(problem.size)
    damping = 1e-3
    residual = problem.residual(theta)
    cost = float(residual @ residual)
    for _ in range(settings.iterations):
        J = _jacobian(problem.residual, theta, residual, settings.step)
        normal, slope = J.T @ J, J.T @ residual
        step = -np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slope)
        trial = problem.residual(theta + step)
        if float(trial @ trial) < cost:
            gain = 1 - float(trial @ trial) / cost
            theta, residual, cost = theta + step, trial, float(trial @ trial)
            damping *= 0.2
            if gain < 1e-4:
                break
        else:
            damping *= 10
    return problem.surrogate(theta)


class _Problem:
    """Least squares: parameters scaled by how far each may go, residuals by the noise."""

    def __init__(
        self, start: LineModeGalerkin, samples: TileSamples, settings: FitSettings
    ) -> None:
        self._start = start
        self._samples = samples
        self._settings = settings
        self._coefficient = start.cell.coefficient
        self._unit = float(self._coefficient[0].abs().max())
        self.size = 4 + self._coefficient.numel()
        self._scale = settings.noise * np.ptp(samples.outputs)

    def surrogate(self, theta: Float[np.ndarray, " parameters"]) -> LineModeGalerkin:
        factors = np.exp(self._settings.resistance_spread * theta[:4])
        a, b, c, d = (float(f) for f in factors)
        change = torch.from_numpy(theta[4:].reshape(self._coefficient.shape))
        spread = self._settings.coefficient_spread * self._unit
        return self._start.replaced(
            self._start.wires.scaled((a, b, c, d)), self._coefficient + spread * change
        )

    def residual(self, theta: Float[np.ndarray, " parameters"]) -> Float[np.ndarray, " residuals"]:
        predicted = self._samples.predict(self.surrogate(theta))
        error = (predicted - self._samples.outputs).ravel() / self._scale
        return np.concatenate([error, theta])


def _jacobian(
    function: Callable[[np.ndarray], np.ndarray],
    at: Float[np.ndarray, " parameters"],
    value: Float[np.ndarray, " residuals"],
    step: float,
) -> Float[np.ndarray, "residuals parameters"]:
    columns = []
    for index in range(len(at)):
        moved = at.copy()
        moved[index] += step
        columns.append((function(moved) - value) / step)
    return np.stack(columns, 1)
