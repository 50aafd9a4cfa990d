"""Where a speaker may breathe in English: before the words that begin a phrase."""
from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from g2p import BOUNDARIES, phonemize
from g2p.vocab import STRESS

# By how well a pause stands before them.
BEGINNING = (
    "and but or because if when where while which who although since until unless before after "
    "whether though that than then so",
    "in on at by for from with into over under through across along between behind without about "
    "against around during near toward towards beside below above like as to",
    "the a an my your his her its our their this these those every each some any he she they we it "
    "there you i no all")
# Never after them: they lean on the next word.
LEANING = (
    "the a an my your his her its our their this these those every each some any no all and but or "
    "because if when where while which who although since until unless whether though that than so "
    "in on at by for from with into over under through across along between behind without about "
    "against around during near toward towards beside below above like as to of very too quite is "
    "are was were be been am has have had do does did will would can could shall should may might "
    "must not he she they we it i you there")

Word = tuple[str, ...]


def rank(before: Sequence[str], after: Sequence[str]) -> int:
    """How well a pause stands between two words (phones of each): 3 best, 0 poorly, -1 not."""
    words, leaning = _sounds()
    left, right = _bare(before), _bare(after)
    if left in leaning or _with_article(left):
        return -1
    return words.get(right, 2 if _with_article(right) else 0)


def _with_article(word: Word) -> bool:
    """Is it two short words in one, as espeak joins "in the"?"""
    return len(word) <= 6 and word[-2:] == ("ð", "ə") and len(word) > 2


@cache
def _sounds() -> tuple[dict[Word, int], frozenset[Word]]:
    """(rank of each word of BEGINNING, the words of LEANING), by their sounds."""
    ranks: dict[Word, int] = {}
    for points, words in zip((3, 2, 1), BEGINNING, strict=True):
        for word in words.split():
            for sound in _variants(word):
                ranks.setdefault(sound, points)
    return ranks, frozenset(sound for word in LEANING.split() for sound in _variants(word))


def _variants(word: str) -> list[Word]:
    """The sounds of a word alone and among others."""
    found = [_bare(phonemize(word)[1:-1])]
    for text in (f"stone {word} table", f"stone {word} apple", f"{word} table"):
        words = split_words(phonemize(text)[:-1])
        place = len(text.split()) - 2
        if len(words) == len(text.split()):
            found.append(_bare(words[place]))
    return found


def split_words(phones: Sequence[str]) -> list[list[str]]:
    """Phones of each word, between boundaries."""
    words: list[list[str]] = [[]]
    for phone in phones:
        if phone in BOUNDARIES:
            words.append([])
        else:
            words[-1].append(phone)
    return [word for word in words if word]


def _bare(word: Sequence[str]) -> Word:
    """Phones without stress."""
    return tuple(phone.lstrip(STRESS) for phone in word)
