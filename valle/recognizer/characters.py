"""Targets of the recogniser: characters of the words, and phones without stress."""
from __future__ import annotations

from collections.abc import Sequence

from g2p import BOUNDARIES, phonemize
from valle.features.text import words

BLANK = 0                     # of CTC; the attention decoder starts and ends with it
CHARACTERS = ("", " ", "'", *"abcdefghijklmnopqrstuvwxyz")
IDS = {character: index for index, character in enumerate(CHARACTERS)}


def spell(text: str) -> list[int]:
    """Characters of the words of a text, numbers spelled out."""
    return [IDS[c] for c in " ".join(words(text))]


def read(ids: Sequence[int]) -> str:
    """Text of character ids, blanks left out."""
    return " ".join("".join(CHARACTERS[i] for i in ids).split())


def pronounce(text: str) -> list[str]:
    """Phones of a text without stress and punctuation.

    Raises:
        ValueError: nothing to pronounce.
    """
    return plain_phones(phonemize(text))


def plain_phones(phones: Sequence[str]) -> list[str]:
    """Phones without stress marks and boundaries."""
    return [p.lstrip("ˈˌ") for p in phones if p not in BOUNDARIES]


def collapse(ids: Sequence[int]) -> list[int]:
    """A CTC path without repetitions and blanks."""
    return [i for i, before in zip(ids, [BLANK, *ids], strict=False) if i not in (before, BLANK)]
