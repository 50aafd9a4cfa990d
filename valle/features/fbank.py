"""Log-mel filterbank energies as Kaldi computes them, with dither 0 and whole frames only."""
from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F

SAMPLE_RATE = 16_000
WINDOW, HOP, FFT = 400, 160, 512  # 25 ms, 10 ms
LOWEST_HZ = 20.0
PREEMPHASIS = 0.97
FULL_SCALE = 32768.0  # Kaldi reads 16-bit integers
FLOOR = torch.finfo(torch.float32).eps
WINDOWS = ("povey", "hamming")


def fbank(wav: torch.Tensor, n_mels: int = 80, window: str = "povey") -> torch.Tensor:
    """Log energies [B, T, n_mels] of audio [B, N] in [-1, 1] at 16 kHz, T = 1 + (N - 400) // 160.

    Each frame loses its mean, is pre-emphasised (0.97) and windowed; the mel bands are triangles of
    the power spectrum from 20 Hz to 8 kHz.

    Raises:
        ValueError: audio shorter than one frame of 25 ms, or an unknown window.
    """
    if wav.shape[-1] < WINDOW:
        raise ValueError(f"{wav.shape[-1]} samples are less than one frame of {WINDOW}: give "
                         "longer audio")
    frames = wav.float().unfold(-1, WINDOW, HOP) * FULL_SCALE
    frames = frames - frames.mean(dim=-1, keepdim=True)
    before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
    frames = (frames - PREEMPHASIS * before) * _window(window).to(wav.device)
    power = torch.fft.rfft(F.pad(frames, (0, FFT - WINDOW))).abs().square()
    return (power @ mel_triangles(n_mels).to(wav.device)).clamp(min=FLOOR).log()


@lru_cache(maxsize=4)
def mel_triangles(n_mels: int) -> torch.Tensor:
    """Weights [257, n_mels] of power spectrum bins, triangular on the mel scale."""
    edges = torch.linspace(float(_mel(torch.tensor(LOWEST_HZ))),
                           float(_mel(torch.tensor(SAMPLE_RATE / 2))), n_mels + 2)
    bins = _mel(torch.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)


def _mel(hertz: torch.Tensor) -> torch.Tensor:
    return 1127.0 * torch.log1p(hertz / 700.0)


def _window(name: str) -> torch.Tensor:
    """Window [400]; Kaldi's own ("povey") is a Hann window to the power .85."""
    if name not in WINDOWS:
        raise ValueError(f"window {name!r}: choose {' or '.join(WINDOWS)}")
    if name == "hamming":
        return torch.hamming_window(WINDOW, periodic=False)
    return torch.hann_window(WINDOW, periodic=False).pow(0.85)
