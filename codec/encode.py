"""Samples as the bytes of a sound file, piece by piece as they come.

MP3, Opus, AAC and FLAC are encoded by PyAV; WAV and PCM need nothing. All but FLAC can be sent
before they are finished: its header says how long it is, and readers rely on that.
"""
from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from codec.audio import Samples

UNKNOWN_SIZE = 0xFFFF_FFFF  # of a WAV file that is not finished yet
LOUDEST = 32767
OPTIONS = {"ogg": {"page_duration": "200000"}}  # in microseconds; else a second lies in wait


@dataclass(frozen=True)
class Format:
    """A way to write sound: its media type; PyAV's container and encoder, and bits/s.

    whole: it is written when all is there.
    """

    media_type: str
    container: str = ""
    encoder: str = ""
    bit_rate: int = 0
    whole: bool = False


FORMATS = {
    "mp3": Format("audio/mpeg", "mp3", "libmp3lame", 64_000),
    "opus": Format("audio/ogg", "ogg", "libopus", 32_000),
    "aac": Format("audio/aac", "adts", "aac", 64_000),
    "flac": Format("audio/flac", "flac", "flac", whole=True),
    "wav": Format("audio/wav"),
    "pcm": Format("audio/pcm"),
}


class Encoder(Protocol):
    """Takes samples [N] in [-1, 1] and gives what can be written of them so far."""

    def encode(self, samples: Samples) -> bytes: ...
    def close(self) -> bytes: ...


def encoder(name: str, sample_rate: int, tags: Mapping[str, str]) -> Encoder:
    """An encoder of one of FORMATS, for one channel.

    tags: what the file says of itself (title, comment, ...), where its format can.

    Raises:
        ImportError: PyAV is not there.
    """
    if name == "pcm":
        return PCM()
    return WAV(sample_rate, tags) if name == "wav" else Compressed(FORMATS[name], sample_rate, tags)


def encoded(name: str, samples: Samples, sample_rate: int, tags: Mapping[str, str]) -> bytes:
    """A whole file of samples [N]."""
    if name == "wav":
        return wav_header(sample_rate, tags, 2 * len(samples)) + pcm(samples)
    one = encoder(name, sample_rate, tags)
    return one.encode(samples) + one.close()


def pcm(samples: Samples) -> bytes:
    """Samples [N] as 16-bit little-endian numbers."""
    return np.rint(np.clip(samples, -1, 1) * LOUDEST).astype("<i2").tobytes()


class PCM:
    """16-bit little-endian numbers and nothing else."""

    def encode(self, samples: Samples) -> bytes:
        return pcm(samples)

    def close(self) -> bytes:
        return b""


class WAV:
    """PCM behind a header that leaves the length open, as nobody knows it yet."""

    def __init__(self, sample_rate: int, tags: Mapping[str, str]) -> None:
        self.header = wav_header(sample_rate, tags)

    def encode(self, samples: Samples) -> bytes:
        header, self.header = self.header, b""
        return header + pcm(samples)

    def close(self) -> bytes:
        return self.header


def wav_header(sample_rate: int, tags: Mapping[str, str], size: int | None = None) -> bytes:
    """Everything before the samples of a 16-bit mono WAV file. size: bytes of samples, if known."""
    names = {"title": b"INAM", "artist": b"IART", "comment": b"ICMT", "encoder": b"ISFT",
             "date": b"ICRD"}
    info = b"".join(_chunk(names[name], text.encode() + b"\0")
                    for name, text in tags.items() if name in names)
    head = b"WAVE" + _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate,
                                                 2, 16))
    head += _chunk(b"LIST", b"INFO" + info) if info else b""
    whole = UNKNOWN_SIZE if size is None else len(head) + 8 + size
    return (b"RIFF" + struct.pack("<I", whole) + head + b"data"
            + struct.pack("<I", UNKNOWN_SIZE if size is None else size))


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


class Compressed:
    """What PyAV can write."""

    def __init__(self, form: Format, sample_rate: int, tags: Mapping[str, str]) -> None:
        import av

        self.written = io.BytesIO() if form.whole else _Pipe()
        self.container = av.open(self.written, "w", format=form.container,
                                 options={"flush_packets": "1", **OPTIONS.get(form.container, {})})
        self.container.metadata.update(tags)
        stream: Any = self.container.add_stream(form.encoder, rate=sample_rate, layout="mono")
        if form.bit_rate:
            stream.bit_rate = form.bit_rate
        if form.container == "ogg":  # its tags belong to the stream
            stream.metadata.update(tags)
        self.stream, self.sample_rate, self.position = stream, sample_rate, 0

    def encode(self, samples: Samples) -> bytes:
        import av

        if len(samples):
            numbers = np.frombuffer(pcm(samples), "<i2")
            frame = av.AudioFrame.from_ndarray(numbers[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = self.sample_rate, self.position
            self.position += len(samples)
            self.container.mux(self.stream.encode(frame))
        return b"" if isinstance(self.written, io.BytesIO) else self.written.taken()

    def close(self) -> bytes:
        self.container.mux(self.stream.encode(None))
        self.container.close()
        return self.written.getvalue() if isinstance(self.written, io.BytesIO) else (
            self.written.taken())


class _Pipe:
    """A file that can only be written to, front to back."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since this was last asked."""
        taken = bytes(self.data)
        self.data.clear()
        return taken
