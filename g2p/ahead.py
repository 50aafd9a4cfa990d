"""Words that become [[phones]] before the text around them is read: those of another language, and
letters by their names."""
from __future__ import annotations

import re

from g2p.espeak import phonemize
from g2p.given import as_brackets
from g2p.pauses import PAUSE
from g2p.vocab import BOUNDARIES

# What signs are called where a text is spelled out, in English.
SIGNS = {".": "dot", ",": "comma", ":": "colon", ";": "semicolon", "-": "dash", "_": "underscore",
         "/": "slash", "\\": "backslash", "@": "at", "#": "hash", "&": "and", "+": "plus",
         "=": "equals", "*": "star", "%": "percent", "$": "dollar", "€": "euro", "£": "pound",
         "!": "exclamation mark", "?": "question mark", "'": "apostrophe", '"': "quote",
         "(": "open bracket", ")": "close bracket", "[": "open bracket", "]": "close bracket",
         "{": "open brace", "}": "close brace", "<": "less than", ">": "greater than",
         "|": "bar", "~": "tilde", "^": "caret"}
_KEPT = re.compile(rf"{PAUSE.pattern}|\n\s*", PAUSE.flags)


def in_language(text: str, language: str) -> str:
    """A text in another language than that around it, as [[phones]]; its pauses and lines stay."""
    found, place = "", 0
    for kept in _KEPT.finditer(text):
        found += _sounds(text[place: kept.start()], language) + kept[0]
        place = kept.end()
    return found + _sounds(text[place:], language)


def spelled(text: str, language: str) -> str:
    """The names of letters, digits and (in English) signs, with a comma for each space."""
    signs = SIGNS if language.startswith("en") else {}
    groups = ("".join(_sounds(signs.get(ch, ch), language) for ch in group)
              for group in text.split())
    return ", ".join(group.strip() for group in groups if group.strip())


def _sounds(text: str, language: str) -> str:
    """[[phones]] of a text, with its marks; what nobody can say stays away."""
    if not any(ch.isalnum() for ch in text):
        return " " if text.isspace() else ""
    phones = phonemize(text, language)
    marked = text.rstrip(" \n\"')")[-1] in BOUNDARIES
    return as_brackets(phones if marked else [*phones[:-1], " "])
