"""MNIST from its four original files.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
recognition", Proc. IEEE 86, 1998. An IDX file is a magic number (0x0800 and the number of axes),
the lengths of the axes as big-endian 32-bit integers, and the bytes.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cosim.datasets.images import Images
from cosim.errors import DatasetError


# Images and labels of each set, under FOLDER/MNIST/raw, compressed (.gz) or not.
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
UNSIGNED_BYTES = 0x0800


def mnist(folder: Path) -> Images:
    """MNIST: 60,000 images to train on, 10,000 to test on, 28x28 pixels.

    Args:
        folder: where `MNIST/raw/` with the four files is.

    Raises:
        DatasetError: a file is missing or is not what it should be.
    """
    sets: dict[str, tuple[Tensor, Tensor]] = {}
    for name, (images_file, labels_file) in FILES.items():
        images = torch.from_numpy(_read(folder, images_file, axes=3)).float() / 255
        labels = torch.from_numpy(_read(folder, labels_file, axes=1)).long()
        if len(images) != len(labels):
            raise DatasetError(
                f"`{images_file}` has {len(images)} images, `{labels_file}` {len(labels)} labels;"
                " both must have as many; get the four files of MNIST again"
            )
        sets[name] = (images.unsqueeze(1), labels)
    return Images("mnist", *sets["train"], *sets["test"])


def _read(folder: Path, name: str, axes: int) -> np.ndarray:
    raw = folder / "MNIST" / "raw"
    packed, plain = raw / f"{name}.gz", raw / name
    path = packed if packed.exists() else plain
    try:
        content = gzip.decompress(path.read_bytes()) if path == packed else path.read_bytes()
        header = struct.unpack_from(f">{1 + axes}I", content)
    except FileNotFoundError as error:
        raise DatasetError(
            f"`{packed}` does not exist; MNIST is read from the folder that you name, as"
            f" MNIST/raw/{name}.gz or {name}; put its four files there"
        ) from error
    except (OSError, EOFError, struct.error) as error:
        raise DatasetError(
            f"`{path}` cannot be read ({error}); it must be an IDX file of MNIST;"
            " get the four files of MNIST again"
        ) from error
    magic, *shape = header
    data = np.frombuffer(content, np.uint8, offset=4 * len(header))
    if magic != UNSIGNED_BYTES + axes or data.size != np.prod(shape):
        raise DatasetError(
            f"`{path}` is not an IDX file of unsigned bytes with {axes} axes, or it is cut short;"
            " get the four files of MNIST again"
        )
    return data.reshape(shape).copy()
