"""Written text to speakable words: rules in a fixed order, data in g2p/tables.py."""
from __future__ import annotations

import re
import unicodedata

from g2p.foreign import foreign_numbers
from g2p.numbers import BRITISH_RULES, RULES, Rule, alternatives, rule, words
from g2p.tables import (
    ACRONYM_WORDS,
    ADDRESS,
    COMMON_WORDS,
    DAYS,
    DOMAINS,
    ENDINGS,
    FRACTIONS,
    LETTERED,
    MONARCHS,
    MONTHS,
    NUMBERED,
    PUNCTUATION,
    RULERS,
    SPECIAL,
    SPELLED,
    SYMBOLS,
    TITLES,
    TOP_LEVEL,
)

ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_FRACTION = re.compile(rf"(\d)?([{''.join(FRACTIONS)}])")
_NEW_SENTENCE = rf"(?=\s*$|\s+(?!{'|'.join((*MONTHS, *DAYS.values()))})[\"'(]?[A-Z])"


def normalize(text: str, language: str = "en-us") -> str:
    """Write out what a speaker would say.

    Quotes, dashes, full-width and other marks become plain ones in every language, emoji and
    control characters vanish. English gets all rules: numbers, dates, times, money, units,
    abbreviations, acronyms, addresses, symbols. German, French and Spanish get numbers and
    symbols, other languages the numbers that num2words knows; the rest is left to espeak.

    Returns "" when the text has no letter and no digit.
    """
    text, language = fold(text), language.lower().replace("_", "-")
    if not any(ch.isalnum() for ch in text):
        return ""
    if language.split("-")[0] != "en":
        return _tidy(foreign_numbers(text, language))
    text = _lower_shouting(text)
    number_rules = BRITISH_RULES if language.startswith("en-gb") else RULES
    for pattern, action in (*_TEXT_RULES, *number_rules, *_LAST_RULES):
        text = pattern.sub(action, text)
    return _tidy(text)


def fold(text: str) -> str:
    """NFKC with plain quotes, dashes and marks; no emoji, control or private characters."""
    text = _FRACTION.sub(lambda m: (f"{m[1]} " if m[1] else "") + FRACTIONS[m[2]], text)
    text = re.sub(r"\n\s*\n", " . ", text.strip())
    text = re.sub(r"(?<=\d)\s?[–—](?=\s?\d)", "-", text)
    text = text.replace("²", "\ue000").replace("³", "\ue001")      # NFKC would make m² m2
    text = re.sub(r"\s+–\s+|–(?=\s|$)", ", ", text).replace("–", "-")
    text = "".join(PUNCTUATION.get(ch, ch) for ch in text)
    text = unicodedata.normalize("NFKC", text).replace("\ue000", "²").replace("\ue001", "³")
    text = "".join(PUNCTUATION.get(ch, ch) for ch in text)
    return "".join(_visible(ch) for ch in re.sub("-{2,}", ", ", text))


def _visible(ch: str) -> str:
    kind = unicodedata.category(ch)
    if kind in ("Cf", "Me") or 0xFE00 <= ord(ch) <= 0xFE0F:
        return ""
    return ch if ch == "°" or kind[0] in "LNPMZ" or kind in ("Sm", "Sc") else " "


def _tidy(text: str) -> str:
    """Single spaces, none before a mark."""
    return re.sub(r"\s+(?=[,.?!;:](?:\s|$))", "", " ".join(text.split()))


def _lower_shouting(text: str) -> str:
    """Lower case for a text all in capitals (LibriSpeech): those are words, not acronyms."""
    found = re.findall(r"[^\W\d_]+", text)
    spelled = all(len(word) == 1 for word in found)
    loud = not spelled and any((len(word) > 4 and set(word) & set("AEIOU")) or
                               (len(found) > 1 and word.lower() in COMMON_WORDS) for word in found)
    return text.lower() if loud and text.upper() == text else text


def _address(match: re.Match[str]) -> str:
    """A web or mail address, its marks in words."""
    address = re.sub(r"^[a-z]+://", "", match[0].rstrip("/.,;:!?"), flags=re.IGNORECASE)
    end = match[0][len(match[0].rstrip(".,;:!?")):]
    parts = re.split(r"([^A-Za-z0-9])", address)
    return " ".join(DOMAINS.get(p, ADDRESS.get(p, p)) for p in parts if p) + end


def _ending(match: re.Match[str]) -> str:
    return ENDINGS[match[1]] + ("." if match[2] is not None else "")


def _initials(match: re.Match[str]) -> str:
    """J. K. Rowling: letters without their points, A by its name."""
    letters = re.findall(r"[A-Z]", match[0])
    if "".join(letters) in SPELLED:
        return "".join(letters) + " "
    return " ".join("eigh" if letter == "A" else letter for letter in letters) + " "


def _roman(numeral: str) -> int:
    values = [ROMAN[ch] for ch in numeral.rstrip(".")]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _acronym(match: re.Match[str]) -> str:
    """Capitals: words as they are, what espeak spells as it is, the rest letter by letter.

    A plural or possessive s goes with the last letter: espeak drops it after capitals.
    """
    word, tail = match[1], match[2] or ""
    if word.lower() in ACRONYM_WORDS or word.lower() in COMMON_WORDS:
        return match[0]
    by_espeak = word in SPELLED or not set(word) & set("AEIOUY")
    if by_espeak and not tail:
        return word
    if len(word) > 5 and not by_espeak:
        return match[0]
    letters = ["eigh" if ch == "A" else ch for ch in word]
    return " ".join(letters) + ("'s" if tail else "")


