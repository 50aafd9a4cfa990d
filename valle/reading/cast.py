"""Dialogue: lines that begin with [Name], and a file that says whose voice each name has.

    # cast.txt
    Anna = clara
    Old man = voices/grandpa.safetensors
    Illustration = narrator
"""
from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from g2p.pauses import PAUSE
from valle.reading.book import Book, text_of

NARRATOR, NARRATOR_NAME = "", "narrator"
_LINE = re.compile(r"^[^\S\n]*\[([^][\n]{1,60})\](?![\[(:])[^\S\n]*", re.MULTILINE)


def read_cast(path: Path) -> dict[str, str]:
    """Names in small letters, and the voice of each; NARRATOR for the narrator's.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line that is not NAME = VOICE, or a name that stands there twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no cast at {path}: check the path")
    found: dict[str, str] = {}
    for number, line in enumerate(text_of(path).split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, voice = (part.strip() for part in line.partition("="))
        name = key(name.removeprefix("[").removesuffix("]"))
        if not (name and equals and voice):
            raise ValueError(f"{path}, line {number}: {line[:40]!r} is not NAME = VOICE")
        if name == NARRATOR_NAME:
            raise ValueError(f"{path}, line {number}: --voice is the narrator's voice: leave the "
                             "line out")
        if name in found:
            raise ValueError(f"{path}, line {number}: {name} has a voice already")
        found[name] = NARRATOR if key(voice) == NARRATOR_NAME else voice
    return found


def key(name: str) -> str:
    """A name as it is compared."""
    return " ".join(name.casefold().split())


def lines(paragraph: str) -> list[tuple[str, str]]:
    """(speaker, text): what stands behind each [Name], up to the next; before the first one the
    narrator speaks."""
    names = [match for match in _LINE.finditer(paragraph) if not PAUSE.match(match[0].strip())]
    starts = [match.end() for match in names]
    ends = [match.start() for match in names] + [len(paragraph)]
    parts = [(NARRATOR, paragraph[:ends[0]]),
             *((key(match[1]), paragraph[start:end])
               for match, start, end in zip(names, starts, ends[1:], strict=True))]
    return [(NARRATOR if name == NARRATOR_NAME else name, text.strip())
            for name, text in parts if text.strip()]


def check_cast(book: Book, cast: Collection[str], path: Path) -> None:
    """ValueError where a line has a name that the cast does not."""
    unknown = dict.fromkeys(name for chapter in book.chapters for paragraph in chapter.paragraphs
                            for name, _ in lines(paragraph) if name and name not in cast)
    if unknown:
        raise ValueError(f"{path} gives no voice to {', '.join(f'[{n}]' for n in unknown)}: add a "
                         f"line `{next(iter(unknown))} = VOICE`, or = narrator")
