"""Abbreviations in words, with a point where one ends the sentence and none where it does not."""
from __future__ import annotations

import re

from g2p.english.abbreviation_tables import (
    BEFORE_NUMBER_ONLY,
    BEHIND_NAME,
    BOOKS,
    CLEAR_STATES,
    COMPASS,
    ENDINGS,
    INNER,
    NEVER_LAST,
    PLACES,
    POINT_NEEDED,
    ROLES,
    STARTERS,
    STATES,
    TITLES,
)
from g2p.english.acronym_tables import COMMON_WORDS, SPELLED
from g2p.english.dates import DAY, DAYS, MONTH
from g2p.english.letters import LETTERED
from g2p.english.rules import LETTER_A, Rule, after, alternatives, before, rule
from g2p.english.units import UNITS

SPECIAL = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "R&D": "R and D",
           "Q&A": f"Q and {LETTER_A}", "w/o": "without", "w/": "with ", "and/or": "and or",
           "24/7": "twenty-four seven", "9/11": "nine eleven", "a/c": "air conditioning",
           "50/50": "fifty fifty", "50-50": "fifty fifty", "20/20": "twenty twenty",
           "b/c": "because", "n/a": "not applicable", "N/A": "not applicable", "c/o": "care of",
           ".NET": "dot net", "rock 'n' roll": "rock and roll", "i.e.": "that is",
           "E.g.": "For example", "I.e.": "That is", "y.o.": "year-old", "y/o": "year-old",
           "Ctrl": "Control", "CTRL": "Control", "a.k.a.": "also known as",
           "aka": "also known as", "&c.": "et cetera",
           "p.s.": "P S", "P.S.": "P S", "n.b.": "N B", "N.B.": "N B", "w.r.t.": "with respect to",
           "h/t": "hat tip", "km/hr": "km/h"}
# A month or a day goes with the time before it, unless it is what the next sentence is about.
_VERB = r"\s(?:is|was|will|has|had|can|may|would|comes|came|brings|brought|begins|began|are|were)\b"
_ZONE = "(?:Eastern|Central|Pacific|Mountain|Greenwich|[A-Z]{1,3}T|UTC)"
NEW_SENTENCE = (rf"(?=\s*$|\s+(?!(?:{MONTH}|{DAY})\b(?!{_VERB})|{_ZONE}\b)[\"']?[A-Z])")
_STARTER = re.compile(rf"\s+[\"'(]?(?:(?:{STARTERS})\b|(?:{MONTH}|{DAY}){_VERB})|\s*[\"')]*\s*$")
_LETTERED = re.compile(rf"\b(?i:{LETTERED})\s$")
_NAMED = rf"(?:{alternatives(k for k in TITLES if k not in POINT_NEEDED)})"


def _title(match: re.Match[str]) -> str:
    return TITLES[match[1]] + ("," if match[0].endswith(",") else "")


def _ending(match: re.Match[str]) -> str:
    return ENDINGS[match[1]] + ("." if match[2] is not None else "")


def _company(match: re.Match[str]) -> str:
    return {**BEHIND_NAME, "Co": "Company"}[match[1]]


def _initialism(match: re.Match[str]) -> str:
    """U.S.A. -> USA, with a point where a new sentence begins."""
    joined = match[1].replace(".", "").upper()
    if joined.lower() in COMMON_WORDS:
        joined = " ".join(joined)
    return joined + ("." if _STARTER.match(after(match, 30)) else "")


def _initials(match: re.Match[str]) -> str:
    """J. K. Rowling: letters without their points, A by its name."""
    found = re.findall(r"[A-Z]", match[0])
    if "".join(found) in SPELLED:
        return "".join(found) + " "
    return " ".join(LETTER_A if letter == "A" else letter for letter in found) + " "


def _one_initial(match: re.Match[str]) -> str:
    """J. Smith; but plan B. Then we left."""
    head = before(match, 20)
    ended = re.search(r"[a-z]\s$", head) and re.match(rf"(?:{STARTERS})\b", after(match, 20))
    if ended or _LETTERED.search(head):
        return match[0]
    return (LETTER_A if match[0][0] == "A" else match[0][0]) + " "


def _state(match: re.Match[str]) -> str:
    return STATES[match[1]] + ("." if _STARTER.match(after(match, 30)) else "")


def _inner(match: re.Match[str]) -> str:
    """approx. 5 -> approximately 5; units behind numbers are left to their rules."""
    short, behind = match[1], after(match, 30)
    unit = short in UNITS and re.search(r"\d\s$", before(match, 2))
    word = (short in BEFORE_NUMBER_ONLY and not re.match(r"\s?[\d#$€£]", behind)) or (
        short in NEVER_LAST and _STARTER.match(behind))
    return match[0] if unit or word else INNER[short]


