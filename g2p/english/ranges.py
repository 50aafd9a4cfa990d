"""Dashes and signs between quantities: ranges, dimensions, sums."""
from __future__ import annotations

import re

from g2p.english.dates import CLOCK
from g2p.english.money import SCALE, SIGN
from g2p.english.numbers import NUMBER
from g2p.english.rules import Rule, rule
from g2p.english.units import UNIT

OPERATORS = {"-": "minus", "+": "plus", "*": "times", "x": "times", "×": "times", "·": "times",
             "/": "divided by", "÷": "divided by"}
_SIGN = re.compile(rf"\s?([{re.escape(''.join(set(OPERATORS) - {'x'}))}]|"
                   rf"(?<=\d)x(?=\d)|(?<=\d )x(?= \d))\s?(?!$)")
_TERM = r"(?:[\d.,]{1,20}[a-z]?|[a-z])(?![\w.])"
_SUM = rf"(?<![\w.,/:-]){_TERM}(?:\s?[-+*x×·/÷]\s?-?{_TERM}){{1,9}}"
_RICH = (rf"(?:{CLOCK}(?:\s?[AP]M)?|\d{{1,2}}\s[AP]M|(?:{SIGN})\s?{NUMBER}(?:\s?(?:{SCALE}))?"
         rf"|{NUMBER}\s?(?:(?:{UNIT})(?:\^[23])?|{SCALE}|(?:{SIGN}))"
         rf"(?:/(?:h|hr|s|min|kg|l|L|day|month|year))?)")


def _operate(match: re.Match[str]) -> str:
    """5-3=2 -> 5 minus 3=2; a fraction alone before "=" stays one."""
    text = match[0]
    parts = text.strip().split("/")
    if len(parts) == 2 and parts[0].isdecimal() and parts[1].isdecimal() and (
            int(parts[0]) < int(parts[1]) <= 100):
        return text
    out, place = "", 0
    several = len(_SIGN.findall(text)) > 1
    for sign in _SIGN.finditer(text, 1):
        if several and sign[0] == "/":      # a fraction of a longer sum
            continue
        out += text[place:sign.start()] + f" {OPERATORS[sign[1]]} "
        place = sign.end()
    return out + text[place:]


MATH_RULES: tuple[Rule, ...] = (
    rule(rf"{_SUM}(?=\s?(?:=|≠|≈|<|>|≤|≥))", _operate),
    rule(rf"(?<=[=≠≈≤≥])\s?{_SUM}", lambda m: " " + _operate(m).strip()),
    rule(r"(?<=\d)\s/\s(?=\d)", " divided by "),
)
RULES: tuple[Rule, ...] = (
    rule(r"(?<![\w.,/-])(\d{1,3})-(?=(?:1/[2-9]|2/[35]|3/[458]|[57]/8)(?![\w/.]))",
         lambda m: m[1] + " "),         # 1-1/2 cups
    rule(r"\b(noon|midnight)\s?-\s?(?=\d)|(?<=[AP]M)()\s?-\s?(?=(?:noon|midnight|midday)\b)",
         lambda m: (m[1] or "") + " to "),
    rule(r"(?<=\d(?:st|nd|rd|th))\s?-\s?(?=\d{1,4}(?:st|nd|rd|th)\b)", " to "),
    rule(r"\b([A-Z]{1,2})(\d{1,4})\s?-\s?(?=\1\d{1,4}\b)", lambda m: f"{m[1]}{m[2]} to "),
    rule(r"(?<=\^\d)\s?-\s?(?=10\^)", " to "),
    rule(rf"(?<![\w.,:/])((?:-\s?)?{_RICH})\.?\s?(?:-|\sto\s)\s?(?=-?(?:(?:{SIGN})\s?)?\.?\d)"
         rf"(?![^=]{{0,15}}=)", lambda m: m[1] + " to "),
    rule(rf"(?<![\w.,:/])({NUMBER}\s?(?:{UNIT}))\s?[x×]\s?(?=\d)", lambda m: m[1] + " by "),
)
# What is left when dates, money and units are words.
LAST_RULES: tuple[Rule, ...] = (
    rule(r"(?<=\d)\s?-\s?-(?=\d)", " to minus "),
    rule(r"(?<![\d.,-])(\d[\d,.]*)\s?-\s?(?=\d[\d,.]*(?![\w,.]*-(?![a-z])))",
         lambda m: m[1] + " to "),
    rule(r"(?<![\w.,)-])-(?=\.?\d)|^-\s(?=\d)", "minus "),
)
