"""What is written beside a finished book: its chapters, what is in doubt, and when words are said.
"""
from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from codec.record import holds
from valle.reading.book import Book
from valle.reading.mux import Mark
from valle.reading.parts import Parts, Spoken
from valle.reading.plan import Plan
from valle.reading.timeline import Timeline
from valle.synthesis.rerank import LANGUAGE, UNCLEAR
from valle.synthesis.words import Timing, timed_words

NAMES = {"title", "chapters", "doubts", "seconds", "sha256"}  # by which a report is known


def check_place(path: Path) -> None:
    """ValueError where a report would replace something else."""
    if path.exists() and not holds(path, NAMES):
        raise ValueError(f"{path} is there and is no report of a reading, which would replace it: "
                         "choose another --out")


def doubts(spoken: Spoken, language: str) -> list[str]:
    """What is wrong with a segment as it was spoken, in words."""
    found = []
    if spoken.finish != "eos":
        found.append("it did not end by itself")
    elif not spoken.fluent:
        found.append("it is silent where the text has no mark")
    if spoken.words is not None and spoken.words < UNCLEAR and language.startswith(LANGUAGE):
        found.append("its words are not clear")
    return found


def marks(book: Book, plan: Plan, line: Timeline, sample_rate: int) -> list[Mark]:
    """Where the chapters are; one without speech has none."""
    first: dict[int, float] = {}
    for heard in line.heard:
        first.setdefault(plan.passages[heard.segment.text].chapter, heard.start / sample_rate)
    starts = [0.0, *list(first.values())[1:]]
    ends = [*starts[1:], line.size / sample_rate]
    return [Mark(book.chapters[chapter].title or f"{number}", start, end) for number, (
        chapter, start, end) in enumerate(zip(first, starts, ends, strict=True), 1)]


def words(plan: Plan, line: Timeline, parts: Parts, language: str) -> Iterator[Timing]:
    """(word, start, end) in seconds of all words."""
    for place, group in groupby(line.heard, key=lambda heard: heard.segment.text):
        phones = [one for heard in group for one in heard.phones(parts)]
        yield from timed_words(plan.passages[place].text, phones, language)


def doubtful(book: Book, plan: Plan, line: Timeline, parts: Parts, language: str, out: Path,
             ) -> Iterator[dict[str, Any]]:
    """The segments in doubt: chapter, text, seconds, and a link that opens `out` there."""
    rate = parts.sample_rate
    for place, group in groupby(line.heard, key=lambda heard: heard.segment.text):
        heard = list(group)
        wrong = [(one, why) for one in heard
                 if (why := doubts(parts.look(one.number)[0], language))]
        passage = plan.passages[place]
        said = timed_words(passage.text, [phone for one in heard for phone in one.phones(parts)],
                           language) if wrong else []
        for one, why in wrong:
            start, end = one.start / rate, (one.start + one.size) / rate
            text = " ".join(word for word, begins, _ in said if start <= begins < end)
            yield {"chapter": book.chapters[passage.chapter].title, "text": text or passage.text,
                   "start": round(start, 3), "end": round(end, 3), "why": "; ".join(why),
                   "listen": f"{quote(out.name)}#t={start:.1f}"}
