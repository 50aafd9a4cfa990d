"""The mel scale: triangular filters over a spectrum, and the log-mel frames of a codec."""
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F

from codec.record import check_range
from codec.spec import CodecSpec


@dataclass(frozen=True)
class MelConfig:
    """A log-mel spectrum on the frames of a codec; the defaults are the starter's.

    hop, window: samples.
    """

    sample_rate: int = 24_000
    hop: int = 320
    window: int = 1280
    n_mels: int = 80

    def __post_init__(self) -> None:
        check_range(self, sample_rate=(8_000, 96_000), hop=(1, 4_096), window=(1, 16_384),
                    n_mels=(1, 512))
        if self.window % self.hop or (self.window - self.hop) % 2:
            raise ValueError(f"window {self.window} must be an even multiple of hop {self.hop}")

    @classmethod
    def of(cls, spec: CodecSpec) -> MelConfig:
        """The grid of a codec, in windows as long as the starter's."""
        own = cls()
        hops = max(2, round(own.window / own.sample_rate * spec.frame_rate))
        return cls(spec.sample_rate, spec.hop, (hops + hops % 2) * spec.hop, own.n_mels)


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


def log_mel(wav: torch.Tensor, config: MelConfig | None = None) -> torch.Tensor:
    """Log-mel spectrum [B, n_mels, T] of audio [B, N], T = ceil(N / hop).

    Frame t is centred on its hop.
    """
    config = config or MelConfig()
    frames = -(-wav.shape[-1] // config.hop)
    edge = (config.window - config.hop) // 2
    wav = F.pad(wav.float(), (edge, frames * config.hop - wav.shape[-1] + edge))
    window = torch.hann_window(config.window, device=wav.device)
    spectrum = torch.stft(wav, config.window, config.hop, window=window, center=False,
                          return_complex=True).abs()
    mel = mel_filters(config.sample_rate, config.window, config.n_mels).to(wav.device) @ spectrum
    return mel.clamp(min=1e-4).log()
