"""Torch layers on tiles: mapping, variability, training, evaluation on programmed conductances."""

from cosim.nn.calibrate import calibrate_gain
from cosim.nn.chip import Cells, Chip, NonIdealities, program, program_chips
from cosim.nn.compensation import AbstractCompensation, CalibrationInputs, ReferenceCells
from cosim.nn.conv import AnalogConv2d, Window
from cosim.nn.convert import convert, measure_input_ranges, to_digital
from cosim.nn.drift import AbstractDrift, CardDrift, Drift
from cosim.nn.evaluate import EvaluationSettings, TileEngine, evaluate, programmed
from cosim.nn.evaluation import Evaluation, PairedDifference
from cosim.nn.faults import StuckCells
from cosim.nn.layer import AnalogLayer, TileSettings
from cosim.nn.linear import AnalogLinear
from cosim.nn.mapping import TileMapping
from cosim.nn.network import analog_layers, perceptron, set_arithmetic
from cosim.nn.noise import AbstractReadNoise, CardReadNoise, ReadNoise
from cosim.nn.train import History, TrainSettings, train, train_plain, train_vat
from cosim.nn.variability import (
    CardProgramming,
    Disturbance,
    LogNormalFactor,
    ProgrammingError,
    generator_of,
)


__all__ = [
    "AbstractCompensation",
    "AbstractDrift",
    "AbstractReadNoise",
    "AnalogConv2d",
    "AnalogLayer",
    "AnalogLinear",
    "CalibrationInputs",
    "CardDrift",
    "CardProgramming",
    "CardReadNoise",
    "Cells",
    "Chip",
    "Disturbance",
    "Drift",
    "Evaluation",
    "EvaluationSettings",
    "History",
    "LogNormalFactor",
    "NonIdealities",
    "PairedDifference",
    "ProgrammingError",
    "ReadNoise",
    "ReferenceCells",
    "StuckCells",
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
    "program_chips",
    "programmed",
    "set_arithmetic",
    "to_digital",
    "train",
    "train_plain",
    "train_vat",
]
