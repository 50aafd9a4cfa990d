"""A rule of the normaliser: a pattern, and what to put in the place of each match."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

Action = Callable[[re.Match[str]], str]
Rule = tuple[str, int, Action]      # pattern, flags, what to do with a match

# The letter A where it must not be read as the article; the phonemizer says it by its name.
LETTER_A, SMALL_A = "Ⱥ", "ⱥ"


def rule(pattern: str, action: Action | str, flags: int = 0) -> Rule:
    """What to find, and a function of the match or the text to put there.

    Every part that may repeat over several words is bounded, so that a rule costs no more than a
    few words for each place of a text. Patterns are compiled when they are first used.
    """
    return pattern, flags, (lambda m: action) if isinstance(action, str) else action


def apply(rules: Iterable[Rule], text: str) -> str:
    """All rules, in order."""
    for pattern, flags, action in rules:
        text = _compiled(pattern, flags).sub(action, text)
    return text


@cache
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


def alternatives(keys: Iterable[str]) -> str:
    """A pattern of any of the keys, the longest first."""
    return "|".join(re.escape(key) for key in sorted(keys, key=len, reverse=True))


def before(match: re.Match[str], most: int = 40) -> str:
    """Up to `most` characters that stand before a match."""
    return match.string[max(0, match.start() - most):match.start()]


def after(match: re.Match[str], most: int = 40) -> str:
    """Up to `most` characters that stand behind a match."""
    return match.string[match.end():match.end() + most]