def _single(match: re.Match[str]) -> str:
    """built c. 1850, b. 1920, d. 1984, r. 1509-1547."""
    return {"c": "circa", "b": "born", "d": "died", "r": "reigned", "fl": "flourished",
            "m": "married"}[match[1]]


_HALF = r"(?:(?<=\d)|\b)\s?([AaPp])\.\s?[Mm]"
_LETTERS = r"((?:[A-Za-z]\.){2,6})"
_AND = rule(r"\b([A-Z]{1,2})&([A-Z]{1,2})\b", lambda m: " ".join(
    (*m[1], "and", *m[2])).replace("A", LETTER_A))
SPECIAL_RULE = rule(rf"(?<![\w./])({alternatives(SPECIAL)})(?![\w/])", lambda m: SPECIAL[m[1]])
_STREETS = "St|Street|Ave|Avenue|Rd|Road|Blvd|Boulevard|Dr|Drive|Ln|Lane|Pkwy|Hwy"
_PREPOSITION = ("through|thru|to|until|till|and|or|by|on|next|last|this|every|from|since|before|"
                "after")
RULES: tuple[Rule, ...] = (
    SPECIAL_RULE, _AND,
    rule(r"\b(MR|MRS|MS|DR|CAPT|SGT|PROF|REV|GEN|COL)(?:\.\s|(?<=\bMR)\s|(?<=\bMRS)\s|"
         r"(?<=\bDR)\s)(?=[A-Z])", lambda m: TITLES[m[1].title()] + " "),
    rule(r"\bRt\b\.?(?=\s(?:Hon|Rev))", "Right"),
    rule(rf"\b({_NAMED})\b\.?(?=\s(?:and|&)\s{_NAMED}\b)", lambda m: TITLES[m[1]]),
    rule(rf"(?<![a-z]\s)(?<![a-z],\s)\b(Sr|Jr)\.?(?=\s(?:{ROLES})\b)",
         lambda m: {"Sr": "Senior", "Jr": "Junior"}[m[1]]),
    rule(r"(?<=[A-Za-z]\s)plc\b", "PLC"),
    rule(r"\b((?:I|US|SR|Route|Highway|Rte\.?|Hwy\.?)[ -]\d{1,3}\s)([NSEW])\b|"
         r"(?<=°)()\s?([NSEW])\b",
         lambda m: (m[1] or " ") + COMPASS[m[2] or m[4]].lower()),
    rule(rf"(?<![\w.])([NSEW]|[NS][EW])\b\.?(?=\s(?:\d{{1,3}}(?:st|nd|rd|th)|[A-Z][a-z]+)\s(?:{_STREETS})"
         rf"\b)", lambda m: COMPASS[m[1]]),
    rule(r"(?<=[A-Za-z.]\s)v\.?(?=\s(?:the\s)?[A-Z][a-z])(?<![=(]\sv)", "versus"),
    rule(r"(?<=\d(?:st|nd|rd|th)\s)ed\b\.?", "edition"),
    rule(r"(?<=\d(?:st|nd|rd|th)\s)(?:c|cent)\.(?=\s[a-z]|[,;]|\s*$)", "century"),
    rule(r"\b([Ee]d|[Tt]rans)\.(?=\sby\b)",
         lambda m: {"ed": "edited", "trans": "translated"}[m[1].lower()]),
    rule(r"\bComm\.(?=\s(?:on|for|of)\b)", "Committee"),
    rule(rf"\b({_PREPOSITION})\s(Mon|Tues?|Wed|Thu|Thurs?|Fri|Sat|Sun)\b\.(?=(\s+[A-Z]|\s*$)?)",
         lambda m: f"{m[1]} {DAYS[m[2]]}" + ("." if m[3] is not None else "")),
    rule(_HALF + r"\.(?!\w)" + NEW_SENTENCE, lambda m: f" {m[1].upper()}M."),
    rule(_HALF + r"\b\.?", lambda m: f" {m[1].upper()}M"),
    rule(r"(?<=\d)\s?([AaPp])[Mm]\b", lambda m: f" {m[1].upper()}M"),
    rule(r"\b([A-Z][a-z]+\s)St\b\.?(?=\s+[a-z]|[,;:?!]|$)", lambda m: m[1] + "Street"),
    rule(r"\b([A-Z][a-z]+\s)Dr\b(?=\s+[a-z]|[,;:?!]|\.?$)", lambda m: m[1] + "Drive"),
    rule(rf"(?<=[a-z]\s)St\.(?=\s+(?:{STARTERS})\b)(?<![a-z]\s[a-z]{{2}}\sSt\.)", "Street."),
    rule(r"(?<=[a-z]\s)St\b\.(?=\s*$|\s+[a-z]|[,;:?!])|(?<=[A-Z][a-z]{3}\s)St\b\.?(?!\s+[A-Z])",
         "Street"),
    rule(r"(?<=\d\w\w\s)St\b\.?", "Street"),
    rule(r"\bSt\b\.?(?=\s+[A-Z])", "Saint"),
    rule(r"\bSts\b\.?(?=\s+[A-Z])", "Saints"),
    rule(r"(?<=[a-z]\s)Dr\b\.(?=\s*$|\s+[a-z]|,)|(?<=[A-Z][a-z]{3}\s)Dr\b(?=\s+[a-z]|,|\.?$)",
         "Drive"),
    rule(rf"\b({alternatives(BOOKS)})\.(?=\s?\d{{1,3}}:\d)", lambda m: BOOKS[m[1]]),
    rule(rf"(?<![\w.])({alternatives(PLACES)})\b\.?\s?(?=#?\d|[A-Z]\b)(?<=[\s.])",
         lambda m: PLACES[m[1]] + " "),
    rule(rf"(?<![\w.'])(?!(?<=\d\s)Fr\b)({alternatives(TITLES)})\.(?!\w|\s?\d),?", _title),
    rule(r"\bAssoc\.(?=\s(?:Prof|Dir|Dean|Ed|Just|Vice|Chief))", "Associate"),
    rule(rf"(?<![\w.'])({alternatives(POINT_NEEDED)})(?=\s[A-Z][a-z'])(?<![A-Z][a-z]{{3}}\s\w{{2}})"
         r"(?<![a-z]\s\w{4})", _title),
    rule(rf"(?<![\w.'])({_NAMED})(?=\s(?:{_NAMED}\.?\s){{0,3}}[A-Z][a-z'])",
         lambda m: TITLES[m[1]]),
    rule(rf"(?<![\w.'])({alternatives(CLEAR_STATES)})\.(?=\s[a-z])", lambda m: CLEAR_STATES[m[1]]),
    rule(rf"(?:(?<=[a-z],\s)|(?<=\b[DRI]-))({alternatives(STATES)})\.(?=\W|$)", _state),
    rule(rf"(?<![\w.'])({alternatives(ENDINGS)})\.(?!\w)(?:{NEW_SENTENCE}())?(?=\s*$|\s+[A-Z\"'(])",
         _ending),
    rule(r"(?<![\w.'])(c|b|d|r|m|fl)\.(?=\s?(?:c\.\s)?\d)", _single),
    rule(rf"(?<![\w.'])({alternatives(INNER)})\.(?=\s?[a-z\d(\"'#$€£]|,|;|:|\s[A-Z]|$|\))", _inner),
    rule(rf"(?<![\w.'])({alternatives(ENDINGS)})\.(?!\w)(?:{NEW_SENTENCE}())?", _ending),
    rule(r"\b(Mr|Mrs|Ms|Dr|Prof|Capt|Sgt|Mx)(?=\s[A-Z]\b)", lambda m: TITLES[m[1]]),
    rule(rf"(?<=[A-Za-z]\s)({alternatives(BEHIND_NAME)})\b"
         r"(?=\s(?:[a-z]|&|Ltd|Limited|Inc|Co\b)|[,;:?!)]|\.?$|'s)",
         _company),
    rule(r"(?<=[a-z]\s)(Co)\b(?=\s[a-z]|[,;:?!]|$|'s)", "Company"),
    rule(r"(?<=[&]\s)(Co)\b(?!\.)|(?<=\band\s)(Co)\b(?!\.)(?=\s[a-z]|[,.]|$)", "Company"),
    rule(r"\bvs\b\.?", "versus"),
    rule(r"\betc\b", "et cetera"),
    rule(r"\b(?:[A-Z]\.){2,6}(?=\s?[A-Z][a-z])(?!\s(?:" + STARTERS + r")\b)",
         _initials),
    rule(r"\b" + _LETTERS + r"(?!\w)", _initialism),
    rule(r"\b([A-Z])\.([A-Z])(?![\w.])", lambda m: m[1] + m[2]),
    rule(rf"(^|\b[A-Z][a-z]+\s)I\.\s(?=(?!(?:{STARTERS})\b)[A-Z][a-z])", lambda m: m[1] + "I "),
    rule(r"(?<![\w'.])(?:[A-Z]\.\s?){2,6}(?=[A-Z][a-z])", _initials),
    rule(r"(?<![\w'.°])[A-HJ-Z]\.\s?(?=[A-Z][a-z])", _one_initial),
)
