"""Frames to frames: the ConvNeXt blocks of the spectral codec, which may know voice and phones."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a pointwise MLP, residual; [B, T, D] to [B, T, D]."""

    def __init__(self, width: int, kernel: int = 7) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.down(F.gelu(self.up(self.norm(y))))


class VoiceAttention(nn.Module):
    """Frames look up how a voice sounds in a recording of it: [B, T, D], [B, T', D] to [B, T, D].

    Residual cross-attention (Vaswani et al. 2017, section 3.2) over an unordered recording.
    """

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor, voice: torch.Tensor) -> torch.Tensor:
        split = "b t (h d) -> b h t d"
        query = rearrange(self.query(self.norm(x)), split, h=self.heads)
        key, value = (rearrange(part, split, h=self.heads)
                      for part in self.key_value(voice).chunk(2, dim=2))
        found = F.scaled_dot_product_attention(query, key, value)
        return x + self.out(rearrange(found, "b h t d -> b t (h d)"))


class Backbone(nn.Module):
    """Linear in, ConvNeXt blocks, norm, linear out; [B, T, D_in] to [B, T, D_out].

    attend_every: after so many blocks the frames look up a voice, where one is given; 0 is never.
    phones: how many there are, where the phone of each frame may be known.
    """

    def __init__(self, d_in: int, width: int, d_out: int, blocks: int, attend_every: int = 0,
                 phones: int = 0) -> None:
        super().__init__()
        self.embed = nn.Conv1d(d_in, width, 3, padding=1)
        self.norm_in = nn.LayerNorm(width)
        self.phone = nn.Embedding(1 + phones, width) if phones else None  # the first: not known
        self.blocks = nn.ModuleList([ConvNeXtBlock(width) for _ in range(blocks)])
        after = range(attend_every, blocks, attend_every) if attend_every else ()
        self.attention = nn.ModuleDict({str(block): VoiceAttention(width) for block in after})
        self.norm_out = nn.LayerNorm(width)
        self.out = nn.Linear(width, d_out)

    def forward(self, x: torch.Tensor, voice: torch.Tensor | None = None,
                phones: torch.Tensor | None = None, voice_phones: torch.Tensor | None = None,
                ) -> torch.Tensor:
        """voice [B, T', D_in]: frames of the speaker, of what else they said.
        phones [B, T], voice_phones [B, T']: what is said in each frame, -1 where it is not known.
        """
        x = self._embed(x, phones)
        known = None if voice is None else self._embed(voice, voice_phones)
        for index, block in enumerate(self.blocks):
            if known is not None and str(index) in self.attention:
                x = self.attention[str(index)](x, known)
            x = block(x)
        return self.out(self.norm_out(x))

    def _embed(self, x: torch.Tensor, phones: torch.Tensor | None) -> torch.Tensor:
        x = self.norm_in(self.embed(x.transpose(1, 2)).transpose(1, 2))
        if self.phone is None:
            return x
        if phones is None:
            phones = torch.full(x.shape[:2], -1, device=x.device)
        # Scaled as in Vaswani et al. 2017, section 3.4: Adam moves all weights alike, and these
        # would be too slow beside frames of unit variance.
        return x + math.sqrt(self.phone.embedding_dim) * self.phone(1 + phones)
