"""Speech files in and out: mono float32 samples in [-1, 1], refused early when of no use."""
from __future__ import annotations

import errno
import io
import warnings
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from codec.files import atomic_path

Samples = NDArray[np.float32]

SAMPLE_RATE = 24_000
FORMATS = "WAV, FLAC, OGG, Opus or MP3"
LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000
BLOCK_SAMPLES = 1 << 18  # decoded at once, over all channels
UNKNOWN_LENGTH = 1 << 62  # libsndfile reports more than this where a streamed FLAC states none

FRAME_SECONDS = 0.02
SILENCE_DBFS = -60.0  # a frame below this is never speech
SPEECH_RANGE_DB = 40.0  # nor is one this far below the loudest frame
NOISE_MARGIN_DB = 6.0  # nor one as low as the file's own noise ...
NOISE_CEILING_DB = 25.0  # ... as long as the noise lies this far below the loudest frame
LOUDNESS_DBFS = -23.0
HIGHEST_PEAK = 0.99
CLIPPED_LEVEL, CLIPPED_SHARE = 0.98, 0.002


class _Stream(soundfile.SoundFile):
    """A sound file read forwards only.

    SoundFile seeks after every block: that decodes twice, and fails at the end of a FLAC file
    whose header states no length.
    """

    def seekable(self) -> bool:
        return False


def load_audio(path: str | Path, sample_rate: int = SAMPLE_RATE, *,
               max_seconds: float = 30.0) -> Samples:
    """Read a sound file as samples [N], mono float32 at `sample_rate` Hz.

    Channels are averaged; any rate is resampled, which may overshoot [-1, 1] a little. A file
    longer than `max_seconds` is refused by its header; where the header says too little or
    nothing, decoding stops at the limit.

    Raises:
        FileNotFoundError: no such file.
        PermissionError: it may not be read.
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
        # By descriptor, because by name libsndfile takes any text called .gsm or .vox for sound.
        with path.open("rb") as raw, _Stream(raw.fileno(), closefd=False) as file:
            rate, mono = file.samplerate, _read_mono(file, path, max_seconds)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise ValueError(f"{path} cannot be read as audio ({reason}): give a {FORMATS} "
                         "file") from error
    if not mono.size:
        raise ValueError(f"{path} holds no samples: record or copy it again")
    if not np.isfinite(mono).all():
        raise ValueError(f"{path} holds NaN or infinite samples: export it again as 16-bit PCM")
    return resample(mono, rate, sample_rate)


def _read_mono(file: _Stream, path: Path, max_seconds: float) -> Samples:
    """All samples of an open file, averaged over channels, [N] at the file's own rate."""
    rate = file.samplerate
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"{path} has a sample rate of {rate} Hz: convert it to {SAMPLE_RATE} Hz")
    limit = max_seconds * rate
    advice = f"the limit is {max_seconds:g} s: cut a shorter piece"
    if limit < file.frames < UNKNOWN_LENGTH:
        raise ValueError(f"{path} lasts {file.frames / rate:.1f} s, {advice}")
    blocks = [np.zeros(0, np.float32)]
    total, step = 0, max(1, BLOCK_SAMPLES // file.channels)
    while len(block := file.read(step, dtype="float32", always_2d=True)):
        total += len(block)
        if total > limit:
            raise ValueError(f"{path} lasts longer than its header says, {advice}")
        blocks.append(block.mean(axis=1, dtype=np.float32))
    return np.concatenate(blocks)


def resample(samples: Samples, sample_rate: int, wanted: int) -> Samples:
    """Samples [N] at `wanted` Hz."""
    samples = np.asarray(samples, np.float32)
    if sample_rate == wanted or not samples.size:
        return samples
    return np.asarray(soxr.resample(samples, sample_rate, wanted), np.float32)


def save_audio(path: str | Path, samples: Samples, sample_rate: int = SAMPLE_RATE) -> None:
    """Write samples [N], clipped to [-1, 1], as a 16-bit WAV file: whole or not at all.

    Raises:
        ValueError: the samples are not one channel, are empty, or hold NaN or infinity.
        OSError: the folder cannot be made or written, the disk is full, or `path` is no plain file.
    """
    path, samples = Path(path), np.asarray(samples, np.float32)
    if samples.ndim != 1 or not samples.size:
        raise ValueError(f"samples must have the shape [N] with N > 0, not {list(samples.shape)}")
    if not np.isfinite(samples).all():
        raise ValueError(f"the samples hold NaN or infinity: {path} was not written")
    wav = io.BytesIO()
    pcm = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    soundfile.write(wav, pcm, sample_rate, format="WAV", subtype="PCM_16")
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is a folder or a device")
        with atomic_path(path) as temporary:
            temporary.write_bytes(wav.getvalue())
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}; choose another place or free some "
                      "space") from error


