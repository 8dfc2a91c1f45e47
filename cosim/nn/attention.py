"""Attention whose projections are on tiles.

    query ──q_proj──┐
    key   ──k_proj──┼── softmax(q k^T / sqrt(d)) v, digital ── out_proj ──►
    value ──v_proj──┘

Only products with weights that stay can be made by tiles. Scores and their sums multiply
activations with activations, which would have to be programmed for every input; they are digital.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cosim.errors import InputError
from cosim.nn.linear import AnalogLinear
from cosim.nn.recurrent_cells import SIGNED
from cosim.nn.settings import TileSettings


if TYPE_CHECKING:
    from netlists.specs import TileSpec


class AnalogMultiheadAttention(nn.Module):
    """`torch.nn.MultiheadAttention` with its projections on tiles.

    Attributes:
        q_proj: projection of the queries.
        k_proj: projection of the keys.
        v_proj: projection of the values.
        out_proj: projection of the result.
        num_heads: number of heads.
        dropout: of the attention weights, in training.
        batch_first: whether the batch is the first axis.
    """

    # torch's encoder layers look at these before they take a path that needs its own attention.
    in_proj_weight: Tensor | None = None
    in_proj_bias: Tensor | None = None
    _qkv_same_embed_dim = False

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        tile: TileSpec,
        settings: TileSettings = SIGNED,
        *,
        bias: bool = True,
        sizes: tuple[int, int] | None = None,
    ) -> None:
        """Make the layer; batches come first, without dropout.

        Args:
            embed_dim: size of queries and results.
            num_heads: number of heads.
            tile: specification of the tiles.
            settings: how the tiles are used.
            bias: whether to add digital biases.
            sizes: of keys and values; the same as queries when not given.

        Raises:
            InputError: the heads do not divide the size.
        """
        super().__init__()
        if embed_dim % num_heads:
            raise InputError(
                f"{num_heads} heads were given for vectors of {embed_dim}; every head has the same"
                " part of them; give a number that divides the size"
            )
        signed = replace(settings, signed=True)
        key, value = sizes or (embed_dim, embed_dim)
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.dropout, self.batch_first = 0.0, True
        self.q_proj = AnalogLinear(embed_dim, embed_dim, tile, signed, bias=bias)
        self.k_proj = AnalogLinear(key, embed_dim, tile, signed, bias=bias)
        self.v_proj = AnalogLinear(value, embed_dim, tile, signed, bias=bias)
        self.out_proj = AnalogLinear(embed_dim, embed_dim, tile, signed, bias=bias)

    @classmethod
    def of(cls, layer: nn.Module, tile: TileSpec, settings: TileSettings) -> Self:
        """The torch layer on tiles, with the same weights.

        Raises:
            InputError: the layer adds keys and values of its own.
        """
        if not isinstance(layer, nn.MultiheadAttention):
            raise InputError(f"a {type(layer).__name__} was given; give torch's attention")
        if layer.bias_k is not None or layer.add_zero_attn:
            raise InputError(
                "the attention has `add_bias_kv` or `add_zero_attn`; these have no counterpart on"
                " tiles; give a layer without, or name it in `keep`"
            )
        analog = cls(
            layer.embed_dim,
            layer.num_heads,
            tile,
            settings,
            bias=layer.in_proj_bias is not None,
            sizes=(layer.kdim, layer.vdim),
        )
        like = layer.out_proj.weight
        analog.to(device=like.device, dtype=like.dtype)
        analog.dropout, analog.batch_first = layer.dropout, layer.batch_first
        analog._exchange(layer, into_torch=False)
        return analog.train(layer.training)

    def to_torch(self) -> nn.MultiheadAttention:
        """The torch layer with the clean weights."""
        plain = nn.MultiheadAttention(
            self.embed_dim,
            self.num_heads,
            self.dropout,
            bias=self.out_proj.bias is not None,
            kdim=self.k_proj.mapping.in_features,
            vdim=self.v_proj.mapping.in_features,
            batch_first=self.batch_first,
        )
        like = self.out_proj.weight
        plain.to(device=like.device, dtype=like.dtype)
        self._exchange(plain, into_torch=True)
        return plain.train(self.training)

    def forward(
        self,
        query: Float[Tensor, "*queries"],
        key: Float[Tensor, "*keys"],
        value: Float[Tensor, "*values"],
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attention of queries on keys, and its weights, as torch's layer gives them."""
        single = query.dim() == 2
        heads = []
        for projection, x in (
            (self.q_proj, query),
            (self.k_proj, key),
            (self.v_proj, value),
        ):
            # Vectors of one sequence stay together, whatever the order of the axes.
            batch = x[None] if single else x if self.batch_first else x.transpose(0, 1)
            heads.append(projection(batch).unflatten(-1, (self.num_heads, -1)).transpose(1, 2))
        q, k, v = heads
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        mask = self._mask(attn_mask, key_padding_mask, scores)
        weights = (scores if mask is None else scores + mask).softmax(-1)
        weights = functional.dropout(weights, self.dropout, self.training)
        result = self.out_proj((weights @ v).transpose(1, 2).flatten(2))
        shown = weights.mean(1) if average_attn_weights else weights
        if single:
            return result[0], shown[0] if need_weights else None
        result = result if self.batch_first else result.transpose(0, 1)
        return result, shown if need_weights else None

    def _mask(
        self, attention: Tensor | None, padding: Tensor | None, scores: Tensor
    ) -> Float[Tensor, ...] | None:
        """What is added to the scores `[batch, heads, queries, keys]`."""
        total = None
        if attention is not None:
            added = _added(attention, scores)
            total = added.unflatten(0, (-1, self.num_heads)) if added.dim() == 3 else added
        if padding is not None:
            added = _added(padding, scores)
            added = (added if added.dim() == 2 else added[None])[:, None, None, :]
            total = added if total is None else total + added
        return total

    @torch.no_grad()
    def _exchange(self, layer: nn.MultiheadAttention, *, into_torch: bool) -> None:
        """Copy weights from a torch layer, or into it."""
        parts = (self.q_proj, self.k_proj, self.v_proj)
        if layer.in_proj_weight is not None:
            theirs = list(layer.in_proj_weight.chunk(3))
        else:
            separate = (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
            theirs = [weight for weight in separate if weight is not None]
        pairs = [(part.weight, their) for part, their in zip(parts, theirs, strict=True)]
        pairs.append((self.out_proj.weight, layer.out_proj.weight))
        if layer.in_proj_bias is not None:
            biases = [*layer.in_proj_bias.chunk(3), layer.out_proj.bias]
            mine = [part.bias for part in (*parts, self.out_proj)]
            pairs += [(m, b) for m, b in zip(mine, biases, strict=True) if m is not None]
        for ours, their in pairs:
            target, source = (their, ours) if into_torch else (ours, their)
            target.copy_(source)


def _added(mask: Tensor, like: Tensor) -> Tensor:
    """A mask of places to leave out, or of numbers, as numbers to add."""
    if mask.dtype != torch.bool:
        return mask.to(like.dtype)
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, -torch.inf)
