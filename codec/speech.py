"""Where the speech is in a recording, how loud and how clean it is, and whether there is any."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.audio import SAMPLE_RATE, Samples

FRAME_SECONDS = 0.02
SILENCE_DBFS = -90.0     # where the loudest frame is below, nothing was recorded
SPEECH_RANGE_DB = 40.0   # a frame this far below the loudest is never speech
NOISE_MARGIN_DB = 6.0    # nor is one as low as the recording's own noise
QUIET_DB = 25.0          # noise this far below the loudest frame: its level tells speech from noise
RUMBLE_HZ = (62.0, 80.0)  # speech begins above; a filter rises between them
RINGING_SECONDS = 0.1    # of the filter, where a hum is cut off by the edge of the recording
NOISY_DB = 15.0          # speech so little above the noise is unclear
LOUDNESS_DBFS = -23.0
HIGHEST_PEAK = 0.99
CLIPPED_LEVEL, CLIPPED_SHARE = 0.98, 0.002

N_BANDS, LOWEST_BAND_HZ, HIGHEST_BAND_HZ = 24, 100.0, 7_500.0
LEAST_RUN = 3            # active frames in a row: shorter ones are chance
CHANGING_DB = 1.8        # the spectrum of speech varies by 6 dB and more, by 2.3 in loud noise
TONES, ALL_OF_IT = 2, 0.9  # share of so many partials in nine of ten frames; .8 at most in speech
# Notes stay where they are and a voice never does: of 300 recordings of four corpora, at 24 and at
# 8 kHz, the steadiest has .38; piano, guitar, brass, strings and chords have .72 to 1.
STEADY, STEADY_QUANTILE = 0.56, 0.35
FINE_SECONDS, STEADY_FRAMES, STEADY_HZ = 0.085, 5, (300.0, 4_000.0)
STEADY_RANGE_DB = 15.0   # of the frames that are looked at, below the loudest
FINE_BINS = 17           # of the fine spectrum, 200 Hz: what is wider is a formant
TELEPHONE_HZ = ((2_500.0, 3_700.0), (4_300.0, 5_500.0))
TELEPHONE_DB = 24.0      # the second band is so far below the first where nothing passes 4 kHz


def check_prompt(samples: Samples, sample_rate: int = SAMPLE_RATE, *, min_seconds: float = 1.0,
                 ) -> list[str]:
    """Refuse samples [N] that cannot be a voice prompt; what else is wrong with them, in words.

    Call it before any change of level: clipping is recognised at full scale.

    Raises:
        ValueError: shorter than `min_seconds`, silent, or noise or a tone without speech.
    """
    seconds = len(samples) / sample_rate
    if seconds < min_seconds:
        raise ValueError(f"the prompt lasts {seconds:.2f} s: use at least {min_seconds:g} s of "
                         "speech, better 3 s")
    clean = without_rumble(samples, sample_rate)
    levels = frame_levels(clean, sample_rate)
    if levels.max() < SILENCE_DBFS:
        raise ValueError("the prompt is silent: use a recording of speech")
    active = active_frames(clean, sample_rate)
    if not holds_speech(clean, sample_rate, active):
        raise ValueError("there is no speech in the prompt, only noise or a tone: use a recording "
                         "of speech")
    found = []
    clipped = float((np.abs(samples) >= CLIPPED_LEVEL).mean())
    if clipped > CLIPPED_SHARE:
        found.append(f"the prompt is clipped ({clipped:.1%} of its samples), so the voice will "
                     "sound rough: record it at a lower level")
    above = above_noise(levels, active)
    if above < NOISY_DB:
        found.append(f"the prompt is noisy (the speech is only {above:.0f} dB above the noise), so "
                     "the words will be unclear: record it in a quieter place")
    if is_narrow(clean, sample_rate, active):
        found.append("the prompt holds nothing above 4 kHz, like a telephone call (8 kHz), so the "
                     "voice is a guess: use a recording of 16 kHz or more")
    return found


def above_noise(levels: NDArray[np.float64], active: NDArray[np.bool_]) -> float:
    """How far in dB the active frames are above the others, of the levels of all frames [T]."""
    noise = mean_level(levels[~active]) if not active.all() else float(np.percentile(levels, 5))
    return mean_level(levels[active]) - noise


def without_rumble(samples: Samples, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Samples [N] without an offset (DC) and hum below 60 Hz where they are heard in the pauses.

    A recording without them is returned as it is.
    """
    edge = min(sample_rate // 2, len(samples) - 1)
    if edge < 1:
        return samples
    padded = np.pad(samples.astype(np.float64), edge, mode="reflect", reflect_type="odd")
    rise = np.interp(np.fft.rfftfreq(len(padded), 1 / sample_rate), RUMBLE_HZ, (0, 1))
    high = np.fft.irfft(np.fft.rfft(padded) * rise, len(padded))[edge: edge + len(samples)]
    levels = frame_levels(high, sample_rate)
    pauses = levels <= np.percentile(levels, 10)
    rumble = mean_level(frame_levels(samples - high, sample_rate)[pauses])
    if rumble <= levels.max() - QUIET_DB:
        return samples
    ring = round(RINGING_SECONDS * sample_rate)
    high *= np.minimum(1, np.minimum(np.arange(len(high)), np.arange(len(high))[::-1]) / ring)
    return high.astype(np.float32)


def normalize_loudness(samples: Samples, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Scale samples [N] to -23 dBFS RMS over the active 20 ms frames, peaks <= 0.99.

    Silence is returned as it is.
    """
    active = active_frames(samples, sample_rate)
    if not active.any():
        return samples
    gain = 10 ** ((LOUDNESS_DBFS - mean_level(frame_levels(samples, sample_rate)[active])) / 20)
    gain = min(gain, HIGHEST_PEAK / float(np.abs(samples).max()))
    return (samples * gain).astype(np.float32)


def trim_silence(samples: Samples, sample_rate: int = SAMPLE_RATE, keep: float = 0.1,
                 ) -> tuple[int, int]:
    """(start, end) indices of the speech in samples [N], with up to `keep` seconds around it.

    Silence gives (0, 0).
    """
    active = np.flatnonzero(active_frames(samples, sample_rate))
    if not active.size:
        return 0, 0
    frame, margin = round(FRAME_SECONDS * sample_rate), round(keep * sample_rate)
    start, end = int(active[0]) * frame - margin, (int(active[-1]) + 1) * frame + margin
    return max(0, start), min(len(samples), end)


def active_frames(samples: Samples, sample_rate: int) -> NDArray[np.bool_]:
    """Which 20 ms frames of samples [N] may hold speech, [ceil(N / frame)].

    Levels tell where pauses are quiet; in noise and hum speech is what rises above them anywhere
    in the spectrum.
    """
    levels = frame_levels(samples, sample_rate)
    if not levels.size:
        return np.zeros(0, np.bool_)
    loudest, noise = float(levels.max()), float(np.percentile(levels, 5))
    if loudest < SILENCE_DBFS:
        return np.zeros(len(levels), np.bool_)
    if noise > loudest - QUIET_DB:
        return _rising_frames(samples, sample_rate)
    return levels > max(min(noise + NOISE_MARGIN_DB, loudest - QUIET_DB),
                        loudest - SPEECH_RANGE_DB)


def holds_speech(samples: Samples, sample_rate: int, active: NDArray[np.bool_]) -> bool:
    """Does the spectrum of the active frames of samples [N] change, hold more than two tones, and
    move as no notes do?"""
    if active.sum() < LEAST_RUN:
        return False
    power = power_spectra(samples, sample_rate)[:, active]
    bands = 10 * np.log10(_bands(sample_rate, 16) @ power + 1e-12)
    bands = bands[bands.max(axis=1) > bands.max() - 50]
    shape = bands - bands.mean(axis=0)
    changing = float(_smoothed(shape).std(axis=1).mean())
    rest = power.copy()
    for _ in range(TONES):
        rest[np.abs(np.arange(len(rest))[:, None] - rest.argmax(axis=0)) <= 3] = 0
    share = 1 - rest.sum(axis=0) / (power.sum(axis=0) + 1e-20)
    return (changing > CHANGING_DB and float(np.quantile(share, 0.1)) < ALL_OF_IT
            and steadiness(samples, sample_rate) < STEADY)


def steadiness(samples: Samples, sample_rate: int) -> float:
    """How much the partials of samples [N] stay where they are: 1 for held notes, 0 for speech.

    The correlation of the fine spectra of loud frames 0.1 s apart, a low quantile of it; 0 where
    there are none.
    """
    frame, size = round(FRAME_SECONDS * sample_rate), round(FINE_SECONDS * sample_rate)
    padded = np.pad(samples.astype(np.float64), (size // 2, size))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::frame]
    spectra = np.square(np.abs(np.fft.rfft(windows * np.hanning(size))))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    spectra = spectra[:, (frequencies > STEADY_HZ[0]) & (frequencies < STEADY_HZ[1])]
    levels = np.log(spectra + 1e-7 * spectra.max() + 1e-20)
    sums = np.pad(levels, ((0, 0), (FINE_BINS // 2 + 1, FINE_BINS // 2)), mode="edge").cumsum(1)
    fine = levels - (sums[:, FINE_BINS:] - sums[:, :-FINE_BINS]) / FINE_BINS
    fine -= fine.mean(axis=1, keepdims=True)
    fine /= np.linalg.norm(fine, axis=1, keepdims=True) + 1e-9
    power = spectra.sum(axis=1)
    loud = power > 10 ** (-STEADY_RANGE_DB / 10) * power.max()
    both = loud[:-STEADY_FRAMES] & loud[STEADY_FRAMES:]
    alike = (fine[:-STEADY_FRAMES] * fine[STEADY_FRAMES:]).sum(axis=1)[both]
    return float(np.quantile(alike, STEADY_QUANTILE)) if alike.size else 0.0


def is_narrow(samples: Samples, sample_rate: int, active: NDArray[np.bool_]) -> bool:
    """Do the active frames of samples [N] end at 4 kHz, as a telephone's do?"""
    mean = power_spectra(samples, sample_rate)[:, active].mean(axis=1)
    frequencies = np.linspace(0, sample_rate / 2, len(mean))
    below, above = (mean[(frequencies > low) & (frequencies < high)].sum() + 1e-20
                    for low, high in TELEPHONE_HZ)
    return bool(10 * np.log10(below / above) > TELEPHONE_DB)


def _rising_frames(samples: Samples, sample_rate: int) -> NDArray[np.bool_]:
    """Frames in which a quarter of the bands rise above what they are in the quietest tenth."""
    bands = 10 * np.log10(_smoothed(_bands(sample_rate, N_BANDS)
                                    @ power_spectra(samples, sample_rate)) + 1e-12)
    bands = np.maximum(bands, bands.max() - SPEECH_RANGE_DB)
    rise = np.maximum(bands - np.percentile(bands, 10, axis=1, keepdims=True), 0)
    rise = np.sort(rise, axis=0)[-N_BANDS // 4:].mean(axis=0)
    active = rise > np.percentile(rise, 10) + NOISE_MARGIN_DB
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    for start, end in edges.reshape(-1, 2):
        active[start:end] = end - start >= LEAST_RUN
    return active


def _smoothed(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows [R, T] averaged over three frames, edges repeated."""
    padded = np.pad(rows, ((0, 0), (1, 1)), mode="edge")
    return (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3


def power_spectra(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    """Power spectra [F, ceil(N / frame)] in windows of two 20 ms frames, centred on each."""
    frame = round(FRAME_SECONDS * sample_rate)
    frames = -(-len(samples) // frame)
    padded = np.pad(samples.astype(np.float64),
                    (frame // 2, frames * frame - len(samples) + frame - frame // 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * frame)[::frame]
    power = np.square(np.abs(np.fft.rfft(windows * np.hanning(2 * frame)))).T
    if frames > 3:  # a hum that is cut at an edge of the recording is no sound of its own
        power[:, :1], power[:, -2:] = power[:, 1:2], power[:, -3:-2]
    return power


def _bands(sample_rate: int, count: int) -> NDArray[np.float64]:
    """Sums over frequencies [count, F] in bands evenly spaced by ear."""
    frame = round(FRAME_SECONDS * sample_rate)
    frequencies = np.linspace(0, sample_rate / 2, frame + 1)
    highest = min(HIGHEST_BAND_HZ, sample_rate / 2)
    edges = 700 * (np.geomspace(1 + LOWEST_BAND_HZ / 700, 1 + highest / 700, count + 1) - 1)
    place = np.searchsorted(edges, frequencies, side="right") - 1
    return (place == np.arange(count)[:, None]).astype(np.float64)


def frame_levels(samples: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """RMS of each 20 ms frame of samples [N] in dBFS; the last one is filled up with zeros."""
    frame = round(FRAME_SECONDS * sample_rate)
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % frame))
    return 10 * np.log10(np.square(padded).reshape(-1, frame).mean(axis=1) + 1e-20)


def mean_level(levels: NDArray[np.float64]) -> float:
    """Level in dB of the mean power of frames at these levels."""
    return float(10 * np.log10(np.mean(10 ** (levels / 10))))
