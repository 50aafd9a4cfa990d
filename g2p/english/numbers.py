"""Numbers as words, and the rules for plain ones: ordinals, fractions, decades, plurals."""
from __future__ import annotations

import re
from functools import lru_cache

from g2p.english.rules import LETTER_A, Rule, after, before, rule

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


def groups(text: str) -> str:
    """555-0123 -> five five five, zero one two three."""
    return ", ".join(digits(group) for group in re.findall(r"\d+", text))


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
    if 1000 < int(number) < 1010:
        return f"ten oh {words(int(number[-1]))}"
    return words(int(number), "year").replace("oh-", "oh ")


def short_year(two: str) -> str:
    """08 -> oh eight, 21 -> twenty-one."""
    return f"oh {words(int(two))}" if two[0] == "0" and two != "00" else (
        "hundred" if two == "00" else words(int(two)))


def paired(number: str) -> str:
    """A number by its pairs of digits: 720 -> seven twenty, 1080 -> ten eighty."""
    if len(number) not in (3, 4) or number[0] == "0" or number.endswith("00"):
        return spell(number)
    return f"{words(int(number[:-2]))} {short_year(number[-2:])}"


def plural(spoken: str) -> str:
    """nineties for ninety, sixes for six, nineteen hundreds for nineteen hundred."""
    if spoken.endswith("y"):
        return spoken[:-1] + "ies"
    return spoken + ("es" if spoken.endswith("x") else "s")


def fraction(top: int, bottom: int) -> str:
    """3, 4 -> three quarters."""
    name = {2: "half", 4: "quarter"}.get(bottom) or words(bottom, "ordinal")
    if top > 1:
        name = "halves" if bottom == 2 else name + "s"
    return f"{words(top)} {name}"


def _fraction(match: re.Match[str]) -> str:
    whole, top, bottom = match[1], int(match[2]), int(match[3])
    if bottom < 2 or bottom > 100 or top >= bottom:
        return match[0].replace("/", " over ")
    spoken = fraction(top, bottom)
    if not whole:
        return spoken
    return f"{spell(whole)} and {'a ' + spoken[4:] if top == 1 else spoken}"


_DECADE = re.compile(r"(?:\b(?:the|early|late|mid|in|of|her|his|their|my|and|or|to|since|from)"
                     r"(?:\s(?:early|late|mid))?[\s-]|')$", re.IGNORECASE)
_OF_A_DECADE = re.compile(r"\s(?:music|hits?|fashions?|style|hair|rock|pop|movies?|films?|"
                          r"songs?|band|"
                          r"bands|kids?|nights?|party|parties|themes?|era|nostalgia|disco|jazz|"
                          r"vibes?|look|shows?|clothes|classics?|dance|icons?)\b")
_WAIT = re.compile(r"\b(?:an?|wait|waited|for|after|every|within|under|takes?|took|lasts?|lasted|"
                   r"than|about)\s$", re.IGNORECASE)


def _decade(match: re.Match[str]) -> str:
    """The '90s, the 1990s, 50s; but 50's manager, and 30s where seconds are meant."""
    quote, number, possessive = match[1], match[2], match[3]
    long = len(number) > 2
    decade = quote or long or _DECADE.search(before(match, 12))
    if not possessive and re.search(r"\b[Ii]n\s$", before(match, 4)) and re.match(
            r"\s?[.,;!]|\s*$", after(match, 3)):
        return match[0]         # done in 10s
    if possessive and len(number) == 3:
        decade = None
    decade = decade or _OF_A_DECADE.match(after(match, 16))
    if possessive and (not decade or (len(number) == 4 and number > "2009" and
                                      not _DECADE.search(before(match, 12)))):
        return f"{year(number) if len(number) == 4 else words(int(number))}'s"
    if re.match(r"\s(?:timer|delay|lap|clip|pause|break|countdown|timeout|window|interval)\b",
                after(match, 12)) and not long:
        return match[0]
    if not possessive and not decade and _WAIT.search(before(match, 10)):
        return match[0]
    return plural(year(number) if len(number) == 4 else words(int(number)))


def _plural_of(match: re.Match[str]) -> str:
    """B-52s, MP3s, Boeing 747s, two 9s: several of a number, no seconds."""
    head, number = match[1], match[2]
    if not head and _WAIT.search(before(match, 10)):
        return match[0]
    spoken = paired(number) if len(number) == 3 else spell(number)
    joint = "" if head.endswith(("-", " ")) else " "
    owner = match.re.groups > 2 and match[3]
    return f"{head}{joint}{spoken + chr(39) + 's' if owner else plural(spoken)}"


