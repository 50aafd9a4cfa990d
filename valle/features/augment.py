"""Speech as other rooms, places and speakers have it: noise, reverberation, speed, SpecAugment.

Everything draws from a given random generator, so that a batch follows from its seed alone.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
import torch

from codec.audio import Samples
from valle.features.fbank import SAMPLE_RATE

SPEEDS = (1.0, 0.9, 1.1)  # the first leaves speech as it is


@dataclass(frozen=True)
class Augmentation:
    """How often, and how strongly; ranges are drawn from uniformly.

    Attributes:
        noise, reverberation: share of clips.
        babble: share of the noisy clips whose noise is other speakers, not coloured noise.
        snr_db: level of speech over noise.
        rt60: seconds in which reverberation falls by 60 dB.
        time_mask, frequency_mask: widest masks of SpecAugment, in frames and bands; 0 is none.
    """

    noise: float = 0.5
    babble: float = 0.5
    snr_db: tuple[float, float] = (5.0, 20.0)
    reverberation: float = 0.4
    rt60: tuple[float, float] = (0.1, 0.8)
    time_mask: int = 10
    frequency_mask: int = 8

    def __call__(self, samples: Samples, others: Sequence[Samples],
                 rng: np.random.Generator) -> Samples:
        """Samples [N] at 16 kHz in a drawn room and noise; `others` [N] each speak in babble."""
        if rng.random() < self.reverberation:
            samples = reverberate(samples, rng.uniform(*self.rt60), rng)
        if rng.random() < self.noise:
            speech = bool(others) and rng.random() < self.babble
            noise = np.sum(others, axis=0) if speech else coloured_noise(
                len(samples), rng.uniform(0, 2), rng)
            samples = add_noise(samples, noise, rng.uniform(*self.snr_db))
        return samples


def add_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Samples [N] with noise [N] so loud that the ratio of their powers is `snr_db`."""
    power, unwanted = float(np.mean(np.square(samples))), float(np.mean(np.square(noise)))
    if not unwanted:
        return samples
    gain = np.sqrt(power / unwanted / 10 ** (snr_db / 10))
    return (samples + gain * noise).astype(np.float32)


def coloured_noise(size: int, exponent: float, rng: np.random.Generator) -> Samples:
    """Gaussian noise [size] with power falling as 1 / f^exponent: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(size))
    frequency = np.maximum(np.arange(len(spectrum)), 1)
    return np.fft.irfft(spectrum * frequency ** (-exponent / 2), size).astype(np.float32)


def reverberate(samples: Samples, rt60: float, rng: np.random.Generator) -> Samples:
    """Samples [N] in a synthetic room: a direct path and a decaying tail of Gaussian noise.

    The tail (Polack's model) starts 2 ms after the direct sound, as loud as it or up to 10 dB
    lower. Power and length stay as they were.
    """
    time = np.arange(round(rt60 * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / rt60) * (time > 0.002)
    tail *= 10 ** (rng.uniform(-10, 0) / 20) / max(1e-9, float(np.linalg.norm(tail)))
    tail[0] = 1.0
    size = 1 << (len(samples) + len(tail) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return (wet * np.linalg.norm(samples) / max(1e-9, float(np.linalg.norm(wet)))).astype(
        np.float32)


def change_speed(samples: Samples, speed: float) -> Samples:
    """Samples [N] played `speed` times as fast, pitch and formants with it: [N / speed]."""
    if speed == 1.0:
        return samples
    return np.asarray(soxr.resample(samples, speed * SAMPLE_RATE, SAMPLE_RATE), np.float32)


def spec_augment(features: torch.Tensor, augmentation: Augmentation,
                 rng: np.random.Generator) -> torch.Tensor:
    """Features [B, T, F] with one band of frames and one of frequencies of each row set to zero.

    Park et al. 2019 (arXiv:1904.08779); the mean of normalised features is zero. Masks are 0 to
    `time_mask` frames and 0 to `frequency_mask` bands wide.
    """
    features = features.clone()
    for row in features:
        for along, widest in ((row, augmentation.time_mask), (row.T, augmentation.frequency_mask)):
            mask_band(along, widest, rng)
    return features


def mask_band(along: torch.Tensor, widest: int, rng: np.random.Generator) -> None:
    """Set a drawn band of `along` [L, ...], 0 to `widest` wide, to zero in place."""
    width = int(rng.integers(min(widest, len(along)) + 1))
    start = int(rng.integers(len(along) - width + 1))
    along[start: start + width] = 0.0
