"""What is wrong with a recording of speech, as numbers: offset, hum, clipping, bandwidth, room.

All of it is blind: nothing is known but the recording. benchmarks/README.md has how well each
measure finds what it should.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.audio import Samples
from codec.speech import CLIPPED_LEVEL, FRAME_SECONDS, power_spectra

LEAST_CLIPPED_RUN = 3      # samples at full scale in a row
MAINS_HZ, PARTIALS = (50.0, 60.0), 8
HUM_SECONDS = 0.4          # window: lines 2.5 Hz apart
HUM_QUANTILE = 0.2         # over time: a hum never stops, a voice does
HUM_ABOVE_DB = 12.0        # of a partial, above what lies beside it
HUM_BESIDE_HZ = (8.0, 20.0)
BANDWIDTH_RANGE_DB, BANDWIDTH_ABOVE_DB = 60.0, 4.0  # below the loudest band, above the pauses

DECAY_HOP, DECAY_WINDOW, DECAY_SPAN = 0.008, 0.032, 0.08  # seconds
DECAY_BANDS_HZ = (300.0, 500.0, 800.0, 1250.0, 2000.0, 3150.0, 5000.0)
DECAY_ABOVE_DB = 6.0       # a decay ends so far above the noise of its band
DECAY_QUANTILE = 0.05      # of the slopes: the steepest that the room lets pass
# What the slope says at RT60s of 0 to 1.5 s: medians over 18 recordings (Polack's model).
SLOPE_SECONDS, RT60_SECONDS = (0.15, 0.21, 0.33, 0.44, 0.51, 0.56), (0.0, 0.2, 0.4, 0.7, 1.0, 1.5)


@dataclass(frozen=True)
class Clipping:
    """share of the samples at full scale, runs of three or more of them, and the longest run."""

    share: float
    runs: int
    longest: int


def clipping(samples: Samples) -> Clipping:
    """How much of samples [N] is cut off at full scale, before any change of level."""
    full = np.abs(samples) >= CLIPPED_LEVEL
    edges = np.flatnonzero(np.diff(np.concatenate([[False], full, [False]])))
    lengths = edges[1::2] - edges[::2]
    return Clipping(float(full.mean()), int((lengths >= LEAST_CLIPPED_RUN).sum()),
                    int(lengths.max(initial=0)))


def hum(samples: Samples, sample_rate: int) -> tuple[float, float]:
    """(frequency of the mains in Hz, level of their hum in dBFS) in samples [N]; (0, -inf) without.

    What a partial has in the quietest fifth of the time, where it stands out of its neighbours.
    """
    size = round(HUM_SECONDS * sample_rate)
    if len(samples) < 2 * size:
        return 0.0, -np.inf
    windows = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)
    window = np.hanning(size)
    spectra = np.abs(np.fft.rfft(windows[:: size // 4] * window, 4 * size)) / window.sum()
    steady = np.quantile(2 * np.square(spectra), HUM_QUANTILE, axis=0)  # power of a sine
    frequencies = np.fft.rfftfreq(4 * size, 1 / sample_rate)
    found = []
    for mains in MAINS_HZ:
        power = 0.0
        for partial in mains * np.arange(1, PARTIALS + 1):
            away = np.abs(frequencies - partial)
            line = steady[away <= 1.5].max()
            beside = np.median(steady[(away > HUM_BESIDE_HZ[0]) & (away < HUM_BESIDE_HZ[1])])
            if line > beside * 10 ** (HUM_ABOVE_DB / 10):
                power += float(line)
        found.append((power, mains))
    power, mains = max(found)
    return (mains, float(10 * np.log10(power))) if power else (0.0, -np.inf)


def bandwidth(samples: Samples, sample_rate: int, active: NDArray[np.bool_]) -> float:
    """The frequency in Hz up to which the active frames of samples [N] hold more than pauses do."""
    power = power_spectra(samples, sample_rate)
    kernel = np.ones(9) / 9  # 225 Hz
    loud = 10 * np.log10(np.convolve(power[:, active].mean(axis=1), kernel, "same") + 1e-20)
    heard = loud > loud.max() - BANDWIDTH_RANGE_DB
    if not active.all():
        pauses = np.convolve(power[:, ~active].mean(axis=1), kernel, "same")
        heard &= loud > 10 * np.log10(pauses + 1e-20) + BANDWIDTH_ABOVE_DB
    return float(np.flatnonzero(heard).max(initial=0) / FRAME_SECONDS / 2)


def rt60(samples: Samples, sample_rate: int) -> float:
    """Reverberation time in seconds, blind: that of the steepest decays of speech samples [N].

    Nothing in a room falls faster than the room lets it (Ratnam et al. 2003, "Blind estimation of
    reverberation time"): the steepest falls of the level in six bands say how long it rings, if the
    noise is 18 dB below the speech. 0 for a dry recording, 1.5 for 1.5 s and more.
    """
    hop, size = round(DECAY_HOP * sample_rate), round(DECAY_WINDOW * sample_rate)
    if len(samples) < 10 * size:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[::hop]
    power = np.square(np.abs(np.fft.rfft(windows * np.hanning(size))))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    place = np.searchsorted(DECAY_BANDS_HZ, frequencies, side="right") - 1
    steps = round(DECAY_SPAN / DECAY_HOP)
    along = np.arange(steps + 1) - steps / 2
    weights = along / np.square(along).sum() / DECAY_HOP
    slopes = []
    for band in range(len(DECAY_BANDS_HZ) - 1):
        levels = 10 * np.log10(power[:, place == band].sum(axis=1) + 1e-16)
        spans = np.lib.stride_tricks.sliding_window_view(levels, steps + 1)
        noise = np.percentile(levels, 5)
        free = (spans[:, -1] > noise + DECAY_ABOVE_DB) & (spans[:, 0] > levels.max() - 30)
        slopes.append((spans @ weights)[free])
    steep = np.concatenate(slopes)
    if steep.size < 50:
        return 0.0
    slope = 60 / max(1.0, -float(np.quantile(steep, DECAY_QUANTILE)))
    return float(np.interp(slope, SLOPE_SECONDS, RT60_SECONDS))


def offset(samples: Samples) -> float:
    """Mean of samples [N] (DC), in parts of full scale."""
    return float(np.mean(samples, dtype=np.float64))

