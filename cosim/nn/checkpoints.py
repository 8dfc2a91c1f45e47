"""Training that was cut off goes on from its last whole epoch, and ends with the same weights.

After every epoch everything that the next one starts from is written to one file: weights and
buffers, the optimiser's numbers, learning rates, and all random streams. The file is replaced as a
whole, and it is plain numbers and text, as safetensors has them. A digest of what the training
started from says whose state it is; that of another training is not taken up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from cosim.nn.network import analog_layers
from cosim.nn.solved import SolvedTile
from cosim.surrogate import LineModeGalerkin
from cosim.surrogate.base import Surrogate


@dataclass(frozen=True)
class Training:
    """What a training consists of while it runs.

    Attributes:
        network: that is trained.
        optimizer: of its parameters.
        schedule: of the learning rate.
        generators: random streams besides those of the layers' disturbances.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    generators: tuple[torch.Generator, ...]

    @property
    def streams(self) -> list[torch.Generator]:
        """All random streams."""
        return [*self.generators, *(layer.generator for layer in analog_layers(self.network))]

    def tensors(self) -> dict[str, Tensor]:
        """Everything that is tensors, by name."""
        found = {f"network {name}": value for name, value in self.network.state_dict().items()}
        for number, state in enumerate(self._of_optimizer()):
            found.update({f"optimizer {number} {name}": value for name, value in state.items()})
        streams = enumerate(self.streams)
        found.update({f"stream {number}": one.get_state() for number, one in streams})
        return {name: value.detach().contiguous() for name, value in found.items()}

    def numbers(self) -> dict[str, Any]:
        """Everything else, as JSON has it."""
        groups = [
            {name: value for name, value in group.items() if name != "params"}
            for group in self.optimizer.param_groups
        ]
        counted = ("last_epoch", "_step_count", "_last_lr")
        return {
            "groups": groups,
            "schedule": {name: getattr(self.schedule, name) for name in counted},
            "spent": [_by_name(one.spent) for one in _counting(self.network)],
        }

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Take up what `tensors` and `numbers` gave."""
        self.network.load_state_dict(_with_prefix(tensors, "network "))
        for number, parameter in enumerate(self._parameters()):
            state = _with_prefix(tensors, f"optimizer {number} ")
            if state:
                self.optimizer.state[parameter] = state
        for number, stream in enumerate(self.streams):
            stream.set_state(tensors[f"stream {number}"])
        for group, kept in zip(self.optimizer.param_groups, numbers["groups"], strict=True):
            group.update({k: tuple(v) if isinstance(v, list) else v for k, v in kept.items()})
        for name, value in numbers["schedule"].items():
            setattr(self.schedule, name, value)
        for one, spent in zip(_counting(self.network), numbers["spent"], strict=True):
            one.spent = {getattr(torch, name): count for name, count in spent.items()}

    def _parameters(self) -> Iterator[nn.Parameter]:
        for group in self.optimizer.param_groups:
            yield from group["params"]

    def _of_optimizer(self) -> Iterator[dict[str, Tensor]]:
        for parameter in self._parameters():
            yield self.optimizer.state.get(parameter, {})


@dataclass(frozen=True)
class Checkpoint:
    """The file that the state of a training is kept in.

    Attributes:
        path: of the file; its folder is made if it is not there.
        digest: of what the training started from.
    """

    path: Path
    digest: str

    def keep(self, training: Training, losses: list[float]) -> None:
        """Replace what was kept by the state after as many epochs as there are losses."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = {"digest": self.digest, "losses": losses, **training.numbers()}
        unfinished = self.path.with_suffix(".unfinished")
        safetensors.torch.save_file(training.tensors(), unfinished, {"training": json.dumps(text)})
        unfinished.replace(self.path)

    def take_up(self, training: Training) -> list[float]:
        """Go on where this training was cut off: the losses of its epochs; none from the start."""
        try:
            with safetensors.safe_open(self.path, "pt") as file:
                text = json.loads((file.metadata() or {})["training"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, safetensors.SafetensorError, KeyError, ValueError):
            return []
        if text.get("digest") != self.digest:
            return []
        training.restore(tensors, text)
        return list(text["losses"])


def digest_of(network: nn.Module, given: Iterable[Tensor], settings: object) -> str:
    """A digest of what a training starts from: network, arithmetic, data and settings."""
    found = hashlib.sha256(repr(settings).encode())
    for layer in analog_layers(network):
        found.update(repr((layer.settings, layer.programming_error)).encode())
        model = layer.surrogate
        if isinstance(model, Surrogate):
            found.update(json.dumps(model.settings(), sort_keys=True, default=str).encode())
            for value in model.tensors().values():
                _add(found, value)
        elif isinstance(model, SolvedTile):
            found.update(model.spec.content_hash().encode())
    for name, value in network.state_dict().items():
        found.update(name.encode())
        _add(found, value)
    for value in given:
        _add(found, value)
    return found.hexdigest()


def _add(digest: Any, value: Tensor) -> None:  # noqa: ANN401 - hashlib's
    digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _counting(network: nn.Module) -> list[LineModeGalerkin]:
    """Surrogates that answer in another form after a while, each once."""
    models = {id(layer.surrogate): layer.surrogate for layer in analog_layers(network)}
    return [model for model in models.values() if isinstance(model, LineModeGalerkin)]


def _by_name(spent: dict[torch.dtype, int]) -> dict[str, int]:
    return {str(dtype).removeprefix("torch."): count for dtype, count in spent.items()}