def _thousands(match: re.Match[str]) -> str:
    """10k, 2M users, 3bn; but a 4K screen and a 5K run are letters."""
    number, scale = match[1], match[2].strip()
    if scale == "K" and (number in ("2", "4", "8") or re.match(r"\s(?:run|race|walk)\b",
                                                               after(match, 6))):
        return f"{number} K"
    if scale == "B" and (_PLACE.search(before(match, 16)) or not re.match(
            r"\s[a-z]", after(match, 2))) and "." not in number:
        return f"{number} B"
    return f"{number} {_SCALES[scale]}"


_PLACE = re.compile(r"\b(?:apartment|room|suite|unit|flat|gate|seat|platform|building|section|"
                    r"class|"
                    r"figure|table|grade|row|exhibit|floor|bus|route|number)\s$", re.IGNORECASE)
_SCALES = {"k": "thousand", "K": "thousand", "M": "million", "mn": "million", "B": "billion",
           "bn": "billion", "tn": "trillion", "mln": "million"}
_MODELS = "Boeing|Airbus|Porsche|Peugeot|Volvo|Cessna|Nokia|Ferrari|Saab|Fiat|Windows|Xbox"
FIRST_RULES: tuple[Rule, ...] = (
    rule(rf"(?<![\w.,])({NUMBER})(k|K|M|B|\s?(?:mn|bn|tn|mln))(?=\+?(?:\s[a-z]|"
         r"[,.;:?!)-]|\s?$))", _thousands),
    rule(r"(?<![\w.,])(\d{3,4})p\b", lambda m: f"{paired(m[1])} p"),
    rule(r"\b([A-Z][A-Za-z]{0,3}-|[A-Z]{1,4})(\d{1,4})('?)s\b", _plural_of),
    rule(r"(?<![\w.,-])1(00|,?000)'?s(?=\sof\b)",
         lambda m: "hundreds" if m[1] == "00" else "thousands"),
    rule(r"(?<![\w.,])(\d{2})ers\b", lambda m: spell(m[1]).removesuffix("e") + "ers"),
    rule(r"\b(iPhone \d{1,2})s\b", lambda m: m[1] + " S"),
    rule(r"(?<![\w.-])([A-QS-ZȺ])([ -]?)(\d[1-9]\d|\d0[1-9])(?![\w-]|[.,]\d)",
         lambda m: f"{m[1].replace('A', LETTER_A)}{m[2] or ' '}{paired(m[3])}"),
    rule(r"(?<![\w.,-])()(\d[1-9]\d|\d0[1-9]|\d{3}[1-9])s\b", _plural_of),
    rule(rf"\b((?:{_MODELS})\s)(\d{{3,4}})(?![\w,]|\.\d)", lambda m: m[1] + paired(m[2])),
    rule(r"\b(sizes?\s)(\d{1,2})s\b", _plural_of),
    rule(r"\b([A-Z][a-z]+\s)(\d[1-9]\d|\d{3}[1-9])s\b", _plural_of),
    rule(r"\b((?:the|two|three|four|five|six|all|those|of|many|several|new|old)\s)"
         r"(\d|\d[1-9]\d)s\b", _plural_of, re.IGNORECASE),
    rule(r"(?<![\w.,])()(\d{1,2})s\b(?=,?\s(?:and|or)\s\d{1,2}s\b)", _plural_of),
    rule(r"(?<=s\s)((?:and|or)\s)(\d{1,2})s\b", _plural_of),
    rule(r"('?)\b(\d{2,3}0|\d0)('?)s\b", _decade),
    rule(r"\b()(\d+)(?='s\b)", lambda m: spell(m[2])),
)
LAST_RULES: tuple[Rule, ...] = (
    rule(r"(?<![\d/])(\d{1,3}/\d{1,3})(?:th|rd|nd)s?\b", lambda m: m[1]),
    rule(r"\b(\d[\d,]{0,15})(?:st|nd|rd|th)\b", lambda m: words(
        int(m[1].replace(",", "")), "ordinal"), re.IGNORECASE),
    rule(r"(?<![\d/])(?:(\d+)\s+)?(\d+)/(\d+)(?![\d/])", _fraction),
    rule(r"(?<=\d)(\s?):\1(?=\d)", " to "),
    rule(r"#\s?(?=\d)", "number "),
    rule(r"(?<=\d)\+(?=\s?[a-z])", " plus "),
    rule(r"\bA(?=\d)", f"{LETTER_A} "),
    rule(r"(?<=\d)a\b", f" {LETTER_A}"),
    rule(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " "),
)
PLAIN = rule(r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)*|(?<!\w)\.\d+", lambda m: spell(m[0]))
