"""Failures by class: what a listener heard, and the sound itself."""
from __future__ import annotations

import numpy as np
import pytest
from conftest import RATE

from valle.evaluate.robustness import failures, leaks, repeats
from valle.evaluate.wer import word_errors
from valle.features.pauses import silences, spoken_seconds
from valle.features.text import words


def found(said: str, heard: str, seconds: float = 2.0, **more: object) -> list[str]:
    """Classes of failure of a hum."""
    samples = np.sin(np.arange(round(seconds * RATE)) * 0.05).astype(np.float32)
    given: dict[str, object] = {"samples": samples, "text": said, "expected_seconds": 2.0, **more}
    return failures(words(said), words(heard), word_errors(words(said), words(heard)),
                    sample_rate=RATE, **given)  # type: ignore[arg-type]


def test_failures_by_class():
    assert found("one two three four five", "one two three four five") == []
    assert found("one two three four five six", "one two six") == ["deletion run"]
    assert found("one two three four five", "one three four") == [], "single words are WER's"
    assert found("one two three four", "one two three two three four") == ["repeat"]
    assert found("no no no", "no no no") == [], "the text itself repeats"
    assert found("one two three", "the old man one two three", prompt=["the", "old", "man", "x"]
                 ) == ["prompt leak"]
    assert found("the old man", "the old man", prompt=["the", "old", "man"]) == []
    assert found("one two", "one", seconds=1.0) == ["early stop"]
    assert found("one two", "", seconds=1.0) == ["early stop"]
    assert found("one two", "one", seconds=1.9) == [], "a word that was not understood"
    assert found("one two", "one two", seconds=1.0) == [], "fast, but whole"
    assert found("one two", "one", seconds=1.0, expected_seconds=None) == []
    assert found("one two", "one two", finish="cap") == ["no end"]


def test_long_silences_may_stand_at_punctuation_only():
    hum = np.sin(np.arange(RATE) * 0.05).astype(np.float32)
    samples = np.concatenate([np.zeros(2 * RATE), hum, np.zeros(round(1.2 * RATE)), hum,
                              np.zeros(2 * RATE)]).astype(np.float32)
    (start, end), = silences(samples, RATE)
    assert (start, end) == (pytest.approx(3.0, abs=.05), pytest.approx(4.2, abs=.05))
    assert spoken_seconds(samples, RATE) == pytest.approx(3.2, abs=.05)
    assert found("one two", "one two", samples=samples) == ["long silence"]
    assert found("one, two.", "one two", samples=samples) == []
    assert silences(np.zeros(RATE, np.float32), RATE) == []
    assert spoken_seconds(np.zeros(RATE, np.float32), RATE) == 0


@pytest.mark.parametrize("heard, expected", [
    ("a b a b c", True), ("a b c c c", True), ("a b b c", False), ("a x y b c", False)])
def test_repeats(heard: str, expected: bool):
    errors = word_errors(["a", "b", "c"], heard.split())
    assert repeats(heard.split(), errors) is expected


def test_leaks_need_three_words_that_are_not_the_texts_own():
    assert leaks(["a", "b", "c"], ["x", "y", "z", "a", "b", "c"], ["w", "x", "y", "z"])
    assert not leaks(["a", "b", "c"], ["x", "y", "a", "b", "c"], ["x", "y", "z"])
