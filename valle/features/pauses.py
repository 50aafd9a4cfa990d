"""Silence in speech: within it and at its ends."""
from __future__ import annotations

from itertools import pairwise

import numpy as np

from codec.audio import Samples

SILENCE_SECONDS = 1.0
SILENCE_DB = 35.0        # below the loud parts
FRAME_SECONDS = 0.02
PAUSING = ".,;:?!—-…"


def loudness(samples: Samples, sample_rate: int) -> np.ndarray:
    """Level in dB of frames of 20 ms below the loud parts (95th percentile) of samples [N]."""
    size = round(FRAME_SECONDS * sample_rate)
    frames = np.asarray(samples, np.float64)[: len(samples) // size * size].reshape(-1, size)
    if not len(frames):
        return np.zeros(0)
    power = np.square(frames).mean(axis=1)
    return np.asarray(10 * np.log10((power + 1e-12) / (np.quantile(power, 0.95) + 1e-12)))


def silences(samples: Samples, sample_rate: int) -> list[tuple[float, float]]:
    """(start, end) in seconds of pauses of over a second within speech [N], not at its ends."""
    loud = np.flatnonzero(loudness(samples, sample_rate) > -SILENCE_DB)
    return [(float(a + 1) * FRAME_SECONDS, float(b) * FRAME_SECONDS)
            for a, b in pairwise(loud)
            if (b - a - 1) * FRAME_SECONDS > SILENCE_SECONDS]


def spoken_seconds(samples: Samples, sample_rate: int) -> float:
    """Length of samples [N] without the silence at both ends; 0 for silence alone."""
    return max(0.0, len(samples) / sample_rate - sum(quiet_ends(samples, sample_rate)))


def quiet_ends(samples: Samples, sample_rate: int) -> tuple[float, float]:
    """Seconds of silence before and after the speech in [N]; of silence alone, all before it."""
    seconds = len(samples) / sample_rate
    loud = np.flatnonzero(loudness(samples, sample_rate) > -SILENCE_DB)
    if not len(loud) or not np.abs(samples).max(initial=0) > 1e-4:
        return seconds, 0.0
    end = min(seconds, float(loud[-1] + 1) * FRAME_SECONDS)
    return float(loud[0]) * FRAME_SECONDS, seconds - end
