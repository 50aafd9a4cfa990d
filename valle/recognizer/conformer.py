"""Conformer encoder (Gulati et al. 2020, arXiv:2005.08100) with rotary positions."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from valle.model.transformer import rotary, rotate

SUBSAMPLING = 4  # filterbank frames to one encoder frame: 40 ms


class FeedForward(nn.Sequential):
    """Norm, expansion by four, Swish, projection, dropout; [B, T, D] to [B, T, D]."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.SiLU(),
                         nn.Linear(4 * width, width), nn.Dropout(dropout))


class SelfAttention(nn.Module):
    """Multi-head attention in both directions over real frames; [B, T, D] to [B, T, D]."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, real: torch.Tensor, cos: torch.Tensor,
                sin: torch.Tensor) -> torch.Tensor:
        """real [B, T]: True on frames that are not padding."""
        q, k, v = rearrange(self.qkv(self.norm(x)), "b t (n h d) -> n b h t d", n=3, h=self.heads)
        y = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v,
                                           attn_mask=real[:, None, None])
        return self.dropout(self.out(rearrange(y, "b h t d -> b t (h d)")))


class Convolution(nn.Module):
    """Gated pointwise, depthwise and pointwise convolution (figure 2); [B, T, D] to [B, T, D].

    LayerNorm stands where the paper has batch norm, which padding would disturb.
    """

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gated = nn.Linear(width, 2 * width)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.inner_norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        x = F.glu(self.gated(self.norm(x))) * real[..., None]
        x = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.out(F.silu(self.inner_norm(x))))


class ConformerBlock(nn.Module):
    """Half a feed-forward layer, attention, convolution, the other half (figure 1)."""

    def __init__(self, width: int, heads: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.before, self.after = FeedForward(width, dropout), FeedForward(width, dropout)
        self.attention = SelfAttention(width, heads, dropout)
        self.convolution = Convolution(width, kernel, dropout)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, real: torch.Tensor, cos: torch.Tensor,
                sin: torch.Tensor) -> torch.Tensor:
        x = x + 0.5 * self.before(x)
        x = x + self.attention(x, real, cos, sin)
        x = x + self.convolution(x, real)
        return self.norm(x + 0.5 * self.after(x))  # type: ignore[no-any-return]


class Conformer(nn.Module):
    """Filterbanks [B, T, F] to frames [B, T / 4, D]; also gives the frames after a middle block."""

    def __init__(self, n_mels: int, width: int, blocks: int, heads: int, kernel: int,
                 dropout: float) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.subsample = nn.Sequential(nn.Conv1d(n_mels, width, 3, stride=2, padding=1), nn.GELU(),
                                       nn.Conv1d(width, width, 3, stride=2, padding=1), nn.GELU())
        self.project = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([ConformerBlock(width, heads, kernel, dropout)
                                     for _ in range(blocks)])

    def forward(self, features: torch.Tensor, n_frames: torch.Tensor,
                ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(top [B, T', D], middle [B, T', D], lengths [B]) of features [B, T, F], n_frames [B].

        Padding of the features must be zero.
        """
        half = self.subsample[:2](features.transpose(1, 2))
        heard = torch.arange(half.shape[2], device=half.device) < (n_frames[:, None] + 1) // 2
        half = half * heard[:, None]  # the next convolution must not see padding
        x = self.dropout(self.project(self.subsample[2:](half).transpose(1, 2)))
        lengths = subsampled(n_frames)
        positions = torch.arange(x.shape[1], device=x.device)[None]
        real = positions < lengths[:, None]
        cos, sin = rotary(positions, self.width // self.heads, 10_000.0)
        middle = x
        for index, block in enumerate(self.blocks, 1):
            x = block(x, real, cos, sin)
            if index == len(self.blocks) // 2:
                middle = x
        return x, middle, lengths


def subsampled(n_frames: torch.Tensor) -> torch.Tensor:
    """Encoder frames [B] for filterbank frames [B]."""
    return (n_frames + SUBSAMPLING - 1) // SUBSAMPLING
