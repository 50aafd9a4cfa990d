"""Signs that are said: operators, comparisons, music, and the ones that are only decoration."""
from __future__ import annotations

import re

from g2p.english.abbreviation_tables import BOOKS
from g2p.english.rules import Rule, after, before, rule

SYMBOLS = {"&": "and", "@": "at", "+": "plus", "=": "equals", "×": "times", "÷": "divided by",
           "%": "percent", "°": "degrees", "≈": "about", "≤": "at most", "≥": "at least",
           "±": "plus or minus", "∓": "minus or plus", "§": "section", "#": "hash", "$": "dollars",
           "€": "euros", "£": "pounds", "¥": "yen", "₹": "rupees", "/": "slash",
           "≠": "is not equal to",
           "≡": "is equivalent to", "≅": "is congruent to", "∼": "is about",
           "∝": "is proportional to",
           "√": "the square root of", "∛": "the cube root of", "∑": "the sum of",
           "∏": "the product of",
           "∫": "the integral of", "∂": "partial", "∆": "delta", "∇": "nabla", "∈": "is in",
           "∉": "is not in", "⊂": "is a subset of", "⊆": "is a subset of", "∪": "union",
           "∩": "intersection", "∅": "the empty set", "∀": "for all", "∃": "there exists",
           "∴": "therefore", "∵": "because", "¬": "not", "∧": "and", "∨": "or", "→": "to",
           "⇒": "implies",
           "⇔": "if and only if", "↔": "to and from", "♯": "sharp", "♭": "flat", "♮": "natural",
           "−": "minus", "©": "copyright", "←": "from", "∠": "angle", "⊥": "is perpendicular to",
           "≮": "is not less than", "≯": "is not greater than", "≰": "is not at most",
           "≱": "is not at least", "≉": "is not about equal to", "≢": "is not equivalent to",
           "∌": "does not contain", "∋": "contains", "⊃": "is a superset of",
           "⊇": "is a superset of", "⊄": "is not a subset of", "∤": "does not divide",
           "∣": "divides", "⊕": "plus", "⊗": "times", "∘": "of", "ℵ": "aleph",
           "∥": "is parallel to", "⋅": "times", "∙": "times", "∶": "to", "≪": "is much less than",
           "≫": "is much more than", "℗": "copyright", "¢": "cents", "μ": "mu", "Ω": "omega"}
_COMPARED = {"<": "is less than", ">": "is greater than", "≤": "is less than or equal to",
             "≥": "is greater than or equal to", "≈": "is about equal to", "<=":
             "is less than or equal to", ">=": "is greater than or equal to",
             "!=": "is not equal to", "==": "equals", "=<": "is less than or equal to"}
_BEFORE_NUMBER = {"<": " less than ", ">": " more than ", "~": " about ", "≈": " about ",
                  "<=": " at most ", ">=": " at least "}
_BOOKS = ("Genesis|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|Samuel|Kings|Chronicles|"
          "Ezra|Nehemiah|Esther|Job|Psalms?|Proverbs|Ecclesiastes|Song of Songs|Song of Solomon|"
          "Isaiah|Jeremiah|Lamentations|Ezekiel|Daniel|Hosea|Joel|Amos|Obadiah|Jonah|Micah|Nahum|"
          "Habakkuk|Zephaniah|Haggai|Zechariah|Malachi|Matthew|Mark|Luke|John|Acts|Romans|"
          "Corinthians|Galatians|Ephesians|Philippians|Colossians|Thessalonians|Timothy|Titus|"
          "Philemon|Hebrews|James|Peter|Jude|Revelations?|Quran|Qur'an|Koran|Surah|Sura|Gita|"
          "Sirach|"
          "Tobit|Judith|Wisdom|Maccabees|Baruch|" + "|".join(BOOKS))
_NUMBERED_BOOK = "Samuel|Kings|Chronicles|Corinthians|Thessalonians|Timothy|Peter|John|Maccabees"
_ORDINAL = {"1": "First", "2": "Second", "3": "Third"}


def _compare(match: re.Match[str]) -> str:
    return f" {_COMPARED[match[1]]} "


def _verse(match: re.Match[str]) -> str:
    """Psalm 23:4 -> Psalm 23 4, Gen 1:1-3 -> Genesis 1 1 to 3."""
    spoken = f"{BOOKS.get(match[1], match[1])} {match[2]} {match[3]}"
    return spoken + (f" to {match[4]}" if match[4] else "")


def _minus(match: re.Match[str]) -> str:
    """A real minus sign: between numbers, or in front of one."""
    if re.match(r"\s(?:sign|key|symbol|button)\b", after(match, 8)):
        return " minus "
    return " minus " if re.search(r"[\w)]\s?$", before(match, 2)) else f"{match[1]}minus "


