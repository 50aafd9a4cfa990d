"""What is spoken, in order, and by whom: a book as passages, each of them as segments."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace

from g2p import Lexicon
from valle.reading.book import Book
from valle.reading.cast import NARRATOR, lines
from valle.synthesis.segment import PARAGRAPH_PAUSES, Segment, parts_of, seed_of

# Times the pause between sentences.
SCENE_PAUSES = 2 * PARAGRAPH_PAUSES
CHAPTER_PAUSES = 3 * PARAGRAPH_PAUSES


@dataclass(frozen=True)
class Passage:
    """A stretch of a book that one speaker says: a paragraph, a line of dialogue, a cue.

    Attributes:
        chapter: its place in the book.
        speaker: a name of the cast, or NARRATOR.
        pauses: behind it, in pauses between sentences.
        time: (start, end) in seconds that it must be spoken in, or None.
    """

    chapter: int
    speaker: str
    text: str
    pauses: float
    time: tuple[float, float] | None = None


@dataclass(frozen=True)
class Plan:
    """Passages, and their segments one after the other: Segment.text is the place of the passage.

    Attributes:
        skipped: what cannot be spoken, and why, by the place of its passage.
    """

    passages: tuple[Passage, ...]
    segments: tuple[Segment, ...]
    skipped: dict[int, str]

    @property
    def digests(self) -> dict[str, str]:
        """Hashes of what is said, and of how it is said in phones, seeds and pauses."""
        return {"text": _sha256(self.passages), "pronunciation": _sha256(self.segments)}


def _sha256(values: Sequence[Passage] | Sequence[Segment]) -> str:
    digest = hashlib.sha256()
    for value in values:
        digest.update(json.dumps(asdict(value)).encode())
    return digest.hexdigest()


def passages_of(book: Book, cast: Collection[str]) -> tuple[Passage, ...]:
    """The passages of a book; without a cast, [Name] is text.

    Raises:
        ValueError: a cue in which two people speak.
    """
    found: list[Passage] = []
    times = iter(book.times)
    for chapter, one in enumerate(book.chapters):
        for paragraph in one.paragraphs:
            time = next(times, None)
            if not any(letter.isalnum() for letter in paragraph):  # a rule between two scenes
                found[-1:] = [replace(last, pauses=SCENE_PAUSES) for last in found[-1:]]
                continue
            said = lines(paragraph) if cast else [(NARRATOR, paragraph)]
            if time and len(said) > 1:
                raise ValueError(f"two people speak in the cue at {time[0]:g} s: give each a cue")
            found += [Passage(chapter, speaker, text, 1.0, time) for speaker, text in said]
            found[-1:] = [replace(last, pauses=PARAGRAPH_PAUSES) for last in found[-1:]]
        found[-1:] = [replace(last, pauses=CHAPTER_PAUSES) for last in found[-1:]]
    return tuple(found)


def plan_of(passages: tuple[Passage, ...], lexicon: Lexicon | None, language: str, seed: int,
            pause: float) -> Plan:
    """What is spoken of these passages. pause: least seconds of silence between sentences.

    A segment's seed is that of its place in the book, so that it sounds the same in every run.

    Raises:
        ValueError: nothing can be spoken; what the first passage lacks.
    """
    segments: list[Segment] = []
    skipped: dict[int, ValueError] = {}
    for place, passage in enumerate(passages):
        text = lexicon.apply(passage.text, language) if lexicon else passage.text
        try:
            parts = parts_of(text, language, pause)
        except ValueError as error:
            skipped[place] = error
            continue
        for part in parts:
            number = len(segments)
            segments.append(Segment(tuple(part.phones), seed_of(seed, number), place, number == 0,
                                    part.pause, part.prosody))
        if passage.time is None and not segments[-1].pause:
            segments[-1] = replace(segments[-1], pause=passage.pauses * pause)
    if not segments:
        raise next(iter(skipped.values()))
    if passages[segments[-1].text].time is None:
        segments[-1] = replace(segments[-1], pause=0.0)
    return Plan(passages, tuple(segments), {k: str(error) for k, error in skipped.items()})
