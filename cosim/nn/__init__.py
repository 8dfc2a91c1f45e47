"""Torch layers on tiles: mapping, variability, training, evaluation on programmed conductances."""

from cosim.nn.attention import AnalogMultiheadAttention
from cosim.nn.binary import BinaryLinear, SignActivation, binary_perceptron
from cosim.nn.calibrate import calibrate_converters, calibrate_gain, measure_input_ranges
from cosim.nn.chip import Cells, Chip, NonIdealities, program, program_chips
from cosim.nn.compensation import AbstractCompensation, CalibrationInputs, ReferenceCells
from cosim.nn.conv import AnalogConv1d, AnalogConv2d, AnalogConv3d
from cosim.nn.convert import CONVERTED, convert, to_digital
from cosim.nn.converters import IDEAL, Adc, Converters, Dac
from cosim.nn.distill import Distillation
from cosim.nn.drift import AbstractDrift, CardDrift, Drift
from cosim.nn.evaluate import Engine, EvaluationSettings, TileEngine, evaluate, programmed
from cosim.nn.evaluation import Evaluation, PairedDifference
from cosim.nn.faults import StuckCells
from cosim.nn.layer import AnalogLayer
from cosim.nn.linear import AnalogLinear
from cosim.nn.mapping import TileMapping
from cosim.nn.mapping_cells import DifferentialPairs, OffsetColumn
from cosim.nn.network import analog_layers, perceptron, set_arithmetic
from cosim.nn.noise import AbstractReadNoise, CardReadNoise, ReadNoise
from cosim.nn.ratio_cell import RatioCell
from cosim.nn.recurrent import AnalogGRU, AnalogLSTM, AnalogRNN
from cosim.nn.recurrent_cells import AnalogGRUCell, AnalogLSTMCell, AnalogRNNCell
from cosim.nn.schedules import (
    SCHEDULES,
    AbstractSchedule,
    Constant,
    Cosine,
    OneCycle,
    Schedule,
    Steps,
    Warmup,
)
from cosim.nn.settings import TileSettings
from cosim.nn.solved import SolvedTile
from cosim.nn.sparse_adaptation import adapt, importance_masks, random_masks
from cosim.nn.train import (
    History,
    Loss,
    TrainSettings,
    cross_entropy,
    train,
    train_plain,
    train_vat,
)
from cosim.nn.variability import (
    CardProgramming,
    Disturbance,
    LogNormalFactor,
    ProgrammingError,
    Scaled,
    generator_of,
)
from cosim.nn.weak_reset import WeakReset, WeakResetDevices, WeakResetRule
from cosim.nn.window import Window


__all__ = [
    "CONVERTED",
    "IDEAL",
    "SCHEDULES",
    "AbstractCompensation",
    "AbstractDrift",
    "AbstractReadNoise",
    "AbstractSchedule",
    "Adc",
    "AnalogConv1d",
    "AnalogConv2d",
    "AnalogConv3d",
    "AnalogGRU",
    "AnalogGRUCell",
    "AnalogLSTM",
    "AnalogLSTMCell",
    "AnalogLayer",
    "AnalogLinear",
    "AnalogMultiheadAttention",
    "AnalogRNN",
    "AnalogRNNCell",
    "BinaryLinear",
    "CalibrationInputs",
    "CardDrift",
    "CardProgramming",
    "CardReadNoise",
    "Cells",
    "Chip",
    "Constant",
    "Converters",
    "Cosine",
    "Dac",
    "DifferentialPairs",
    "Distillation",
    "Disturbance",
    "Drift",
    "Engine",
    "Evaluation",
    "EvaluationSettings",
    "History",
    "LogNormalFactor",
    "Loss",
    "NonIdealities",
    "OffsetColumn",
    "OneCycle",
    "PairedDifference",
    "ProgrammingError",
    "RatioCell",
    "ReadNoise",
    "ReferenceCells",
    "Scaled",
    "Schedule",
    "SignActivation",
    "SolvedTile",
    "Steps",
    "StuckCells",
    "TileEngine",
    "TileMapping",
    "TileSettings",
    "TrainSettings",
    "Warmup",
    "WeakReset",
    "WeakResetDevices",
    "WeakResetRule",
    "Window",
    "adapt",
    "analog_layers",
    "binary_perceptron",
    "calibrate_converters",
    "calibrate_gain",
    "convert",
    "cross_entropy",
    "evaluate",
    "generator_of",
    "importance_masks",
    "measure_input_ranges",
    "perceptron",
    "program",
    "program_chips",
    "programmed",
    "random_masks",
    "set_arithmetic",
    "to_digital",
    "train",
    "train_plain",
    "train_vat",
]