def _shouted(match: re.Match[str]) -> str:
    """Three capital words in a row are loud words, unless all are acronyms."""
    loud = any(word.lower() in COMMON_WORDS or len(word) > 5 for word in match[0].split())
    return match[0].lower() if loud else match[0]


_NOT_LETTER = "".join(f"(?<!\\b[{w[0].upper()}{w[0]}]{w[1:]}\\s)" for w in LETTERED.split("|"))
# The letter A, no article: J A Smith, C I A; from A to Z (above); A B C, A and B.
_AFTER_LETTER = r"(?<=\b[A-HJ-Z]\s)|(?<=\b[A-HJ-Z]\sI\s)"
_BEFORE_LETTER = (r"\s+[A-HJ-Z](?:\s+[A-Z]\b|\s*(?:[,.;:?!]|$))|\s*(?:[,.;:?!]|$)"
                  r"|\s+(?:and|or|to|is|was|plus|minus)\b")
_ROMAN = r"X{0,3}(?:IX|IV|V?I{0,3})\b(?<=[XVI])(?:\.(?=[,;:]))?"
_TEXT_RULES: tuple[Rule, ...] = (
    rule(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", _address),
    rule(rf"(?:https?://|\bwww\.)[^\s\"<>)]+|\b(?:[\w-]+\.)+(?:{TOP_LEVEL})\b(?:/[^\s\"<>)]*)?",
          _address, re.IGNORECASE),
    rule(r"(?<=\w)\.(?=(?:txt|pdf|py|js|json|md|csv|wav|exe|zip|jpg|png|html)\b)", " dot "),
    rule(rf"(?<!\w)({alternatives(SPECIAL)})(?!\w)", lambda m: SPECIAL[m[1]]),
    rule(r"(?:(?<=\d)|\b)\s?([AaPp])\.\s?[Mm]\.(?!\w)" + _NEW_SENTENCE,
         lambda m: f" {m[1].upper()}M."),
    rule(r"(?:(?<=\d)|\b)\s?([AaPp])\.\s?[Mm]\b\.?", lambda m: f" {m[1].upper()}M"),
    rule(r"(?<=\d)\s?([AaPp])[Mm]\b", lambda m: f" {m[1].upper()}M"),
    rule(rf"\b({alternatives(DAYS)})\.(?=,?\s+(?:\d|{'|'.join(MONTHS)}|[A-Z][a-z]{{2,3}}\.))",
          lambda m: DAYS[m[1]]),
    rule(r"(?<=[a-z]\s)St\b\.(?=\s*$|\s+[a-z]|[,;:?!])|(?<=[A-Z][a-z]{3}\s)St\b\.?(?!\s+[A-Z])",
          "Street"),
    rule(r"\bSt\b\.?(?=\s+[A-Z])", "Saint"),
    rule(r"(?<=[a-z]\s)Dr\b\.(?=\s*$|\s+[a-z]|,)", "Drive"),
    rule(rf"(?<![\w.])({alternatives(TITLES)})\.(?!\w),?", lambda m: TITLES[m[1]] + (
        "," if m[0].endswith(",") else "")),
    rule(rf"(?<![\w.])({alternatives(ENDINGS)})\.(?!\w)(?:{_NEW_SENTENCE}())?", _ending),
    rule(r"\b((?:[A-Za-z]\.){2,})(?=\s*$)", lambda m: m[1].replace(".", "").upper() + "."),
    rule(r"\b(?:[A-Z]\.){2,}(?=\s?[A-Z][a-z])", _initials),
    rule(r"\b((?:[A-Za-z]\.){2,})(?!\w)", lambda m: m[1].replace(".", "").upper()),
    rule(rf"{_NOT_LETTER}(?<![\w'.])(?:(?:[A-Z]\.\s*){{2,}}|[A-HJ-Z]\.\s*)(?=[A-Z][a-z])",
         _initials),
    rule(rf"\b((?:{RULERS})\s+[A-Z]\w+)\s+({_ROMAN})",
          lambda m: f"{m[1]} the {words(_roman(m[2]), 'ordinal')}"),
    rule(rf"\b({MONARCHS})\s+(?!I\b)({_ROMAN})",
          lambda m: f"{m[1]} the {words(_roman(m[2]), 'ordinal')}"),
    rule(rf"\b((?i:{NUMBERED}))\s+((?:XC|XL|L?X{{0,3}})(?:IX|IV|V?I{{0,3}}))\b(?<=[IVXLC])",
          lambda m: f"{m[1]} {words(_roman(m[2]))}"),
    rule(rf"\b((?i:{LETTERED}))\s+A\b(?!\s+[a-z]+\s+of)", lambda m: f"{m[1]} eigh"),
    rule(rf"(?:{_AFTER_LETTER}|(?<=[a-z]\s)(?=A\s+[a-z]))A\b(?![-'])|\bA(?={_BEFORE_LETTER})",
         "eigh"),
    rule(r"\b[A-Z]{2,}(?:\s+(?:[A-Z]{2,}|I|A)\b){2,}", _shouted),
    rule(r"\b([A-Z]{2,})('?s)?(?![\w'])", _acronym),
)
_LAST_RULES: tuple[Rule, ...] = (
    rule(r"([=+#/&*~<>@$%_|\\^-])\1+", " "),
    rule(r"(?<=\s)-(?=\s)", ", "),
    rule(r"[*<>~^|\\_]", " "),
    rule(rf"[{re.escape(''.join(SYMBOLS))}]", lambda m: f" {SYMBOLS[m[0]]} "),
)
