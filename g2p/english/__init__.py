"""English text as a reader says it: small rules by what they read, applied in a fixed order."""
from __future__ import annotations

import re

from g2p.english import (
    abbreviations,
    acronyms,
    addresses,
    codes,
    dates,
    letters,
    money,
    numbers,
    powers,
    ranges,
    roman,
    symbols,
    units,
    years,
)
from g2p.english.acronyms import lower_shouting
from g2p.english.rules import Rule, apply
from g2p.scripts import readable

# Most texts have no numeral and no letter A: then their rules, which are slow, are left out.
_NUMERAL = re.compile(r"\b(?:[IVXLCDM]{2,}|[VXLC]|(?<=\w\s)I|[ivxl]{1,6})(?:th|st|nd|rd)?\b|\bWW")
_LETTER = re.compile(
    r"\bA\b|\b[A-Z]s\b|\d[aA]|[\"']a[\"']|"
    r"\ba(?=\s(?:and|or|to|through|is|was|of|plus|minus|times|equals)\b|\s?[-/=+*^<>≤≥×÷≠.,;:?!)]|$)")
_BEFORE_DATES: tuple[Rule, ...] = (*codes.RULES, *symbols.FIRST_RULES, *ranges.MATH_RULES)
_AFTER_DATES: tuple[Rule, ...] = (
    *years.FIRST_RULES, *money.FIRST_RULES, *ranges.RULES, *dates.TIME_RULES, *money.RULES,
    *numbers.FIRST_RULES,
    *units.LENGTH_RULES, units.INCHES, *units.RULES, *powers.RULES, *ranges.LAST_RULES,
    *numbers.LAST_RULES,
    *years.RULES, numbers.PLAIN)
AMERICAN: tuple[Rule, ...] = (*_BEFORE_DATES, *dates.AMERICAN_DATES, *_AFTER_DATES)
BRITISH: tuple[Rule, ...] = (*_BEFORE_DATES, *dates.BRITISH_DATES, *_AFTER_DATES)


def read_out(text: str, british: bool) -> str:
    """English words for a folded text; the letter A is LETTER_A where it is said by its name."""
    text = readable(apply([powers.RAISE, powers.NOTES], lower_shouting(text)))
    text = apply((*addresses.RULES, *dates.NAME_RULES, *codes.ZIP_RULES), text)
    text = apply(roman.RULES if _NUMERAL.search(text) else (), text)
    text = apply(abbreviations.RULES, text)
    text = apply(letters.RULES if _LETTER.search(text) else (), text)
    text = apply(acronyms.RULES, text)
    if re.search(r"\d", text):
        text = apply(BRITISH if british else AMERICAN, text)
    else:
        text = apply((*symbols.FIRST_RULES, *units.BARE_RULES, *ranges.MATH_RULES, *powers.RULES),
                     text)
    return apply(symbols.LAST_RULES, text)