def check_prompt(samples: Samples, sample_rate: int = SAMPLE_RATE, *, min_seconds: float = 1.0,
                 ) -> None:
    """Refuse samples [N] that cannot be a voice prompt, and warn where they are clipped.

    Call it before any change of level: clipping is recognised at full scale.

    Raises:
        ValueError: shorter than `min_seconds`, or silent.
    """
    seconds = len(samples) / sample_rate
    if seconds < min_seconds:
        raise ValueError(f"the prompt lasts {seconds:.2f} s: use at least {min_seconds:g} s of "
                         "speech, better 3 s")
    if not _active_frames(samples, sample_rate).any():
        raise ValueError("the prompt is silent: use a recording of speech")
    clipped = float((np.abs(samples) >= CLIPPED_LEVEL).mean())
    if clipped > CLIPPED_SHARE:
        warnings.warn(f"the prompt is clipped ({clipped:.1%} of its samples), so the voice will "
                      "sound rough: record it at a lower level", stacklevel=2)


def normalize_loudness(samples: Samples) -> Samples:
    """Scale samples [N] at 24 kHz to -23 dBFS RMS over the active 20 ms frames, peaks <= 0.99.

    Silence is returned as it is.
    """
    active = _active_frames(samples, SAMPLE_RATE)
    if not active.any():
        return samples
    power = np.mean(10 ** (_levels(samples, SAMPLE_RATE)[active] / 10))
    gain = 10 ** (LOUDNESS_DBFS / 20) / np.sqrt(power)
    gain = min(gain, HIGHEST_PEAK / float(np.abs(samples).max()))
    return (samples * gain).astype(np.float32)


def trim_silence(samples: Samples, sample_rate: int = SAMPLE_RATE, keep: float = 0.1,
                 ) -> tuple[int, int]:
    """(start, end) indices of the speech in samples [N], with up to `keep` seconds around it.

    Silence gives (0, 0).
    """
    active = np.flatnonzero(_active_frames(samples, sample_rate))
    if not active.size:
        return 0, 0
    frame, margin = round(FRAME_SECONDS * sample_rate), round(keep * sample_rate)
    start, end = int(active[0]) * frame - margin, (int(active[-1]) + 1) * frame + margin
    return max(0, start), min(len(samples), end)


def _active_frames(samples: Samples, sample_rate: int) -> NDArray[np.bool_]:
    """Which 20 ms frames of samples [N] may hold speech, [ceil(N / frame)]."""
    levels = _levels(samples, sample_rate)
    if not levels.size:
        return np.zeros(0, np.bool_)
    loudest = float(levels.max())
    noise = min(float(np.percentile(levels, 5)) + NOISE_MARGIN_DB, loudest - NOISE_CEILING_DB)
    return levels > max(noise, loudest - SPEECH_RANGE_DB, SILENCE_DBFS)


def _levels(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    """RMS of each 20 ms frame of samples [N] in dBFS; the last one is filled up with zeros."""
    frame = round(FRAME_SECONDS * sample_rate)
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % frame))
    return 10 * np.log10(np.square(padded).reshape(-1, frame).mean(axis=1) + 1e-20)
