"""M4A and MP4, which libsndfile does not read: PyAV does, where it is installed."""
from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


class MP4:
    """A `codec.audio.Sound` of the first audio stream.

    Raises:
        ImportError: PyAV is missing.
        ValueError: no audio in it, or it is damaged.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        try:
            import av
        except ImportError as error:
            raise ImportError(f"{name} is an M4A or MP4 file, which needs PyAV: pip install av, or "
                              "convert it: ffmpeg -i in.m4a out.wav") from error
        self.name, self.errors = name, av.error.FFmpegError
        try:
            self.container: Any = av.open(file)
            stream = next(iter(self.container.streams.audio), None)
        except self.errors as error:
            raise self._unreadable(error) from error
        if stream is None:
            raise ValueError(f"{name} holds no sound: give a recording")
        self.rate, self.channels, self.frames = int(stream.rate), int(stream.channels), 0
        self._to_float = av.AudioResampler(format="fltp")

    def parts(self, size: int) -> Iterator[NDArray[np.float32]]:
        """Samples [n, C] of one packet after the other."""
        try:
            for frame in self.container.decode(audio=0):
                for part in self._to_float.resample(frame):
                    yield np.asarray(part.to_ndarray().T, np.float32)
        except self.errors as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> ValueError:
        return ValueError(f"{self.name} cannot be read as audio ({error}): convert it to WAV")

    def __enter__(self) -> MP4:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.container.close()
