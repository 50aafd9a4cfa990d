"""Numbers and symbols of languages other than English, through num2words."""
from __future__ import annotations

import re
from decimal import Decimal

from g2p.english.numbers import LONGEST_NUMBER, words
from g2p.foreign_tables import FOREIGN_POINT, FOREIGN_SYMBOLS, FOREIGN_TIME, GERMAN_MONTHS

# num2words' languages that write 1.234,5 and put spaces between words.
CONTINENTAL = ("ca", "cs", "da", "de", "es", "fi", "fr", "hu", "id", "is", "it", "lt", "lv", "nl",
               "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi")
_NUMBER = r"\d{1,3}(?:[.\s]\d{3})+(?!\d)(?:,\d+)?|\d+(?:,\d+)?"
_MONEY = re.compile(rf"([€$£])\s?({_NUMBER})|({_NUMBER})\s?([€$£])")


def foreign_numbers(text: str, language: str) -> str:
    """Numbers and common symbols in words; text itself where num2words lacks the language."""
    base = {"nb": "no"}.get(language.split("-")[0], language.split("-")[0])
    if base not in CONTINENTAL:
        return text
    symbols = FOREIGN_SYMBOLS.get(base, {})
    text = re.sub(r"\b([01]?\d|2[0-4]):([0-5]\d)\b(?:\s?(?:Uhr|h)\b)?",
                  lambda m: _clock(m, base), text)
    text = re.sub(r"\b([01]?\d|2[0-3])\s?h\s?([0-5]\d)?\b",
                  lambda m: _clock(m, base), text) if base == "fr" else text
    if base == "de":
        text = re.sub(rf"\b(\d{{1,2}})\.(?=\s*(?:{GERMAN_MONTHS})\b)",
                      lambda m: words(int(m[1]), "ordinal", "de") + "n", text)
        text = re.sub(r"\b(1[1-9]\d\d)\b(?![.,]\d)", lambda m: words(int(m[1]), "year", "de"), text)
    if base == "fr":
        text = re.sub(r"\b1(?:er|re)\b", "premier", text)
        text = re.sub(r"\b(\d{1,4})(?:e|ème)\b", lambda m: words(int(m[1]), "ordinal", "fr"), text)
    if symbols:
        text = _MONEY.sub(lambda m: _money(m, base, symbols), text)
        text = re.sub("|".join(re.escape(s) for s in symbols), lambda m: f" {symbols[m[0]]} ", text)
    text = re.sub(r"(?<![\w.,-])-(?=\d)", "minus " if base == "de" else
                  {"fr": "moins ", "es": "menos "}.get(base, "-"), text)
    return re.sub(_NUMBER, lambda m: f" {spell(m[0], base)} ", text)


def spell(number: str, language: str) -> str:
    """A number as the continent writes it ("1.234,5") in words."""
    whole, _, decimals = re.sub(r"[.\s]", "", number).partition(",")
    if len(whole) > LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0" and not decimals):
        return " ".join(words(int(ch), "cardinal", language) for ch in whole)
    if not decimals:
        return words(int(whole), "cardinal", language)
    if language in FOREIGN_POINT:
        return " ".join((words(int(whole), "cardinal", language), FOREIGN_POINT[language],
                         *(words(int(ch), "cardinal", language) for ch in decimals)))
    from num2words import num2words

    return str(num2words(Decimal(f"{whole}.{decimals}"), lang=language))


def _clock(match: re.Match[str], base: str) -> str:
    between = FOREIGN_TIME.get(base, " ")
    minute = int(match[2] or 0)
    hour = words(int(match[1]), "cardinal", base)
    if not minute:
        return hour + (between.rstrip() if base in ("de", "fr") else "")
    return hour + between + words(minute, "cardinal", base)


def _money(match: re.Match[str], base: str, symbols: dict[str, str]) -> str:
    """3,50 € -> drei Euro fünfzig."""
    name, number = symbols[match[1] or match[4]], match[2] or match[3]
    whole, _, cents = number.partition(",")
    if len(cents) != 2:
        return f"{spell(number, base)} {name}"
    joint = " con " if base == "es" else " "
    return f"{spell(whole, base)} {name}" + (
        joint + words(int(cents), "cardinal", base) if int(cents) else "")
