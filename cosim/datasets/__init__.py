"""Images that networks are trained and tested on.

The digits come with scikit-learn; MNIST and CIFAR-10 are read from a folder that the user names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cosim.datasets.cifar10 import cifar10
from cosim.datasets.digits import digits
from cosim.datasets.images import Images
from cosim.datasets.mnist import mnist
from cosim.errors import InputError


DatasetName = Literal["digits", "mnist", "cifar10"]


def load_images(name: DatasetName, folder: Path | None, seed: int = 0) -> Images:
    """A data set by its name.

    Args:
        name: `digits` comes with scikit-learn; `mnist` and `cifar10` are read from `folder`.
        folder: where `MNIST/raw` and `cifar-10-batches-bin` are; None where only digits are used.
        seed: of the split of the digits; the other sets are split by their makers.

    Raises:
        InputError: the data set needs a folder and none was given.
        DatasetError: the folder does not hold the data set.
    """
    if name == "digits":
        return digits(seed)
    if folder is None:
        raise InputError(
            f"the data set `{name}` was asked for without a folder; it does not come with cosim;"
            " name the folder that holds MNIST/raw or cifar-10-batches-bin, or use `digits`"
        )
    return mnist(folder) if name == "mnist" else cifar10(folder)


__all__ = ["DatasetName", "Images", "cifar10", "digits", "load_images", "mnist"]
