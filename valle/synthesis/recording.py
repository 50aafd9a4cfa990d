"""What a prompt may be given as: a file, a file in memory, or samples with their rate."""
from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np

from codec.audio import (
    HIGHEST_RATE,
    LOWEST_RATE,
    SAMPLE_RATE,
    Samples,
    cancel,
    load_audio,
    resample,
)
from codec.speech import (
    active_frames,
    check_prompt,
    is_narrow,
    normalize_loudness,
    trim_silence,
    without_rumble,
)
from codec.widen import widen

Recording: TypeAlias = str | Path | BinaryIO | Samples | tuple[Samples, int]

MOST_CHANNELS = 16
LEAST_SPEECH_SECONDS = 1.0
HIGHEST_SAMPLE = 1.5    # resampling may overshoot 1 a little
USUAL_RATES = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000)
# Log-probability per frame: where a rate is in doubt, what another must have and gain.
RATE_IN_DOUBT, RATE_THAT_FITS, GAIN_OF_RATE = -1.7, -2.0, 0.8
WANTED = ("a prompt is the path of a sound file, a file in memory (BytesIO), samples at 24 kHz, or "
          "(samples, rate)")


def as_samples(recording: Recording, max_seconds: float) -> Samples:
    """Samples [N] at 24 kHz of what was given.

    Samples may be [N], [1, N], [N, C] or [C, N] (channels are averaged), floats in [-1, 1] or
    whole numbers (int16, int32, uint8), of NumPy or torch.

    Raises:
        FileNotFoundError, ValueError: what is wrong, in one line.
    """
    if is_file(recording):
        if isinstance(recording, io.TextIOBase):
            raise ValueError("the prompt was opened as text: open it with mode 'rb'")
        return load_audio(recording, max_seconds=max_seconds)  # type: ignore[arg-type]
    samples, rate = recording if isinstance(recording, tuple) and len(recording) == 2 else (
        recording, SAMPLE_RATE)
    rate = whole_rate(rate)
    wave = mono(samples)
    if len(wave) > max_seconds * rate:
        raise ValueError(f"the prompt lasts {len(wave) / rate:.1f} s, the limit is "
                         f"{max_seconds:g} s: cut a shorter piece")
    return resample(wave, rate, SAMPLE_RATE)


def is_file(recording: Recording) -> bool:
    """Does it say its own rate?"""
    return isinstance(recording, (str, Path)) or hasattr(recording, "read")


def source_of(recording: Recording) -> str:
    """The full path of a file; of anything else nothing."""
    return str(Path(recording).resolve()) if isinstance(recording, (str, Path)) else ""


def mono(samples: Any) -> Samples:
    """Samples of any accepted shape and type as float32 [N] in [-1, 1]; ValueError for others."""
    given = samples.detach().cpu() if hasattr(samples, "detach") else samples
    wave = np.asarray(given) if isinstance(given, (np.ndarray, list)) or hasattr(
        given, "__array__") else np.zeros(0, object)
    if wave.dtype.kind not in "fiu":
        raise ValueError(f"{WANTED}, not {type(samples).__name__}" + (
            f" of {wave.dtype}" if wave.dtype.kind != "O" else ""))
    while wave.ndim > 2 and 1 in wave.shape:
        wave = wave.squeeze(wave.shape.index(1))
    if wave.ndim not in (1, 2) or (wave.ndim == 2 and min(wave.shape) > MOST_CHANNELS):
        raise ValueError(f"samples have the shape {list(wave.shape)}: give [N], or [N, C] with a "
                         "column for each channel")
    if wave.dtype.kind in "iu":
        span = 2.0 ** (8 * wave.dtype.itemsize - 1)
        wave = wave / span - (1.0 if wave.dtype.kind == "u" else 0.0)
    wave = wave.astype(np.float32)
    if not np.isfinite(wave).all():
        raise ValueError("the samples hold NaN or infinity: record them again")
    if wave.size and float(np.abs(wave).max()) > HIGHEST_SAMPLE:
        raise ValueError(f"samples reach {np.abs(wave).max():.5g}: floats lie in [-1, 1] (divide "
                         "16-bit values by 32768)")
    if wave.ndim == 1:
        return wave
    columns = wave if wave.shape[0] > wave.shape[1] else wave.T
    averaged, powers = columns.mean(axis=1), np.square(columns, dtype=np.float64).sum(axis=0)
    return columns[:, int(powers.argmax())] if cancel(averaged, powers) else averaged


def whole_rate(rate: Any) -> int:
    """A sample rate in Hz; ValueError for what is none."""
    if not isinstance(rate, (int, float, np.integer, np.floating)) or isinstance(rate, bool):
        raise ValueError(f"{WANTED}, in this order: the rate is {type(rate).__name__}")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE or rate != int(rate):
        raise ValueError(f"a sample rate of {rate} Hz: must be {LOWEST_RATE} to {HIGHEST_RATE}")
    return int(rate)


def likelier_rate(samples: Samples, score: Callable[[Samples], float]) -> int | None:
    """The rate that samples [N], taken as 24 kHz, seem to have, where it is another one.

    score: how well the transcript fits samples [N] at 24 kHz, as `Aligner.score`, or -inf.
    """
    here = score(samples)
    if here > RATE_IN_DOUBT:
        return None
    best, rate = max((score(resample(samples, rate, SAMPLE_RATE)), rate) for rate in USUAL_RATES)
    return rate if best > max(here + GAIN_OF_RATE, RATE_THAT_FITS) else None


class Conditioned(NamedTuple):
    """Speech [N] at 24 kHz for codec and aligner, what is wrong with it, and the second of the
    recording at which it begins."""

    speech: Samples
    found: list[str]
    start: float


def condition(samples: Samples) -> Conditioned:
    """What codec and aligner get of a prompt's samples [N] at 24 kHz.

    Without rumble and silent ends, at the usual loudness, and widened where it is a telephone's.

    Raises:
        ValueError: too short, silent, or without speech.
    """
    found = check_prompt(samples)
    clean = without_rumble(samples)
    start, end = trim_silence(clean)
    speech = normalize_loudness(clean[start:end])
    if is_narrow(speech, SAMPLE_RATE, active_frames(speech, SAMPLE_RATE)):
        speech = widen(speech)
    if len(speech) < LEAST_SPEECH_SECONDS * SAMPLE_RATE:
        found.append(f"the prompt holds only {len(speech) / SAMPLE_RATE:.1f} s of speech, so the "
                     "voice is a guess: use 3 s")
    return Conditioned(speech, found, start / SAMPLE_RATE)


def warn(messages: Iterable[str]) -> None:
    """A Python warning for each, every time: Python itself shows one only once in a process."""
    for message in messages:
        warnings.warn_explicit(message, UserWarning, "valle", 0, registry={})
