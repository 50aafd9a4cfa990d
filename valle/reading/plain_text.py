"""Plain text: paragraphs between blank lines; "Chapter 3" and its like begin chapters."""
from __future__ import annotations

import re
from pathlib import Path

from valle.reading.blocks import Block, by_headings
from valle.reading.book import Book, text_of

WIDE = 120         # characters; a longer line was not broken by hand
MOST_WORDS = 12    # of a heading
_NUMBER = (r"(?:\d{1,3}|[ivxlc]{1,8}|the \w{4,12}|one|two|three|four|five|six|seven|eight|nine|ten|"
           r"eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|"
           r"(?:twen|thir|for|fif)ty(?:[- ]\w{3,5})?)")
_HEADING = re.compile(
    rf"(?:chapter|part|book|volume|letter|act|canto|stave|kapitel|teil|buch|chapitre|partie|livre|"
    rf"cap[ií]tulo|parte|capitolo|libro)\s+{_NUMBER}(?:[.:]|\s*[-–—]|\s*$|\n)|"
    r"(?:prologue|epilogue|preface|foreword|introduction|afterword|prolog|epilog|vorwort|nachwort)"
    r"\s*[.:]?\s*$", re.IGNORECASE)


def read(path: Path) -> Book:
    """A text file with its name as title."""
    text = text_of(path)
    stripped = (part.strip("\n") for part in re.split(r"\n[^\S\n]*\n", text))
    paragraphs = [part for part in stripped if part.strip()]
    if len(paragraphs) == 1 and any(len(line) > WIDE for line in paragraphs[0].splitlines()):
        paragraphs = [line for line in paragraphs[0].splitlines() if line.strip()]
    blocks = [Block(part, int(is_heading(part))) for part in paragraphs]
    return Book(path.stem, "", "", by_headings(blocks, path.stem))


def is_heading(paragraph: str) -> bool:
    """CHAPTER IV. The Storm: a number, and perhaps a title, in one line or two."""
    text = paragraph.strip()
    return (text.count("\n") < 2 and len(text.split()) <= MOST_WORDS
            and _HEADING.match(text) is not None)
