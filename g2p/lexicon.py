"""Words that are said otherwise than espeak says them: a file that anyone can write.

    # Names. Capitals on the left: only as written; small letters: in any case.
    nguyen = win
    GIF    = [[dʒˈɪf]]
    New York Times = the Times
    [de]
    chips  = [[ʃˈɪps]]

On the right is text, or IPA in double brackets. Lines below [LANGUAGE] are for that language and
its regions, lines above the first one for all.
"""
from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path

from g2p.given import take

LARGEST = 1 << 24  # bytes
_SECTION = re.compile(r"\[([A-Za-z][A-Za-z0-9_-]{0,30})\]")
_UNTOUCHED = re.compile(r"(\[\[[^][\n]*\]\]|<say-as\b[^<>]*>[^<]*|<[^<>]*>)")


class Lexicon:
    """The words of a file, read again whenever it changes. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            FileNotFoundError, ValueError: no such file, or a line that is none of a lexicon.
        """
        self.path, self.changed = path, 0
        self.words: dict[str, dict[str, str]] = {}
        self._known: dict[str, tuple[dict[str, str], re.Pattern[str] | None]] = {}
        self._busy = threading.Lock()
        self._read()

    def apply(self, text: str, language: str) -> str:
        """The text with its words as the lexicon has them; [[phones]], tags and <say-as> stay."""
        with self._busy:
            self._read_again()
            known, pattern = self._words_of(language.lower().replace("_", "-"))
        if pattern is None:
            return text

        def said(match: re.Match[str]) -> str:
            return known.get(match[0]) or known.get(match[0].lower()) or match[0]

        return "".join(part if place % 2 else pattern.sub(said, part)
                       for place, part in enumerate(_UNTOUCHED.split(text)))

    def _words_of(self, code: str) -> tuple[dict[str, str], re.Pattern[str] | None]:
        """The words of a language, and a pattern of any of them."""
        if code not in self._known:
            words = self.words.get("", {}) | self.words.get(code.split("-")[0], {}) | (
                self.words.get(code, {}))
            self._known[code] = words, _pattern(words)
        return self._known[code]

    def _read_again(self) -> None:
        try:
            if self.path.stat().st_mtime_ns != self.changed:
                self._read()
        except (OSError, ValueError) as error:
            warnings.warn(f"{error}; the words that were read before are used", UserWarning,
                          stacklevel=3)

    def _read(self) -> None:
        try:
            self.changed = self.path.stat().st_mtime_ns
            if self.path.stat().st_size > LARGEST:
                raise ValueError(f"{self.path} is too large for a lexicon")
            lines = self.path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.path} is not UTF-8 text; save it as UTF-8") from error
        except OSError as error:
            raise FileNotFoundError(f"cannot read the lexicon {self.path}: {error.strerror}"
                                    ) from error
        self.words, self._known = _parsed(lines, self.path), {}


def _parsed(lines: list[str], path: Path) -> dict[str, dict[str, str]]:
    """Words by language, "" for all."""
    found: dict[str, dict[str, str]] = {}
    language = ""
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if section := _SECTION.fullmatch(line):
            language = section[1].lower().replace("_", "-")
            continue
        word, equals, said = (part.strip() for part in line.partition("="))
        if not (word and equals and said):
            raise ValueError(f"{path}, line {number}: {line[:40]!r} is not WORD = HOW IT IS SAID")
        try:
            take(said)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        found.setdefault(language, {})[" ".join(word.split())] = said
    return found


def _pattern(words: Mapping[str, str]) -> re.Pattern[str] | None:
    """Any of the words, the longest first; small letters match capitals too."""
    if not words:
        return None
    longest = sorted(words, key=len, reverse=True)
    each = (re.escape(word) if word != word.lower() else f"(?i:{re.escape(word)})"
            for word in longest)
    return re.compile(rf"(?<![\w'])(?:{'|'.join(each)})(?!\w)(?!'\w\w)")
