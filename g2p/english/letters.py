"""The letter A by its name where it is no article, and several of a letter: As and Bs."""
from __future__ import annotations

import re

from g2p.english.rules import LETTER_A, SMALL_A, Rule, before, rule

LETTERED = ("vitamin|plan|grade|class|type|group|hepatitis|section|level|point|appendix|figure|"
            "exhibit|option|model|series|side|team|influenza|serie|schedule|block|building|gate|"
            "column|row|answer|part|player|company|bus|zone|letter|vertex|variable|item|room|"
            "letters|options|points|sections|grades|groups|variables|columns|answers|sides|teams|"
            "straight|an|form|terminal|platform|hall|wing|ward|line|unit|exercise|question|key of|"
            "step|case|node|set|category|tier|annex|string|note|blood type|list|division|drive")
_COUNT = (r"\b(?:two|three|four|five|six|seven|eight|nine|ten|several|many|all|straight|some|few|"
          r"her|his|my|their|our|your|of|with|got|gets|get|and|or|the|these|those|more)\s$")
_PLURAL_OF_NAME = re.compile(_COUNT, re.IGNORECASE)


def _several(match: re.Match[str]) -> str:
    """As, Bs and Cs -> A's, B's, C's; but the words As, Is, Us and the title Ms stay."""
    letter = match[1]
    if letter in "AIMU" and not _PLURAL_OF_NAME.search(before(match, 12)):
        return match[0]
    return f"{LETTER_A if letter == 'A' else letter}'s"


def _name(match: re.Match[str]) -> str:
    return f"{match[1]}{SMALL_A if match[0][-1:] == 'a' else LETTER_A}"


_AFTER_LETTER = r"(?<=\b[A-HJ-Z]\s)|(?<=\b[A-HJ-Z]\sI\s)"
_BEFORE_LETTER = (r"\s+[A-HJ-Z](?:\s+[A-Z]\b|\s*(?:[,.;:?!]|$))|\s*(?:[,.;:?!)]|$)"
                  r"|\s+(?:and|or|to|is|was|plus|minus|through|vs|versus)\b|\s?[+=<>≠≤≥^*]|[-/&+]|'s\b"
                  r"|\s(?:flat|sharp|major|minor|natural)\b|\s[♯♭]")
_LOWER = (r"\s(?:and|or|to|through|plus|minus|times|equals)\s[b-hj-z]\b|\s?[=≠<>≤≥^²]|,\s[b-hj-z]\b"
          r"|\s[+*×÷]\s|\s-\s[b-hj-z]\b|\)|[-/][b-hj-z]\b|\sis the (?:first|letter)\b")
RULES: tuple[Rule, ...] = (
    rule(r"\b([A-HJ-Z])s\b(?!['-]|\.?\s?\d)|\b(I)s\b(?=\s(?:and|or)\s[A-Z]s\b)",
         lambda m: _several(m) if m[1] else "I's"),
    rule(rf"\b((?i:{LETTERED})\s)A\b(?!\s+[a-z]+\s+of|'|\s[A-Z][a-z])", _name),
    rule(rf"()(?:{_AFTER_LETTER}|(?<=[a-z]\s)(?=A\s+[a-z]))A\b(?![-'])|()\bA(?={_BEFORE_LETTER})",
         LETTER_A),
    rule(r"(?<=[a-zA-Z]-)A\b|(?<=[\"'])[Aa](?=[\"'])", LETTER_A),
    rule(r"(?<=\d)[aA](?=[-+]?(?:\W|$))(?![-']\w)", f" {LETTER_A}"),
    rule(r"\b((?i:letters?|options?|points?|sides?|variables?|items?|parts?|sections?|vitamin|"
         r"paragraphs?|clauses?|columns?|angles?|vertex|answers?|lines?|levels?|values?)\s\(?)"
         r"a\b(?=\s(?:and|or|to|through|is|was|of the)\b|[-.,;:)]|$)", _name),
    rule(rf"(?<![\w'])(\(?)a(?={_LOWER})", _name),
    rule(r"(\b(?:and|or|to|plus|minus|times|equals|over)\s|[=≠<>≤≥+*×÷]\s?)a(?=\s?(?:[.,;:?!)=+*^]|"
         r"$))",
         _name),
)
