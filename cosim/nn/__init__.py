"""Torch layers on tiles: mapping, variability, training, evaluation on programmed conductances."""

from cosim.nn.calibrate import calibrate_gain
from cosim.nn.evaluate import Chip, Evaluation, TileEngine, evaluate, program, programmed
from cosim.nn.linear import AnalogLinear
from cosim.nn.mapping import TileMapping
from cosim.nn.network import analog_layers, perceptron, set_arithmetic
from cosim.nn.train import History, TrainSettings, train, train_plain, train_vat
from cosim.nn.variability import ProgrammingError, generator_of


__all__ = [
    "AnalogLinear",
    "Chip",
    "Evaluation",
    "History",
    "ProgrammingError",
    "TileEngine",
    "TileMapping",
    "TrainSettings",
    "analog_layers",
    "calibrate_gain",
    "evaluate",
    "generator_of",
    "perceptron",
    "program",
    "programmed",
    "set_arithmetic",
    "train",
    "train_plain",
    "train_vat",
]
