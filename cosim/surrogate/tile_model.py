"""A surrogate of a whole tile: codes in, codes out, and what a read costs in energy and time.

    X ──coding──► V ──line surrogate──► I ──sensing law──► volts ──converter law──► codes
                                        └── energy model        └── settling

The currents of the lines come from any surrogate; the rest are the laws of the periphery, stated by
the blocks' behavioural twins and fitted to reads in SPICE. Everything is a differentiable function
of inputs and conductances, through the quantiser too, so a network trains through the tile.

Two ways to read. *Settled*: every input vector by itself, as if there was time. *In sequence*: one
after the other at the pace of the converter, as the circuit does it; what an amplifier has not yet
forgotten of the read before is then part of the answer. In both, latency and energy can be asked
for; an input vector by itself starts from lines at rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Real
from torch import Tensor, nn

from cosim.errors import SpecError
from cosim.surrogate.base import Surrogate
from cosim.surrogate.coding import Coding
from cosim.surrogate.converter_law import (
    ConverterLaw,
    Quantiser,
    converter_of,
    sampled_after,
)
from cosim.surrogate.energy_model import (
    FEATURES,
    OF_CONVERSIONS,
    EnergyModel,
    ReadState,
    features,
)
from cosim.surrogate.sampling import sample
from cosim.surrogate.sensing_law import SensingLaw
from cosim.surrogate.switching import restoring_energy, switching_energy
from netlists.circuits.sar_adc import SarAdc
from netlists.readout_spec import ReadoutSpec
from netlists.specs import TileSpec


# Of the read voltage's range, where no converter says what is close enough.
SETTLED_SHARE = 1e-3
# A read that settles in this part of the longest time is one whose inputs have not changed.
SAME_INPUTS = 0.05


@dataclass(frozen=True)
class Reads:
    """What a tile gives over a number of conversions.

    Attributes:
        outputs: of the tile.
        lines: codes of every line in every conversion; volts without a converter.
        sensed: amplifier outputs when they are sampled [V].
        latency: until the slowest amplifier has settled [s].
        energy: of each block in each read [J]; empty where it was never fitted.
    """

    outputs: Float[Tensor, "*tiles samples outputs"]
    lines: Float[Tensor, "*tiles reads cols"]
    sensed: Float[Tensor, "*tiles reads cols"]
    latency: Float[Tensor, "*tiles reads"]
    energy: dict[str, Float[Tensor, "*tiles reads"]]


@dataclass(frozen=True)
class Waiting:
    """What the latency of a read has beside the settling of the amplifiers.

    Attributes:
        delay: of the lines, before the amplifiers see anything [s].
        least: of a read whose inputs do not change: until the amplifiers have forgotten that the
            converters began to sample [s].
    """

    delay: float = 0.0
    least: float = 0.0

    def latency(self, settling: Float[Tensor, "*reads"]) -> Float[Tensor, "*reads"]:
        """Of reads that settle in a time [s]."""
        return torch.clamp(settling + self.delay, min=self.least)

    @staticmethod
    def fit(settling: Float[np.ndarray, " reads"], latency: Float[np.ndarray, " reads"]) -> Waiting:
        """The numbers that suit reads best."""
        still = settling < SAME_INPUTS * max(float(settling.max()), 1e-30)
        least = float(latency[still].mean()) if still.any() else 0.0
        moving = ~still & (latency > least)
        delay = float((latency - settling)[moving].mean()) if moving.any() else 0.0
        return Waiting(delay, least)


class TileModel(nn.Module):
    """A surrogate of a tile with a read-out.

    Attributes:
        spec: the tile.
        line: surrogate of its column currents.
        sensing: from currents to volts.
        converter: from volts to codes; None without one.
        energy_model: what a read costs; None where it was never fitted.
        waiting: what the latency has beside the settling.
        coding: of inputs and outputs.
        readout: the read-out of the tile.
    """

    def __init__(
        self,
        spec: TileSpec,
        line: Surrogate,
        sensing: SensingLaw | None = None,
        converter: ConverterLaw | None = None,
        energy_model: EnergyModel | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        super().__init__()
        readout = readout_of(spec)
        self.spec, self.line = spec, line
        self.sensing = sensing or SensingLaw.of_twin(spec, readout)
        self.converter = converter or converter_of(readout)
        self.energy_model = energy_model
        self.waiting = waiting or Waiting()
        self.coding = Coding(spec)
        self.readout = readout

    def with_line(self, line: Surrogate) -> TileModel:
        """The same periphery around another surrogate of the currents."""
        return TileModel(
            self.spec, line, self.sensing, self.converter, self.energy_model, self.waiting
        )

    @property
    def read_time(self) -> float:
        """Time from one input vector to the next [s]."""
        return self.coding.conversions * self.readout.period

    def forward(
        self, X: Float[Tensor, "*inputs samples rows"], G: Float[Tensor, "*tiles rows cols"]
    ) -> Float[Tensor, "*tiles samples outputs"]:
        """Outputs for inputs (codes, or volts without a coding) and conductances [S], settled."""
        return self.outputs_of(self.read_currents(X, G))

    def outputs_of(
        self, currents: Float[Tensor, "*tiles samples reads cols"]
    ) -> Float[Tensor, "*tiles samples outputs"]:
        """Outputs for the currents of the lines in every read [A], settled."""
        volts = self.sensing(self.coding.converted(currents))
        return self.coding.combined(self.read_lines(volts))

    def mvm(
        self, X: Float[np.ndarray, "samples rows"], G: Float[np.ndarray, "rows cols"]
    ) -> Float[np.ndarray, "samples outputs"]:
        """Outputs of one tile, settled, from and to numpy arrays."""
        with torch.no_grad():
            return self(*self._tensors(X, G)).double().cpu().numpy()

    def line_currents(
        self, X: Float[Tensor, "*inputs samples rows"], G: Float[Tensor, "*tiles rows cols"]
    ) -> Float[Tensor, "*tiles samples conversions cols"]:
        """Currents of the lines in every conversion, as the sensing counts them [A]."""
        return self.coding.converted(self.read_currents(X, G))

    def read_currents(
        self, X: Float[Tensor, "*inputs samples rows"], G: Float[Tensor, "*tiles rows cols"]
    ) -> Float[Tensor, "*tiles samples reads cols"]:
        """Currents of the lines in every read [A]."""
        volts = self.coding.volts(X)
        samples, reads = volts.shape[-3:-1]
        return self.line(volts.flatten(-3, -2), G).unflatten(-2, (samples, reads))

    def read_lines(
        self, volts: Float[Tensor, "*shape"], quantiser: Quantiser | None = None
    ) -> Float[Tensor, "*shape"]:
        """What lines give for voltages at their converters: codes, or the voltages as outputs."""
        if self.converter is not None:
            return self.converter.codes(volts, quantiser)
        return volts if self.readout.draws else self.readout.level - volts

    def sample(
        self,
        X: Float[Tensor, "samples rows"],
        G: Float[Tensor, "rows cols"],
        seed: int,
        chip: int | None = None,
        seconds: float = 0.0,
    ) -> Float[Tensor, "samples outputs"]:
        """Outputs of one noisy read, of one chip if asked for; see `sampling.sample`."""
        return sample(self, X, G, seed, chip, seconds)

    def in_sequence(
        self, X: Float[Tensor, "*inputs samples rows"], G: Float[Tensor, "*tiles rows cols"]
    ) -> Reads:
        """Input vectors read one after the other on each tile."""
        volts = self.coding.volts(X)
        raw = self.read_currents(X, G)
        settled = self.sensing(self.coding.converted(raw).flatten(-3, -2))
        loading = G.sum(-2)[..., None, :]
        taken = self.outputs_after(settled, loading, sampled=False)
        lines = self.read_lines(taken)
        by_sample = lines.unflatten(-2, (X.shape[-2], self.coding.conversions))
        return Reads(
            outputs=self.coding.combined(by_sample),
            lines=lines,
            sensed=self.outputs_after(settled, loading, sampled=True),
            latency=self.waiting.latency(self.settling_time(X, settled, loading)),
            energy=self._energy(volts, raw, taken, G, sequence=True),
        )

    def outputs_after(
        self,
        settled: Float[Tensor, "*tiles reads cols"],
        loading: Float[Tensor, "*tiles one cols"],
        sampled: bool,
    ) -> Float[Tensor, "*tiles reads cols"]:
        """Outputs of the amplifiers in a sequence of reads, when they count [V].

        Args:
            settled: where each read leads [V].
            loading: conductance of the cells of every line [S].
            sampled: when they are sampled for the record; otherwise when the converter looks.
        """
        settling = self.sensing.settling
        if not settling.remembers:
            return settled
        time: Tensor | float = sampled_after(self.readout)
        if self.converter is not None and not sampled:
            time = self.converter.decision_time(settled)
        left = settling.memory(loading, time)
        return settled + left * (self._starts(settled, loading) - settled)

    def features_in_sequence(
        self, X: Float[Tensor, "*inputs samples rows"], G: Float[Tensor, "*tiles rows cols"]
    ) -> Float[Tensor, "*tiles conversions features"]:
        """What the energy of each conversion is a sum of, read one after the other."""
        volts = self.coding.volts(X)
        raw = self.read_currents(X, G)
        settled = self.sensing(self.coding.converted(raw).flatten(-3, -2))
        taken = self.outputs_after(settled, G.sum(-2)[..., None, :], sampled=False)
        return self.energy_features(volts, raw, taken, G, sequence=True)

    def energy(
        self, X: Float[Tensor, "*inputs samples rows"], G: Float[Tensor, "*tiles rows cols"]
    ) -> dict[str, Float[Tensor, "*tiles samples"]]:
        """Energy of each block for every input vector by itself, all its reads [J].

        Raises:
            SpecError: the energy was never fitted to reads in SPICE.
        """
        if self.energy_model is None:
            raise SpecError(
                f"the surrogate of {self.spec.name} has no energies; they are fitted to reads over "
                "time: characterize with `--transients`, and fit again"
            )
        volts = self.coding.volts(X)
        raw = self.read_currents(X, G)
        taken = self.sensing(self.coding.converted(raw).flatten(-3, -2))
        found = self._energy(volts, raw, taken, G, sequence=False)
        count = (X.shape[-2], self.coding.conversions)
        return {block: joule.unflatten(-1, count).sum(-1) for block, joule in found.items()}

    def over_time(
        self, X: Real[np.ndarray, "samples rows"], G: Float[np.ndarray, "rows cols"]
    ) -> Reads:
        """Input vectors read one after the other on one tile, from numpy arrays."""
        with torch.no_grad():
            return self.in_sequence(*self._tensors(X, G))

    # -- parts

    def _tensors(self, X: np.ndarray, G: np.ndarray) -> tuple[Tensor, Tensor]:
        like = next(self.line.buffers())
        return torch.as_tensor(np.asarray(X)).to(like), torch.as_tensor(np.asarray(G)).to(like)

    def _starts(self, settled: Tensor, loading: Tensor) -> Tensor:
        """Where every read begins [V]; the first one at its own value, as it has been applied."""
        left = self.sensing.settling.memory(loading, self.readout.period)
        start, starts = settled[..., :1, :], []
        for read in range(settled.shape[-2]):
            starts.append(start)
            here = settled[..., read : read + 1, :]
            start = here + left * (start - here)
        return torch.cat(starts, -2)

    def settling_time(
        self, X: Tensor, settled: Tensor, loading: Tensor
    ) -> Float[Tensor, "*tiles reads"]:
        """When the slowest amplifier is close to what is sampled, by the settling alone [s]."""
        adc, sensing = self.readout.adc, self.sensing
        band = 0.5 * adc.lsb if adc is not None else SETTLED_SHARE * float(np.ptp(_values(settled)))
        if sensing.window is not None:
            share = self._longest(X) * sensing.window
            swing = (settled - sensing.rest).abs().clamp(min=1e-12)
            return (share * (1.0 - band / swing).clamp(min=0.0)).amax(-1)
        end = sampled_after(self.readout)
        left = sensing.settling.memory(loading, end)
        step = (self._starts(settled, loading) - settled).abs().clamp(min=1e-12)
        return sensing.settling.time_until(loading, band / step + left).amax(-1)

    def _longest(self, X: Tensor) -> Float[Tensor, "*inputs reads #cols"]:
        """The part of an integrator's window in which the last input of a read is applied."""
        coding = self.spec.inputs
        if coding is None or coding.coding != "pulse_width":
            shape = (*X.shape[:-2], X.shape[-2] * self.coding.conversions, 1)
            return torch.ones(shape, dtype=X.dtype, device=X.device)
        return X.amax(-1, keepdim=True) / coding.largest

    def _energy(
        self, volts: Tensor, raw: Tensor, taken: Tensor, G: Tensor, sequence: bool
    ) -> dict[str, Tensor]:
        """Energy of each block in every conversion [J]."""
        if self.energy_model is None:
            return {}
        values = self.energy_features(volts, raw, taken, G, sequence)
        return self.energy_model.energy(values)

    def energy_features(
        self, volts: Tensor, raw: Tensor, taken: Tensor, G: Tensor, sequence: bool
    ) -> Float[Tensor, "*tiles conversions features"]:
        """What the energy of every conversion is a sum of.

        Args:
            volts: of the rows in every read, `[*inputs, samples, reads, rows]`.
            raw: currents of the lines, `[*tiles, samples, reads, cols]`.
            taken: voltages at the converters, `[*tiles, conversions, cols]`.
            G: conductances [S].
            sequence: whether reads follow each other; otherwise each begins at rest.
        """
        reads = volts.flatten(-3, -2)
        currents = raw.flatten(-3, -2)
        times = volts.shape[-2] // self.coding.conversions
        per_read = taken.repeat_interleave(times, -2) if times > 1 else taken
        rates, _ = self.sensing.settling.rates(G.sum(-2)[..., None, :])
        switching, restoring = self._capacitors(per_read, sequence)
        state = ReadState(
            volts=reads,
            currents=currents,
            before=_before(reads) if sequence else torch.zeros_like(reads),
            currents_before=_before(currents) if sequence else currents,
            seen=self._seen(per_read),
            switching=switching,
            restoring=restoring,
            rates=rates if self.sensing.settling.remembers else torch.ones_like(rates),
            time=(self.sensing.window or self.readout.period) / times,
            level=self.readout.level,
        )
        found = features(state, G)
        if times > 1:
            found = found.unflatten(-2, (found.shape[-2] // times, times)).mean(-2)
            found = found * _summed(times).to(found)
        return found

    def _capacitors(self, volts: Tensor, sequence: bool) -> tuple[Tensor, Tensor]:
        """What the capacitors of the converters take, for inputs of theirs [V]; in joule."""
        law = self.converter
        if law is None or not isinstance(law.adc, SarAdc):
            return torch.zeros_like(volts), torch.zeros_like(volts)
        codes = law.codes(volts) if law.rising else law.adc.levels - 1 - law.codes(volts)
        before = _before(volts) if sequence else volts
        return switching_energy(law.adc, volts, codes), restoring_energy(law.adc, volts, before)

    def _seen(self, volts: Tensor) -> Tensor:
        """Converter inputs in their full scale; swings in units of the level without one."""
        adc = self.readout.adc
        if adc is None:
            return (volts - self.sensing.rest) / self.readout.level
        return (volts - adc.low) / (adc.high - adc.low)


def readout_of(spec: TileSpec) -> ReadoutSpec:
    """The read-out of a tile.

    Raises:
        SpecError: it has none.
    """
    if spec.readout is None:
        raise SpecError(
            f"the tile {spec.name} has no [readout]; its surrogate gives currents: load that, or "
            "add the table"
        )
    return spec.readout


def _before(values: Tensor) -> Tensor:
    """What each read follows; the first follows itself."""
    return torch.cat([values[..., :1, :], values[..., :-1, :]], -2)


def _summed(times: int) -> Tensor:
    """Of each feature: whether the unit times of a read add up, or are one conversion together."""
    each = [times] * (len(FEATURES) - OF_CONVERSIONS) + [1] * OF_CONVERSIONS
    return torch.tensor(each, dtype=torch.float64)


def _values(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()