def _times(match: re.Match[str]) -> str:
    """a 10x growth -> ten times; but y = 2x is a term."""
    return match[0] if re.search(r"[=+*/<>≤≥]\s?\d{0,6}$", before(match, 10)) else " times"


# The names of marks that are decoration elsewhere.
_MARKS = {"*": "star", "_": "underscore", "<": "less than", ">": "greater than", "^": "caret",
          "~": "tilde", "|": "bar", "\\": "backslash", "[": "bracket", "]": "bracket", "-": "minus"}
_KEY = r"(?=\s(?:key|keys|sign|signs|symbol|button|character|mark)\b)"


_OPERAND = r"(?<=[\w)\]])"
# Before numbers are read.
FIRST_RULES: tuple[Rule, ...] = (
    rule(rf"\b([123])\s(?=(?:{_NUMBERED_BOOK})\b\.?\s\d)", lambda m: _ORDINAL[m[1]] + " "),
    rule(rf"\b((?:{_BOOKS})\b)\.?\s(\d{{1,3}}):(\d{{1,3}})(?:\s?-\s?(\d{{1,3}}))?(?![\d:])",
         _verse),
    rule(r"\b((?:ratio|odds|aspect|scale|score[ds]?|won|lost|beat|drew|leads?|led|wins?|up|down)\b"
         r"(?:\s\w+){0,3}?\s\d{1,3}):(\d{1,3})(?![\d:])", lambda m: f"{m[1]} to {m[2]}"),
    rule(r"(?<!\d)(\d{1,3}):(\d{1,3})(?=\s(?:ratio|odds|aspect|screen|display|mix|scale|video)\b)",
         lambda m: f"{m[1]} to {m[2]}"),
    rule(rf"(?<=\w\s)[{re.escape(''.join(_MARKS))}]{_KEY}", lambda m: _MARKS[m[0]]),
    rule(r"(?<=\b[Pp]ress\s)[*](?=[\s.,;]|$)|(?<=\b[A-ZȺ])[*](?=[\s.,;!?)]|$)",
         lambda m: "star" if m.start() and m.string[m.start() - 1] == " " else " star"),
    rule(r"(?<=\b[Aa]n\s[AȺ])-(?=[\s.,;!?]|$)(?!\s(?:and|or)\b)|"
         r"(?<=\b[Aa]\s[B-F])-(?=[\s.,;!?]|$)(?!\s(?:and|or)\b)", " minus"),
    rule(r"(?<=[\w)])!(?=\s?[=×*/])", " factorial"),
    rule(r"\b([fgh])\(([a-z])\)", lambda m: f"{m[1]} of {m[2]}"),
    rule(r"(\s?)−\s?", _minus),
    rule(r"(?<=\bI\s)<3(?!\S)|(?<=\b[Ww]e\s)<3(?!\S)", "love"),
    rule(rf"{_OPERAND}\s?(<=|>=|!=|==|=<)\s?(?=[\w(.-])", _compare),
    rule(r"(?<=\b[a-zA-ZȺⱥ]\s)([<>≤≥≈])\s?(?=[\w.-])", _compare),
    rule(r"(?<=[\d)])\s?([<>≤≥≈])\s?(?=[\w.-])", _compare),
    rule(r"(?<=\b[a-zA-ZȺⱥ])([<>≤≥≈])(?=[\d.-]|[a-zA-ZȺⱥ]\b)", _compare),
    rule(r"\s?(?:-{1,2}|=)>\s?", " to "),
    rule(r"(<=|>=|[<>~≈])\s?(?=[$€£]?\.?\d)", lambda m: _BEFORE_NUMBER[m[1]]),
    rule(r"(?<=\d)\s?\*\s?(?=\d)", " times "),
    rule(r"(?<=\d)[x×](?=\s(?!plus|minus|times|equals|divided|is)[a-z]|[,.;:!?)]|$)", _times),
    rule(r"(?<![\w'])\+(?=[\d$€£.])", "plus "),
)
# When words stand for numbers.
LAST_RULES: tuple[Rule, ...] = (
    rule(r"(?<=\b[A-Za-zȺⱥ])\+\+", " plus plus "),
    rule(r"([=+#/&*~<>@$%_|\\^-])\1+", " "),
    rule(r"(?<=\s)-(?=\s)", ", "),
    rule(r"(?<=[a-z])-(?=\s|[,.;:!?]|$)", ""),
    rule(r"[*<>~^|\\_{}\[\]]", " "),
    rule(rf"[{re.escape(''.join(SYMBOLS))}]", lambda m: f" {SYMBOLS[m[0]]} "),
)
