"""Speech files in and out: mono float32 samples in [-1, 1], refused early when they cannot be used."""
from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from codec.files import atomic_path

Samples = NDArray[np.float32]

SAMPLE_RATE = 24_000
BLOCK = 1 << 16  # samples per channel read at once
MIN_RATE, MAX_RATE = 4_000, 768_000
FORMATS = "WAV, FLAC, OGG, Opus or MP3"
FRAME_SECONDS = 0.02
SILENCE_DBFS = -60.0  # a prompt whose loudest 20 ms stay below this is silence
ACTIVE_BELOW_PEAK_DB = 40.0  # a frame counts as speech when within this of the loudest frame
TARGET_DBFS = -23.0
PEAK = 0.99


def load_audio(path: str | Path, sample_rate: int = SAMPLE_RATE, *,
               max_seconds: float | None = 30.0) -> Samples:
    """Read a sound file as mono float32 [N] at `sample_rate`, in [-1, 1] or near it.

    Channels are averaged, any rate is resampled with soxr. A file longer than `max_seconds` is
    refused by its header, before decoding; a header that lies is caught while reading in blocks.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a sound file, empty, damaged, too long, or with NaN or infinite samples.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no audio file at {path}: check the path")
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the path of one {FORMATS} file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is an empty file: record or copy it again")
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            mono = _read_mono(file, path, max_seconds)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} cannot be read as audio ({error.error_string.rstrip('.')}): "
                         f"give a {FORMATS} file") from error
    if not mono.size:
        raise ValueError(f"{path} holds no samples: record or copy it again")
    if not np.isfinite(mono).all():
        raise ValueError(f"{path} holds NaN or infinite samples: export it again as PCM")
    return mono if rate == sample_rate else soxr.resample(mono, rate, sample_rate)


def _read_mono(file: soundfile.SoundFile, path: Path, max_seconds: float | None) -> Samples:
    """All samples of an open file, averaged over channels, [N] at the file's own rate."""
    rate = file.samplerate
    if not MIN_RATE <= rate <= MAX_RATE:
        raise ValueError(f"{path} has a sample rate of {rate} Hz: convert it to 8000 to 192000 Hz")
    limit = float("inf") if max_seconds is None else max_seconds * rate
    if file.frames > limit:
        raise _too_long(path, f"{file.frames / rate:.0f} s", max_seconds)
    blocks: list[Samples] = []
    total = 0
    while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
        total += len(block)
        if total > limit:
            raise _too_long(path, "more", max_seconds)
        blocks.append(block.mean(axis=1, dtype=np.float32))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _too_long(path: Path, length: str, max_seconds: float | None) -> ValueError:
    return ValueError(f"{path} lasts {length}, the limit is {max_seconds:g} s: cut it")


def check_prompt(samples: Samples, sample_rate: int = SAMPLE_RATE, *, min_seconds: float = 1.0,
                 ) -> None:
    """Refuse samples [N] that cannot serve as a voice prompt; warn when they are clipped.

    Raises:
        ValueError: shorter than `min_seconds`, or silent.
    """
    seconds = len(samples) / sample_rate
    if seconds < min_seconds:
        raise ValueError(f"the prompt lasts {seconds:.2f} s: use at least {min_seconds:g} s of "
                         "speech, best 3 s or more")
    if _frame_dbfs(samples, sample_rate).max() < SILENCE_DBFS:
        raise ValueError("the prompt is silent: use a recording of speech")
    full = np.abs(samples) >= 0.999 * max(1.0, float(np.abs(samples).max()))
    share = float((full[1:] & full[:-1]).mean())
    if share > 0.001:
        warnings.warn(f"the prompt is clipped ({share:.1%} of its samples): the voice will sound "
                      "rough; record it again at a lower level", stacklevel=2)


def normalize_loudness(samples: Samples) -> Samples:
    """Scale samples [N] so that their active 20 ms frames have -23 dBFS RMS, with peaks <= 0.99."""
    if not len(samples):
        return samples
    level = _frame_dbfs(samples, SAMPLE_RATE)
    active = level > max(level.max() - ACTIVE_BELOW_PEAK_DB, -90.0)
    if not active.any():
        return samples
    power = np.mean(10.0 ** (level[active] / 10))
    gain = 10.0 ** (TARGET_DBFS / 20) / np.sqrt(power)
    gain = min(gain, PEAK / float(np.abs(samples).max()))
    return (samples * np.float32(gain)).astype(np.float32)


def trim_silence(samples: Samples, sample_rate: int = SAMPLE_RATE, keep: float = 0.1,
                 ) -> tuple[int, int]:
    """(start, end) sample indices of the speech in samples [N], with `keep` seconds around it.

    Silent samples give (0, 0).
    """
    if not len(samples):
        return 0, 0
    level = _frame_dbfs(samples, sample_rate)
    active = np.flatnonzero(level > max(level.max() - ACTIVE_BELOW_PEAK_DB, SILENCE_DBFS))
    if not active.size:
        return 0, 0
    frame, margin = _frame_length(sample_rate), round(keep * sample_rate)
    start, end = int(active[0]) * frame, (int(active[-1]) + 1) * frame
    return max(0, start - margin), min(len(samples), end + margin)


def save_audio(path: str | Path, samples: Samples, sample_rate: int = SAMPLE_RATE) -> Path:
    """Write samples [N], clipped to [-1, 1], as a 16-bit WAV file: whole or not at all.

    Raises:
        ValueError: samples are not one non-empty, finite channel.
        OSError: the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim != 1 or not samples.size:
        raise ValueError(f"expected samples of shape [N], N > 0, got {list(samples.shape)}")
    if not np.isfinite(samples).all():
        raise ValueError("the samples hold NaN or infinity: nothing was written")
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
    with atomic_path(path) as temporary:
        soundfile.write(temporary, pcm, sample_rate, format="WAV", subtype="PCM_16")
    return path


def _frame_length(sample_rate: int) -> int:
    return round(FRAME_SECONDS * sample_rate)


def _frame_dbfs(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    """RMS level in dBFS of each 20 ms frame of samples [N]; a last part frame is zero-padded."""
    frame = _frame_length(sample_rate)
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % frame))
    return 10 * np.log10(np.square(padded).reshape(-1, frame).mean(axis=1) + 1e-20)
