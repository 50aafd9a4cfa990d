"""A voice in disguise: the same words, pitch and timing by a mouth of another size and colour.

A decoder that hears codes of disguised speech and must give back the speech itself has to take the
voice from the prompt. That is its task in synthesis, where the codes were made up by models that
know the voice only roughly. After the formant shifts of NANSY (Choi et al. 2021, arXiv:2110.14513).
"""
from __future__ import annotations

import numpy as np
import torch

N_FFT, HOP = 1024, 256
QUEFRENCIES = 40     # of the cepstrum at 24 kHz: the envelope, without the pitch
WARP = 0.07          # standard deviation of the logarithm of the formants' ratio
COLOUR = 0.35        # standard deviation of the log gain at each of BANDS frequencies
BANDS = 7
LOUDEST = 2.0        # log gain


def disguise(wav: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Audio [B, N] with formants moved and colour changed, each row by its own draw."""
    device, window = wav.device, torch.hann_window(N_FFT, device=wav.device)
    spectrum = torch.stft(wav, N_FFT, HOP, window=window, return_complex=True)
    envelope = _envelope(spectrum)
    bins = torch.arange(envelope.shape[1], device=device)
    ratio = torch.from_numpy(np.exp(WARP * rng.standard_normal(len(wav)))).float().to(device)
    source = (bins * ratio[:, None]).clamp(max=len(bins) - 1)
    low = source.long()[..., None].expand_as(envelope)
    share = (source - source.floor())[..., None]
    high = (low + 1).clamp(max=len(bins) - 1)
    warped = envelope.gather(1, low) * (1 - share) + envelope.gather(1, high) * share
    points = torch.from_numpy(COLOUR * rng.standard_normal((len(wav), BANDS))).float().to(device)
    place = torch.log1p(bins / 30) / np.log1p(len(bins) / 30) * (BANDS - 1)  # roughly mel
    left = place.long().clamp(max=BANDS - 2)
    colour = torch.lerp(points[:, left], points[:, left + 1], place - left)
    gain = (warped - envelope + colour[..., None]).clamp(-LOUDEST, LOUDEST).exp()
    return torch.istft(spectrum * gain, N_FFT, HOP, window=window, length=wav.shape[1])


def _envelope(spectrum: torch.Tensor) -> torch.Tensor:
    """Spectrum [B, F, T] to its log magnitude without fine structure (a liftered cepstrum)."""
    cepstrum = torch.fft.irfft(spectrum.abs().clamp(min=1e-4).log(), dim=1)
    cepstrum[:, QUEFRENCIES: -QUEFRENCIES + 1] = 0
    return torch.fft.rfft(cepstrum, dim=1).real
