"""Which patches of a signal, an image or a volume a convolution sees.

A window has as many axes as its kernel. Whole numbers stand for all axes, paddings are those of
torch: numbers, "same" or "valid", with zeros or another mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cosim.errors import InputError


Sizes = tuple[int, ...]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


@dataclass(frozen=True)
class Window:
    """Kernel and patches of a convolution.

    Attributes:
        kernel_size: size of a patch along every axis.
        stride: distance between patches.
        padding: values around the input, or "same" or "valid".
        dilation: distance between the values of a patch.
        groups: parts of the channels that do not see one another.
        padding_mode: what stands around the input.

    Raises:
        InputError: a size has another number of axes than the kernel, or a word is unknown.
    """

    kernel_size: Sizes
    stride: int | Sizes = 1
    padding: int | Sizes | str = 0
    dilation: int | Sizes = 1
    groups: int = 1
    padding_mode: str = "zeros"

    def __post_init__(self) -> None:
        for name in ("stride", "padding", "dilation"):
            given = getattr(self, name)
            sizes = (given,) * self.axes if isinstance(given, int) else given
            if not isinstance(sizes, str) and len(sizes) != self.axes:
                raise InputError(
                    f"`{name}` is {given} for a kernel of size {self.kernel_size}; give a number,"
                    f" or one per axis, {self.axes}"
                )
            object.__setattr__(self, name, sizes)
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise InputError(
                f'`padding` is "{self.padding}"; allowed are numbers, "same" and "valid";'
                " correct it"
            )
        if self.padding == "same" and any(step != 1 for step in self.strides):
            raise InputError(
                f'`padding` is "same" with a stride of {self.stride}; it needs a stride of 1;'
                " give the padding in numbers"
            )
        if self.padding_mode not in PADDING_MODES:
            raise InputError(
                f"`padding_mode` is {self.padding_mode}; allowed are {', '.join(PADDING_MODES)};"
                " correct it"
            )

    @property
    def axes(self) -> int:
        """Number of axes besides batch and channels."""
        return len(self.kernel_size)

    @property
    def strides(self) -> Sizes:
        """Stride along every axis."""
        return self.stride if isinstance(self.stride, tuple) else (self.stride,) * self.axes

    @property
    def dilations(self) -> Sizes:
        """Dilation along every axis."""
        return self.dilation if isinstance(self.dilation, tuple) else (self.dilation,) * self.axes

    @property
    def spans(self) -> Sizes:
        """Extent of a patch along every axis."""
        pairs = zip(self.kernel_size, self.dilations, strict=True)
        return tuple(dilation * (kernel - 1) + 1 for kernel, dilation in pairs)

    @property
    def margins(self) -> tuple[tuple[int, int], ...]:
        """Values before and after the input along every axis."""
        if isinstance(self.padding, tuple):
            return tuple((pad, pad) for pad in self.padding)
        if self.padding == "same":
            return tuple(((span - 1) // 2, span - 1 - (span - 1) // 2) for span in self.spans)
        return ((0, 0),) * self.axes

    def positions(self, size: Sizes) -> Sizes:
        """Number of patches along every axis of an input."""
        return tuple(
            (length + sum(margin) - span) // step + 1
            for length, margin, span, step in zip(
                size, self.margins, self.spans, self.strides, strict=True
            )
        )

    def padded(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, ...]:
        """The input with what stands around it."""
        margins = self.margins
        if not any(map(any, margins)):
            return x
        pads = [width for margin in reversed(margins) for width in margin]
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return functional.pad(x, pads, mode=mode)

    def patches(
        self, x: Float[Tensor, "batch channels *size"]
    ) -> Float[Tensor, "batch positions values"]:
        """Every patch as one vector, in the order channel, then the axes of the kernel."""
        whole = self.padded(x)
        if self.axes < 3:  # one axis is an image of one row
            row = (1,) * (2 - self.axes)
            whole = whole.unsqueeze(2) if self.axes == 1 else whole
            columns = functional.unfold(
                whole,
                row + self.kernel_size,
                dilation=row + self.dilations,
                stride=row + self.strides,
            )
            return columns.transpose(1, 2)
        for axis, (span, step, dilation) in enumerate(
            zip(self.spans, self.strides, self.dilations, strict=True), start=2
        ):
            whole = whole.unfold(axis, span, step)[..., ::dilation]
        order = (0, *range(2, 2 + self.axes), 1, *range(2 + self.axes, 2 + 2 * self.axes))
        return whole.permute(order).flatten(1 + self.axes).flatten(1, self.axes)
