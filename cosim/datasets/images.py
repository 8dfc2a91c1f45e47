"""Images with labels, as every data set here gives them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cosim.errors import InputError


@dataclass(frozen=True)
class Images:
    """A data set with pixels in [0, 1], channels first.

    Attributes:
        name: of the data set.
        train_images: images to train on.
        train_labels: their classes.
        test_images: images that no training has seen.
        test_labels: their classes.
        classes: number of classes.
    """

    name: str
    train_images: Float[Tensor, "train channels height width"]
    train_labels: Int[Tensor, " train"]
    test_images: Float[Tensor, "test channels height width"]
    test_labels: Int[Tensor, " test"]
    classes: int = 10

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width

    @property
    def pixels(self) -> int:
        """Values of one image."""
        return prod(self.shape)

    def pooled(self, factor: int) -> Images:
        """The same images with every `factor` x `factor` pixels averaged.

        Raises:
            InputError: the factor does not divide the height or the width.
        """
        if factor < 1 or self.shape[1] % factor or self.shape[2] % factor:
            raise InputError(
                f"images of {self.shape[1]}x{self.shape[2]} pixels were to be averaged over"
                f" {factor}x{factor}; allowed is a factor that divides both; give another one"
            )
        average = torch.nn.functional.avg_pool2d
        return replace(
            self,
            train_images=average(self.train_images, factor),
            test_images=average(self.test_images, factor),
        )

    def first(self, train: int | None, test: int | None) -> Images:
        """The first images of each set; None keeps all."""
        return replace(
            self,
            train_images=self.train_images[:train],
            train_labels=self.train_labels[:train],
            test_images=self.test_images[:test],
            test_labels=self.test_labels[:test],
        )
