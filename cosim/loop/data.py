"""Images for studies, split into training and test sets by a seed.

The digits are 1,797 images of 8x8 pixels with 17 grey levels that ship inside scikit-learn
(E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.datasets import load_digits
from torch import Tensor


GREY_LEVELS = 16
TEST_SHARE = 0.25


@dataclass(frozen=True)
class Images:
    """A data set with pixels in [0, 1].

    Attributes:
        train_images: one flattened image per row.
        train_labels: its class.
        test_images: images that no training has seen.
        test_labels: their classes.
    """

    train_images: Float[Tensor, "train pixels"]
    train_labels: Int[Tensor, " train"]
    test_images: Float[Tensor, "test pixels"]
    test_labels: Int[Tensor, " test"]

    @property
    def pixels(self) -> int:
        """Inputs of a network."""
        return self.train_images.shape[1]

    @property
    def classes(self) -> int:
        """Outputs of a network."""
        return int(self.train_labels.max()) + 1


def digits(seed: int) -> Images:
    """The digits, three quarters to train on and one quarter to test on."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng([seed, 1797]).permutation(len(images))
    pixels = torch.from_numpy(images[order] / GREY_LEVELS).float()
    classes = torch.from_numpy(labels[order]).long()
    split = round(len(images) * (1 - TEST_SHARE))
    return Images(pixels[:split], classes[:split], pixels[split:], classes[split:])
