"""Speech faster or slower at the same pitch: WSOLA (Verhelst and Roelands 1993)."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codec.audio import Samples
from g2p.prosody import FASTEST, SLOWEST

WINDOW_SECONDS = 0.03   # three periods of a low voice
SEARCH_SECONDS = 0.01   # how far a window may move to meet the one before it in phase


def stretched(samples: Samples, sample_rate: int, speed: float) -> Samples:
    """Samples [N] as [N / speed] with the pitch they had.

    Windows are laid over one another at even distances; each is taken from where the speech goes on
    most like the one before it.

    Raises:
        ValueError: a speed that nobody could follow.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"speed {speed:g}: must be {SLOWEST:g} to {FASTEST:g}")
    wanted = round(len(samples) / speed)
    return _laid(samples, sample_rate, wanted, lambda at: at * speed) if speed != 1 else samples


def warped(samples: Samples, sample_rate: int, times: NDArray[np.float64],
           heard: NDArray[np.float64]) -> Samples:
    """Samples [N] of which the moment times[k] is heard at heard[k], both rising, in seconds [K];
    the last of each is their end."""
    def source(at: float) -> float:
        return float(np.interp(at / sample_rate, heard, times)) * sample_rate

    return _laid(samples, sample_rate, round(heard[-1] * sample_rate), source)


def _laid(samples: Samples, sample_rate: int, wanted: int, source: Callable[[float], float],
          ) -> Samples:
    """Windows at even distances, together [wanted], each from about source(where it is heard)."""
    half = round(WINDOW_SECONDS * sample_rate / 2)
    size = 2 * half
    if len(samples) < 2 * size:
        return samples
    search = round(SEARCH_SECONDS * sample_rate)
    padded = np.pad(np.asarray(samples, np.float32), (half + search, 4 * size))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    heard = np.zeros(wanted + 2 * size, np.float32)
    place = search  # in `padded`, of the window whose middle is the first sample
    for start in range(0, wanted + half, half):
        if start:
            goes_on = padded[place + half: place + half + size]
            place = _likest(padded, goes_on, round(source(start)), search)
        heard[start: start + size] += window * padded[place: place + size]
    return heard[half: half + wanted]


def _likest(padded: Samples, wanted: Samples, first: int, search: int) -> int:
    """Where, from `first` on, within twice `search`, samples are most like the wanted [size]."""
    last = len(padded) - len(wanted)
    first = min(max(0, first), last)
    area = padded[first: min(first + 2 * search, last) + len(wanted)]
    products = np.correlate(area, wanted, "valid")
    powers = np.convolve(np.square(area), np.ones(len(wanted), np.float32), "valid")
    return first + int((products / np.sqrt(powers + 1e-6)).argmax())
