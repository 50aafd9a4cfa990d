"""Roman numerals: of rulers, chapters, centuries, wars, years; and letters that are none."""
from __future__ import annotations

import re

from g2p.english.abbreviation_tables import STARTERS
from g2p.english.numbers import words, year
from g2p.english.rules import Rule, after, rule

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_UNITS = r"(?:IX|IV|V?I{0,3})"
_UNDER_100 = rf"(?:XC|XL|L?X{{0,3}}){_UNITS}"
_UNDER_40 = rf"X{{0,3}}{_UNITS}"
_YEARS = rf"M{{1,2}}(?:CM|CD|D?C{{0,3}}){_UNDER_100}"
MONARCHS = ("Henry|Louis|George|Edward|Richard|William|Charles|James|Elizabeth|Mary|John|Paul|Pius|"
            "Benedict|Leo|Gregory|Clement|Innocent|Francis|Frederick|Philip|Ferdinand|Napoleon|"
            "Alexander|Nicholas|Peter|Catherine|Ivan|Otto|Rudolf|Ramses|Ptolemy|Cleopatra|"
            "Christian|Gustav|Carl|Albert|Leopold|Wilhelm|Robert|David|Malcolm|Alfonso|Pope|"
            "Darius|Xerxes|Artaxerxes|Thutmose|Sargon|Urban|Sixtus|Julius|Boniface|Celestine|"
            "Margrethe|Haakon|Olav|Juan Carlos|Umberto|Victor Emmanuel|Charlemagne|Theodosius|"
            "Constantine|Justinian|Alexios|Basil|Murad|Mehmed|Selim|Suleiman|Amenhotep|Seti|"
            "Nebuchadnezzar|Cyrus|Antiochus|Seleucus|Matthias|Sigismund|Casimir|Stephen|Baldwin|"
            "Isabella|Joanna|Maria|Pedro|Manuel|Afonso|Henri|Baudouin|Rainier|Hussein|Abdullah|"
            "Mohammed|Hassan|Faisal|Fuad|Ahmed|Rama|Adrian|Honorius|Callixtus|Nicholas|Eugene|"
            "Martin|Stephen|Lothair|Conrad|Edmund|Harold|Eric|Magnus|Canute|Valdemar|Joseph")
RULERS = "King|Queen|Pope|Emperor|Empress|Tsar|Czar|Kaiser|Prince|Duke|Sultan|Pharaoh|Shah|Saint"
# V and X are numerals only where such a ruler was.
_FIFTH = "Henry|George|Charles|Edward|Philip|James|Pius|Louis|Paul|Sixtus|Urban|Clement|Leo|Martin"
_TENTH = "Louis|Charles|Pius|Leo|Gregory|Clement|Innocent|Benedict|Alfonso|Ramses|Ptolemy|John"
NUMBERED = ("chapter|part|volume|act|scene|book|section|phase|type|war|bowl|article|figure|table|"
            "appendix|class|level|stage|grade|psalm|title|canto|unit|category|rocky|mark|group|"
            "apollo|saturn|division|episode|season|round|factor|tier|annex|lesson|step|corps|"
            "amendment|clause|verse|schedule|exhibit|plate|opus|symphony|sonata|fantasy|trek|wars|"
            "page|pages|chapters|parts|volumes|acts|scenes|books|sections|articles|line|rule|"
            "olympiad|legion|vatican|land rover|pentium|quadrant|lead|module|paper|year|form|"
            "zone|area|region|gemini|titan|vol|vols|chap|chaps|ch|fig|figs|no|nos|pt|sec|art|bk|pp|"
            "mk|op")
_CENTURY = ("century|centuries|dynasty|olympiad|olympic|congress|amendment|arrondissement|legion|"
            "corps")
_RULED = (r"(?:was|is|ruled|rules|reigned|reigns|died|dies|of|became|becomes|succeeded|married|"
          r"and|had|has|took|signed|sent|gave|made|went|came|ordered|granted|abdicated|fled|"
          r"inherited|founded|built|died|invaded|conquered|won|lost|executed|banned|issued|"
          r"commissioned|appointed|declared|returned|visited|wore|began|ended)\b")
WAR = rule(r"\bWW(?:\s?([12]|I{1,3})\b|(?=\s?\d\b))",
           lambda m: "World War " + words({"1": 1, "2": 2}.get(m[1], len(m[1] or ""))))


def value(numeral: str) -> int:
    """XIV -> 14."""
    values = [_VALUES[ch] for ch in numeral.upper()]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _ordinal(match: re.Match[str]) -> str:
    return f"{match[1]} the {words(value(match[2]), 'ordinal')}"


def _numbered(match: re.Match[str]) -> str:
    """Chapter IV, Act I to III, Scene ii: in figures, which are read later."""
    first, joint, last = match[2], match[3], match[4]
    behind = after(match, 20)
    if match[1].endswith(".") and first == "I" and re.match(r"\s[a-z']|'", behind):
        return match[0]     # No. I will not.
    if first == "i" and (match[1].islower() or re.match(r"\s[a-z]", behind)):
        return match[0]
    if not first.isupper() and not first.islower():
        return match[0]
    if match[1].islower() and first == "I" and not (re.match(
            r"\s?[.,;:)?!-]|$|\s(?:of|to|and|or)\b", behind) or _KIND.match(behind)):
        return match[0]
    return f"{match[1]} {value(first)}" + (f"{joint}{value(last)}" if last else "")


