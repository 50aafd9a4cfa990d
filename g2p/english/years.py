"""Numbers of four digits: years where the words around them say so, else quantities."""
from __future__ import annotations

import re

from g2p.english.numbers import paired, plural, short_year, spell, words, year
from g2p.english.rules import Rule, after, before, rule

_COUNTED = re.compile(r"\s(?:\w+\s)?(?:people|men|women|children|sheep|cattle|fish|feet|troops|"
                      r"police|percent)\b|\sof (?:them|us|these|those)\b")
_PLURAL = re.compile(r"\s(?!was\b|is\b|has\b|does\b|its\b|this\b|his\b|as\b|us\b|across\b|"
                     r"perhaps\b|sometimes\b|always\b|besides\b|towards\b|afterwards\b|"
                     r"nevertheless\b|plus\b|lots\b|unless\b|versus\b|less\b)"
                     r"(?:[a-z]{3,}ed\s|[a-z]{2,}(?:al|ic|ive|ous|ar|en|ent|ant|er|ern)\s|"
                     r"(?:new|old|small|big|large|young|free|dead|more|other|extra|gold|full|"
                     r"empty|different|American|British|French|German)\s)?"
                     r"[a-z]{2,}s\b(?!')")
_OF_A_YEAR = re.compile(r"(?:\b(?:in|since|until|till|by|from|of|the|around|circa|before|after|"
                        r"year|during|late|early|mid|spring|summer|autumn|fall|winter|between|"
                        r"through|to|and|January|February|March|April|May|June|July|August|"
                        r"September|October|November|December|AD|BC|CE)[\s-]|\bin about\s|"
                        r"[(]|[a-z],\s|\bQ\s?[1-4]\s)$", re.IGNORECASE)
_EARLY = re.compile(r"(?:\b(?:in|since|until|till|by|from|between|around|circa|before|after|year|"
                    r"during|"
                    r"late|early|summer|winter|spring|autumn|AD|about|January|February|March|April|"
                    r"May|June|July|August|September|October|November|December|back to|"
                    r"the year|the (?:summer|spring|autumn|fall|winter) of|[AȺ] D|"
                    r"\w+ and|\w+ to)[\s,]{1,2}|[(]|[a-z],\s)$",
                    re.IGNORECASE)
_LATE = re.compile(r"\b(?:in|by|until|till|since|year|before|after|of)\s$", re.IGNORECASE)
_ERA = re.compile(r"\s?(?:[AȺ] ?D|B ?C|C ?E|B ?C ?E)\b|\s(?:was|saw|is)\s(?:a|the|an)\b")
_ALSO_COUNTED = re.compile(r"[a-z]s\sand\s$")      # 1300 boys and 1450 girls
_QUANTITY = re.compile(r"\b(?:over|than|nearly|almost|at least|at most|only|another|some|up to|"
                       r"exactly|roughly|all|every|these|those|an extra|a further|a total of|"
                       r"(?:lost|won|paid|cost|costs|sold|bought|scored) (?:about )?)\s?$",
                       re.IGNORECASE)
_NAME = re.compile(r"[a-z]\S?\s[A-Z][a-z]+\s$")


def _four_digits(match: re.Match[str]) -> str:
    """1984 -> a year, 1984 votes -> a number; before 1100 and from 2100 only after a hint."""
    number, rest = match[1], after(match, 60)
    head = before(match, 30)
    if (_COUNTED.match(rest) and not re.search(r"\b[Ii]n\s$", head)) or re.match(r"-[a-z]",
            rest) or _QUANTITY.search(head):
        return spell(number)
    if not 1100 <= int(number) < 2100:
        hint = (_LATE if int(number) >= 2100 else _EARLY).search(head) or _ERA.match(rest)
        return year(number) if hint and not _PLURAL.match(rest) else spell(number)
    dated = _OF_A_YEAR.search(head) and not _ALSO_COUNTED.search(head)
    if _PLURAL.match(rest) and not dated and not _NAME.search(head):
        return spell(number)
    return year(number)


def _span(match: re.Match[str]) -> str:
    """2008-09 -> two thousand eight to oh nine; 2020/21, 1999/2000 only of years in a row."""
    first, joint, second = match.groups()
    space = " " * before(match, 1).isalpha()
    following = str(int(first) + 1)
    if joint == "/" and second not in (following, following[2:]):
        return match[0]
    if len(second) == 4:
        return f"{space}{year(first)} to {year(second)}"
    later = int(second) > int(first[2:]) or (first.endswith("99") and second == "00")
    return f"{space}{year(first)} to {short_year(second)}" if later else match[0]


def _by(match: re.Match[str]) -> str:
    """1920x1080 -> nineteen twenty by ten eighty."""
    return " by ".join(paired(number) for number in re.split(r"\s?[x×]\s?", match[0]))


def _hours(match: re.Match[str]) -> str:
    """0600 hours -> zero six hundred hours, 1430 hours -> fourteen thirty hours."""
    hour, minute = match[0][:2], match[0][2:]
    first = f"zero {words(int(hour))}" if hour[0] == "0" else words(int(hour))
    return f"{first} {'hundred' if minute == '00' else short_year(minute)}"


FIRST_RULES: tuple[Rule, ...] = (
    rule(r"(?<![\d.,/-])(1\d\d\d|20\d\d)([-/])(\d\d|(?<=/)\d{4})(?![\d/-]|[.,]\d)", _span),
    rule(r"(?<![\w.,])(0\d[0-5]\d)(?=\s(?:hours|hrs)\b)|"
         r"(?<=\b(?:at|by)\s)((?:1\d|2[0-4])[0-5]\d)(?=\s(?:hours|hrs)\b)",
         _hours),
    rule(r"(?<=\d)[x×](?=\d{1,4}\s?(?:m|km|cm|mm|in|ft)\b)", " by "),
    rule(r"(?<![\w'])'(\d\d)(?![\d\w'])", lambda m: short_year(m[1])),
    rule(r"(?<![\w.,])(1[1-9]\d[1-9]|20[1-9]\d|200[1-9])(?='s\s)", lambda m: year(m[1])),
    rule(r"(?<=\b[Ff]orm\s)\d{3,4}\b(?!,\d)", lambda m: paired(m[0])),
    rule(r"\b(\d{1,2})[x×](\d{1,2})s\b", lambda m: f"{spell(m[1])} by {plural(spell(m[2]))}"),
    rule(r"(?<![\w.,])\d{1,4}(?:[x×]\d{1,4}){1,3}(?![\w.,]*\d|\w|\^|\*\*|\s?=|\s(?:[cmk]?m|in|"
         r"ft|yd)\b|\s[ck]?m[23])", _by),
)
RULES: tuple[Rule, ...] = (
    rule(r"(?<=\d)\s?[x×]\s?(?=\d[\d.]*\s?=)", " times "),
    rule(r"(?<=\d)\s×\s(?=\d[\d.]*(?!\s(?:\w*meters?|feet|foot|inch|inches|yards?|miles?|"
         r"pixels?)\b)"
         r"(?![\d.]))", " times "),
    rule(r"(?<=\d)(\s?)[x×]\1(?=\d)", " by "),
    rule(r"(?<![\d.,])(1\d\d\d|2[0-4]\d\d)(?![\d]|[.,]\d)", _four_digits),
)
