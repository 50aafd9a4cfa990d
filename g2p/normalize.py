"""Written text to speakable words: one form of each character, no markup, then the language's
rules. """
from __future__ import annotations

import re

from g2p.english import read_out
from g2p.fold import fold
from g2p.foreign import foreign_numbers
from g2p.given import GIVEN
from g2p.markup import plain

LONGEST_WORD = 200      # characters; the cost of a word grows faster than its length


def speakable(text: str, language: str) -> str:
    """What a speaker would say for a text without tags, as `g2p.normalize` has it, with LETTER_A or
    SMALL_A for an A that is said by its name; "" where there is no letter and no digit."""
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
