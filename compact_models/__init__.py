"""Device level: Verilog-A compact models, their parameter cards, and the compiler."""

from compact_models.card import Card, CardValue, ConductanceRange
from compact_models.catalog import available_cards, available_models, load_card, load_model
from compact_models.device import Device
from compact_models.veriloga.compile import compile_source, compile_text
from compact_models.veriloga.model import CompactModel, Parameter, State
from compact_models.veriloga.to_numba import NumbaKernel
from compact_models.veriloga.to_torch import TorchFunction


__all__ = [
    "Card",
    "CardValue",
    "CompactModel",
    "ConductanceRange",
    "Device",
    "NumbaKernel",
    "Parameter",
    "State",
    "TorchFunction",
    "available_cards",
    "available_models",
    "compile_source",
    "compile_text",
    "load_card",
    "load_model",
]
