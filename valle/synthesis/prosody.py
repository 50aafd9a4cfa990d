"""Rate and loudness of parts of a segment: what <prosody> and <emphasis> of a text become.

The model speaks the whole segment in one breath; then the phones concerned are stretched where they
are, by the timings of the interleaved layout, so that no join is heard.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.audio import Samples
from g2p.prosody import PLAIN, Prosody
from valle.synthesis.stretch import warped

Timing = tuple[str, float, float]

RAMP_SECONDS = 0.01  # a change of loudness
LOUDEST_SAMPLE = 0.98


def with_prosody(samples: Samples, phones: Sequence[Timing], prosody: Sequence[Prosody],
                 sample_rate: int) -> tuple[Samples, tuple[Timing, ...]]:
    """Samples [N] and their timings [L] with each phone at its rate and loudness [L].

    Louder parts stay below full scale. Without timings (the plain layout) phones count as equally
    long.
    """
    if all(way == PLAIN for way in prosody):
        return samples, tuple(phones)
    total = len(samples) / sample_rate
    ends = np.array([end for _, _, end in phones] or
                    np.linspace(0, total, len(prosody) + 1)[1:].tolist())
    start = phones[0][1] if phones else 0.0
    times = np.array([0.0, start, *ends, total]).clip(0, total)
    ways = [PLAIN, *prosody[:len(ends)], PLAIN]
    heard = np.concatenate([[0.0], np.cumsum(np.diff(times) / [way.rate for way in ways])])
    if any(way.rate != 1 for way in ways):
        samples = warped(samples, sample_rate, times, heard)
    moved = np.interp([[a, b] for _, a, b in phones] or np.zeros((0, 2)), times, heard)
    timings = tuple((phone, float(a), float(b)) for (phone, _, _), (a, b)
                    in zip(phones, moved, strict=True))
    return samples * _gains(samples, ways, heard, sample_rate), timings


def _gains(samples: Samples, ways: Sequence[Prosody], heard: NDArray[np.float64], sample_rate: int,
           ) -> NDArray[np.float32]:
    """The gain of each sample [N]: steps between stretches of one gain, with ramps for edges."""
    at, gains = [0.0], [ways[0].gain]
    first = 0
    for index, way in enumerate(ways):
        if index + 1 < len(ways) and ways[index + 1].gain == way.gain:
            continue
        begin, end = heard[first], heard[index + 1]
        part = samples[round(begin * sample_rate): round(end * sample_rate)]
        gain = way.gain
        if gain > 1 and len(part):
            gain = min(gain, max(1.0, LOUDEST_SAMPLE / float(np.abs(part).max() + 1e-9)))
        edge = min(RAMP_SECONDS, end - begin) / 2
        at += [begin + edge, end - edge]
        gains += [gain, gain]
        first = index + 1
    return np.interp(np.arange(len(samples)) / sample_rate, at, gains).astype(np.float32)
