"""Sound files in and out: mono float32 samples in [-1, 1], refused early when of no use."""
from __future__ import annotations

import errno
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from codec.files import atomic_path
from codec.mp4 import MP4, format_of

Samples = NDArray[np.float32]

SAMPLE_RATE = 24_000
FORMATS = "WAV, FLAC, OGG, Opus or MP3"
WRITTEN = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS"),
           ".opus": ("OGG", "OPUS"), ".mp3": ("MP3", "MPEG_LAYER_III")}
LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000
MOST_PER_SECOND = 800_000  # samples over all channels
BLOCK_SAMPLES = 1 << 18  # decoded at once, over all channels
UNKNOWN_LENGTH = 1 << 62  # libsndfile reports more than this where a streamed FLAC states none
CANCELLED = 0.25  # of the power that as many channels have together when nothing is common to them


class Sound(Protocol):
    """An open sound file: rate in Hz, channels, frames (0 where nobody knows), what it says of
    itself (title, artist, comment, date) and its samples."""

    rate: int
    channels: int
    frames: int
    tags: dict[str, str]

    def parts(self, size: int) -> Iterator[NDArray[np.float32]]:
        """Samples [n, C] in order, about `size` at a time."""


class _Stream(soundfile.SoundFile):
    """A sound file of libsndfile, read forwards only.

    SoundFile seeks after every block: that decodes twice, and fails at the end of a FLAC file
    whose header states no length.
    """

    def seekable(self) -> bool:
        return False

    @property
    def rate(self) -> int:
        return int(self.samplerate)

    @property
    def tags(self) -> dict[str, str]:
        return dict(self.copy_metadata())

    def parts(self, size: int) -> Iterator[NDArray[np.float32]]:
        while len(part := self.read(size, dtype="float32", always_2d=True)):
            yield part


def load_audio(path: str | Path | BinaryIO, sample_rate: int = SAMPLE_RATE, *,
               max_seconds: float = 30.0) -> Samples:
    """Read a sound file, or one in memory (BytesIO), as samples [N], mono, at `sample_rate` Hz.

    Channels are averaged, unless they cancel: then the loudest is taken. Any rate is resampled,
    which may overshoot [-1, 1] a little. A file longer than `max_seconds` is refused by its header;
    where the header says too little or nothing, decoding stops at the limit.

    Raises:
        FileNotFoundError: no such file.
        PermissionError: it may not be read.
        ValueError: not a sound file, empty, damaged, too long, or with NaN or infinite samples.
    """
    if isinstance(path, (str, Path)):
        with _file(Path(path)) as file:
            return _load(file, str(path), sample_rate, max_seconds)
    return _load(path, "the audio in memory", sample_rate, max_seconds)


def read_tags(path: str | Path) -> dict[str, str]:
    """What a sound file says of itself, as far as it does: title, artist, comment, date.

    Raises:
        FileNotFoundError, PermissionError, ValueError: as `load_audio`.
    """
    with (_file(Path(path)) as file,
          opened(file, _head(file, str(path)), str(path)) as sound):
        return sound.tags


def _file(path: Path) -> io.FileIO:
    if not path.exists():
        raise FileNotFoundError(f"no audio file at {path}: check the path")
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the path of one {FORMATS} file")
    return path.open("rb", buffering=0)


def _head(file: BinaryIO, name: str) -> bytes:
    """The first bytes, by which formats are told apart."""
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    if not head:
        raise ValueError(f"{name} is an empty file: record or copy it again")
    return head


def _load(file: BinaryIO, name: str, sample_rate: int, max_seconds: float) -> Samples:
    """What an open file holds, as `load_audio` gives it; name: for messages."""
    rate, mono, powers = _read_mono(file, name, max_seconds)
    if not mono.size:
        raise ValueError(f"{name} holds no samples: record or copy it again")
    if not np.isfinite(mono).all():
        raise ValueError(f"{name} holds NaN or infinite samples: export it again as 16-bit PCM")
    if cancel(mono, powers):
        rate, mono, _ = _read_mono(file, name, max_seconds, int(powers.argmax()))
    return resample(mono, rate, sample_rate)


