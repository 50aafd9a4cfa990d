"""Written text to speakable words: one form of each character, no markup, then the language's
rules. """
from __future__ import annotations

import re

from g2p.english import read_out
from g2p.english.rules import LETTER_A, SMALL_A
from g2p.fold import fold
from g2p.foreign import foreign_numbers
from g2p.given import GIVEN, brought, take
from g2p.markup import plain
from g2p.ssml import without_markup

LONGEST_WORD = 200      # characters; the cost of a word grows faster than its length


def normalize(text: str, language: str = "en-us") -> str:
    """Write out what a speaker would say.

    Quotes, dashes, full-width and other marks become plain ones in every language, emoji, control
    characters and markup vanish; line breaks become spaces, commas or points. English gets all
    rules of g2p/english: numbers, dates, times, money, units, abbreviations, acronyms, addresses,
    symbols. German, French and Spanish get numbers and symbols, other languages the numbers that
    num2words knows; the rest is left to espeak.

    A word of over 200 characters is cut. Returns "" when the text has no letter and no digit.

    Raises:
        ValueError: [[phones]] that are no IPA, or a wrong tag.
    """
    text, given = take(without_markup(text, language))
    spoken = speakable(text, language).replace(LETTER_A, "A").replace(SMALL_A, "a")
    return GIVEN.sub(lambda m: f"[[{brought(m, given).replace('|', '')}]]", spoken)


def speakable(text: str, language: str) -> str:
    """normalize, with LETTER_A or SMALL_A for an A that is said by its name."""
    text, language = fold(plain(text)), language.lower().replace("_", "-")
    if not any(ch.isalnum() for ch in text) and not GIVEN.search(text):
        return ""
    if language.split("-")[0] != "en":
        return _tidy(foreign_numbers(text, language))
    text = re.sub(rf"\S{{{LONGEST_WORD}}}(?=\S)", r"\g<0> ", " ".join(text.split()))
    return _tidy(read_out(text, language.startswith("en-gb")))


def _tidy(text: str) -> str:
    """Single spaces, none before a mark."""
    return re.sub(r" (?=[,.?!;:](?:\s|$)|\))", "", " ".join(text.split()))
