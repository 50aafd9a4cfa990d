"""Heteronyms: the reading by the sentence, and its phones as espeak says them."""
from __future__ import annotations

from pathlib import Path

import pytest

from g2p import phonemize
from g2p.english.heteronym_tables import PAIRS, READINGS
from g2p.english.heteronyms import reading

LEAST = .97     # of the list's sentences

LINES = [line for line in (Path(__file__).parent / "data" / "heteronyms.txt").read_text(
    encoding="utf-8").splitlines() if not line.startswith("#")]


def test_the_readings_of_the_list() -> None:
    wrong = []
    for line in LINES:
        sentence, want = line.split(" | ")
        before, word, behind = sentence.split("*")
        got = reading(before + word + behind, len(before), len(before) + len(word))
        assert want in READINGS[word.lower()], line
        if got != want:
            wrong.append((sentence, got, want))
    assert len(LINES) >= 200
    assert len(wrong) <= (1 - LEAST) * len(LINES), wrong


@pytest.mark.parametrize(("text", "phones"), [
    ("I read it yesterday.", "ɹˈɛd"), ("I will read it.", "ɹˈiːd"),
    ("made of lead", "lˈɛd"), ("She took the lead.", "lˈiːd"),
    ("a live show", "lˈaɪv"), ("I live here.", "lˈɪv"),
    ("The wind blew.", "wˈɪnd"), ("He wound the clock.", "wˈaʊnd"),
    ("We caught a bass in the lake.", "bˈæs"), ("a bass guitar", "bˈeɪs"),
    ("Do not tear the page.", "tˈɛɹ"), ("a minute amount", "maɪnˈuːt"),
    ("She dove into the pool.", "dˈoʊv"), ("Two does and a buck", "dˈoʊz"),
    ("An invalid in bed", "ˈɪnvəlɪd"), ("Send your resume.", "ɹˈɛzəmˌeɪ"),
    ("They had a row about money.", "ɹˈaʊ"), ("He moped around.", "mˈoʊpt"),
    ("Polish your shoes.", "pˈɑːlɪʃ"), ("I used to swim.", "jˈuːst"),
])
def test_the_phones_of_a_reading(text: str, phones: str) -> None:
    assert phones in "".join(phonemize(text))


def test_every_reading_is_phones_that_espeak_knows() -> None:
    """Each noun and verb differs only as far as its table says, and none is spelled."""
    for word, readings in PAIRS.items():
        noun = "".join(phonemize(f"The {word} of it."))
        verb = "".join(phonemize(f"We must {word.removesuffix('s')} it."))
        assert len(noun) < 40 and len(verb) < 40, word
        assert set(readings) == {"noun", "verb"}


def test_british_readings_are_british() -> None:
    assert "lˈɪv" in "".join(phonemize("I live here.", "en-gb"))
    assert "ɒbdʒɛkt" in "".join(phonemize("a strange object", "en-gb"))
