"""What a text says, its markup read: as words, and as phones."""
from __future__ import annotations

from collections.abc import Iterable

from g2p import espeak
from g2p.english.rules import LETTER_A, SMALL_A
from g2p.given import GIVEN, brought, take
from g2p.normalize import speakable
from g2p.ssml import without_markup


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


def phonemize(text: str, language: str = "en-us") -> list[str]:
    """Normalise a text and turn it into phones.

    Args:
        text: any text; numbers, abbreviations and symbols are spoken, and [[IPA]] as it stands.
        language: an espeak code (en-us, en-gb, de, fr-fr, es, cmn, ...) or a common alias.

    Returns:
        A flat list of L tokens. It starts with " ", has exactly one boundary of BOUNDARIES
        between two words, and ends with a punctuation mark ("." if the text has none). A stress
        mark or a tone stays on its phone: "ˈoʊ" is one token.

    Raises:
        ValueError: nothing to say, an unknown language, wrong markup, a word of over 200
            characters, or a text that is no str.
        FileNotFoundError: no usable espeak-ng library.
    """
    return phonemize_many([text], language)[0]


def phonemize_many(texts: Iterable[str], language: str = "en-us") -> list[list[str]]:
    """phonemize for several texts of one language, in order, under one lock.

    Raises:
        ValueError, FileNotFoundError: as phonemize does, for the first bad text.
    """
    if isinstance(texts, str):
        raise ValueError("phonemize_many takes a list of texts; use phonemize for one text")
    code = espeak.resolve_language(language)
    return espeak.phonemize_many([without_markup(text, code) if isinstance(text, str) else text
                                  for text in texts], code)
