"""Dates and times of day."""
from __future__ import annotations

import re
from collections.abc import Callable

from g2p.english.numbers import digits, words, year
from g2p.english.rules import Rule, alternatives, rule

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")
MONTH_SHORT = {**{m[:3]: m for m in MONTHS if m != "May"}, "Sept": "September"}
DAYS = {"Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday",
        "Thu": "Thursday", "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday",
        "Sat": "Saturday", "Sun": "Sunday"}
MONTH = "|".join(MONTHS)
DAY = "|".join(name for name in dict.fromkeys(DAYS.values()))
_ANY_MONTH = alternatives((*MONTHS, *MONTH_SHORT))
_ANY_DAY = alternatives((*DAYS, *DAYS.values(), *(name + "s" for name in DAYS.values())))
_SHORT = alternatives(MONTH_SHORT)
_LOWER = alternatives(m.lower() for m in (*MONTHS, *MONTH_SHORT) if m not in ("May", "March",
                                                                              "Mar"))
_NTH = r"(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(\d{4})(?!\d|[:.,]\d|-\d))?"
CLOCK = r"(?:[01]?\d|2[0-4]):[0-5]\d"


def _full_year(text: str) -> str:
    return text if len(text) == 4 else ("19" if int(text) > 50 else "20") + text


def _spoken_date(first: int, second: int, year_: str, month_first: bool) -> str | None:
    month, day = (first, second) if month_first else (second, first)
    if month > 12 and day <= 12:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{MONTHS[month - 1]} {words(day, 'ordinal')}, {year(_full_year(year_))}"


def _iso(match: re.Match[str]) -> str:
    """2026-11-21, 2026/11/21, 2026.11.21, with or without a time behind a T."""
    spoken = _spoken_date(int(match[3]), int(match[4]), match[1], True)
    return spoken + (" at " if match[5] else "") if spoken else match[0]


def _american(match: re.Match[str]) -> str:
    return _spoken_date(int(match[1]), int(match[3]), match[4], True) or match[0]


def _british(match: re.Match[str]) -> str:
    return _spoken_date(int(match[1]), int(match[3]), match[4], False) or match[0]


def _month(name: str) -> str:
    return MONTH_SHORT.get(name[:4].rstrip("."), MONTH_SHORT.get(name[:3], name))


def _dashed(match: re.Match[str]) -> str:
    """5-Jun-2020 -> the fifth of June twenty twenty."""
    day = int(match[1])
    if not 1 <= day <= 31:
        return match[0]
    return f"the {words(day, 'ordinal')} of {_month(match[3].title())} {year(_full_year(match[4]))}"


def _dashed_american(match: re.Match[str]) -> str:
    """Jun-5-2020 -> June fifth, twenty twenty."""
    day = int(match[3])
    if not 1 <= day <= 31:
        return match[0]
    return f"{_month(match[1].title())} {words(day, 'ordinal')}, {year(_full_year(match[4]))}"


def _bare(month_first: bool) -> Callable[[re.Match[str]], str]:
    """on 12/25 -> on December twenty-fifth."""
    def read(match: re.Match[str]) -> str:
        spoken = _spoken_date(int(match[2]), int(match[3]), "2000", month_first)
        return f"{match[1]} {spoken.partition(',')[0]}" if spoken else match[0]
    return read


def _year_first(match: re.Match[str]) -> str:
    """2001-Sep-11 -> September eleventh, two thousand one."""
    return f"{_month(match[3].title())} {words(int(match[4]), 'ordinal')}, {year(match[1])}"


def _month_day(match: re.Match[str]) -> str:
    spoken = f"{match[1]} {words(int(match[2]), 'ordinal')}"
    if match[3]:
        spoken += f" to {words(int(match[3]), 'ordinal')}"
    return spoken + (f", {year(match[4])}" if match[4] else "")


def _day_month(match: re.Match[str]) -> str:
    the, day, last, month, year_ = match.groups()
    the = the or "the "
    spoken = f"{the}{words(int(day), 'ordinal')}"
    if last:
        spoken += f" to the {words(int(last), 'ordinal')}"
    return f"{spoken} of {month}" + (f" {year(year_)}" if year_ else "")


