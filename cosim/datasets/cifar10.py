"""CIFAR-10 in its binary layout.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009. Each of the six files
holds 10,000 records of one label byte and 3,072 pixel bytes, red, green and blue planes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cosim.datasets.images import Images
from cosim.errors import DatasetError


TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILE = "test_batch.bin"
SHAPE = (3, 32, 32)
RECORD = 1 + 3072


def cifar10(folder: Path) -> Images:
    """CIFAR-10: 50,000 images to train on, 10,000 to test on, 3x32x32 pixels.

    Args:
        folder: where `cifar-10-batches-bin/` with the six files is.

    Raises:
        DatasetError: a file is missing or is not what it should be.
    """
    batches = [_read(folder / "cifar-10-batches-bin" / name) for name in TRAIN_FILES]
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    test_images, test_labels = _read(folder / "cifar-10-batches-bin" / TEST_FILE)
    return Images("cifar10", images, labels, test_images, test_labels)


def _read(path: Path) -> tuple[Tensor, Tensor]:
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DatasetError(
            f"`{path}` cannot be read ({error.strerror}); CIFAR-10 is read from the folder that"
            " you name, in the binary layout cifar-10-batches-bin/*.bin; put its six files there"
        ) from error
    if not content.size or content.size % RECORD:
        raise DatasetError(
            f"`{path}` has {content.size} bytes; a file of CIFAR-10 has a multiple of {RECORD};"
            " get the binary version of CIFAR-10 again"
        )
    records = content.reshape(-1, RECORD)
    images = torch.from_numpy(records[:, 1:].reshape(-1, *SHAPE).copy()).float() / 255
    return images, torch.from_numpy(records[:, 0].copy()).long()
