"""SubRip subtitles (.srt): cues, and the time that each has."""
from __future__ import annotations

import re
from pathlib import Path

from valle.reading.book import Book, Chapter, text_of

_CLOCK = r"(\d{1,3}):([0-5]?\d):([0-5]?\d)[,.](\d{1,3})"
_TIME = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?")
_STYLE = re.compile(r"</?(?:[biu]|font|c)\b[^<>]{0,100}>|\{\\[^{}]{0,100}\}", re.IGNORECASE)


def read(path: Path) -> Book:
    """Each cue as a paragraph of one chapter, without its styles; cues without words are left out.

    Raises:
        ValueError: a cue that does not parse, ends before it begins, or begins before the one
            before it has ended; the line says which.
    """
    times: list[tuple[float, float]] = []
    texts: list[str] = []
    lines = text_of(path).split("\n")
    places = [place for place, line in enumerate(lines) if "-->" in line]
    if not places:
        raise ValueError(f"{path} holds no cue (00:00:01,000 --> 00:00:02,500): it is no SRT file")
    for place, following in zip(places, [*places[1:], len(lines)], strict=True):
        start, end = _times(lines[place], f"{path}, line {place + 1}")
        if times and start < times[-1][1]:
            raise ValueError(f"{path}, line {place + 1}: this cue begins at {start:g} s, before "
                             f"the one before it ends at {times[-1][1]:g} s: mend one of the two")
        said = [_STYLE.sub("", line).strip() for line in lines[place + 1: following]]
        if following < len(lines) and said and said[-1].isdigit():
            said.pop()  # the number of the next cue
        text = "\n".join(line for line in said if line)
        if any(letter.isalnum() for letter in text):
            times.append((start, end))
            texts.append(text)
    return Book(path.stem, "", "", (Chapter("", tuple(texts)),), times=tuple(times))


def _times(line: str, where: str) -> tuple[float, float]:
    """(start, end) in seconds of the line that says them."""
    found = _TIME.fullmatch(line)
    if not found:
        raise ValueError(f"{where}: {line.strip()[:60]!r} is no time of a cue: write "
                         "00:00:01,000 --> 00:00:02,500")
    start, end = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)
                  + int(rest.ljust(3, "0")) / 1000
                  for hours, minutes, seconds, rest in (found.groups()[:4], found.groups()[4:]))
    if end <= start:
        raise ValueError(f"{where}: the cue ends before it begins")
    return start, end
