"""Pauses between sentences: made as long as a reader's where the model made them too short."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codec.audio import Samples

Timing = tuple[str, float, float]

SENTENCE_ENDS = (".", "?", "!")
QUIET_DB = 35.0        # below the loud parts of a segment: silence
FRAME_SECONDS = 0.01
AROUND_SECONDS = 0.1   # silence may begin before its mark and end after it
FADE_SECONDS = 0.005
LEAST_SAMPLE = 240     # of silence that is worth repeating, 10 ms


def lengthen(samples: Samples, phones: Sequence[Timing], pause: float, sample_rate: int,
             ) -> tuple[Samples, tuple[Timing, ...]]:
    """Speech [N] and its timings with silence of `pause` seconds at each sentence end within it."""
    levels = _levels(samples, sample_rate)
    parts: list[Samples] = []
    timings: list[Timing] = []
    done, shift = 0, 0.0
    for index, (phone, start, end) in enumerate(phones):
        timings.append((phone, start + shift, end + shift))
        if phone not in SENTENCE_ENDS or index == len(phones) - 1:
            continue
        at, quiet = _silence(levels, start, end)
        more = round((pause - quiet) * sample_rate)
        if more <= 0:
            continue
        cut = min(len(samples), max(done, round(at * sample_rate)))
        half = round(quiet / 2 * sample_rate)
        parts += [samples[done:cut], silence_like(samples[max(0, cut - half): cut + half], more,
                                                  sample_rate)]
        done, shift = cut, shift + more / sample_rate
        timings[-1] = (phone, timings[-1][1], end + shift)
    return np.concatenate([*parts, samples[done:]]), tuple(timings)


def silence_like(quiet: Samples, size: int, sample_rate: int) -> Samples:
    """Samples [size] that go on like a silent stretch [n] of a recording."""
    if len(quiet) < LEAST_SAMPLE:
        return np.zeros(size, np.float32)
    fade = min(len(quiet) // 2, round(FADE_SECONDS * sample_rate))
    inner = quiet[fade: len(quiet) - fade]
    there_and_back = np.concatenate([inner[::-1], inner])
    return np.resize(there_and_back, size).astype(np.float32)


def _silence(levels: np.ndarray, start: float, end: float) -> tuple[float, float]:
    """(middle, length) in seconds of the longest silence about start to end; else the quietest."""
    first = max(0, int((start - AROUND_SECONDS) / FRAME_SECONDS))
    last = min(len(levels), int((end + AROUND_SECONDS) / FRAME_SECONDS) + 1)
    if first >= last:
        return end, 0.0
    edges = np.flatnonzero(np.diff(np.concatenate(
        [[0], (levels[first:last] < -QUIET_DB).astype(np.int8), [0]]))).reshape(-1, 2)
    if not len(edges):
        return (first + int(levels[first:last].argmin()) + 0.5) * FRAME_SECONDS, 0.0
    begin, stop = max(edges, key=lambda pair: pair[1] - pair[0])
    return (first + (begin + stop) / 2) * FRAME_SECONDS, float(stop - begin) * FRAME_SECONDS


def _levels(samples: Samples, sample_rate: int) -> np.ndarray:
    """Level in dB of frames of 10 ms below the loud parts of samples [N]."""
    size = round(FRAME_SECONDS * sample_rate)
    frames = np.asarray(samples, np.float64)[: len(samples) // size * size].reshape(-1, size)
    power = np.square(frames).mean(axis=1)
    loud = np.quantile(power, 0.95) if len(power) else 1.0
    return np.asarray(10 * np.log10((power + 1e-12) / (loud + 1e-12)))
