"""Training by weak RESET: an optimiser whose only memory of a binary weight is a pair of devices.

    gradient ─► Adam's direction ─► times rate, clipped, rounded: pulses
                                    n > 0: n weak RESET pulses to the cell BL  (weight up)
                                    n < 0: |n| pulses to the cell BLb          (weight down)
    weight = sign(R_BL - R_BLb), read again after every step, with whatever noise there is then

There is no latent weight, and no way back: every pulse raises a resistance, by less and less. The
rule and the devices are those of A. Majumdar et al., IEEE Trans. Electron Devices (2021),
arXiv 2107.06064; the devices come from a card, as in `compact_models.weak_reset`.

Per weight this keeps 18 bytes (Adam's two means, two pulse counts, two telegraph states), and 40
more where devices differ from each other (five numbers for each of the two).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from compact_models.variability import stream
from compact_models.weak_reset import WeakResetPopulation, flicker_taps
from cosim.errors import InputError
from cosim.nn.variability import card_named
from cosim.nn.weak_reset_kernel import (
    AMPLITUDE,
    BLOCK,
    DEVICE_NUMBERS,
    KNEE,
    LATER_SLOPE,
    OFFSET,
    SLOPE,
    Moves,
    Noise,
    Pairs,
    advance,
    logarithms,
)


PUBLISHED = "rram_weak_reset__hfox_majumdar2021"
INTEGERS = {"pulses": torch.int32, "upper": torch.uint8}
NOTHING = np.zeros(0, np.float32)


@dataclass(frozen=True)
class WeakResetDevices:
    """Which devices make the pairs, and which of their imperfections are there.

    Attributes:
        card: of the model `rram_weak_reset`, with draws; a name or a path.
        device_to_device: whether they differ; else all have the card's values.
        telegraph: whether there is random telegraph noise.
        flicker: whether there is 1/f noise.
    """

    card: str = PUBLISHED
    device_to_device: bool = True
    telegraph: bool = True
    flicker: bool = True


@dataclass(frozen=True)
class WeakResetRule:
    """How gradients become pulses.

    Attributes:
        beta1: memory of the mean of the gradient.
        beta2: memory of the mean of its square.
        epsilon: added to the root of the latter.
        most: pulses that a cell gets in one step at most.
        digital_rate: learning rate of ordinary Adam for everything that is no matrix, such as
            biases and batch normalisation.

    Raises:
        InputError: no pulses, or memories outside of 0 to 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    most: int = 14
    digital_rate: float = 8e-3

    def __post_init__(self) -> None:
        if self.most < 1 or not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise InputError(
                f"the rule was given as {self}; allowed are at least one pulse, and betas from 0 to"
                " below 1; correct the values"
            )


