"""A surrogate on disk: one folder with its numbers and one JSON file that says what they mean.

    SURROGATE/
        surrogate.safetensors    the numbers, float64
        surrogate.json           kind, settings, specification and its hash, domain, certificate,
                                 the tile's periphery, temperatures, and the hash of the file above

Nothing is pickled, so a folder from a stranger can be read without running the stranger's code.
Whatever is wrong with a folder is said in one `DatasetError`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from cosim.errors import DatasetError, InputError, MissingFileError
from cosim.surrogate.ageing import Aged, card_of
from cosim.surrogate.alpha_beta import AlphaBeta
from cosim.surrogate.base import Surrogate
from cosim.surrogate.certificate import Certificate
from cosim.surrogate.ideal import IdealProduct
from cosim.surrogate.line_mode_fields import LineModeFields
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin
from cosim.surrogate.low_rank import LowRank
from cosim.surrogate.series_resistance import SeriesResistance
from cosim.surrogate.small_network import SmallNetwork
from cosim.surrogate.temperature import TemperatureTable
from cosim.surrogate.tile_certificate import TileCertificate
from cosim.surrogate.tile_model import TileModel
from cosim.surrogate.tile_store import rebuilt_tile, tile_settings, tile_tensors
from netlists.specs import TileSpec


FORMAT = "cosim surrogate"
FORMAT_VERSION = 1
WEIGHTS = "surrogate.safetensors"
DESCRIPTION = "surrogate.json"

KINDS: dict[str, type[Surrogate]] = {
    kind.kind: kind
    for kind in (Aged, IdealProduct, LineModeGalerkin, LineModeFields, SeriesResistance, AlphaBeta)
} | {LowRank.kind: LowRank, SmallNetwork.kind: SmallNetwork}


@dataclass(frozen=True)
class StoredSurrogate:
    """What a surrogate folder holds.

    Attributes:
        surrogate: the surrogate, float64.
        spec: the tile's specification as plain values.
        spec_hash: its hash.
        certificate: the certificate; None for a surrogate that was never judged.
        tile: the surrogate with the laws of its periphery, from codes to codes; None for a tile
            without a read-out, and where it was not stored.
        tile_certificate: its certificate; None when it was never judged.
        temperatures: the surrogate's cells at other temperatures; None where not stored.
    """

    surrogate: Surrogate
    spec: Mapping[str, Any]
    spec_hash: str
    certificate: Certificate | None
    tile: TileModel | None = None
    tile_certificate: TileCertificate | None = None
    temperatures: TemperatureTable | None = None

    def at(self, temperature: float | None = None, seconds: float | None = None) -> StoredSurrogate:
        """The surrogate under another condition; nothing is certified there.

        Args:
            temperature: of the tile [K]; its own when None.
            seconds: since the conductances were programmed; freshly programmed when None.

        Raises:
            InputError: a temperature that the folder does not cover, or cells without a card.
            CardError: the card has no law of drift or retention.
        """
        line = self.surrogate
        if temperature is not None:
            if self.temperatures is None or not isinstance(line, LineModeGalerkin):
                raise InputError(
                    f"the surrogate ({line.kind}) has no other temperatures than its tile's; "
                    "temperatures come with `cosim fit` for cells of compiled models"
                )
            line = self.temperatures.at(line, temperature)
        if seconds is not None:
            spec = TileSpec.from_dict(dict(self.spec), origin=DESCRIPTION)
            line = Aged.of(line, card_of(spec), seconds)
        tile = None if self.tile is None else self.tile.with_line(line)
        return replace(self, surrogate=line, tile=tile, certificate=None, tile_certificate=None)


def save(
    folder: Path | str,
    surrogate: Surrogate,
    spec: Mapping[str, Any],
    spec_hash: str,
    certificate: Certificate | None = None,
    *,
    tile: TileModel | None = None,
    tile_certificate: TileCertificate | None = None,
    temperatures: TemperatureTable | None = None,
) -> Path:
    """Write a surrogate folder, replacing the two files if they are there.

    Args:
        folder: where to; made if it does not exist.
        surrogate: the surrogate.
        spec: the tile's specification as plain values (`spec.model_dump(mode="json")`).
        spec_hash: its hash (`spec.content_hash()`).
        certificate: what `fit` gave.
        tile: the same surrogate with its periphery, if the tile has one.
        tile_certificate: what `fit_tile` gave.
        temperatures: the surrogate's cells at other temperatures.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = dict(surrogate.tensors())
    if tile is not None:
        tensors |= tile_tensors(tile)
    if temperatures is not None:
        tensors |= temperatures.tensors()
    weights = safetensors.torch.save(tensors)
    description = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "kind": surrogate.kind,
        "settings": surrogate.settings(),
        "spec": dict(spec),
        "spec_hash": spec_hash,
        "certificate": certificate.to_dict() if certificate else None,
        "tile": None if tile is None else tile_settings(tile),
        "tile_certificate": tile_certificate.to_dict() if tile_certificate else None,
        "temperatures": None if temperatures is None else temperatures.settings(),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    (folder / WEIGHTS).write_bytes(weights)
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
    return folder