def _span(match: re.Match[str]) -> str:
    """Mon-Fri -> Monday to Friday, Jan.-Mar. -> January to March."""
    names = (DAYS if match[1] in DAYS or match[2] in DAYS else MONTH_SHORT)
    return f"{names.get(match[1], match[1])} to {names.get(match[2], match[2])}"


def clock(hour: str, minute: str, second: str | None, half: str | None) -> str:
    """14, 05, None, None -> fourteen oh five; half is "AM", "PM" or None."""
    spoken = words(int(hour))
    if int(minute):
        spoken += (" oh " if int(minute) < 10 else " ") + words(int(minute))
    elif not half and not second:
        spoken += " o'clock" if 1 <= int(hour) <= 12 else " hundred"
    if second and int(second):
        spoken += f" and {words(int(second))} second" + ("" if int(second) == 1 else "s")
    return f"{spoken} {half}" if half else spoken


def _clock(match: re.Match[str]) -> str:
    return clock(match[1], match[2], match[3], match[4])


NAME_RULES: tuple[Rule, ...] = (
    rule(rf"\b({_ANY_DAY})\b\.?\s?-\s?({_ANY_DAY})\b(?:\.(?=\s[a-z\d]|,))?", _span),
    rule(rf"\b({_ANY_MONTH})\b\.?\s?-\s?({_ANY_MONTH})\b(?!-)(?:\.(?=\s[a-z\d]|,))?", _span),
    rule(rf"\b({alternatives(DAYS)})\.(?=,?\s+(?:\d|{MONTH}|[A-Z][a-z]{{2,3}}\.))",
         lambda m: DAYS[m[1]]),
    rule(rf"\b({alternatives(DAYS)})\.(?=,?\s(?:morning|noon|night|afternoon|evening|at|from|to|"
         rf"and|"
         r"through|until|only|or|before|after|by)\b)", lambda m: DAYS[m[1]]),
    rule(r"(?<=\bon\s)(Mon|Tues?|Wed|Thu|Thurs?|Fri)\b\.?(?!\w)|"
         r"\b(Mon|Tues?|Wed|Thu|Thurs?|Fri|Sat|Sun)(?=,?\s\d)",
         lambda m: DAYS[m[1] or m[2]]),
    rule(r"\bSept?\.(?=\s)", "September"),
    rule(rf"\b({_SHORT})\.(?=,?\s[a-z])", lambda m: MONTH_SHORT[m[1]]),
    # july 25, 3rd june, jan. 5 (may and march are words)
    rule(rf"\b({_LOWER})(?=\s\d{{1,4}}{_NTH}\b)|(?<=\d\s)({_LOWER})\b|"
         rf"(?<=\d(?:st|nd|rd|th)\s)({_LOWER})\b|\b({_SHORT.lower()})(?=\.\s\d{{1,2}}\b)",
         lambda m: m[0].title()),
    rule(r"\b(Tues?|Thu|Thurs?)\.(?=(\s+[A-Z]|\s*$)?)",
         lambda m: DAYS[m[1]] + ("." if m[2] is not None else "")),
    rule(rf"(?<=\d[-/ ])({_SHORT.upper()}|MAY)(?=[-/ ]\d)|"
         rf"\b({_ANY_MONTH.upper()})(?=\.?\s\d{{1,4}}\b)", lambda m: m[0].title()),
)
_SLASHED = r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)(?![\d/-]|\.\d)"
_FIRST = (
    rule(rf"(?<![\w.-])(\d{{1,2}})([-/ .]?)({_ANY_MONTH})\2(\d{{4}}|(?<=[-/.])\d\d|(?<=\s)[4-9]\d"
         r"(?!\s[a-z])|(?<=\s)\d\d(?=\s*$|[,.;)]))(?![\w-])", _dashed, re.IGNORECASE),
    rule(rf"(?<![\w.-])([12]\d{{3}})([-/.])({_ANY_MONTH})\2(\d\d?)(?![\w-])", _year_first,
         re.IGNORECASE),
    rule(r"(?<![\w./-])(\d{1,2}/\d{1,2}/\d{2,4})\s?-\s?(?=\d{1,2}/\d{1,2}/\d{2,4}\b)",
         lambda m: m[1] + " to "),
    rule(r"\b((?:expires?|expiry|expiration(?: date)?|valid (?:thru|through|until))(?: on|"
         r" in)?:?\s)"
         r"(0?[1-9]|1[0-2])/(\d\d)(?![\d/])",
         lambda m: f"{m[1]}{MONTHS[int(m[2]) - 1]} {year('20' + m[3])}", re.IGNORECASE),
    rule(r"(?<=:\d\d)Z\b", " Z"),
    rule(rf"\b({_ANY_MONTH})([-/])(\d{{1,2}})\2(\d{{4}})(?![\w-])", _dashed_american,
         re.IGNORECASE),
    rule(r"(?<![\d/.])(0?[1-9]|1[0-2])/((?:19|20)\d\d)(?![\d/]|\.\d)",
         lambda m: f"{MONTHS[int(m[1]) - 1]} {year(m[2])}"),
    rule(rf"\b((?:{_ANY_MONTH})\.?\s)'(\d\d)\b", lambda m: m[1] + _full_year(m[2])),
    rule(rf"\b({_ANY_MONTH})[-/](?=\d{{4}}\b)", lambda m: MONTH_SHORT.get(m[1], m[1]) + " "),
    rule(rf"\b({_SHORT})\b(?:\.|(?=\s\d))", lambda m: MONTH_SHORT[m[1]]),
    rule(rf"(\d{_NTH}\s)({_SHORT})\b\.?", lambda m: m[1] + MONTH_SHORT[m[2]]),
    rule(rf"\b((?:{MONTH})\s\d{{1,4}}{_NTH}(?:,?\s\d{{4}})?)\s?-\s?(?=(?:{MONTH})\b)",
         lambda m: m[1] + " to "),
    rule(r"(?<![\d./-])([12]\d{3})([-/]|\.\s?)(\d\d?)\2(\d\d?)(?:(T)(?=\d\d:)|(?![\d/-]|\.\d))",
         _iso),
)
_LAST = (
    rule(rf"\b({MONTH})\s+(\d{{1,2}}){_NTH}(?:\s?-\s?(\d{{1,2}}){_NTH})?(?!\d|[:.,]\d|-\d){_YEAR}",
         _month_day),
    rule(rf"(?<![\d.,/-])(the\s+)?(\d{{1,2}}){_NTH}(?:\s?-\s?(\d{{1,2}}){_NTH})?\s+(?:of\s+)?"
         rf"({MONTH})\b{_YEAR}", _day_month),
    rule(r"(?<=[a-z])\s-\s(?=the \w+(?:-\w+)? of [A-Z])", " to "),
)
# Without a year: where a fraction is none, behind on, or of so many days.
_BARE = (r"\b([Oo]n|[Uu]ntil|[Ss]ince|[Dd]ue|[Dd]ated|[Bb]y|[Ff]rom|[Bb]efore|[Aa]fter|"
         r"\w{3,6}day,?)\s"
         r"(?:(?<=day\s)|(?<=day,\s)|(?<=on\s)|(?<=On\s)|(?<=until\s)|(?<=since\s)|(?<=ue\s)|(?<=ated\s)|"
         r"(?=\d{1,2}/(?:1[3-57-9]|2[0-9]|3[01])|0))"
         r"(0?[1-9]|[12]\d|3[01])/(0?[1-9]|[12]\d|3[01])(?![\d/%]|[-.]\d|\"|"
         r"\s(?:of|the|a|an|inch|inches|acres?|cups?|miles?|mi|lb|tsp|tbsp|in)\b)")
AMERICAN_DATES: tuple[Rule, ...] = (*_FIRST, rule(_SLASHED, _american), rule(_BARE, _bare(True)),
                                    *_LAST)
BRITISH_DATES: tuple[Rule, ...] = (*_FIRST, rule(_SLASHED, _british), rule(_BARE, _bare(False)),
                                   *_LAST)
TIME_RULES: tuple[Rule, ...] = (
    rule(r"(?<![\d:.])(\d{1,2}):([0-5]\d)\.(\d{1,3})(?!\d|\s?[AP]M)", lambda m: (
        f"{clock(m[1], m[2], '0', None)} point {digits(m[3])}")),
    rule(r"(?<![\d:])([01]?\d|2[0-4])[:.]([0-5]\d)()\s?([AP]M)\b", _clock),
    rule(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])(?:\s?([AP]M)\b)?"
         r"(?:\s?o'clock)?", _clock),
)
