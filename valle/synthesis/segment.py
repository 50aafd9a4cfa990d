"""Texts as segments: stretches of phones that the model can speak in one go."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from g2p import BOUNDARIES, phonemize
from valle.synthesis.sampling import MAX_CANDIDATES

ENDS = (".", "?", "!", ";")


@dataclass(frozen=True)
class Segment:
    """A stretch of a text in phones; candidate n of it is drawn with seed + n.

    Attributes:
        text: place of its text among those of a call.
        first: it begins its text; in a continuation the prompt stands before it.
    """

    phones: tuple[str, ...]
    seed: int
    text: int = 0
    first: bool = True


def segments(texts: Sequence[str], language: str, seed: int,
             ) -> tuple[list[Segment], dict[int, ValueError]]:
    """The segments of all texts, in order, and why some texts cannot be spoken, by their place.

    Raises:
        ValueError: the only text cannot be spoken.
    """
    found: list[Segment] = []
    errors: dict[int, ValueError] = {}
    for index, text in enumerate(texts):
        try:
            parts = split_phones(phonemize(text, language))
        except ValueError as error:
            if len(texts) == 1:
                raise
            errors[index] = error
            continue
        found += [Segment(tuple(phones), seed * 1_000_003 + place * 2 * MAX_CANDIDATES, index,
                          place == 0) for place, phones in enumerate(parts)]
    return found, errors


def split_phones(phones: list[str], most: int = 120) -> list[list[str]]:
    """Cut phones [L] into segments of at most `most`, at sentence ends, else clauses, else words.

    Of several places the one that makes segments most even is taken: a last word alone sounds poor.
    Every segment starts with " " and ends with punctuation, like the whole. A word longer than
    a segment is cut too.
    """
    found: list[list[str]] = []
    rest = phones
    while len(rest) > most:
        cut = _best_cut(rest[:most], len(rest) / -(-len(rest) // most))
        within = rest[cut] not in BOUNDARIES
        found.append([*rest[:cut], "," if within or rest[cut] == " " else rest[cut]])
        rest = [" ", *rest[cut if within else cut + 1:]]
    return [*found, rest] if len(rest) > 1 or not found else found


def _best_cut(window: list[str], even: float) -> int:
    """Index of the boundary nearest to `even`: of sentence ends, unless they waste too much.

    Without any boundary, the last index.
    """
    for marks, least in ((ENDS, 0.25), (BOUNDARIES[1:], 0.4), (BOUNDARIES, 0.0)):
        found = [i for i, phone in enumerate(window) if phone in marks and i > least * len(window)]
        if found:
            return min(found, key=lambda i: abs(i + 1 - even))
    return len(window) - 1
