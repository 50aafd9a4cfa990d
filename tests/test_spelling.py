"""Words in one spelling: what is equal before errors are counted, and what is not."""
from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import pytest
from conftest import needs

from valle.evaluate.spelling import american, canonical, spaced_like
from valle.evaluate.wer import comparable, word_errors, word_figures
from valle.features.text import words


def same(said: str, heard: str) -> bool:
    reference, found = comparable(words(said), words(heard))
    return reference == found


@pytest.mark.parametrize("said, heard", [
    ("It's ten thirty.", "it is 10:30"), ("I can't, and I won't.", "I cannot and I will not."),
    ("They'd said he'll come", "they would said he will come"),
    ("Let's go, ma'am", "let us go madam"),
    ("isn't it what's left", "is not it what is left"),
    ("the colour of the theatre", "the color of the theater"),
    ("travelled, fulfilled and apologised", "traveled, fulfilled, and apologized"),
    ("a grey moustache at the centre", "a gray mustache at the center"),
    ("one hundred and five", "105"), ("a thousand men", "1000 men"), ("Mr. Smith", "mister smith"),
    ("Every one came to day.", "Everyone came today."), ("an ox wagon", "an oxwagon"),
    ("everybody's rock-star", "everybody's rockstar"), ("OK, all right", "okay alright"),
    ("defence of the catalogue", "defense of the catalog"), ("per cent", "percent"),
])
def test_what_sounds_the_same_is_no_error(said: str, heard: str):
    assert same(said, heard), comparable(words(said), words(heard))


@pytest.mark.parametrize("said, heard", [
    ("John's dog", "John is dog"), ("the hour", "the or"), ("four", "for"),
    ("he hopes", "he hoped"),
    ("two hundred and a half", "two hundred half"), ("the willing man", "the wiling man"),
    ("well", "we will"), ("a man", "one man"), ("uh the boat", "the boat"), ("filled", "filed"),
    ("the the boat", "the boat"), ("another", "other"),
])
def test_what_sounds_different_is_an_error(said: str, heard: str):
    assert not same(said, heard)


def test_the_reference_does_not_depend_on_what_was_heard():
    reference = words("Every one can't see the theatre.")
    assert canonical(reference) == comparable(reference, ["everyone"])[0] == comparable(
        reference, [])[0]
    assert spaced_like(["a", "way"], ["a", "way"]) == ["a", "way"]
    assert spaced_like(["away", "a", "way"], ["away", "away"]) == ["away", "away"]


@needs("jiwer")
def test_figures_of_a_row():
    row = word_figures("It isn't the colour.", {"a": ["it", "is", "not", "the", "color"],
                                                "b": ["the", "color"]})
    assert row["words"] == 5 and row["wer"] == {"a": 0.0, "b": 0.6}
    assert row["heard"]["a"] == "it is not the color" and row["cer"]["a"] == 0
    reference, found = comparable(["the", "centre"], ["the", "sea"])
    assert word_errors(reference, found).substituted == 1
    with pytest.raises(ValueError, match="no words"):
        word_figures("...", {"a": ["x"]})


@pytest.mark.slow
@needs("pocketsphinx")
def test_no_two_words_of_the_dictionary_become_one_unless_they_sound_alike():
    """Of 130 000 words: those that change to one spelling have the same consonants."""
    from pocketsphinx import Config

    sounds: dict[str, set[str]] = defaultdict(set)
    for line in Path(str(Config()["dict"])).read_text(encoding="utf-8").splitlines():
        word, spoken = line.split(" ", 1)
        sounds[word.split("(")[0]].add("".join(
            re.findall(r"\b(?![AEIOUY])[A-Z]+", re.sub(r"ER( R)?", "AH R", spoken))))
    merged: dict[str, list[str]] = defaultdict(list)
    for word in sounds:
        merged[american(word)].append(word)
    alike = [pair for same in merged.values() for pair in combinations(same, 2)]
    assert len(alike) > 150
    different = [pair for pair in alike if not sounds[pair[0]] & sounds[pair[1]]]
    assert different == [("odors", "odours")], "one slip of the dictionary itself"
