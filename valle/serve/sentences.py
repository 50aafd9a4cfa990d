"""Sentences out of a text that arrives in bits: each as soon as it is sure to be whole."""
from __future__ import annotations

import re

from g2p.english.abbreviation_tables import INNER, TITLES
from g2p.tags import is_whole

END = re.compile(r"(?P<marks>[.!?…]+|[。！？]+)[\"'”’)\]]*(?:</[\w:-]{1,40}>)*"
                 r"(?P<gap>\s+)(?P<next>\S)|\n\s*\n")
LAST_WORD = re.compile(r"([^\s\"'(“]+)$")


class Sentences:
    """Takes text in bits, and gives the sentences that are whole."""

    def __init__(self) -> None:
        self.rest = ""

    def feed(self, text: str) -> list[str]:
        """The sentences that end within what was fed so far. What begins after each is known."""
        self.rest += text
        found, start, place = [], 0, 0
        while end := END.search(self.rest, place):
            place = end.start("next") if end["next"] else end.end()
            if self._ends(end, start):
                found.append(self.rest[start:place].strip())
                start = place
        self.rest = self.rest[start:]
        return [sentence for sentence in found if sentence]

    def flush(self) -> str:
        """What is left, though nobody knows that it is whole; "" where nothing is."""
        rest, self.rest = self.rest.strip(), ""
        return rest

    def _ends(self, end: re.Match[str], start: int) -> bool:
        """Is it the end of a sentence, and no abbreviation, and within no tag of SSML?"""
        if not is_whole(self.rest[start: end.end()]):
            return False
        if end["marks"] != ".":
            return True
        last = LAST_WORD.search(self.rest[start: end.start()])
        word = last[1] if last else ""
        initial = len(word) == 1 and word.isupper() and word != "I"
        return not (end["next"].islower() or initial or word in TITLES or word in INNER)
