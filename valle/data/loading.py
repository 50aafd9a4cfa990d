"""Audio of a corpus, refused where it is not whole."""
from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import BinaryIO

import soundfile

from codec.audio import SAMPLE_RATE, Samples, load_audio

LONGEST_SECONDS = 1800.0  # of one recording: an hour of silence fits into a few kB
SLACK = 0.05  # seconds that may be missing at the end
SHARE = 0.1   # of a decoded length by which a header may exceed it
OPEN_END = 0x7FFFF000  # sizes from here on are written by programs that do not know theirs
LONGEST_PAGE = 65_307  # bytes, of Ogg
UNKNOWN_LENGTH = 1 << 62  # libsndfile reports more than this where a stream states no length


def load_whole(path: Path, sample_rate: int = SAMPLE_RATE,
               max_seconds: float = LONGEST_SECONDS) -> Samples:
    """Samples [N] of a recording at `sample_rate` Hz.

    Raises:
        FileNotFoundError, ValueError: as `load_audio`, which counts while it decodes; or a part of
            the file is missing.
    """
    samples = load_audio(path, sample_rate, max_seconds=max_seconds)
    missing = header_seconds(path) - len(samples) / sample_rate  # of VBR MP3 that is an estimate
    if missing < SHARE * len(samples) / sample_rate:
        missing = missing_seconds(path)
    if missing > SLACK:
        raise ValueError(f"{path} is cut short, its end is not there: copy it again")
    return samples


def header_seconds(path: Path) -> float:
    """Length by the header; 0 where it says nothing, `load_audio` finds the cause."""
    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError:
        return 0.0
    return info.duration if info.frames < UNKNOWN_LENGTH else 0.0


def missing_seconds(path: Path) -> float:
    """How much of a file's own length is not there, where libsndfile passes that over in silence.

    WAV and AIFF state it; of Ogg it is only known whether the last page is missing.
    """
    try:
        with path.open("rb") as file:
            kind = file.read(12)
            if kind[:4] == b"RIFF" and kind[8:] == b"WAVE":
                return _missing(file, "<", b"data")
            if kind[:4] == b"FORM" and kind[8:12] in (b"AIFF", b"AIFC"):
                return _missing(file, ">", b"SSND")
            if kind[:4] == b"OggS":
                file.seek(max(0, path.stat().st_size - LONGEST_PAGE))
                end = file.read()
                page = end.rfind(b"OggS")
                return 0.0 if page >= 0 and len(end) > page + 5 and end[page + 5] & 4 else math.inf
    except (OSError, struct.error):
        pass  # `load_audio` says what is wrong
    return 0.0


def _missing(file: BinaryIO, order: str, sound: bytes) -> float:
    """Seconds that the sound chunk of a chunked file promises beyond the file's end."""
    rate = 0.0  # bytes a second
    while len(head := file.read(8)) == 8:
        size = struct.unpack(order + "I", head[4:])[0]
        start = file.tell()
        if head[:4] == sound:
            left = file.seek(0, 2) - start
            return max(0.0, (size - left) / rate) if rate and size < OPEN_END else 0.0
        if head[:4] == b"fmt ":
            rate = struct.unpack_from("<I", file.read(16), 8)[0]
        elif head[:4] == b"COMM":
            channels, _, bits = struct.unpack(">HIH", file.read(8))
            exponent, mantissa = struct.unpack(">HI", file.read(6))  # of an 80-bit float
            rate = channels * (bits + 7) // 8 * mantissa * 2.0 ** (exponent - 16383 - 31)
        file.seek(start + size + size % 2)
    return 0.0
