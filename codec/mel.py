"""The mel scale: triangular filters over a spectrum."""
from __future__ import annotations

import math
from functools import lru_cache

import torch


def mel_edges(sample_rate: int, n_mels: int) -> torch.Tensor:
    """Corners in Hz [n_mels + 2] of filters that are evenly spaced on the HTK mel scale."""
    top = 2595 * math.log10(1 + sample_rate / 2 / 700)
    return 700 * (10 ** (torch.linspace(0, top, n_mels + 2, dtype=torch.float64) / 2595) - 1)


@lru_cache(maxsize=8)
def mel_filters(sample_rate: int, n_fft: int, n_mels: int) -> torch.Tensor:
    """Triangular filters [n_mels, n_fft // 2 + 1], each summing to one."""
    edges = mel_edges(sample_rate, n_mels)
    freqs = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = torch.minimum((freqs - low) / (mid - low), (high - freqs) / (high - mid))
    triangles = triangles.clamp(min=0)
    return (triangles / triangles.sum(1, keepdim=True).clamp(min=1e-8)).float()