def load(folder: Path | str, spec_hash: str | None = None) -> StoredSurrogate:
    """Read a surrogate folder.

    Args:
        folder: what `save` wrote.
        spec_hash: hash of the tile it is to be used for; None accepts any.

    Raises:
        MissingFileError: there is no such folder.
        DatasetError: the folder is damaged, truncated, foreign, or of another tile.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(
            f"there is no surrogate folder `{folder}`; give the folder that `cosim fit` wrote"
        )
    description = _description(folder)
    tensors = _tensors(folder, description)
    try:
        kind = KINDS[description["kind"]]
        surrogate = kind.rebuild(description["settings"], tensors)
        stored = _stored(description, surrogate, tensors)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, InputError) as error:
        raise _refused(folder, f"its description is not complete ({error!r})") from error
    if spec_hash is not None and stored.spec_hash != spec_hash:
        raise _refused(
            folder, f"it is of the tile {stored.spec_hash}, and the tile asked for is {spec_hash}"
        )
    return stored


def _stored(
    description: Mapping[str, Any], surrogate: Surrogate, tensors: Mapping[str, Tensor]
) -> StoredSurrogate:
    """All parts of a folder; folders from before there were tiles have no such parts."""
    certificate, proof = description["certificate"], description.get("tile_certificate")
    tile, temperatures = description.get("tile"), description.get("temperatures")
    if tile is not None:
        spec = TileSpec.from_dict(dict(description["spec"]), origin=DESCRIPTION)
        tile = rebuilt_tile(spec, surrogate, tile, tensors)
    return StoredSurrogate(
        surrogate,
        description["spec"],
        description["spec_hash"],
        None if certificate is None else Certificate.from_dict(certificate),
        tile,
        None if proof is None else TileCertificate.from_dict(proof),
        None if temperatures is None else TemperatureTable.rebuild(temperatures, tensors),
    )


def _description(folder: Path) -> dict[str, Any]:
    try:
        description = json.loads((folder / DESCRIPTION).read_text())
    except FileNotFoundError as error:
        raise _refused(folder, f"it has no `{DESCRIPTION}`") from error
    except (OSError, ValueError) as error:
        raise _refused(folder, f"`{DESCRIPTION}` is not readable as JSON ({error})") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise _refused(folder, f"`{DESCRIPTION}` does not say `format: {FORMAT}`")
    if description.get("version") != FORMAT_VERSION:
        raise _refused(folder, f"its format version is {description.get('version')!r}")
    return description


def _tensors(folder: Path, description: Mapping[str, Any]) -> dict[str, Tensor]:
    try:
        content = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise _refused(folder, f"`{WEIGHTS}` cannot be read ({error})") from error
    if hashlib.sha256(content).hexdigest() != description.get("weights_sha256"):
        raise _refused(folder, f"`{WEIGHTS}` is not the file that was written")
    try:
        return safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise _refused(folder, f"`{WEIGHTS}` is damaged ({error})") from error


def _refused(folder: Path, what: str) -> DatasetError:
    return DatasetError(
        f"`{folder}` cannot be used as a surrogate: {what}; allowed is a folder written by"
        f" `cosim fit`, format version {FORMAT_VERSION}; fit the surrogate again"
    )