def _century(match: re.Match[str]) -> str:
    """the XIX century, the XX and XXI centuries."""
    joint = " to " if (match[2] or "").strip() == "-" else match[2]
    first = f"{words(value(match[1]), 'ordinal')}{joint}" if match[2] else ""
    return first + words(value(match[3]), "ordinal")


# Nouns that only the numeral I stands before, behind type, class, phase, ...
_KIND = re.compile(
    r"\s(?:errors?|diabetes|trials?|study|studies|cancers?|diseases?|railroads?|tumou?rs?|collagen|"
    r"drugs?|substances?|devices?|clinical|listed|buildings?|felony|felonies|misdemeanors?|rapids|"
    r"supernovae?|superconductors?|civilizations?|responses?|hypersensitivity|interferons?|assets?|"
    r"patients?|schools?|students?|companies|offen[cs]es?|exams?|certification)\b")
# A numeral is never empty, though all of its parts may be.
_OLD = rf"(?=[IVX]+\b){_UNDER_40}\b(?<=[IVX])"
_BIG = rf"(?=[IVXLC]+\b)(?![LC]\b)C{{0,3}}{_UNDER_100}\b(?<=[IVXLC])"
_SMALL = r"(?=[ivxl]+\b)(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})\b(?<=[ivxl])"
_NTH = rf"(?=[IVX]+(?:th|st|nd|rd)?\b){_UNDER_40}(?<=[IVX])"
_TH = r"(?:th|st|nd|rd)?"
_ALONE = r"(?![-.]\w|'(?!s\b)\w)"
_POINT = r"(?:\.(?=\s?[,;:]|\s[a-z]))?"       # Edward III., who
_TO = r"\s?-\s?|\s(?:and|to|or|through)\s"
_FIRST_NAMES = (rf"{MONARCHS}|[A-Z][a-z]+ [A-Z]\.|Thomas|Arthur|Walter|Samuel|Sammy|Davis|Frank|"
                rf"Harry|"
                "Michael|Daniel")
RULES: tuple[Rule, ...] = (
    WAR,
    rule(rf"\b(?:({_NTH}){_TH}({_TO}))?({_NTH}){_TH}(?=\s(?i:{_CENTURY})\b)", _century),
    rule(rf"\b(?=[IVX]+(?:th|st|nd|rd)\b)({_UNDER_40})(?:th|st|nd|rd)\b",
         lambda m: words(value(m[1]), "ordinal")),
    rule(rf"\b((?:{RULERS})\s+[A-Z]\w+)\s+({_OLD}){_ALONE}{_POINT}", _ordinal),
    rule(rf"\b({MONARCHS})\s+(?=II|IV|VI|IX|XI|XV|XX)({_OLD}){_ALONE}{_POINT}", _ordinal),
    rule(rf"\b({MONARCHS})\sthe\s({_OLD}){_ALONE}{_POINT}", _ordinal),
    rule(rf"\b({_FIFTH})\s+(V)\b(?!\.\s[A-Z]){_ALONE}{_POINT}", _ordinal),
    rule(rf"\b({_TENTH})\s+(X)\b(?!\.\s[A-Z]){_ALONE}{_POINT}", _ordinal),
    rule(rf"\b({MONARCHS})\s+(I)(?=\s{_RULED}|'s\b|[,;:)?!]|"
         rf"\.?\s*$|\.\s(?:[a-z]|(?:{STARTERS})\b)|\.,){_POINT}", _ordinal),
    rule(r"(?<=\w\sand)()\s(I)(?=\sof\b|[.,;]|\s*$)(?<=th and I|rd and I|nd and I|st and I)",
         _ordinal),
    rule(rf"\b((?:{_FIRST_NAMES}) [A-Z][a-z]+),?\s(II|III|IV)\b", _ordinal),
    rule(rf"\b((?i:{NUMBERED})\.?)\s({_BIG})(?!['.]\w)(?:({_TO})({_BIG}))?", _numbered),
    rule(rf"\b((?i:{NUMBERED})\.?)\s({_SMALL})(?!['.]\w)(?:({_TO})({_SMALL}))?", _numbered),
    rule(rf"\b(pp?\.?)\s({_SMALL})(?!['.]\w)(?:({_TO})({_SMALL}))?", _numbered),
    rule(rf"\((?=[ivx]{{2,}}\))({_SMALL})\)", lambda m: f"({value(m[1])})"),
    rule(rf"(?:^|(?<=[.!?:]\s))(?=[IVX]{{2,}}\.\s[A-Z])({_OLD})", lambda m: words(value(m[1]))),
    rule(rf"\b(?=[MDCLXVI]{{4,15}}\b)(?!MIXX?\b)({_YEARS})\b", lambda m: year(str(value(m[1])))),
    rule(rf"(?<=[a-z]\s)(?=[IVX]{{2,}}\b)(?!XX\b|XXX\b|IV\b)({_OLD})(?![-']\w)",
         lambda m: words(value(m[1]))),
    rule(rf"\b(?=[IVX]{{3,}}\b)(?!XXX\b)({_OLD})(?![-']\w)", lambda m: words(value(m[1]))),
)
