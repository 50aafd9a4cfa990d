"""A book: chapters of paragraphs, whatever file they come from."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LARGEST = 1 << 26  # bytes of a file, or of one within an EPUB: a hundred long novels
SCENE_BREAK = "* * *"


@dataclass(frozen=True)
class Chapter:
    """What stands under one mark of the finished book.

    paragraphs: all that is read, headings too; SCENE_BREAK for a rule between two of them.
    """

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Book:
    """A text to be read.

    language: as the file says it, "" where it does not. cover: a JPEG or PNG file, or nothing.
    times: (start, end) in seconds of each paragraph, where these are the cues of subtitles.
    """

    title: str
    author: str
    language: str
    chapters: tuple[Chapter, ...]
    cover: bytes = b""
    times: tuple[tuple[float, float], ...] = ()


def text_of(path: Path) -> str:
    """A UTF-8 text file; ValueError where it is something else."""
    return decoded(path.read_bytes(), str(path))


def decoded(data: bytes, name: str) -> str:
    """Text in UTF-8, or in UTF-16 with a byte order mark; ValueError where it is neither."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig").replace("\r\n", "\n").replace(
            "\r", "\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8 text; save it as UTF-8") from error
