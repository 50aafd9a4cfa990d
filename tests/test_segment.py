"""Long texts in pieces: nothing is lost, and pieces end where texts do."""
from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from conftest import PROMPT_TEXT

from g2p import BOUNDARIES, phonemize
from valle import VALLE
from valle.synthesis.segment import QUICK, parts_of, segments, split_first, split_phones


def spoken(pieces: list[list[str]]) -> list[str]:
    return [p for piece in pieces for p in piece if p not in BOUNDARIES]


@pytest.mark.parametrize("most", [5, 12, 40, 120])
def test_pieces_lose_nothing_and_are_whole_texts(most: int) -> None:
    draw = np.random.default_rng(most)
    for _ in range(200):
        phones: list[str] = []
        for _ in range(draw.integers(1, 30)):
            phones += [str(draw.choice(BOUNDARIES)) if phones else " "]
            phones += [f"p{draw.integers(40)}" for _ in range(draw.integers(1, 9))]
        phones.append(".")
        pieces = split_phones(phones, most)
        assert spoken(pieces) == spoken([phones])
        assert all(piece[0] == " " and piece[-1] in BOUNDARIES[1:] for piece in pieces)
        assert all(len(piece) <= most and spoken([piece]) for piece in pieces)
        assert all(not (a in BOUNDARIES and b in BOUNDARIES)
                   for piece in pieces for a, b in itertools.pairwise(piece))
        if len(phones) <= most:
            assert pieces == [phones]


def test_sentence_ends_are_cut_before_clauses_and_words() -> None:
    words = [" ", "a", "b", ",", "c", ".", "d", " ", "e", ",", "f", "."]
    assert split_phones(words, 10)[0] == [" ", "a", "b", ",", "c", "."]
    assert split_phones([p if p != "." else " " for p in words[:-1]] + ["."], 10)[0][-1] == ","


def test_no_word_is_left_alone_at_the_end() -> None:
    words = [phone for _ in range(50) for phone in (" ", "a", "b", "c", "d")]
    sizes = [len(piece) for piece in split_phones([*words, "."], 120)]
    assert len(sizes) == 3 and max(sizes) - min(sizes) <= 6, sizes
    sentences = [*words[:60], ".", *words[1:55], ".", *words[1:10], "."]
    assert [len(piece) for piece in split_phones(sentences, 120)] == [61, 66]


@pytest.mark.parametrize("length", [9, 10, 11, 30, 500])
def test_a_long_word_is_cut_and_loses_nothing(length: int) -> None:
    word = [f"p{i}" for i in range(length)]
    pieces = split_phones([" ", "x", " ", *word, "?"], 10)
    assert spoken(pieces) == ["x", *word]
    assert all(len(p) <= 10 and p[0] == " " and p[-1] in BOUNDARIES[1:] for p in pieces)
    assert pieces[-1][-1] == "?"


def test_the_first_piece_is_short_where_it_can_be_and_nothing_is_lost() -> None:
    words = [phone for _ in range(60) for phone in (" ", "a", "b", "c")]
    short, endless = [*words[:40], "."], [*words, "."]
    clause = [*words[:20], ",", *words[1:60], "."]
    assert split_first(short) == [short]
    assert split_first([*words[:80], "."]) == [[*words[:80], "."]], "no mark, and no need"
    assert [len(piece) for piece in split_first(clause)] == [21, 61]
    assert len(split_first(endless)[0]) <= QUICK
    for phones in (short, clause, endless):
        pieces = split_first(phones)
        assert spoken(pieces) == spoken([phones])
        assert all(piece[0] == " " and piece[-1] in BOUNDARIES[1:] for piece in pieces)


def test_only_the_first_segment_of_a_text_is_short() -> None:
    text = "Well, that is how it goes. " + 4 * "Nobody knows how long the winter will last now. "
    quick, _ = segments([text + "\n\n" + text], "en-us", 0, quick=True)
    usual, _ = segments([text + "\n\n" + text], "en-us", 0)
    assert len(quick[0].phones) <= QUICK < len(usual[0].phones)
    assert [s.phones for s in quick[-3:]] == [s.phones for s in usual[-3:]]
    assert spoken([list(s.phones) for s in quick]) == spoken([list(s.phones) for s in usual])


@pytest.mark.parametrize(("text", "expected"), [
    ("One. [pause 2s] Two.", [("wˌʌn.", 2.0), ("tˈuː.", 0.0)]),
    ("I said [pause 500ms] nothing", [("aɪ sˈɛd,", 0.5), ("nˈʌθɪŋ.", 0.0)]),
    ("Bye. <break time='1.5s'/>", [("bˈaɪ.", 1.5)]),
    ("[pause 1s] Bye", [("bˈaɪ.", 0.0)]),
    ("Bye <break strength=\"strong\"></break> now", [("bˈaɪ,", 0.8), ("nˈaʊ.", 0.0)]),
    ("Bye [Pause: 1.25 seconds] now", [("bˈaɪ,", 1.25), ("nˈaʊ.", 0.0)]),
    ("One.\n\nTwo. [pause 3]\n\nThree.", [("wˌʌn.", 0.8), ("tˈuː.", 3.0), ("θɹˈiː.", 0.0)]),
    ("Bye [pause 1s][pause 2s] now", [("bˈaɪ,", 3.0), ("nˈaʊ.", 0.0)]),
    ("Bye [pause] now", [("bˈaɪ,", 0.5), ("nˈaʊ.", 0.0)])])
def test_a_text_may_ask_for_pauses(text: str, expected: list[tuple[str, float]]) -> None:
    found = parts_of(text, "en-us", 0.4)
    assert [("".join(phones).strip(), seconds) for phones, seconds, _ in found] == expected


@pytest.mark.parametrize(("text", "said"), [
    ("Bye [pause soon] now", r"\[pause soon\] says no time that can be read"),
    ("Bye <break time='a lot'/> now", "says no time"), ("Bye [pause 31s]", "at most 30 s"),
    ("[pause 1s]", "nothing to say")])
def test_a_pause_that_cannot_be_made_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parts_of(text, "en-us", 0.4)


def test_a_pause_is_as_long_as_it_was_asked_for(model_folder: Path, prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    short, long = (tts.speak(f"A small boat. [pause {seconds}s] The sea.", prompt=prompt,
                             prompt_text=PROMPT_TEXT) for seconds in (1, 3.5))
    assert long.seconds - short.seconds == pytest.approx(2.5, abs=0.01)
    assert "".join(phonemize("A [pause 1s] b")) == "".join(phonemize("A, b"))
