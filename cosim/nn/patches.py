"""Patches of images as the input vectors of tiles, without cutting them out.

What linear cells conduct for every patch of an image is a convolution of the image with columns of
conductances. So exact products need no copy of every patch, which would take as many times the
memory of the image as a kernel has values; `rows` cuts them out for everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cosim.nn.window import Window


CONVOLUTIONS: dict[int, Callable[..., Tensor]] = {
    1: functional.conv1d,
    2: functional.conv2d,
    3: functional.conv3d,
}


@dataclass(frozen=True)
class Patches:
    """Input vectors that are the patches of images, one chip's after another's.

    Attributes:
        images: values from 0 to 1.
        window: which patches there are; one group.
    """

    images: Float[Tensor, "*chips batch channels *size"]
    window: Window

    @property
    def rows(self) -> Float[Tensor, "*chips vectors in_features"]:
        """The patches as vectors, in the order channel, then the axes of the kernel."""
        images, axes = self.images, self.window.axes + 2
        if images.dim() == axes:
            return self.window.patches(images).flatten(0, 1)
        cut = self.window.patches(images.flatten(0, -axes))
        return cut.unflatten(0, images.shape[: 1 - axes]).flatten(-3, -2)

    def of_chips(self, chips: int, like: Tensor) -> Patches:
        """The same with an axis of chips, in the digits of `like`."""
        return Patches(self.images.to(like).unflatten(0, (chips, -1)), self.window)

    def times(
        self, matrix: Float[Tensor, "*chips in_features outputs"]
    ) -> Float[Tensor, "*chips vectors outputs"]:
        """The products of all patches with matrices, chip by chip."""
        if matrix.dim() == 2:
            return self._convolved(self.images, matrix)
        pairs = zip(self.images, matrix, strict=True)
        return torch.stack([self._convolved(images, own) for images, own in pairs])

    def _convolved(self, images: Tensor, matrix: Tensor) -> Float[Tensor, "vectors outputs"]:
        w = self.window
        kernels = matrix.t().unflatten(1, (images.shape[1], *w.kernel_size))
        found = CONVOLUTIONS[w.axes](w.padded(images), kernels, None, w.strides, 0, w.dilations)
        return found.flatten(2).transpose(1, 2).flatten(0, 1)


Inputs = Tensor | Patches


def times(
    inputs: Inputs, matrix: Float[Tensor, "*chips in_features outputs"]
) -> Float[Tensor, "*chips vectors outputs"]:
    """Input vectors times matrices, chip by chip."""
    return inputs.times(matrix) if isinstance(inputs, Patches) else inputs @ matrix


def of_chips(inputs: Inputs, chips: int, like: Tensor) -> Inputs:
    """Inputs of chips one after another with an axis of chips, in the digits of `like`."""
    if isinstance(inputs, Patches):
        return inputs.of_chips(chips, like)
    return inputs.to(like).unflatten(0, (chips, -1))


def as_rows(inputs: Inputs) -> Float[Tensor, "*chips vectors in_features"]:
    """Input vectors, cut out where they are patches."""
    return inputs.rows if isinstance(inputs, Patches) else inputs


def block_diagonal(
    blocks: Float[Tensor, "*chips blocks rows lines"], inputs: int
) -> Float[Tensor, "*chips inputs all_lines"]:
    """One matrix that gives the products of every block of rows apart, block by block."""
    count = blocks.shape[-3]
    own = torch.eye(count, dtype=blocks.dtype, device=blocks.device)
    spread = blocks.unsqueeze(-2) * own[:, None, :, None]
    return spread.flatten(-2).flatten(-3, -2)[..., :inputs, :]
