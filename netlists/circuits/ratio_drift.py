"""What the spread of drift exponents leaves of a compensated sum: laws and their ingredients.

With L = ln(t/t0) and exponents of standard deviation sigma around one mean, each product keeps a
factor exp(-(nu_i - nu_ref) L). Three laws follow, to first order in sigma L:

    signed sums      rms error / rms result = sigma L sqrt(kappa^2 + 1/M)
                     kappa^2 = E[G+^2 + G-^2] / E[(G+ - G-)^2]
    unsigned sums    rms error / mean result = sigma L sqrt(lambda/n + 1/M)
                     lambda = E[x^2] E[G^2] / (E[x] E[G])^2
    equal cells      standard deviation / mean = sqrt(exp(sigma^2 L^2) - 1) / sqrt(N)

The first does not fall with the number of inputs: errors of the cells and the result itself both
grow as its square root. Accuracy is 1 - mean|e| / mean|ideal| throughout.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


ACCURACY = "accuracy = 1 - mean|e| / mean|ideal|"


def accuracy(output: Float[np.ndarray, "*shape"], ideal: Float[np.ndarray, "*shape"]) -> float:
    """1 - mean|e| / mean|ideal|, with e the difference of the two."""
    return 1.0 - float(np.abs(output - ideal).mean() / np.abs(ideal).mean())


def kappa_squared(
    positive: Float[np.ndarray, "*cells"], negative: Float[np.ndarray, "*cells"]
) -> float:
    """E[G+^2 + G-^2] / E[(G+ - G-)^2] of signed weights."""
    return float((positive**2 + negative**2).mean() / ((positive - negative) ** 2).mean())


def signed_error(sigma: float, log_time: float, kappa2: float, references: int) -> float:
    """Root mean square of the error over that of the result, signed sums."""
    return float(sigma * log_time * np.sqrt(kappa2 + 1.0 / references))


def unsigned_error(
    sigma: float, log_time: float, lambda_: float, inputs: int, references: int
) -> float:
    """Root mean square of the error over the mean result, sums of one sign."""
    return float(sigma * log_time * np.sqrt(lambda_ / inputs + 1.0 / references))


def equal_cells_deviation(sigma: float, log_time: float, count: int) -> float:
    """Standard deviation over mean of the sum of `count` cells that were programmed alike."""
    return float(np.sqrt(np.expm1((sigma * log_time) ** 2) / count))
