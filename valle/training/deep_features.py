"""A deep feature loss: two sounds are alike when a phone recogniser cannot tell them apart."""
from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F

from valle.recognizer.model import filterbanks
from valle.recognizer.phones import PhoneListener
from valle.speaker.fbank import SAMPLE_RATE as LISTENING_RATE


class DeepFeatureLoss:
    """Distance of what a phone listener makes of two sounds (Germain et al., arXiv:1806.10522).

    A spectral distance weighs every frame by its energy; a recogniser weighs what tells one phone
    from another, which is often quiet.
    """

    def __init__(self, listener: str | Path, sample_rate: int) -> None:
        """listener: folder of a PhoneListener; FileNotFoundError, ValueError say what is wrong."""
        self.encoder = PhoneListener.load(listener).encoder
        self.sample_rate = sample_rate

    def __call__(self, fake: torch.Tensor, wav: torch.Tensor) -> torch.Tensor:
        """Mean absolute difference of features of fake and wav [B, N] in shares of those of wav."""
        with torch.no_grad():
            wanted = self._features(wav)
        return torch.stack([F.l1_loss(a, b) / b.abs().mean()
                            for a, b in zip(self._features(fake), wanted, strict=True)]).mean()

    def _features(self, wav: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Top and middle [B, T', D] of the listener's encoder."""
        heard = resample(wav.float(), self.sample_rate, LISTENING_RATE)
        top, middle, _ = self.encoder(*filterbanks(heard, torch.tensor([heard.shape[1]])))
        return top, middle


def resample(wav: torch.Tensor, from_rate: int, to_rate: int) -> torch.Tensor:
    """Audio [B, N] at a lower rate, band-limited through its spectrum and differentiable."""
    size = wav.shape[1] * to_rate // from_rate
    return torch.fft.irfft(torch.fft.rfft(wav)[:, : size // 2 + 1], size) * size / wav.shape[1]
