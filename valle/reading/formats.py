"""Which reader takes which file."""
from __future__ import annotations

from pathlib import Path

from valle.reading import epub, html_text, markdown_text, plain_text, subtitles_in
from valle.reading.book import LARGEST, Book

SUFFIXES = ".txt, .md, .html, .epub or .srt"
READERS = {".txt": plain_text.read, ".text": plain_text.read, ".md": markdown_text.read,
           ".markdown": markdown_text.read, ".html": html_text.read, ".htm": html_text.read,
           ".xhtml": html_text.read, ".epub": epub.read, ".srt": subtitles_in.read}


def read_book(path: Path) -> Book:
    """The chapters of a .txt, .md, .html, .epub or .srt file.

    Raises:
        FileNotFoundError: no such file.
        ImportError: Markdown without markdown-it-py.
        ValueError: another format, DRM, overlapping cues, damage, or nothing to read.
    """
    reader = READERS.get(path.suffix.lower())
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