def _read_mono(file: BinaryIO, name: str, max_seconds: float, channel: int | None = None,
               ) -> tuple[int, Samples, NDArray[np.float64]]:
    """(rate, samples [N] of one channel or of their mean, sum of squares of each channel [C])."""
    with opened(file, _head(file, name), name) as sound:
        rate, channels = sound.rate, sound.channels
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise ValueError(f"{name} has a sample rate of {rate} Hz: convert it to {SAMPLE_RATE} "
                             "Hz")
        if rate * channels > MOST_PER_SECOND:
            raise ValueError(f"{name} has {channels} channels of {rate} Hz: convert it to one of "
                             f"{SAMPLE_RATE} Hz")
        limit, advice = max_seconds * rate, f"the limit is {max_seconds:g} s: cut a shorter piece"
        if limit < sound.frames < UNKNOWN_LENGTH:
            raise ValueError(f"{name} lasts {sound.frames / rate:.1f} s, {advice}")
        parts, powers, total = [np.zeros(0, np.float32)], np.zeros(channels), 0
        for part in sound.parts(max(1, BLOCK_SAMPLES // channels)):
            total += len(part)
            if total > limit:
                raise ValueError(f"{name} lasts longer than its header says, {advice}")
            with np.errstate(over="ignore", invalid="ignore"):
                powers += np.square(part, dtype=np.float64).sum(axis=0)
                parts.append(part.mean(axis=1, dtype=np.float32) if channel is None
                              else part[:, channel])
    return rate, np.concatenate(parts), powers


@contextmanager
def opened(file: BinaryIO, head: bytes, name: str) -> Iterator[Sound]:
    """A sound file to be decoded block by block; ValueError when it is none, or is damaged."""
    if form := format_of(head):  # not one of libsndfile
        with MP4(file, name, form) as sound:
            yield sound
        return
    try:
        # By descriptor, because by name libsndfile takes any text called .gsm or .vox for sound.
        with (_Stream(file.fileno(), closefd=False) if isinstance(file, io.FileIO)
              else _Stream(file)) as stream:
            yield stream
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise ValueError(f"{name} cannot be read as audio ({reason}): give a {FORMATS} "
                         "file") from error


def cancel(mono: Samples, powers: NDArray[np.float64]) -> bool:
    """Do channels cancel in their mean [N], as a microphone with one lead reversed makes them?

    powers: sum of squares of each channel [C].
    """
    return float(np.square(mono, dtype=np.float64).sum()) < CANCELLED * powers.mean() / len(powers)


def resample(samples: Samples, sample_rate: int, wanted: int) -> Samples:
    """Samples [N] at `wanted` Hz."""
    samples = np.asarray(samples, np.float32)
    if sample_rate == wanted or not samples.size:
        return samples
    return np.asarray(soxr.resample(samples, sample_rate, wanted), np.float32)


def written_as(path: Path) -> tuple[str, str]:
    """libsndfile's (format, subtype) of a file's suffix; ValueError names those that there are."""
    found = WRITTEN.get(path.suffix.lower())
    if found is None:
        *others, last = WRITTEN
        raise ValueError(f"cannot write {path}: give it a name that ends in {', '.join(others)} or "
                         f"{last}")
    return found


def save_audio(path: str | Path, samples: Samples, sample_rate: int = SAMPLE_RATE,
               tags: Mapping[str, str] | None = None) -> None:
    """Write samples [N], clipped to [-1, 1], in the format of the suffix: whole or not at all.

    WAV and FLAC have 16 bits; OGG (Vorbis), Opus and MP3 are smaller and lossy. tags: what the
    file says of itself: title, artist, comment, date.

    Raises:
        ValueError: the samples are not one channel, are empty, or hold NaN or infinity, or the
            suffix is none of WRITTEN.
        OSError: the folder cannot be made or written, the disk is full, or `path` is no plain file.
    """
    path, samples = Path(path), np.asarray(samples, np.float32)
    kind, subtype = written_as(path)
    if samples.ndim != 1 or not samples.size:
        raise ValueError(f"samples must have the shape [N] with N > 0, not {list(samples.shape)}")
    if not np.isfinite(samples).all():
        raise ValueError(f"the samples hold NaN or infinity: {path} was not written")
    encoded = io.BytesIO()
    pcm = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    with soundfile.SoundFile(encoded, "w", sample_rate, 1, subtype, format=kind) as file:
        for name, text in (tags or {}).items():
            setattr(file, name, text)
        for start in range(0, len(pcm), BLOCK_SAMPLES):  # Vorbis overflows its stack on minutes
            file.write(pcm[start: start + BLOCK_SAMPLES])
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is a folder or a device")
        with atomic_path(path) as temporary:
            temporary.write_bytes(encoded.getvalue())
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}; choose another place or free some "
                      "space") from error
