"""Torch layers on tiles: mapping, variability, training, evaluation on programmed conductances."""

from cosim.nn.calibrate import calibrate_gain
from cosim.nn.conv import AnalogConv2d, Window
from cosim.nn.convert import convert, measure_input_ranges, to_digital
from cosim.nn.evaluate import Chip, Evaluation, TileEngine, evaluate, program, programmed
from cosim.nn.layer import AnalogLayer, TileSettings
from cosim.nn.linear import AnalogLinear
from cosim.nn.mapping import TileMapping
from cosim.nn.network import analog_layers, perceptron, set_arithmetic
from cosim.nn.train import History, TrainSettings, train, train_plain, train_vat
from cosim.nn.variability import ProgrammingError, generator_of


__all__ = [
    "AnalogConv2d",
    "AnalogLayer",
    "AnalogLinear",
    "Chip",
    "Evaluation",
    "History",
    "ProgrammingError",
    "TileEngine",
    "TileMapping",
    "TileSettings",
    "TrainSettings",
    "Window",
    "analog_layers",
    "calibrate_gain",
    "convert",
    "evaluate",
    "generator_of",
    "measure_input_ranges",
    "perceptron",
    "program",
    "programmed",
    "set_arithmetic",
    "to_digital",
    "train",
    "train_plain",
    "train_vat",
]
