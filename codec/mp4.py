"""M4A, MP4 and bare AAC, which libsndfile does not read: PyAV does, where it is installed."""
from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


def format_of(head: bytes) -> str | None:
    """The one of these that a file is, by its first 12 bytes and in libav's words, or None."""
    if head[4:8] == b"ftyp":
        return "mov"
    return "aac" if head[:1] == b"\xff" and head[1] & 0xF6 == 0xF0 else None


class MP4:
    """A `codec.audio.Sound` of the first audio stream.

    libav is told the format. Left to guess, it takes what begins like an MP4 file for a playlist or
    a session description, and opens what that names.

    Raises:
        ImportError: PyAV is missing.
        ValueError: no audio in it, or it is damaged.
    """

    def __init__(self, file: BinaryIO, name: str, form: str) -> None:
        """form: as `format_of` gives it."""
        try:
            import av
        except ImportError as error:
            raise ImportError(f"{name} is an M4A, MP4 or AAC file, which needs PyAV: pip "
                              "install av, or convert it: ffmpeg -i in.m4a out.wav") from error
        self.name, self.errors = name, av.error.FFmpegError
        try:
            self.container: Any = av.open(file, format=form)
            stream = next(iter(self.container.streams.audio), None)
        except self.errors as error:
            raise self._unreadable(error) from error
        context = stream.codec_context if stream is not None else None
        if stream is None or context is None or not context.sample_rate or not context.channels:
            raise ValueError(f"{name} holds no sound that can be decoded: convert it to WAV")
        self.rate, self.channels, self.frames = int(context.sample_rate), int(context.channels), 0
        self.tags: dict[str, str] = {**self.container.metadata, **stream.metadata}
        self._to_float = av.AudioResampler("fltp", context.layout, self.rate)

    def parts(self, size: int) -> Iterator[NDArray[np.float32]]:
        """Samples [n, C] of one packet after the other."""
        try:
            for frame in self.container.decode(audio=0):
                for part in self._to_float.resample(frame):
                    yield np.asarray(part.to_ndarray().T, np.float32)
        except (self.errors, ValueError) as error:  # the latter of a file that changes on its way
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> ValueError:
        return ValueError(f"{self.name} cannot be read as audio ({error}): convert it to WAV")

    def __enter__(self) -> MP4:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.container.close()
