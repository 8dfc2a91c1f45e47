"""Characterisation: which samples to take of a tile, taking them, and keeping them.

Fitting a surrogate to them is `cosim.characterize.fitting`.
"""

from cosim.characterize.conditions import Conditions
from cosim.characterize.dataset import Dataset
from cosim.characterize.plan import SamplingPlan
from cosim.characterize.sweep import characterize


__all__ = ["Conditions", "Dataset", "SamplingPlan", "characterize"]
