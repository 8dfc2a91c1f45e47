"""The digits: 1,797 images of 8x8 pixels with 17 grey levels that ship inside scikit-learn.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits

from cosim.datasets.images import Images


GREY_LEVELS = 16
TEST_SHARE = 0.25


def digits(seed: int) -> Images:
    """The digits, three quarters to train on and one quarter to test on.

    Args:
        seed: of the order, and so of what is tested.
    """
    flat, labels = load_digits(return_X_y=True)
    order = np.random.default_rng([seed, 1797]).permutation(len(flat))
    images = torch.from_numpy(flat[order] / GREY_LEVELS).float().reshape(-1, 1, 8, 8)
    classes = torch.from_numpy(labels[order]).long()
    split = round(len(images) * (1 - TEST_SHARE))
    return Images("digits", images[:split], classes[:split], images[split:], classes[split:])
