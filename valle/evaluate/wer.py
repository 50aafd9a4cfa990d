"""Are the words there: the errors of what was heard in their place.

WER counts words, CER characters, both after `spelling` made what sounds the same look the same.
Both depend on the listener (valle.recognizer.listener): compare only with anchors in the same
table. Whisper has an open vocabulary and hears what is there. PocketSphinx with a closed vocabulary
(WERc) knows the texts of the protocol among 400 others, and hears them in speech that nobody else
would understand.
"""
from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from valle.evaluate.spelling import canonical, spaced_like
from valle.features.optional import needed
from valle.features.text import words

N_DISTRACTORS = 400


@dataclass(frozen=True)
class Errors:
    """What was heard against what should be said, in words or in characters.

    Attributes:
        total: of the reference.
        runs: (kind, first of the reference, beyond its last, first heard, beyond its last), kind
            one of equal, substitute, delete, insert.
    """

    total: int
    substituted: int
    deleted: int
    inserted: int
    runs: tuple[tuple[str, int, int, int, int], ...] = ()

    @property
    def count(self) -> int:
        return self.substituted + self.deleted + self.inserted

    @property
    def rate(self) -> float:
        """Errors for each of the reference; may exceed 1."""
        return self.count / self.total


def comparable(reference: Sequence[str], heard: Sequence[str]) -> tuple[list[str], list[str]]:
    """What should be said and what was heard, in one spelling; the first does not depend on the
    second."""
    said = canonical(reference)
    return said, spaced_like(canonical(heard), said)


def word_figures(text: str, heard: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Words of a text, and what was heard, WER and CER by listener: a part of a row.

    Raises:
        ValueError: the text has no words.
    """
    reference = words(text)
    figures: dict[str, Any] = {"words": len(canonical(reference)), "heard": {}, "wer": {},
                               "cer": {}}
    for name, these in heard.items():
        said, found = comparable(reference, these)
        figures["heard"][name] = " ".join(these)
        figures["wer"][name] = round(word_errors(said, found).rate, 4)
        figures["cer"][name] = round(character_errors(said, found).rate, 4)
    return figures


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> Errors:
    """Word errors with their alignment, by jiwer.

    Raises:
        ImportError: no jiwer.
        ValueError: the reference has no words.
    """
    _check(reference)
    found = needed("jiwer").process_words(" ".join(reference), " ".join(heard))
    runs = tuple((run.type, run.ref_start_idx, run.ref_end_idx, run.hyp_start_idx, run.hyp_end_idx)
                 for run in found.alignments[0])
    return Errors(len(reference), found.substitutions, found.deletions, found.insertions, runs)


def character_errors(reference: Sequence[str], heard: Sequence[str]) -> Errors:
    """Character errors of words joined by spaces; raises like `word_errors`."""
    _check(reference)
    said = " ".join(reference)
    found = needed("jiwer").process_characters(said, " ".join(heard))
    return Errors(len(said), found.substitutions, found.deletions, found.insertions)


def _check(reference: Sequence[str]) -> None:
    if not reference:
        raise ValueError("the reference text has no words to score")


def pick_distractors(texts: Iterable[str], references: Iterable[str], seed: int = 0,
                     count: int = N_DISTRACTORS) -> list[str]:
    """`count` texts, chosen by the seed, none with the words of a reference; fewer if few exist."""
    taken = {tuple(words(text)) for text in references}
    others = sorted({text for text in texts if words(text) and tuple(words(text)) not in taken})
    return random.Random(seed).sample(others, min(count, len(others)))
