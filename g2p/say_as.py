"""SSML's <say-as>: what a stretch of text is, where it does not show by itself.

The values are those of the W3C's note on say-as and those that Google, Azure and Amazon share.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from g2p.ahead import spelled
from g2p.english import read_out
from g2p.english.dates import MONTHS, clock
from g2p.english.numbers import LONGEST_NUMBER, fraction, spell, words, year
from g2p.foreign import foreign_numbers

_NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_ORDINAL = re.compile(r"(\d[\d,]{0,20})(?:st|nd|rd|th|\.)?", re.IGNORECASE)
_TELEPHONE = re.compile(r"\+|\d+|[A-Za-z]+")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d\d))?(?:[:.](\d\d))?\s?(?:([ap])\.?\s?m\.?)?",
                    re.IGNORECASE)
_FRACTION = re.compile(r"(?:(\d{1,6})[\s+])?\s?(\d{1,3})\s?/\s?(\d{1,3})")
_DATE_PARTS = {"y": r"(?P<y>\d{4}|\d\d)", "m": r"(?P<m>\d{1,2}|[A-Za-z]{3,9}\.?)",
               "d": r"(?P<d>\d{1,2})"}
_DATES = ("mdy", "dmy", "ymd", "md", "dm", "ym", "my", "d", "m", "y")
Reading = Callable[[str, str, str], str]


def say_as(text: str, attributes: Mapping[str, str], language: str) -> str:
    """The words for a text that is to be read as attributes["interpret-as"] says.

    Raises:
        ValueError: that is missing or unknown, or the text is none of its kind.
    """
    kind = attributes.get("interpret-as", "").strip().lower()
    if kind not in KINDS:
        raise ValueError(f"<say-as interpret-as={kind[:30]!r}>: use one of {', '.join(KINDS)}")
    text = " ".join(text.split())
    said = KINDS[kind](text, attributes.get("format", "").strip().lower(), language)
    if not said:
        raise ValueError(f"<say-as interpret-as={kind!r}>: {text[:40]!r} cannot be read as "
                         "one")
    return said


def _digits(text: str, _: str, language: str) -> str:
    """Digits one by one; spaces and dashes between them are left out."""
    if re.search(r"[^\d\s.-]", text):
        return ""
    return " ".join(_in_words(int(ch), "cardinal", language) for ch in text if ch.isdecimal())


def _cardinal(text: str, _: str, language: str) -> str:
    if not _NUMBER.fullmatch(text):
        return ""
    if base(language) != "en":
        return foreign_numbers(text, language)
    return ("minus " if text[0] == "-" else "") + spell(text.lstrip("-"))


def _ordinal(text: str, _: str, language: str) -> str:
    match = _ORDINAL.fullmatch(text)
    number = match[1].replace(",", "") if match else ""
    return _in_words(int(number), "ordinal", language) if 0 < len(number) <= LONGEST_NUMBER else ""


def _telephone(text: str, _: str, language: str) -> str:
    """+1 (555) 0123 ext. 4: plus one, five five five, zero one two three, extension four."""
    if not re.search(r"\d", text):
        return ""
    spoken = ""
    for part in _TELEPHONE.findall(text):
        said = ("plus" if part == "+" else _digits(part, "", language) if part.isdecimal()
                else "extension" if part.lower() in ("x", "ext") else part.lower())
        joint = " " if spoken.endswith(("plus", "extension")) else ", "
        spoken += (joint if spoken else "") + said
    return spoken


def _date(text: str, order: str, language: str) -> str:
    """A date whose parts come in the order of `format` (mdy, ymd, md, ...), by itself without."""
    if not re.search(r"\d", text):
        return ""
    if base(language) != "en":
        return foreign_numbers(text, language)
    order = re.sub(r"(.)\1+", r"\1", re.sub(r"[^a-z]", "", order))
    if not order:
        return _read(text, "", language)
    if order not in _DATES:
        raise ValueError(f"<say-as interpret-as='date' format={order[:20]!r}>: use one of "
                         f"{', '.join(_DATES)}")
    joint = r"[\s./,-]{0,3}" if not text.isdecimal() else ""
    found = re.fullmatch(joint.join(_DATE_PARTS[part] for part in order),
                         text.rstrip("."))
    return _spoken_date(found.groupdict()) if found else ""


def _spoken_date(parts: Mapping[str, str]) -> str:
    """May third, twenty twenty-six, of what there is."""
    month, day = _month(parts.get("m", "1")), int(parts.get("d", 1))
    if not month or not 1 <= day <= 31:
        return ""
    said = MONTHS[month - 1] if "m" in parts else ""
    if "d" in parts:
        said = f"{said} {words(day, 'ordinal')}".strip()
    if "y" not in parts:
        return said
    number = parts["y"] if len(parts["y"]) == 4 else str(
        datetime.strptime(parts["y"], "%y").year)
    return f"{said}{',' if 'd' in parts else ''} {year(number)}".strip()


def _month(said: str) -> int:
    """1 to 12; 0 where it is none."""
    if said.isdecimal():
        return int(said) if 1 <= int(said) <= 12 else 0
    short = said.rstrip(".").lower()
    return next((i for i, name in enumerate(MONTHS, 1)
                 if name.lower().startswith(short)), 0)


def _time(text: str, _: str, language: str) -> str:
    """2:30pm, 14:05, 7 am; and Amazon's 1'21", which lasts."""
    if lasts := re.fullmatch(r"(?:(\d{1,3})')?\s?(?:(\d{1,2})\")?", text):
        return " and ".join(f"{words(int(number))} {unit}{'' if int(number) == 1 else 's'}"
                            for number, unit in zip(lasts.groups(), ("minute", "second"),
                                                    strict=True) if number)
    match = _CLOCK.fullmatch(text)
    if not match or int(match[1]) > 24 or int(match[2] or 0) > 59:
        return ""
    if base(language) != "en":
        return foreign_numbers(text, language)
    return clock(match[1], match[2] or "0", match[3], f"{match[4].upper()}M" if match[4] else None)


def _fraction(text: str, _: str, language: str) -> str:
    """1/3, 5+1/2."""
    match = _FRACTION.fullmatch(text)
    if base(language) != "en" or not match or int(match[3]) < 2 or not int(match[2]):
        return ""
    part = fraction(int(match[2]), int(match[3]))
    return f"{spell(match[1])} and {part}" if match[1] else part


def _read(text: str, _: str, language: str) -> str:
    """As it would be read anyway: units, money, addresses."""
    if base(language) != "en":
        return foreign_numbers(text, language)
    return " ".join(read_out(text, language.startswith("en-gb")).split())


def _characters(text: str, _: str, language: str) -> str:
    """By their names, in phones: no rule takes those for a word."""
    return spelled(text, language)


def _in_words(number: int, kind: str, language: str) -> str:
    """A number in words; in digits, which espeak reads, where num2words lacks the language."""
    try:
        return words(number, kind, {"nb": "no"}.get(base(language), base(language)))
    except NotImplementedError:
        return str(number)


def base(language: str) -> str:
    """A language without its region: "de" of "de-AT"."""
    return language.lower().replace("_", "-").split("-")[0]


KINDS: dict[str, Reading] = {
    "characters": _characters, "spell-out": _characters, "verbatim": _characters,
    "digits": _digits, "number_digit": _digits, "cardinal": _cardinal, "number": _cardinal,
    "ordinal": _ordinal, "telephone": _telephone, "date": _date, "time": _time,
    "fraction": _fraction, "unit": _read, "currency": _read, "address": _read}
