"""A codec's copy against its original, by the sound alone: PESQ, STOI, mel distance, bit rate."""
from __future__ import annotations

import math

import numpy as np
import torch

from codec import Codec
from codec.audio import Samples, resample
from codec.mel import log_mel
from valle.features.fbank import SAMPLE_RATE
from valle.features.optional import needed


def bit_rate(codec: Codec, n_codebooks: int) -> float:
    """Bits per second of so many codebooks, before entropy coding."""
    return codec.frame_rate * n_codebooks * math.log2(codec.codebook_size)


def mel_distance(original: Samples, copy: Samples) -> float:
    """Mean absolute difference of the log-mel spectra (80 bands, natural log) at 24 kHz, [N]."""
    size = min(len(original), len(copy))
    a, b = (log_mel(torch.from_numpy(np.ascontiguousarray(s[:size], np.float32))[None])
            for s in (original, copy))
    return float((a - b).abs().mean())


def pesq(original: Samples, copy: Samples, sample_rate: int) -> float | None:
    """Wide-band PESQ (ITU-T P.862.2), -0.5 to 4.64, of samples [N]; None where it finds no speech.

    Raises:
        ImportError: no pesq.
    """
    package = needed("pesq")
    a, b = (resample(s[: min(len(original), len(copy))], sample_rate, SAMPLE_RATE)
            for s in (original, copy))
    if not a.any() or not b.any():
        return None
    try:
        return float(package.pesq(SAMPLE_RATE, a, b, "wb"))
    except (package.NoUtterancesError, package.BufferTooShortError):
        return None


def stoi(original: Samples, copy: Samples, sample_rate: int) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), up to 1, of samples [N].

    Raises:
        ImportError: no pystoi.
    """
    size = min(len(original), len(copy))
    return float(needed("pystoi").stoi(original[:size], copy[:size], sample_rate))