class WeakReset(torch.optim.Optimizer):
    """An optimiser of signs: matrices are pairs of devices, all other parameters ordinary.

    Matrices hold their signs from the beginning; the first step writes all of them.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 100.0,
        devices: WeakResetDevices | None = None,
        rule: WeakResetRule | None = None,
        seed: int = 0,
    ) -> None:
        """Put the matrices among the parameters onto fresh devices.

        Args:
            params: of a network; matrices are float32, contiguous and on the CPU.
            lr: pulses per unit step of Adam.
            devices: what they are made of.
            rule: from gradients to pulses.
            seed: of the devices and their noise.

        Raises:
            InputError: there is no matrix, or one is not float32, contiguous and on the CPU.
            CardError: the card does not exist, or has no such devices.
        """
        self.devices = devices or WeakResetDevices()
        self.rule = rule or WeakResetRule()
        self.seed = seed
        self.pulses_given = 0
        both = list(params)
        matrices = [p for p in both if p.dim() > 1]
        others = [p for p in both if p.dim() <= 1]
        _check(matrices)
        groups: list[dict[str, Any]] = [{"params": matrices, "lr": lr, "pairs": True}]
        if others:
            groups.append({"params": others, "lr": self.rule.digital_rate, "pairs": False})
        super().__init__(groups, {"lr": lr})
        for index, matrix in enumerate(matrices):
            self.state[matrix].update(self._fresh(matrix, index))
        self.register_load_state_dict_post_hook(_whole_numbers)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # noqa: ANN401 - torch's
        """Give the pulses that the gradients ask for, and read all weights."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if group["pairs"]:
                    gradient = parameter.grad.reshape(-1).contiguous().numpy()
                    self._advance(parameter, gradient, group["lr"])
                else:
                    self._digital(parameter, parameter.grad, group["lr"])
        return loss

    @torch.no_grad()
    def read(self) -> None:
        """Read all weights once more: no pulses, other telegraph noise."""
        for group in self.param_groups:
            for parameter in group["params"] if group["pairs"] else ():
                self._advance(parameter, NOTHING, group["lr"])

    def resistances(self, matrix: nn.Parameter) -> Float[np.ndarray, 2 * shape]:
        """What the cells of a matrix have now, R_BL and R_BLb [ohm], as the next read sees them."""
        state = self.state[matrix]
        pairs = Pairs(*(state[name].numpy() for name in Pairs._fields))
        found = np.empty((2, matrix.numel()), np.float32)
        logarithms(pairs, self._noise(state), found)
        return np.exp(found).reshape(2, *matrix.shape)

    def _fresh(self, matrix: Tensor, index: int) -> dict[str, Any]:
        """Devices without a pulse for a matrix, which keeps its signs until the first step."""
        with torch.no_grad():
            matrix.sign_()
        count, card = matrix.numel(), card_named(self.devices.card)
        seed = int(np.random.SeedSequence([self.seed, index]).generate_state(1)[0])
        own = self.devices.device_to_device
        size = count if own else BLOCK
        drawn = WeakResetPopulation(card, 2 * size, seed, own).devices()
        numbers = np.empty((2, DEVICE_NUMBERS, size), np.float32)
        for place, values in (
            (OFFSET, np.log(drawn["R0"]) + drawn["c1"]),
            (SLOPE, drawn["m1"]),
            (KNEE, drawn["t_star"]),
            (LATER_SLOPE, drawn["m2"]),
            (AMPLITUDE, drawn["A"]),
        ):
            numbers[:, place] = values.reshape(2, size)
        upper = np.zeros((2, count if self.devices.telegraph else 0), np.uint8)
        up, down = card.number("telegraph_up"), card.number("telegraph_down")
        upper[:] = stream(seed, "weak reset start").random(upper.shape) < up / (up + down)
        return {
            "seed": seed,
            "draw": 0,
            "step": 0,
            "first": torch.zeros(count),
            "second": torch.zeros(count),
            "pulses": torch.zeros(2, count, dtype=torch.int32),
            "upper": torch.from_numpy(upper),
            "devices": torch.from_numpy(numbers),
        }

    def _advance(self, parameter: Tensor, gradient: np.ndarray, rate: float) -> None:
        """One compiled pass over a matrix."""
        state, rule = self.state[parameter], self.rule
        state["step"] += bool(gradient.size)
        steps = max(state["step"], 1)
        moves = Moves(
            state["first"].numpy(),
            state["second"].numpy(),
            beta1=np.float32(rule.beta1),
            beta2=np.float32(rule.beta2),
            epsilon=np.float32(rule.epsilon),
            rate=np.float32(rate),
            correction1=np.float32(1.0 - rule.beta1**steps),
            correction2=np.float32(1.0 - rule.beta2**steps),
            most=np.float32(rule.most),
        )
        pairs = Pairs(*(state[name].numpy() for name in Pairs._fields))
        weight = parameter.detach().view(-1).numpy()
        self.pulses_given += advance(weight, gradient, moves, pairs, self._noise(state))
        state["draw"] += 1

    def _noise(self, state: dict[str, Any]) -> Noise:
        """The noise of this step."""
        card = card_named(self.devices.card)
        up, down = card.number("telegraph_up"), card.number("telegraph_down")
        taps = memory = NOTHING
        if self.devices.flicker:
            taps = flicker_taps(round(card.number("flicker_taps")))
            taps = (card.number("flicker_coupling") * taps).astype(np.float32)
        if self.devices.telegraph:
            memory = ((1.0 - up - down) ** np.arange(self.rule.most + 1)).astype(np.float32)
        return Noise(
            np.uint32(state["seed"]),
            np.uint32(state["draw"]),
            taps,
            memory,
            np.float32(up / (up + down)),
        )

    def _digital(self, parameter: Tensor, gradient: Tensor, rate: float) -> None:
        """Ordinary Adam."""
        state, rule = self.state[parameter], self.rule
        if not state:
            state["step"] = 0
            state["first"] = torch.zeros_like(parameter)
            state["second"] = torch.zeros_like(parameter)
        state["step"] += 1
        first = state["first"].lerp_(gradient, 1.0 - rule.beta1)
        second = state["second"].lerp_(gradient * gradient, 1.0 - rule.beta2)
        root = (second / (1.0 - rule.beta2 ** state["step"])).sqrt() + rule.epsilon
        parameter.addcdiv_(first, root, value=-rate / (1.0 - rule.beta1 ** state["step"]))


def _check(matrices: list[nn.Parameter]) -> None:
    if not matrices:
        raise InputError(
            "no matrix was given; weak RESET trains the signs of matrices; give the parameters of"
            " a network with one"
        )
    for matrix in matrices:
        fits = matrix.dtype == torch.float32 and matrix.device.type == "cpu"
        if not (fits and matrix.is_contiguous()):
            raise InputError(
                f"a matrix of {matrix.dtype} on {matrix.device} was given; pairs of devices hold"
                " contiguous float32 on the CPU; convert it"
            )


def _whole_numbers(optimizer: torch.optim.Optimizer) -> None:
    """Loading brings all state to the type of its parameter; counts are whole numbers."""
    for state in optimizer.state.values():
        for name, dtype in INTEGERS.items():
            if name in state:
                state[name] = state[name].to(dtype)
