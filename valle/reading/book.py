"""A book: chapters of paragraphs, whatever file they come from."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LARGEST = 1 << 26  # bytes of a file, or of one within an EPUB: a hundred long novels
SUFFIXES = ".txt, .md, .html, .epub or .srt"
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


def read_book(path: Path) -> Book:
    """The chapters of a .txt, .md, .html, .epub or .srt file.

    Raises:
        FileNotFoundError: no such file.
        ImportError: Markdown without markdown-it-py.
        ValueError: another format, DRM, overlapping cues, damage, or nothing to read.
    """
    from valle.reading import epub, html_text, markdown_text, plain_text, subtitles_in

    readers = {".txt": plain_text.read, ".text": plain_text.read, ".md": markdown_text.read,
               ".markdown": markdown_text.read, ".html": html_text.read, ".htm": html_text.read,
               ".xhtml": html_text.read, ".epub": epub.read, ".srt": subtitles_in.read}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"cannot read {path}: its name must end in {SUFFIXES}")
    if not path.is_file():
        raise FileNotFoundError(f"no book at {path}: check the path")
    if path.stat().st_size > LARGEST and reader is not epub.read:
        raise ValueError(f"{path} is over {LARGEST >> 20} MiB long: it is no text")
    book = reader(path)
    if not any(letter.isalnum() for chapter in book.chapters for paragraph in chapter.paragraphs
               for letter in paragraph):
        raise ValueError(f"{path} holds no words to read")
    return book


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
