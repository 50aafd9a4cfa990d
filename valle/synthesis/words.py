"""When each word of a text is said: its words alone, aligned with the phones of the whole.

A text's phones do not say which word they belong to: numbers become many words, "in the" becomes
one. So every word is phonemized by itself, and its phones are looked for, in order, among those
that are spoken.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from g2p import BOUNDARIES, phonemize
from g2p.markup import plain
from g2p.ssml import shown
from g2p.vocab import STRESS

Timing = tuple[str, float, float]


def words_of_phones(text: str, phones: Sequence[str], language: str) -> list[tuple[str, list[int]]]:
    """The words of a text, each with the places of its phones among those that are spoken [L].

    Every phone but boundaries belongs to one word; a word that is not heard has none.
    """
    words = [word for word in plain(shown(text)).split() if any(map(str.isalnum, word))]
    alone: list[str] = []
    owners: list[int] = []
    for index, word in enumerate(words):
        found = sounds(word, language)
        alone += found
        owners += [index] * len(found)
    places = [place for place, phone in enumerate(phones) if phone not in BOUNDARIES]
    spoken = [bare(phones[place]) for place in places]
    given: list[list[int]] = [[] for _ in words]
    if owners:
        for place, counterpart in zip(places, counterparts(alone, spoken), strict=True):
            given[owners[counterpart]].append(place)
    return list(zip(words, given, strict=True))


def sounds(text: str, language: str) -> list[str]:
    """The phones of a word or a few by themselves, without stress and boundaries."""
    try:
        return [bare(phone) for phone in phonemize(text, language) if phone not in BOUNDARIES]
    except ValueError:  # nothing in it can be said
        return []


def bare(phone: str) -> str:
    """A phone without stress."""
    return phone.lstrip(STRESS)


def counterparts(wanted: Sequence[str], spoken: Sequence[str]) -> list[int]:
    """The place in `wanted` that each one of `spoken` stands for, never falling (Levenshtein)."""
    ids = {sound: index for index, sound in enumerate(dict.fromkeys([*wanted, *spoken]))}
    a, b = (np.array([ids[sound] for sound in row], np.int32) for row in (wanted, spoken))
    steps = np.zeros((len(a) + 1, len(b) + 1), np.int8)  # 0 both, 1 of a alone, 2 of b alone
    steps[0, 1:], steps[1:, 0] = 2, 1
    ramp = np.arange(len(b) + 1, dtype=np.int32)
    row: NDArray[np.int32] = ramp
    for index, sound in enumerate(a):
        both = row[:-1] + (b != sound)
        above = row + 1
        best = np.concatenate([above[:1], np.minimum(both, above[1:])])
        new = np.minimum.accumulate(best - ramp) + ramp
        steps[index + 1, 1:] = np.where(new[1:] == both, 0, np.where(new[1:] == above[1:], 1, 2))
        row = new
    found: list[int] = []
    i, j = len(a), len(b)
    while j:
        step = steps[i, j]
        if step != 1:
            found.append(max(0, i - 1))
        i, j = i - (step != 2), j - (step != 1)
    return found[::-1]


def word_timings(words: Sequence[tuple[str, Sequence[int]]], phones: Sequence[Timing],
                 ) -> list[Timing]:
    """(word, start, end) in seconds of words whose phones are all among these timings."""
    found: list[Timing] = []
    for word, places in words:
        end = found[-1][2] if found else 0.0
        found.append((word, phones[places[0]][1], phones[places[-1]][2]) if places
                     else (word, end, end))
    return found


def as_records(words: Sequence[Timing]) -> list[dict[str, str | float]]:
    """Words and their times as JSON has them, in captions and files alike."""
    return [{"word": word, "start_time": round(start, 3), "end_time": round(end, 3)}
            for word, start, end in words]


def timed_words(text: str, phones: Sequence[Timing], language: str) -> list[Timing]:
    """(word, start, end) in seconds of a text that is spoken with these phones, without its markup.
    """
    words = words_of_phones(text, [phone for phone, _, _ in phones], language)
    return word_timings(words, phones) if phones else []
