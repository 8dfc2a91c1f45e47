"""Characterisation: which samples to take of a tile, taking them, keeping them, fitting to them."""

from cosim.characterize.conditions import Conditions
from cosim.characterize.dataset import Dataset
from cosim.characterize.fitting import Validation, fit_dataset, samples_of, validate
from cosim.characterize.plan import SamplingPlan
from cosim.characterize.sweep import characterize


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
