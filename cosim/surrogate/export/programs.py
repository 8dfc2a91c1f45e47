"""Surrogates as programs: `torch.export` for torch alone, ONNX for everything else.

    torch.export.load("tile.pt2").module()(V)           known weights
    torch.export.load("tile.pt2").module()(V, G)        changing weights, with gradients
    onnxruntime.InferenceSession("tile.onnx").run(None, {"voltages": V})

A program holds its numbers, so a file is all that its user needs. Every file is read back after it
is written and asked random vectors of the domain, against the surrogate that it came from.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import CheckFailed, InputError
from cosim.surrogate.base import Surrogate
from cosim.surrogate.line_mode_fields import FIELD_VALUES, LineModeFields


Precision = Literal["single", "double"]
Sampler = Callable[[int], tuple[Tensor, ...]]
DTYPES: Mapping[Precision, torch.dtype] = {"single": torch.float32, "double": torch.float64}
# Part of the largest current by which a file may differ from the surrogate that it came from.
AGREEMENT: Mapping[Precision, float] = {"single": 1e-5, "double": 1e-12}
ABOUT = "cosim.json"
TRACED, CHECKED = 4, 33  # vectors; different, so that a size which was not left open is found
ONNX_PACKAGES = ("onnx", "onnxscript")


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        path: of the file.
        vectors: random vectors that the file was asked after it was read back; 0 for none.
        largest: largest difference from the surrogate, by its largest current.
    """

    path: Path
    vectors: int
    largest: float


class KnownWeights(nn.Module):
    """A tile whose conductances stay: a function of the inputs alone."""

    def __init__(self, surrogate: Surrogate, G: Float[Tensor, "rows cols"]) -> None:
        super().__init__()
        with torch.no_grad():
            self.operator = surrogate.prepare(G)

    def forward(self, voltages: Float[Tensor, "samples rows"]) -> Float[Tensor, "samples cols"]:
        """Column currents [A]."""
        return self.operator(voltages)


class ChangingWeights(nn.Module):
    """A tile as a function of its inputs and its conductances."""

    def __init__(self, surrogate: Surrogate) -> None:
        super().__init__()
        self.surrogate = surrogate

    def forward(
        self, voltages: Float[Tensor, "samples rows"], conductances: Float[Tensor, "rows cols"]
    ) -> Float[Tensor, "samples cols"]:
        """Column currents [A]."""
        return self.surrogate(voltages, conductances)


def write_program(
    surrogate: Surrogate,
    path: Path,
    conductances: Float[np.ndarray, "rows cols"] | None = None,
    precision: Precision = "single",
    about: Mapping[str, Any] | None = None,
) -> Written:
    """Write a `.pt2` file that torch alone loads.

    Args:
        surrogate: float64.
        path: of the file.
        conductances: of the tile whose weights are known [S]; None leaves them an input.
        precision: of its numbers and inputs.
        about: plain values kept in the file as `cosim.json`.

    Raises:
        ShapeError: the conductances do not fit the tile.
        CheckFailed: the file does not give the currents of the surrogate.
    """
    module, sample = _module(surrogate, conductances, precision)
    with torch.no_grad():
        program = torch.export.export(
            module, sample(TRACED), dynamic_shapes=_open(surrogate, sample)
        )
    extra = {ABOUT: json.dumps(dict(about or {}), indent=2)}
    torch.export.save(program, path, extra_files=extra)
    loaded = torch.export.load(path).module()
    return _checked(path, module, sample(CHECKED), loaded, precision)


def write_onnx(
    surrogate: Surrogate,
    path: Path,
    conductances: Float[np.ndarray, "rows cols"],
    precision: Precision = "single",
    about: Mapping[str, Any] | None = None,
) -> Written:
    """Write an ONNX model of a tile whose weights are known; see `write_program`.

    Raises:
        InputError: the packages of the `export` extra are not installed.
    """
    missing = [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"ONNX needs the packages {', '.join(missing)}, which are not installed; install"
            " `cosim[export]`, or export with `--to torch`"
        )
    module, sample = _module(surrogate, conductances, precision)
    with _exporter_quiet():
        model = torch.onnx.export(
            module.eval(),
            sample(TRACED),
            dynamo=True,
            dynamic_shapes=_open(surrogate, sample),
            input_names=["voltages"],
            output_names=["currents"],
            verbose=False,
        )
    if model is None:
        raise InputError(f"torch could not write {path} as ONNX; export with `--to torch`")
    model.model.metadata_props["cosim"] = json.dumps(dict(about or {}))
    model.save(path)
    if importlib.util.find_spec("onnxruntime") is None:
        return Written(path, 0, float("nan"))
    return _checked(path, module, sample(CHECKED), _onnx_session(path), precision)


def _module(
    surrogate: Surrogate, conductances: np.ndarray | None, precision: Precision
) -> tuple[nn.Module, Sampler]:
    """What is exported, and a maker of random arguments of the domain for it."""
    dtype = DTYPES[precision]
    moved = copy.deepcopy(surrogate).to(dtype)
    domain, generator = surrogate.domain, torch.Generator().manual_seed(0)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        unit = torch.rand(*shape, dtype=torch.float64, generator=generator)
        return (low + (high - low) * unit).to(dtype)

    def sample(count: int) -> tuple[Tensor, ...]:
        V = uniform(domain.input_low, domain.input_high, count, surrogate.rows)
        if conductances is not None:
            return (V,)
        low, high = domain.conductance_low, domain.conductance_high
        return V, uniform(low, high, surrogate.rows, surrogate.cols)

    if conductances is None:
        return ChangingWeights(moved), sample
    G = torch.as_tensor(np.asarray(conductances), dtype=dtype)
    return KnownWeights(moved, G), sample


def _open(surrogate: Surrogate, sample: Sampler) -> tuple[dict[int, Any] | None, ...]:
    """The number of vectors is left open, the size of the tile is not."""
    cells = surrogate.rows * surrogate.cols
    most = FIELD_VALUES // cells if isinstance(surrogate, LineModeFields) else None
    vectors = torch.export.Dim("samples", min=1, max=most)
    return ({0: vectors}, *(None for _ in sample(1)[1:]))


def _checked(
    path: Path,
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    loaded: Callable[..., Tensor | np.ndarray],
    precision: Precision,
) -> Written:
    with torch.no_grad():
        expected, found = module(*arguments), torch.as_tensor(loaded(*arguments))
    largest = float((found - expected).abs().max() / expected.abs().max())
    if not largest <= AGREEMENT[precision]:
        raise CheckFailed(
            f"{path} gives currents that differ from the surrogate's by {largest:.3g} of the"
            f" largest; {AGREEMENT[precision]:g} is allowed; do not use it, and export in double"
            " precision"
        )
    return Written(path, len(expected), largest)


@contextmanager
def _exporter_quiet() -> Iterator[None]:
    """The exporter speaks of packages that are not needed, and of its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _onnx_session(path: Path) -> Callable[[Tensor], np.ndarray]:
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda V: session.run(None, {"voltages": V.numpy()})[0]
