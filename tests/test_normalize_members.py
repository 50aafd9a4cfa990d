"""Common text, by kind: members written down before ours was asked (tests/data/members.txt)."""
from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from g2p import normalize, phonemize

LIST = (Path(__file__).parent / "data" / "members.txt").read_text(encoding="utf-8")
KINDS = {kind: members.strip().split("\n") for kind, members in (
    part.split("\n", 1) for part in LIST.split("\n# ")[1:])}


def sounds(text: str) -> str:
    """Phones without stresses, lengths and pauses; "" where nothing can be said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            phones = "".join(phonemize(text))
        except ValueError:
            return ""
    return re.sub(r"[ˈˌ\s.,:;ː]", "", phones).replace("ᵻ", "ɪ").replace("ɐ", "ə")


def read(text: str, wanted: list[str]) -> str:
    """What is made of a text, in the form of what is wanted; one of `wanted` where it is right."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if wanted[0].startswith("= "):
            said = sounds(text)
            return next((want for want in wanted if sounds(want[2:]) == said), said)
        if wanted[0].startswith("+ "):
            phones = "".join(phonemize(text))
            ends = any(word.strip(".").endswith(wanted[0][2:]) for word in phones.split())
            return wanted[0] if ends else phones
        said = normalize(text)
    if any("has no sounds for" in str(warning.message) for warning in caught):
        return "! warning"
    return next((want for want in wanted if want.rstrip(".") == said.rstrip(".")), said)


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_read_as_a_careful_reader_would(kind: str) -> None:
    wrong = []
    for member in KINDS[kind]:
        typed, wanted = member.rsplit(" => ", 1)
        for mark, char in (("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t")):
            typed = typed.replace(mark, char)
        got = read(typed, wanted.split(" / "))
        if got not in wanted.split(" / "):
            wrong.append((typed, got, wanted))
    assert not wrong, f"{len(wrong)} of {len(KINDS[kind])}"
    assert len(KINDS[kind]) >= 15
