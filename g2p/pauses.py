"""Pauses that a text asks for: [pause 1.5s], [pause 300ms], and SSML's <break time="1.5s"/>."""
from __future__ import annotations

import re

LONGEST = 30.0  # seconds
STRENGTHS = {"none": 0.0, "x-weak": 0.15, "weak": 0.3, "medium": 0.5, "strong": 0.8,
             "x-strong": 1.2}
PAUSE = re.compile(r"\[\s*pause\b([^][\n]{0,60})\]|<break\b([^<>]{0,100}?)/?>(?:\s*</break\s*>)?",
                   re.IGNORECASE)
_TIME = re.compile(r"(?<![\d.])(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})\s*(ms|milliseconds?|s|sec|seconds?"
                   r")?(?![\w.])", re.IGNORECASE)
_STRENGTH = re.compile(r"strength\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)


def pauses(text: str) -> list[tuple[int, int, float]]:
    """(start, end, seconds) of each pause that a text asks for: where it stands, how long it is.

    Raises:
        ValueError: a pause that says no time, or one over LONGEST.
    """
    return [(*match.span(), _seconds(match)) for match in PAUSE.finditer(text)]


def _seconds(match: re.Match[str]) -> float:
    said = match[1] if match[1] is not None else match[2]
    if strength := _STRENGTH.search(said):
        if strength[1].lower() in STRENGTHS:
            return STRENGTHS[strength[1].lower()]
    elif time := _TIME.search(said):
        unit = (time[2] or "s").lower()
        seconds = float(time[1]) / (1000 if unit.startswith("m") else 1)
        if seconds > LONGEST:
            raise ValueError(f"{match[0]}: a pause lasts at most {LONGEST:g} s")
        return seconds
    elif not said.strip(" /"):
        return STRENGTHS["medium"]
    raise ValueError(f"{match[0]} says no time that can be read: write [pause 1.5s]")
