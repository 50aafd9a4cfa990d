"""Which reading of a heteronym a sentence asks for: rules by word, else noun or verb by context."""
from __future__ import annotations

import re
from collections.abc import Callable

from g2p.english import heteronym_nouns as nouns
from g2p.english import heteronym_verbs as verbs
from g2p.english.context import Context, verbal, words
from g2p.english.heteronym_tables import ADJECTIVES, READINGS, VERBS

_WORD = re.compile(r"(?<![\w'-])[A-Za-z]+(?!\w|'\w)")
_RULES: dict[str, Callable[[Context], str]] = {
    "read": verbs.read, "lead": verbs.lead, "live": verbs.live, "lives": verbs.lives,
    "deserts": verbs.deserts,
    "wind": verbs.wind, "winds": verbs.winds,
    "wound": verbs.wound, "bass": nouns.bass, "bow": nouns.bow, "bows": nouns.bow,
    "bowed": nouns.bowed, "bowing": nouns.bowed,
    "tear": nouns.tear, "tears": nouns.tears, "minute": nouns.minute, "row": nouns.row,
    "rows": nouns.row, "sow": nouns.sow,
    "sows": nouns.sow, "dove": verbs.dove, "does": nouns.does, "number": nouns.number,
    "polish": nouns.polish,
    "invalid": nouns.invalid, "moped": verbs.moped, "content": verbs.content,
    "contents": lambda c: "matter",
    "aged": verbs.aged, "blessed": verbs.blessed, "learned": verbs.learned, "axes": nouns.axes,
    "bases": nouns.bases,
    "buffet": verbs.buffet, "sake": nouns.sake, "august": nouns.august, "used": verbs.used,
    "sewer": nouns.sewer,
    "putting": verbs.putting, "upset": verbs.upset, "close": verbs.close, "mobile": nouns.mobile,
    "resume": verbs.resume,
    "job": nouns.capital("Bible", "work", words("of book like patience and")),
    "reading": nouns.town,
    "nice": nouns.capital("city", "kind", words("in from to near of , france and"))}


def reading(text: str, start: int, end: int) -> str:
    """The name of the reading of the heteronym text[start:end], e.g. "past" or "verb"."""
    context, word = Context.of(text, start, end), text[start:end].lower()
    if word in _RULES:
        return _RULES[word](context)
    inclined = -1.6 if word in ADJECTIVES else .5 if word in VERBS or word[:-1] in VERBS else -.5
    return "verb" if verbal(context, inclined) else "noun"


def heteronyms(text: str) -> list[tuple[int, int, str]]:
    """(start, end, mnemonics) of each heteronym whose phones espeak must be told."""
    found = []
    for match in _WORD.finditer(text):
        readings = READINGS.get(match[0].lower())
        phones = readings and readings.get(reading(text, match.start(), match.end()))
        if phones:
            found.append((match.start(), match.end(), phones))
    return found


assert not set(_RULES) - set(READINGS), "a rule without readings"
