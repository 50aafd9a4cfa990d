"""The long-term average spectrum (LTAS) of a recording: mouth, microphone and room alike.

Models that were trained on many recordings speak with an average one. Bringing it nearer to the
prompt's is a filter that changes no word and no melody.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from codec.audio import SAMPLE_RATE, Samples
from codec.mel import mel_edges, mel_filters

N_FFT, HOP, BANDS = 1024, 256, 40
QUIET = 1e-3      # of the loudest frame's power: below are pauses
DOUBT = 1.5       # seconds of speech in whose LTAS words and voice have equal parts
LOUDEST = 1.0     # log gain, 8.7 dB


@dataclass(frozen=True)
class LTAS:
    """Mean log magnitude of each of BANDS mel bands [BANDS], over so many seconds of speech."""

    bands: torch.Tensor
    seconds: float


def ltas(samples: Samples, sample_rate: int = SAMPLE_RATE) -> LTAS:
    """The LTAS of samples [N]."""
    magnitudes = _spectrum(samples).abs()
    power = magnitudes.square().mean(0)
    loud = magnitudes[:, power >= QUIET * power.max()]
    bands = mel_filters(sample_rate, N_FFT, BANDS) @ loud
    return LTAS(bands.clamp(min=1e-4).log().mean(1), loud.shape[1] * HOP / sample_rate)


def match_ltas(samples: Samples, reference: LTAS, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Samples [N] with their LTAS moved towards the reference.

    Not the whole way: the shorter the speech, the more its spectrum is that of its words.
    """
    if not len(samples):
        return samples
    own = ltas(samples, sample_rate)
    seconds = min(own.seconds, reference.seconds)
    gain = seconds / (seconds + DOUBT) * (reference.bands - own.bands)
    frequencies = np.linspace(0, sample_rate / 2, N_FFT // 2 + 1)
    centres = mel_edges(sample_rate, BANDS)[1:-1].numpy()
    curve = np.interp(frequencies, centres, gain.clamp(-LOUDEST, LOUDEST).numpy())
    filtered = _spectrum(samples) * torch.from_numpy(np.exp(curve)).float()[:, None]
    return torch.istft(filtered, N_FFT, HOP, window=torch.hann_window(N_FFT),
                       length=len(samples)).numpy()


def _spectrum(samples: Samples) -> torch.Tensor:
    """Complex short-time spectrum [N_FFT // 2 + 1, frames]."""
    return torch.stft(torch.from_numpy(samples), N_FFT, HOP, window=torch.hann_window(N_FFT),
                      pad_mode="constant", return_complex=True)
