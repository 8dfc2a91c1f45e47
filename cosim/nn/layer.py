"""What all analog layers share: a weight matrix that is the conductances of tiles.

    x ──/input_range──► 0..1 ──Dac, read_voltage──► tiles ──columns subtracted, Adc──►
      ──slices and row blocks added──► x largest weight x input_range (x gain) ──► + bias ──► y

The weights are ordinary torch parameters. In the forward pass they are clipped, quantised to the
conductance levels and, in training, disturbed by the programming error; the gradient goes straight
through all three to the clean weights. What multiplies is the *arithmetic* of the layer: exact
(`surrogate` is None), a surrogate of the tile or the solver, through which the gradient flows.

Tiles are driven with voltages from zero up. Activations of both signs are read in two phases, first
the positive ones, then the negative ones, and the outputs are subtracted (`signed`).

The bias is digital. `gain` makes up for the tile's own scale (access transistor and wires take part
of the voltage): one number per layer, calibrated, used only where currents come from a tile model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.converters import Converters
from cosim.nn.converters_columns import ColumnConverters
from cosim.nn.mapping import TileMapping
from cosim.nn.mapping_cells import DifferentialPairs, Subtraction
from cosim.nn.patches import Inputs, Patches, as_rows
from cosim.nn.programmed import CurrentFunction, LineFunction, ProgrammedTiles
from cosim.nn.quantize import clamped, code_grid, straight_through, upper_quantile
from cosim.nn.reads import Reads
from cosim.nn.settings import TileSettings
from cosim.nn.solved import SolvedTile
from cosim.nn.variability import Disturbance
from cosim.surrogate.base import Operator, Surrogate


if TYPE_CHECKING:
    from netlists.specs import TileSpec

# How fast a tracked input range follows the batches, and which part of the activations it covers.
RANGE_MOMENTUM = 0.05
RANGE_QUANTILE = 0.995
Made = TypeVar("Made")
AnyInputs = TypeVar("AnyInputs", Tensor, Patches, Inputs)


class AnalogLayer(nn.Module, ABC):
    """A layer whose products are made by tiles.

    Attributes:
        mapping: where the weights sit.
        settings: how the tiles are used.
        converters: of inputs and outputs.
        adc: the output converters with their ranges, or None.
        weight: the clean weights, in the shape that torch gives them.
        bias: digital bias, or None.
        row_order: which input is at each row, or None for their own order.
        surrogate: the tile's model, or the solver, in the forward pass; None for exact arithmetic.
        programming_error: redrawn for every batch in training; None for none.
        generator: of those draws.
        programmed: set while the layer is evaluated on chips (see `evaluate`).
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    input_range: Tensor
    gain: Tensor
    range_is_set: Tensor
    row_order: Tensor | None
    surrogate: Surrogate | SolvedTile | None
    adc: ColumnConverters | None

    def __init__(
        self,
        shape: tuple[int, ...],
        tile: TileSpec,
        settings: TileSettings,
        bias: bool,
        groups: int = 1,
    ) -> None:
        """Make a layer with a weight of this shape, outputs first."""
        super().__init__()
        self.settings = settings
        self.weight = nn.Parameter(torch.empty(*shape))
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None
        inputs = groups * self.weight[0].numel()
        self.mapping = TileMapping.of(
            tile, inputs, shape[0], settings.mapping, settings.levels, groups
        )
        self.converters = settings.converters or Converters.of(tile)
        self.adc = _column_converters(self.mapping, self.converters)
        self.surrogate = None
        self.programming_error: Disturbance | None = None
        self.generator = torch.Generator().manual_seed(0)
        self.programmed: ProgrammedTiles | None = None
        self._held: dict[str, Any] | None = None
        self._hold_input_range()
        self.register_buffer("gain", torch.tensor(1.0))
        self.register_buffer("row_order", None)
        if settings.shuffle_rows is not None:
            generator = torch.Generator().manual_seed(settings.shuffle_rows)
            self.order_rows(torch.randperm(inputs, generator=generator))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    @abstractmethod
    def rows_of(self, x: Float[Tensor, ...]) -> Float[Tensor, "vectors in_features"]:
        """The input vectors that the tiles see for a layer input `x`, batch-major."""

    def driven(self, x: Float[Tensor, ...]) -> Inputs:
        """Unit inputs as exact products take them."""
        return self.rows_of(x)

    @abstractmethod
    def shaped(self, y: Float[Tensor, "vectors out_features"], x: Tensor) -> Tensor:
        """Output vectors in the shape that torch gives them for a layer input `x`."""

    @abstractmethod
    def exactly(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What torch computes with these weights."""

    def order_rows(self, order: Tensor | Sequence[int]) -> None:
        """Put input `order[k]` at row k, in place; conductances move along.

        Raises:
            InputError: this is no order of the inputs, or the layer has groups.
        """
        chosen = torch.as_tensor(order, device=self.weight.device).long()
        count = self.mapping.in_features
        if self.mapping.groups > 1 or not torch.equal(
            chosen.sort().values, torch.arange(count, device=chosen.device)
        ):
            raise InputError(
                f"rows are to be ordered in a layer of {self.mapping.groups} groups by"
                f" {len(chosen)} numbers; an order holds every number below {count} once, and"
                " only layers without groups have one; correct it, or leave it out"
            )
        self.row_order = chosen

    def largest_weight(self) -> Tensor:
        """The weight that is mapped to the full conductance difference."""
        weight = self.weight.detach()
        clip = self.settings.weight_clip
        if clip is None:
            largest = weight.abs().amax()
        else:  # the standard deviation, in two passes that are faster than torch's one
            spread = torch.linalg.vector_norm(weight - weight.mean())
            largest = spread * (clip / weight.numel() ** 0.5)
        return largest.clamp_min(torch.finfo(weight.dtype).tiny)

    def target_conductances(self) -> Float[Tensor, "tiles rows cols"]:
        """Conductances that the weights ask for [S]: clipped, mapped and quantised."""
        return self._conductances(self.largest_weight())

    def weights_of(
        self, G: Float[Tensor, "*chips tiles rows cols"]
    ) -> Float[Tensor, "*chips out_features group_inputs"]:
        """Weights, in units of the largest one and in the order of the inputs, of conductances."""
        weights = self.mapping.weights(G)
        return weights if self.row_order is None else weights[..., self.row_order.argsort()]

    def products(self, x: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """The layer's output for activations `x`.

        On chips (`programmed`), the inputs of the first chip come first, then those of the next.

        Raises:
            InputError: an activation is negative and the layer is not `signed`.
        """
        x = x.to(self.weight.dtype)
        self._check_sign(x)
        if self.training and not isinstance(self.settings.input_range, float | int):
            self.track_range(x, RANGE_MOMENTUM)
        unit = self.unit_inputs(x)
        if self._is_torch_s_product:
            return self.exactly(unit, self._once("weight", self._torch_weight), self.bias)
        with _full_precision(x):
            driven = self.driven(unit)
            chips = self.programmed
            largest = self.largest_weight()
            y = self._on_model(driven, largest) if chips is None else chips.outputs(self, driven)
            y = y * (largest * self.input_range)
            return self.shaped(y if self.bias is None else y + self.bias, x)

    def unit_inputs(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Inputs in units of the input range, clipped and on the grid of the input codes."""
        low = -1.0 if self.settings.signed else 0.0
        # A range that is tracked must not change what an earlier call keeps for its gradient.
        given = isinstance(self.settings.input_range, float | int)
        unit = x / (self.input_range if given else self.input_range.clone())
        dac = self.converters.dac
        if self.settings.input_range == "learned":
            unit = torch.clamp(unit, low, 1.0)
        elif dac is None:
            return clamped(unit, low, 1.0)
        return unit if dac is None else code_grid(unit, dac.largest, low)

    def ideal_outputs(
        self,
        driven: Inputs,
        G: Float[Tensor, "*chips tiles rows cols"],
        lines: LineFunction | None = None,
    ) -> Float[Tensor, "*chips vectors out_features"]:
        """Exact products of unit inputs with the weights that `G` stands for, converted.

        Args:
            driven: the inputs.
            G: conductances [S].
            lines: what becomes of the currents of columns before they are subtracted.
        """
        m = self.mapping
        if self.adc is None and lines is None:
            return m.products(G, self._ordered(driven))
        reads = self._reads(driven)
        read = m.read_columns(G)
        if lines is not None:
            return self._read_out(lines(m.currents(read, reads.parts)), reads)
        # Columns of linear cells are subtracted as soon as before as after they are read.
        signals = m.currents(m.signals(read, self._subtraction), reads.parts)
        return self._converted(reads.charges(signals), reads)

    def tile_outputs(
        self,
        driven: Inputs,
        G: Float[Tensor, "*chips tiles rows cols"],
        currents: CurrentFunction,
    ) -> Float[Tensor, "*chips vectors out_features"]:
        """Outputs from tile currents, converted, without the gain."""
        reads = self._reads(as_rows(driven))
        return self._read_out(currents(G, self.mapping.voltages(as_rows(reads.parts))), reads)

    @torch.no_grad()
    def track_range(self, x: Float[Tensor, ...], momentum: float) -> None:
        """Move the input range towards what activations `x` need; the first ones set it."""
        high = upper_quantile(x.detach().abs(), RANGE_QUANTILE)
        seen = high > 0
        step = (~self.range_is_set).to(high)
        if self.settings.input_range != "learned":
            step = step.clamp_min(momentum)
        # Through `data`: a learned range is kept for the gradients of earlier calls.
        self.input_range.data.lerp_(high.to(self.input_range), (step * seen).to(self.input_range))
        self.range_is_set.logical_or_(seen)

    def extra_repr(self) -> str:
        """Sizes and tiles, as torch prints them."""
        m = self.mapping
        levels = self.settings.levels
        packs = "" if m.packs == 1 else f"{m.packs}x"
        return (
            f"in_features={m.in_features}, out_features={m.out_features},"
            f" tiles={packs}{m.row_blocks}x{m.col_blocks} of {m.rows}x{m.cols},"
            f" levels={levels if isinstance(levels, int) else len(levels)}"
        )

    @property
    def _is_torch_s_product(self) -> bool:
        """Whether the forward pass is an ordinary product with weights on their levels."""
        exact = self.programmed is None and self.surrogate is None and self.adc is None
        return exact and not (self._is_disturbed and self.mapping.groups_per_pack > 1)

    @property
    def is_linear(self) -> bool:
        """Whether exact products are those of one weight matrix with all inputs."""
        return self.adc is None and self.mapping.groups == 1

    @property
    def _is_disturbed(self) -> bool:
        return self.training and self.programming_error is not None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Draw and prepare conductances once for all calls inside: the steps of a sequence."""
        self._held = {}
        try:
            yield
        finally:
            self._held = None

    def _once(self, name: str, make: Callable[[], Made]) -> Made:
        if self._held is None:
            return make()
        if name not in self._held:
            self._held[name] = make()
        return self._held[name]

    def _unit_weight(self, largest: Tensor) -> Tensor:
        """Weights in units of the one at full scale; levels end there, so more are clipped."""
        return self.weight.flatten(1) / largest

    def _conductances(self, largest: Tensor) -> Tensor:
        return self.mapping.conductances(self._ordered(self._unit_weight(largest)))

    def _torch_weight(self) -> Tensor:
        """The weights that the cells stand for, for inputs in units of their range."""
        largest = self.largest_weight()
        if self._is_disturbed:
            weight = self.weights_of(self._model_conductances(largest))
        else:
            weight = self.mapping.held(self._unit_weight(largest))
        return weight.reshape(self.weight.shape) * (largest * self.input_range)

    def _model_conductances(self, largest: Tensor) -> Tensor:
        """What the forward pass multiplies with: the targets, disturbed in training."""
        G = self._conductances(largest)
        error = self.programming_error
        if error is None or not self._is_disturbed:
            return G
        return straight_through(G, error.draw(G.detach(), self.generator))

    def _on_model(self, driven: Inputs, largest: Tensor) -> Tensor:
        G = self._once("conductances", lambda: self._model_conductances(largest))
        surrogate = self.surrogate
        if surrogate is None:
            return self.ideal_outputs(driven, G)
        if isinstance(surrogate, Surrogate) and self._subtracts_pairs:
            pairs = self._once("pairs", lambda: surrogate.prepare_pairs(self.mapping.beside(G)))
            return self._pair_outputs(as_rows(driven), pairs) * self.gain
        operator = self._once("operator", lambda: surrogate.prepare(G))
        return self.tile_outputs(driven, G, lambda _, V: operator(V)) * self.gain

    @property
    def _subtracts_pairs(self) -> bool:
        """Whether all that is read of a tile are differences of neighbouring columns."""
        return isinstance(self.mapping.cells, DifferentialPairs) and self._subtraction == "analog"

    @property
    def _subtraction(self) -> Subtraction:
        return "analog" if self.adc is None else self.adc.adc.subtraction

    def _pair_outputs(self, unit: Tensor, pairs: Operator) -> Tensor:
        """Outputs from a tile model that subtracts columns itself, without the gain."""
        reads = self._reads(unit)
        differences = pairs(self.mapping.block_voltages(as_rows(reads.parts)))
        return self._converted(self.mapping.by_tile(reads.charges(differences)), reads)

    def _read_out(self, currents: Tensor, reads: Reads) -> Tensor:
        """Layer outputs from the currents of all reads."""
        return self._converted(
            self.mapping.signals(reads.charges(currents), self._subtraction), reads
        )

    def _converted(self, signals: Tensor, reads: Reads) -> Tensor:
        """Layer outputs from what the converters of all reads see."""
        m, adc, subtraction = self.mapping, self.adc, self._subtraction
        if adc is not None:
            signals = adc(signals)
        volts = None
        if m.needs_volts:
            volts = reads.charges(m.voltages(as_rows(reads.parts)).sum(-1, keepdim=True))[..., 0]
        return reads.joined(m.joined(signals, subtraction, volts))

    def _reads(self, driven: Inputs) -> Reads:
        return Reads.of(self._ordered(driven), self.settings.signed, self.converters.dac)

    def _ordered(self, values: AnyInputs) -> AnyInputs:
        if self.row_order is None or isinstance(values, Patches):
            return values
        return values[..., self.row_order]

    def _hold_input_range(self) -> None:
        given = self.settings.input_range
        start = torch.tensor(given if isinstance(given, float | int) else 1.0)
        if given == "learned":
            self.register_parameter("input_range", nn.Parameter(start))
        else:
            self.register_buffer("input_range", start)
        self.register_buffer("range_is_set", torch.tensor(isinstance(given, float | int)))

    def _check_sign(self, x: Tensor) -> None:
        # Elsewhere than on a CPU, looking at the values would make every layer wait for its inputs.
        if self.settings.signed or x.device.type != "cpu" or not x.numel():
            return
        lowest = x.detach().amin()
        if bool(lowest < 0):
            raise InputError(
                f"an activation of {float(lowest):.4g} was given to an analog layer;"
                " tiles are driven with voltages from zero up, so activations must not be"
                " negative; put a ReLU before the layer, or make it with `signed=True`"
            )

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take an order of the rows over, which a layer only has if it was given one."""
        order = state_dict.get(f"{prefix}row_order")
        if order is not None and self.row_order is None:
            self.row_order = torch.empty_like(order, device=self.weight.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _column_converters(mapping: TileMapping, converters: Converters) -> ColumnConverters | None:
    adc = converters.adc
    if adc is None:
        return None
    m = mapping
    differences = adc.subtraction == "analog" and not m.needs_volts
    used = m.used_signals(adc.subtraction)
    return ColumnConverters(adc, used, m.rows * m.g_max * m.read_voltage, differences)


def _full_precision(x: Tensor) -> AbstractContextManager[object]:
    """No autocast: half precision has fewer digits than currents and conductances need."""
    device = x.device.type
    if torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()
