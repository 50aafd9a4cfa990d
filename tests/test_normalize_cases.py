"""Common text, by kind: 125 cases after public reports (source "public"), and our own beside."""
from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from g2p import normalize, phonemize

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "text_cases.json").read_text(encoding="utf-8"))
KINDS = tuple(dict.fromkeys(case["kind"] for case in CASES))


def read(case: dict[str, Any]) -> str:
    """What is made of a case's input; "warning" where one names its letters."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text = case["input"]
        got = (normalize(text) if case["checks"] == "normalize"
               else "".join(phonemize(text)).strip())
    return "warning" if any("has no sounds for" in str(w.message) for w in caught) else got


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_text_is_read_as_a_careful_reader_would(kind: str) -> None:
    cases = [case for case in CASES if case["kind"] == kind]
    wrong = [(case["input"], read(case), case["want"]) for case in cases
             if read(case) not in case["want"]]
    assert not wrong, f"{len(wrong)} of {len(cases)}"


def test_every_kind_has_public_cases_and_enough_of_our_own() -> None:
    for kind in KINDS:
        sources = [case["source"] for case in CASES if case["kind"] == kind]
        assert "public" in sources
        assert kind == "heteronyms" or sources.count("ours") >= 8, kind
