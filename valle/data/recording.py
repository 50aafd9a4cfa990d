"""What a corpus consists of: recordings, and what had to be left out of it."""
from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

WITHOUT_AUDIO, UNREADABLE, TWICE = "without audio", "in a format that is not read", "twice"
UNLISTED, MALFORMED = "in no row of the table", "rows that cannot be read"


@dataclass(frozen=True)
class Recording:
    """One utterance of a corpus.

    Attributes:
        id: unique within the corpus.
        text: what is said, or None where the corpus does not say.
        language: an espeak language.
        segments: exact timings of a synthetic teacher as (phone, end in seconds), or None.
        problem: why the recording cannot be used although its audio exists, or None.
    """

    id: str
    audio: Path
    speaker: str
    text: str | None
    language: str
    segments: list[tuple[str, float]] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A row or a file of a corpus that gives no recording.

    Attributes:
        id: of the row, or the file's path below the corpus.
        cause: in a few words that are the same for all of a kind, for a summary.
        reason: one line about this one.
    """

    id: str
    cause: str
    reason: str


@dataclass(frozen=True)
class Corpus:
    """A corpus that was read whole: each recording once, in a fixed order, and the rest."""

    recordings: list[Recording]
    left_out: list[LeftOut]

    def __iter__(self) -> Iterator[Recording]:
        return iter(self.recordings)


def each_once(found: Iterable[Recording | LeftOut]) -> Corpus:
    """Sort out copies: of two recordings of one id the one with text is taken.

    Two that differ in their texts are both left out: nothing says which text is right.
    """
    recordings: dict[str, list[Recording]] = {}
    left_out: list[LeftOut] = []
    for item in found:
        if isinstance(item, LeftOut):
            left_out.append(item)
        else:
            text = item.text if item.text and item.text.strip() else None
            recordings.setdefault(item.id, []).append(dataclasses.replace(item, text=text))
    kept = []
    for name, copies in recordings.items():
        texts = {" ".join(c.text.split()) for c in copies if c.text}
        if len(texts) > 1:
            left_out.append(LeftOut(name, TWICE, f"{len(copies)} times, with different texts"))
            continue
        if len(copies) > 1:
            left_out.append(LeftOut(name, TWICE, f"{len(copies)} times: one is taken"))
        kept.append(next((c for c in copies if c.text), copies[0]))
    return Corpus(kept, left_out)


def summary(causes: Iterable[str]) -> str:
    """Counts of causes in words: "3 without audio, 1 twice"."""
    return ", ".join(f"{count} {cause}" for cause, count in Counter(causes).most_common())


def sentence(text: str) -> str:
    """Text in capitals only becomes lower case, so that no word is taken for an abbreviation."""
    return text.lower() if text.isupper() else text


def read_text(path: Path) -> str:
    """Text of a UTF-8 file without outer white space.

    Raises:
        ValueError: it is in another encoding.
    """
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: convert it") from error


def text_or_problem(path: Path | None) -> tuple[str | None, str | None]:
    """(text or None where there is none, None), or (None, what is wrong with the file)."""
    try:
        return (read_text(path) or None) if path else None, None
    except ValueError as error:
        return None, str(error)
