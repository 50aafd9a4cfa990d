"""English numbers as words: RULES, applied in order, and the words themselves by num2words."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from g2p.tables import BEFORE_DIGIT, BEFORE_NUMBER, CURRENCIES, MONTH_SHORT, MONTHS, SCALES, UNITS

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
LONGEST_NUMBER = 15     # digits; longer ones are read digit by digit


@lru_cache(4096)
def words(number: int, kind: str = "cardinal", language: str = "en") -> str:
    """num2words as a speaker says it: no commas, no American "and".

    kind is num2words' own: cardinal, ordinal or year.
    """
    from num2words import num2words

    spoken = str(num2words(number, to=kind, lang=language))
    return spoken.replace(",", "").replace(" and ", " ") if language == "en" else spoken


def digits(text: str) -> str:
    """The digits of a text, one by one."""
    return " ".join(words(int(ch)) for ch in text if ch.isdecimal())


def spell(number: str) -> str:
    """A number as written ("1,200", "3.50", ".5", "007", "1.2.3") in words."""
    whole, *parts = number.replace(",", "").split(".")
    if len(whole) > LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0"):
        spoken = digits(whole)
    else:
        spoken = words(int(whole)) if whole else "zero"
    rest = [digits(part) for part in parts] if len(parts) == 1 else [
        words(int(part)) if len(part) <= LONGEST_NUMBER else digits(part) for part in parts]
    return " point ".join((spoken, *rest))


def year(number: str) -> str:
    """1984 -> nineteen eighty-four, 1905 -> nineteen oh five, 2005 -> two thousand five."""
    return words(int(number), "year").replace("oh-", "oh ")


def plural(spoken: str) -> str:
    """nineties for ninety, nineteen hundreds for nineteen hundred."""
    return spoken[:-1] + "ies" if spoken.endswith("y") else spoken + "s"


def clock(hour: str, minute: str, second: str | None, half: str | None) -> str:
    """half: "AM", "PM" or None."""
    spoken = words(int(hour))
    if int(minute):
        spoken += (" oh " if int(minute) < 10 else " ") + words(int(minute))
    elif not half and not second:
        spoken += " o'clock" if 1 <= int(hour) <= 12 else " hundred"
    if second:
        spoken += f" and {words(int(second))} second" + ("" if int(second) == 1 else "s")
    return f"{spoken} {half}" if half else spoken


def _clock(match: re.Match[str]) -> str:
    return clock(match[1], match[2], match[3], match[4])


def _numeric_date(first: int, second: int, year_: str, month_first: bool) -> str | None:
    month, day = (first, second) if month_first else (second, first)
    if month > 12 and day <= 12:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    full = year_ if len(year_) == 4 else ("19" if int(year_) > 50 else "20") + year_
    return f"{MONTHS[month - 1]} {words(day, 'ordinal')}, {year(full)}"


def _iso(match: re.Match[str]) -> str:
    return _numeric_date(int(match[2]), int(match[3]), match[1], True) or match[0]


def _american(match: re.Match[str]) -> str:
    return _numeric_date(int(match[1]), int(match[3]), match[4], True) or match[0]


def _british(match: re.Match[str]) -> str:
    return _numeric_date(int(match[1]), int(match[3]), match[4], False) or match[0]


def _month_day(match: re.Match[str]) -> str:
    spoken = f"{match[1]} {words(int(match[2]), 'ordinal')}"
    if match[3]:
        spoken += f" to {words(int(match[3]), 'ordinal')}"
    return spoken + (f", {year(match[4])}" if match[4] else "")


def _day_month(match: re.Match[str]) -> str:
    the, day, month, year_ = match.groups()
    return (f"{the or 'the '}{words(int(day), 'ordinal')} of {month}"
            + (f" {year(year_)}" if year_ else ""))


def _money(match: re.Match[str]) -> str:
    """-$3.50, $5 billion, 5 €, 20 USD."""
    minus, before, number_1, scale_1, number_2, scale_2, after = match.groups()
    one, several, cent, cents = CURRENCIES[before or after]
    number, scale = number_1 or number_2, scale_1 or scale_2
    sign = "minus " if minus else ""
    if scale:
        return f"{sign}{spell(number)} {SCALES[scale]} {several}"
    whole, _, part = number.replace(",", "").partition(".")
    if len(part) != 2:
        return f"{sign}{spell(number)} {one if number == '1' else several}"
    pieces = []
    if int(whole or 0) or not int(part):
        pieces.append(f"{spell(whole or '0')} {one if whole == '1' else several}")
    if int(part):
        pieces.append(f"{words(int(part))} {cent if int(part) == 1 else cents}")
    return sign + " and ".join(pieces)


def _unit(match: re.Match[str]) -> str:
    """The unit in words, behind the number as it stands."""
    return f"{match[1]} {UNITS[match[2]][match[1] != '1']} "


def _fraction(match: re.Match[str]) -> str:
    whole, top, bottom = match[1], int(match[2]), int(match[3])
    if bottom < 2 or bottom > 100 or top >= bottom:
        return match[0].replace("/", " over ")
    name = {2: "half", 4: "quarter"}.get(bottom) or words(bottom, "ordinal")
    if top > 1:
        name = "halves" if bottom == 2 else name + "s"
    if not whole:
        return f"{words(top)} {name}"
    return f"{spell(whole)} and {'a' if top == 1 else words(top)} {name}"


def _phone(match: re.Match[str]) -> str:
    groups = ", ".join(digits(group) for group in re.findall(r"\d+", match[0]))
    return ("plus " if match[0].startswith("+") else "") + groups


def alternatives(keys: Iterable[str]) -> str:
    """A pattern of any of the keys, the longest first."""
    return "|".join(re.escape(key) for key in sorted(keys, key=len, reverse=True))


def rule(pattern: str, action: Callable[[re.Match[str]], str] | str, flags: int = 0) -> Rule:
    """What to find, and a function of the match or the text to put there."""
    return re.compile(pattern, flags), (lambda m: action) if isinstance(action, str) else action


_MONTH = "|".join(MONTHS)
_SHORT = alternatives(MONTH_SHORT)
_SIGN = alternatives(sign for sign in CURRENCIES if not sign.isalpha())
_SCALE = alternatives(SCALES)
_PER = "kg|km|lb|g|l|h|hr|s|min|sec|second|minute|hour|day|night|week|month|year|person"
_SLASHED = r"(?<![\d/.])(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d\d)(?![\d/]|\.\d)"
_DATES = (
    rule(rf"\b({_SHORT})\b(?:\.|(?=\s\d))", lambda m: MONTH_SHORT[m[1]]),
    rule(rf"(\d(?:st|nd|rd|th)?\s)({_SHORT})\b\.?", lambda m: m[1] + MONTH_SHORT[m[2]]),
    rule(r"(?<![\d-])(\d{4})-(\d\d)-(\d\d)(?![\d-])", _iso),
)
_MORE_DATES = (
    rule(rf"\b({_MONTH})\s+(\d{{1,2}})(?:st|nd|rd|th)?(?:\s?-\s?(\d{{1,2}})(?:st|nd|rd|th)?)?"
          r"(?!\d|[:.,]\d)(?:,?\s+(\d{4})(?!\d|[:.,]\d))?", _month_day),
    rule(rf"(?<![\d.,/-])(the\s+)?(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({_MONTH})\b"
          r"(?:,?\s+(\d{4})(?!\d|[:.,]\d))?", _day_month),
)
_REST = (
    rule(r"(?<![\d:])([01]?\d|2[0-4])[:.]([0-5]\d)()\s?([AP]M)\b", _clock),
    rule(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])(?:\s?([AP]M)\b)?"
          r"(?:\s?o'clock)?", _clock),
    rule(rf"(?<!\w)(-)?(?:(?:US|A|C|NZ|HK)?({_SIGN})\s?({NUMBER})(?:\s?({_SCALE})\b)?"
          rf"|({NUMBER})\s?({_SCALE})?\s?({alternatives(CURRENCIES)})(?!\w))", _money),
    rule(r"'?\b(\d{2,3}0|\d0)'?s\b", lambda m: plural(
        year(m[1]) if len(m[1]) == 4 else words(int(m[1])))),
    rule(r"(\d)'\s?(\d{1,2})\"", lambda m: f"{m[1]} feet {m[2]}"),
    rule(r"(?<=\d)k\b", " thousand"),
    rule(rf"(?<=\w)\s?/\s?({_PER})\b", lambda m: " per " + UNITS.get(m[1], (m[1], ""))[0]),
    rule(rf"(?<![\w.,])({NUMBER})[ -]?({alternatives(UNITS)})(?![\w/²³])"
          r"(?:\.(?=\s+[a-z]))?", _unit),
    rule(rf"(?<=[\d.,/])({NUMBER})[ -]?({alternatives(UNITS)})(?![\w/²³])", _unit),
    rule(r"(?<![\w.])(?:\+?\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)", _phone),
    rule(r"(?<![\w.-])\d{3}-\d{4}(?![\d-])", _phone),
    rule(r"\+\d(?:[ -]?\d){6,14}(?!\d)|(?<![\w.])0\d{2,4}[ -]\d{3,4}[ -]\d{3,4}(?!\d)", _phone),
    rule(r"(?<=\d)\s-\s(?=\d[\d.]*\s*=)", " minus "),
    rule(r"(?<![\d.,-])(\d[\d,.]*)\s?-\s?(?=\d[\d,.]*(?![\w,.]*-))", lambda m: m[1] + " to "),
    rule(r"(?<![\w.,)-])-\s?(?=\.?\d)", "minus "),
    rule(r"\b(\d[\d,]{0,15})(?:st|nd|rd|th)\b", lambda m: words(
        int(m[1].replace(",", "")), "ordinal"), re.IGNORECASE),
    rule(r"(?<![\d/])(?:(\d+)\s+)?(\d+)/(\d+)(?![\d/])", _fraction),
    rule(r"(?<=\d):(?=\d)", " to "),
    rule(r"(?<=\d)\s?\*\s?(?=\d)", " times "),
    rule(r"([<>~])\s?(?=\d)", lambda m: BEFORE_DIGIT[m[1]]),
    rule(rf"\b({alternatives(BEFORE_NUMBER)})\.?\s?(?=\d)",
          lambda m: BEFORE_NUMBER[m[1]] + " "),
    rule(r"#\s?(?=\d)", "number "),
    rule(r"\bA(?=\d)", "eigh "),
    rule(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " "),
    rule(r"(?<![\d.,])(1[1-9]\d\d|20\d\d)(?![\d]|[.,]\d)", lambda m: year(m[1])),
    rule(r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)*|(?<!\w)\.\d+", lambda m: spell(m[0])),
)
RULES: tuple[Rule, ...] = (*_DATES, rule(_SLASHED, _american), *_MORE_DATES, *_REST)
BRITISH_RULES: tuple[Rule, ...] = (*_DATES, rule(_SLASHED, _british), *_MORE_DATES, *_REST)
