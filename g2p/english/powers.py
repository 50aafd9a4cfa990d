"""Exponents: powers of ten, squares and cubes; units have theirs in units.py."""
from __future__ import annotations

import re

from g2p.english.numbers import words
from g2p.english.rules import Rule, rule

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
_MARKS = "".join(SUPERSCRIPTS)


def _raise(match: re.Match[str]) -> str:
    """10⁶ -> 10^6; a mark behind a whole word is a footnote's and goes."""
    if re.search(r"[A-Za-z]{4}$", match.string[max(0, match.start() - 4):match.start()]):
        return ""
    return "^" + "".join(SUPERSCRIPTS[ch] for ch in match[0])


def _power(match: re.Match[str]) -> str:
    sign, exponent = match[1], match[2]
    if not exponent.isdecimal():
        return f" to the {'minus ' if sign == '-' else ''}{exponent} "
    number = int(exponent)
    if sign == "-":
        return f" to the minus {words(number)} "
    return {2: " squared ", 3: " cubed "}.get(number) or f" to the {words(number, 'ordinal')} "


def _scientific(match: re.Match[str]) -> str:
    return f"{match[1]} times 10^{match[2].lstrip('+')}"


RAISE = rule(rf"(?<=[\w)\]µΩ°])[{_MARKS}]+(?!ᵈ)", _raise)
NOTES = rule(rf"(?<=[.,;:!?\"'])[{_MARKS}]+", "")       # of footnotes
RULES: tuple[Rule, ...] = (
    rule(r"(?<![\w.,])(\d(?:\.\d{1,15})?)[eE]([+-]?\d{1,3})(?![\w.])", _scientific),
    rule(r"(?<=\d)\s?[x×*·]\s?(?=10(?:\^|\*\*)[-+\d])", " times "),
    rule(r"(?<=[\w)\]])\s?(?:\^|\*\*)\s?[({]?([+-])?(\d{1,4}|[a-z]\b)[)}]?", _power),
)
