"""Texts as lists of words, as they are scored and listened for."""
from __future__ import annotations

import re

from g2p import normalize


def words(text: str) -> list[str]:
    """The words of a text as they are scored: numbers spelled out, lower case, no punctuation."""
    try:
        spelled = normalize(text) if text.strip() else ""
    except ValueError:  # a recogniser's <unk> is no wrong markup
        spelled = normalize(text.replace("<", " ").replace("[[", " "))
    found = re.findall(r"[a-z']+", spelled.lower().replace("’", "'"))
    return [word for word in (w.strip("'") for w in found) if word]
