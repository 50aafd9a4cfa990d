"""Capitals: which are loud words, which acronyms are said as words, which letter by letter."""
from __future__ import annotations

import re

from g2p.english.acronym_tables import ACRONYM_WORDS, COMMON_WORDS, LETTER_BY_LETTER, SPELLED
from g2p.english.dates import MONTH
from g2p.english.money import CURRENCIES
from g2p.english.rules import LETTER_A, Rule, after, before, rule
from g2p.english.shapes import sayable
from g2p.english.units import UNITS

__all__ = ["RULES", "SPELLED", "lower_shouting"]

# Capitals that a month keeps: it may be a common word.
_MONTHS = re.compile(rf"\b(?:{MONTH})\b(?=\s\d)", re.IGNORECASE)
_CONTRACTION = {"T", "M", "VE", "LL", "RE", "D"}


def lower_shouting(text: str) -> str:
    """Lower case for a text all in capitals (LibriSpeech): those are words, not acronyms."""
    if text.upper() != text:
        return text
    found = re.findall(r"[^\W\d_]+", text)
    spelled = all(len(word) == 1 for word in found)
    loud = not spelled and any((len(word) > 4 and _is_word(word)) or
                               (len(found) > 1 and len(word) > 1 and word.lower() in COMMON_WORDS)
                               for word in found)
    return _MONTHS.sub(lambda m: m[0].title(), text.lower()) if loud else text


def _is_word(word: str) -> bool:
    """Whether capitals are a word said loudly."""
    lower = word.lower()
    if lower in COMMON_WORDS:
        return True
    if word in SPELLED or word in LETTER_BY_LETTER or lower in ACRONYM_WORDS:
        return False
    if set(word) <= set("MDCLXVI") or len(word) < 4:
        return False
    return sayable(lower) or (len(word) > 5 and bool(set(word) & set("AEIOU")))


def _acronym(match: re.Match[str]) -> str:
    """Loud words in lower case, acronyms said as words as they are, the rest letter by letter.

    A plural or possessive s goes with the last letter: espeak drops it after capitals.
    """
    word, tail = match[1], match[2] or ""
    if word == "AM":
        mine = re.search(r"\bI\s$", before(match, 3)) or re.match(r"\s(?:I|NOT)\b", after(match, 5))
        return "am" if mine else word
    if (word in UNITS or word in CURRENCIES) and (
            re.search(r"\d\s?$", before(match, 2)) or re.match(r"\s\d", after(match, 2))):
        return match[0]
    if _as_letters(match):
        return " ".join(word) + ("'s" if tail else "")
    if word == "NOT":       # stressed by espeak in capitals only
        return word
    if _is_word(word):
        return word.lower() + tail.lower()
    if word.lower() in ACRONYM_WORDS:
        return word + tail.lower()
    by_espeak = word in SPELLED or not set(word) & set("AEIOUY")
    if by_espeak and not tail:
        return word
    letters = [LETTER_A if ch == "A" else ch for ch in word]
    return " ".join(letters) + ("'s" if tail else "")


_IT = re.compile(r"\s(?:department|team|support|staff|guy|guys|manager|industry|help|desk|"
                 r"specialist|"
                 r"systems?|sector|infrastructure|services?|company|job|worker|professional|"
                 r"security|consultant|budget|project|director|skills|equipment|people|training)\b")


# Common words that these make an acronym.
_NAMES = {word: re.compile(rf"s?\s(?:{nouns})\b") for word, nouns in {
    "LED": "lights?|lighting|lamps?|bulbs?|TV|screens?|displays?|strips?|panels?|headlights?|"
           "monitor",
    "SAT": "scores?|tests?|exams?|prep|math|verbal", "ACT": "scores?|tests?|exams?",
    "PET": "bottles?|plastic", "TEN": "code"}.items()}


def _as_letters(match: re.Match[str]) -> bool:
    """IT department and the WHO are letters, though the words are common."""
    word, head = match[1], before(match, 20)
    if word == "IT":
        return bool(_IT.match(after(match, 30)) or (re.search(r"\b(?:in|of|our|an)\s$", head)
                    and re.match(r"\s?[.,;]|$|\s(?:and|for|at)\b", after(match, 6))))
    if word in _NAMES:
        return bool(_NAMES[word].match(after(match, 20)))
    return word == "WHO" and bool(re.search(r"\b(?:[Tt]he|by)\s$", head))


def _contracted(match: re.Match[str]) -> str:
    """I'M, WE'VE, O'CLOCK in lower case; JOHN'S and NASA'S keep their s for the next rule."""
    head, tail = match[1], match[2]
    if tail == "S" and not _is_word(head) and head not in ("IT", "HE", "SHE", "WHO", "THAT"):
        return head + "'s"
    if tail not in _CONTRACTION and tail != "S" and head not in ("O", "Y", "D", "L"):
        return head.capitalize() + "'" + tail.capitalize()
    lower = f"{head}'{tail}".lower()
    return "I" + lower[1:] if head == "I" else lower


def _shouted(match: re.Match[str]) -> str:
    """Three capital words in a row are loud words, unless all are acronyms."""
    loud = sum(_is_word(word) for word in match[0].split() if word not in ("I", "A"))
    return " ".join(word if word == "I" or word in LETTER_BY_LETTER or word in ("USA", "UK")
                    else word.lower()
                    for word in match[0].split()) if loud >= 2 else match[0]


RULES: tuple[Rule, ...] = (
    rule(r"\b([A-Z]{1,12})'([A-Z]{1,10})\b", _contracted),
    rule(r"\b[A-Z]{2,}(?:\s+(?:[A-Z]{2,}|I|A)\b){2,20}", _shouted),
    rule(r"\b([A-Z]{2,})('?s)?(?![\w'$])", _acronym),
    rule(r"\b([A-Z]{2,})()(?='[^s\w]|'$)", _acronym),
)
