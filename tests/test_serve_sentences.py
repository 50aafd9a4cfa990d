"""Text that arrives in bits: the same sentences however it is cut, none before it is whole."""
from __future__ import annotations

import pytest

from valle.serve.sentences import Sentences

TEXT = ('Dr. Smith came. "Is it late?" he asked... and left! J. R. wrote, e.g. letters. It '
        "cost 3.50 euros.\n\nNext paragraph without a point\n\nThe end")
WHOLE = ["Dr. Smith came.", '"Is it late?"', "he asked...", "and left!",
         "J. R. wrote, e.g. letters.", "It cost 3.50 euros.", "Next paragraph without a point"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_sentences_are_the_same_however_the_text_is_cut(size: int) -> None:
    sentences, found = Sentences(), []
    for start in range(0, len(TEXT), size):
        found += sentences.feed(TEXT[start: start + size])
    assert found == WHOLE
    assert sentences.flush() == "The end" and sentences.flush() == ""


def test_a_sentence_is_given_once_the_next_has_begun() -> None:
    sentences = Sentences()
    assert sentences.feed("It is late.") == [] and sentences.feed(" ") == []
    assert sentences.feed("W") == ["It is late."]
    assert sentences.feed("e go. And so") == ["We go."]


def test_nothing_is_lost() -> None:
    sentences, text = Sentences(), 5 * (TEXT + " ")
    found = [part for letter in text for part in sentences.feed(letter)]
    assert " ".join([*found, sentences.flush()]).split() == text.split()
