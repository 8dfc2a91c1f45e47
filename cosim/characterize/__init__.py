"""Characterisation: which samples to take of a tile, taking them, and keeping them."""

from cosim.characterize.dataset import Dataset
from cosim.characterize.plan import SamplingPlan
from cosim.characterize.sweep import characterize


__all__ = ["Dataset", "SamplingPlan", "characterize"]
