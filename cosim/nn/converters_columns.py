"""The output converters of a layer's tiles: linear, with a range that is found or learned.

    signed (differences)     codes -(2**(bits-1) - 1) .. 2**(bits-1) - 1 over -high .. high
    unsigned (columns)       codes 0 .. 2**bits - 1 over low .. high

Ranges are found from the columns that a layer fills. The others rest at the lowest conductance,
which is far from the middle of a reference column, and nobody would convert them.

Ranges are kept as parts of the largest current that a column can carry, so that they are of the
order of one whatever the cell; as buffers, or as parameters where they are learned. Within the
range the gradient passes the rounding straight through; beyond it, it belongs to the range.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from cosim.nn.converters import Adc
from cosim.nn.quantize import rounded


# A range narrower than this part of a column's largest current is none.
NARROWEST = 1e-6
# As many signals of a range are sorted for a quantile, picked in steps of a large prime: in steps
# of a multiple of the columns, all picks would come from a few of them.
MOST_FOR_COVERAGE = 8192
PRIME = 2_654_435_761

Mode = Literal["convert", "observe", "bypass"]


class ColumnConverters(nn.Module):
    """All converters of a layer.

    Attributes:
        adc: what they are.
        used: which signals belong to outputs of the layer.
        full_scale: largest current of a column [A].
        signed: whether they see differences.
        mode: `convert` rounds; `observe` sets the ranges from the signals, then rounds; `bypass`
            lets signals through.
        low: lower ends, in parts of the full scale; minus the upper ones if signed.
        high: upper ends.
        is_set: whether the ranges have been found.
    """

    high: Tensor
    low: Tensor
    used: Tensor
    is_set: Tensor

    def __init__(
        self, adc: Adc, used: Bool[Tensor, "tiles signals"], full_scale: float, signed: bool
    ) -> None:
        """Make the converters of a layer; their ranges are the full scale until they are found."""
        super().__init__()
        self.adc = adc
        self.full_scale = full_scale
        self.signed = signed
        self.mode: Mode = "convert"
        tiles, signals = used.shape
        self.register_buffer("used", used[:, None], persistent=False)
        shape = (1 if adc.per == "layer" else tiles, 1, signals if adc.per == "column" else 1)
        low, high = -1.0 if signed else 0.0, 1.0
        if isinstance(adc.range, tuple):
            low, high = (end / full_scale for end in adc.range)
            high = max(abs(low), abs(high)) if signed else high
        self._hold("high", torch.full(shape, high))
        if not signed:
            self._hold("low", torch.full(shape, low))
        self.register_buffer("is_set", torch.tensor(not self.is_found))

    @property
    def is_found(self) -> bool:
        """Whether the range is found from activations, not given."""
        return self.adc.range in ("calibrated", "learned")

    def forward(
        self, signals: Float[Tensor, "*chips tiles samples signals"]
    ) -> Float[Tensor, "*chips tiles samples signals"]:
        """Signals [A] as the converters give them."""
        if self.mode == "bypass":
            return signals
        if self.is_found and (self.training or self.mode == "observe"):
            self.observe(signals)
        high = self.high.abs().clamp_min(NARROWEST).to(signals.dtype)
        unit = signals / self.full_scale
        if self.signed:
            steps = 2 ** (self.adc.bits - 1) - 1
            return _codes(unit, high, -1.0, steps) * (high * (self.full_scale / steps))
        low = self.low.to(signals.dtype)
        span = (high - low).clamp_min(NARROWEST)
        steps = 2**self.adc.bits - 1
        return (_codes(unit - low, span, 0.0, steps) * (span / steps) + low) * self.full_scale

    @torch.no_grad()
    def observe(
        self, signals: Float[Tensor, "*chips tiles samples signals"], momentum: float = 0.05
    ) -> None:
        """Move the ranges towards what signals need; the first ones set them.

        A learned range is only set once; the gradient has it afterwards.
        """
        unit = torch.where(self.used, signals.detach() / self.full_scale, torch.nan)
        low, high = self._ends(unit)
        known = self.is_set.to(self.high)
        if self.mode == "observe":  # a layer may be used several times: wide enough for all
            high = torch.maximum(high.to(self.high), self.high * known)
            low = low.to(self.high) if self.signed else torch.minimum(low, self._known_low())
            step = torch.ones_like(known)
        else:
            step = 1 - known
            step = step if self.adc.range == "learned" else step.clamp_min(momentum)
        # Through `data`: learned ranges are kept for the gradients of earlier calls.
        self.high.data.lerp_(high.to(self.high), step)
        if not self.signed:
            self.low.data.lerp_(low.to(self.high), step)
        self.is_set.fill_(True)

    def _known_low(self) -> Tensor:
        return torch.where(self.is_set, self.low, torch.inf)

    def _ends(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        """Ends of the ranges that hold signals in parts of the full scale, but for those of nan."""
        tiles, _, columns = self.high.shape
        grouped = unit.flatten(0, -4) if unit.dim() > 3 else unit[None]
        axes = grouped.movedim(0, 1)  # [tiles, chips, samples, signals]
        if tiles == 1:
            axes = axes.flatten(0, 1)[None]
        values = axes.flatten(1, 2) if columns > 1 else axes.flatten(1)[..., None]
        if self.signed:
            high = _covering(values.abs(), self.adc.coverage)
            return -_guarded(high), _guarded(high)
        low = -_covering(-values, self.adc.coverage)
        return low, low + _guarded(_covering(values, self.adc.coverage) - low)

    def _hold(self, name: str, value: Tensor) -> None:
        if self.adc.range == "learned":
            self.register_parameter(name, nn.Parameter(value))
        else:
            self.register_buffer(name, value)

    def extra_repr(self) -> str:
        """Bits and range, as torch prints them."""
        return f"bits={self.adc.bits}, range={self.adc.range}, per={self.adc.per}"


def _codes(values: Tensor, span: Tensor, lowest: float, steps: int) -> Tensor:
    """Codes of values from `lowest` to 1 spans; without gradients, in the place of the values."""
    if torch.is_grad_enabled():
        return rounded(torch.clamp(values / span, lowest, 1.0) * steps)
    return values.div_(span).clamp_(lowest, 1.0).mul_(steps).round_()


def _covering(values: Tensor, coverage: float) -> Float[Tensor, "ranges 1 columns"]:
    """The number that a part `coverage` of the values does not exceed, by range and column.

    What is nan does not count; where nothing else is, the number is 0.
    """
    if coverage >= 1.0:
        largest = torch.where(values.isnan(), -torch.inf, values).amax(1, keepdim=True)
        return torch.where(largest.isinf(), 0.0, largest)
    count = values.shape[1]
    picked = PRIME * torch.arange(min(count, MOST_FOR_COVERAGE), device=values.device) % count
    few = values[:, picked].float()
    return torch.nanquantile(few, coverage, dim=1, keepdim=True).nan_to_num(0.0).to(values)


def _guarded(width: Tensor) -> Tensor:
    """Widths of ranges; where nothing was seen, the widest of the layer, or the full scale."""
    widest = width.amax()
    spare = torch.where(widest > NARROWEST, widest, torch.ones_like(widest))
    return torch.where(width > NARROWEST, width, spare)
