"""Characterisation: which samples to take of a tile, taking them, keeping them, fitting to them."""

from typing import TYPE_CHECKING

from cosim.characterize.conditions import Conditions
from cosim.characterize.dataset import Dataset
from cosim.characterize.plan import SamplingPlan
from cosim.characterize.sweep import characterize
from cosim.lazy import lazy_names


if TYPE_CHECKING:
    from cosim.characterize.fitting import Validation, fit_dataset, samples_of, validate


__all__ = [
    "Conditions",
    "Dataset",
    "SamplingPlan",
    "Validation",
    "characterize",
    "fit_dataset",
    "samples_of",
    "validate",
]
__getattr__ = lazy_names(
    __name__,
    dict.fromkeys(["Validation", "fit_dataset", "samples_of", "validate"], "fitting"),
)
