"""A book as one sound file: M4B, MP3, Opus, FLAC or WAV with its chapters, tags and cover.

Samples are encoded as they come, so that an hour takes no more memory than a minute.
"""
from __future__ import annotations

import base64
import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from codec.audio import Samples
from codec.encode import FORMATS, pcm
from codec.files import atomic_path
from valle.features.optional import package
from valle.synthesis.subtitles import clock


@dataclass(frozen=True)
class Kind:
    """PyAV's container and encoder for a suffix, and what the container can hold."""

    container: str
    encoder: str
    bit_rate: int = 0
    chapters: bool = True
    cover: bool = True


KINDS = {
    ".m4b": Kind("mp4", FORMATS["aac"].encoder, FORMATS["aac"].bit_rate),
    ".mp3": Kind("mp3", FORMATS["mp3"].encoder, FORMATS["mp3"].bit_rate),
    ".opus": Kind("ogg", FORMATS["opus"].encoder, FORMATS["opus"].bit_rate),
    ".flac": Kind("flac", FORMATS["flac"].encoder),
    ".wav": Kind("wav", "pcm_s16le", chapters=False, cover=False),
}
OPTIONS = {".m4b": {"brand": "M4B ", "movflags": "+faststart"}, ".wav": {"rf64": "auto"}}
PICTURES = ("mjpeg", "png")
BLOCK = 1 << 16  # samples that are encoded at once


@dataclass(frozen=True)
class Mark:
    """A chapter from `start` to `end` in seconds."""

    title: str
    start: float
    end: float


def kind_of(path: Path) -> Kind:
    """How a file of this name is written.

    Raises:
        ImportError: PyAV is missing.
        ValueError: another suffix, or PyAV has no encoder for it.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        *others, last = KINDS
        raise ValueError(f"cannot write {path}: give it a name that ends in {', '.join(others)} or "
                         f"{last}")
    av = package("av", "valle read", "'valle[read]'")
    if kind.encoder not in av.codecs_available:
        others = [suffix for suffix, one in KINDS.items() if one.encoder in av.codecs_available]
        raise ValueError(f"this PyAV has no encoder {kind.encoder} for {path.suffix}: write "
                         f"{', '.join(others)}, or pip install --force-reinstall av")
    return kind


def write(path: Path, parts: Iterable[Samples], sample_rate: int, tags: Mapping[str, str],
          marks: Sequence[Mark], cover: bytes = b"") -> None:
    """Write samples, part by part, as a file of the suffix's kind: whole or not at all.

    cover: a JPEG or PNG file, or nothing. What the kind cannot hold is left out.

    Raises:
        ImportError, ValueError: as `kind_of`, or as `size_of` for the cover.
        OSError: the place cannot be written.
    """
    import av

    kind = kind_of(path)
    try:
        with atomic_path(path) as temporary, av.open(
                str(temporary), "w", format=kind.container,
                options=OPTIONS.get(path.suffix.lower(), {})) as out:
            _encode(out, kind, parts, sample_rate, tags, marks, cover)
    except av.error.FFmpegError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _encode(out: Any, kind: Kind, parts: Iterable[Samples], sample_rate: int,
            tags: Mapping[str, str], marks: Sequence[Mark], cover: bytes) -> None:
    import av

    stream = out.add_stream(kind.encoder, rate=sample_rate, layout="mono")
    if kind.bit_rate:
        stream.bit_rate = kind.bit_rate
    about = dict(tags)
    if kind.container in ("flac", "ogg"):  # one knows no chapters, one rounds to whole seconds
        about |= _comments(marks)
    elif kind.chapters:
        out.set_chapters([{"id": number, "start": round(1000 * mark.start),
                           "end": round(1000 * mark.end), "time_base": Fraction(1, 1000),
                           "metadata": {"title": mark.title}} for number, mark in enumerate(marks)])
    if kind.container == "ogg" and cover:
        about["METADATA_BLOCK_PICTURE"] = _picture_block(cover)
    (stream if kind.container == "ogg" else out).metadata.update(about)
    picture = _add_cover(out, cover) if cover and kind.cover and kind.container != "ogg" else None
    if picture is not None:
        out.mux(picture)
    position = 0
    for samples in parts:
        for start in range(0, len(samples), BLOCK):
            numbers = np.frombuffer(pcm(samples[start: start + BLOCK]), "<i2")
            frame = av.AudioFrame.from_ndarray(numbers[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = sample_rate, position
            position += len(numbers)
            out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def size_of(cover: bytes) -> tuple[int, int]:
    """(width, height) in pixels of a JPEG or PNG file; ValueError where it is neither."""
    import av

    try:
        with av.open(io.BytesIO(cover), "r") as file:
            context = file.streams.video[0].codec_context
            if context.name in PICTURES and context.width and context.height:
                return context.width, context.height
    except (av.error.FFmpegError, IndexError):
        pass
    raise ValueError("it is no JPEG or PNG picture")


def _add_cover(out: Any, cover: bytes) -> Any:
    """The packet of a picture, for a new stream of the file."""
    import av
    from av.stream import Disposition

    with av.open(io.BytesIO(cover), "r") as file:
        source = file.streams.video[0]
        stream = out.add_stream_from_template(source)
        stream.disposition = Disposition.attached_pic
        packet = next(packet for packet in file.demux(source) if packet.size)
        packet.stream, packet.pts, packet.dts = stream, 0, 0
    return packet


def _picture_block(cover: bytes) -> str:
    """A FLAC picture block (RFC 9639, section 8.8) in base64, as Vorbis comments hold it."""
    media = b"image/png" if cover.startswith(b"\x89PNG") else b"image/jpeg"
    block = struct.pack(">II", 3, len(media)) + media + struct.pack(
        ">IIIIII", 0, *size_of(cover), 24, 0, len(cover)) + cover
    return base64.b64encode(block).decode()


def _comments(marks: Sequence[Mark]) -> dict[str, str]:
    """Chapters as Vorbis comments (CHAPTER001=00:00:00.000, CHAPTER001NAME=...)."""
    found = {}
    for number, mark in enumerate(marks):
        found[f"CHAPTER{number:03d}"] = clock(mark.start, ".")
        found[f"CHAPTER{number:03d}NAME"] = mark.title
    return found
