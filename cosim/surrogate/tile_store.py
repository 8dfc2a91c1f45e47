"""The laws of a tile's periphery as numbers and plain values, for a surrogate's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import Tensor

from cosim.surrogate.base import Surrogate
from cosim.surrogate.converter_law import converter_of
from cosim.surrogate.energy_model import FEATURES, EnergyModel
from cosim.surrogate.sensing_law import SensingLaw
from cosim.surrogate.tile_model import TileModel, Waiting, readout_of
from netlists.specs import TileSpec


SENSING = "tile_sensing"
ENERGY = "tile_energy_"


def tile_tensors(tile: TileModel) -> dict[str, Tensor]:
    """The curve of the sensing and the factors of the energies, float64."""
    tensors = {SENSING: tile.sensing.twin}
    if tile.energy_model is not None:
        tensors |= {f"{ENERGY}{block}": one for block, one in tile.energy_model.factors.items()}
    return {name: one.detach().double().cpu().contiguous() for name, one in tensors.items()}


def tile_settings(tile: TileModel) -> dict[str, Any]:
    """The rest of the laws; the circuits themselves are in the tile's specification."""
    return {
        "sensing": tile.sensing.settings(),
        "converter": None if tile.converter is None else tile.converter.settings(),
        "waiting": asdict(tile.waiting),
        "energy": [] if tile.energy_model is None else sorted(tile.energy_model.factors),
    }


def rebuilt_tile(
    spec: TileSpec, line: Surrogate, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> TileModel:
    """The surrogate of a tile that `tile_settings` and `tile_tensors` describe.

    Raises:
        KeyError, TypeError, ValueError: they are not complete.
        SpecError: the tile has no read-out.
    """
    sensing = SensingLaw.rebuild(settings["sensing"], tensors[SENSING])
    factors = {block: tensors[f"{ENERGY}{block}"] for block in settings["energy"]}
    if any(one.shape != (len(FEATURES),) for one in factors.values()):
        raise ValueError(f"energies have {len(FEATURES)} factors each")
    converter = converter_of(readout_of(spec), settings["converter"])
    energy, waiting = EnergyModel(factors) if factors else None, Waiting(**settings["waiting"])
    return TileModel(spec, line, sensing, converter, energy, waiting)
