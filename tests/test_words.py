"""Which phones belong to which word, and when words are said."""
from __future__ import annotations

import numpy as np
import pytest

from g2p import BOUNDARIES, phonemize
from valle.synthesis.words import counterparts, word_timings, words_of_phones

TEXTS = ("The sea was calm.", "It costs $5.50, in the end -- isn't it?",
         "Dr. Smith lives at 221b Baker Street in 1250.", "bob@example.com wrote: hello world")


def test_words_are_shown_without_markup() -> None:
    text = "A **small** <b>boat</b> [pause 1s] [here](https://example.com)."
    assert [word for word, _ in words_of_phones(text, phonemize(text), "en-us")] == [
        "A", "small", "boat", "here."]


@pytest.mark.parametrize("text", TEXTS)
def test_every_phone_belongs_to_one_word_in_order(text: str) -> None:
    phones = phonemize(text)
    words = words_of_phones(text, phones, "en-us")
    assert [word for word, _ in words] == [w for w in text.split() if any(map(str.isalnum, w))]
    given = [place for _, places in words for place in places]
    assert given == [place for place, phone in enumerate(phones) if phone not in BOUNDARIES]
    assert all(places for _, places in words)


def test_numbers_and_joined_words_get_their_own_sounds() -> None:
    phones = phonemize("It costs $5.50, in the end.")
    heard = {word: "".join(phones[p] for p in places)
             for word, places in words_of_phones("It costs $5.50, in the end.", phones, "en-us")}
    assert heard["$5.50,"].startswith("fˈaɪv") and heard["$5.50,"].endswith("sˈɛnts")
    assert (heard["in"], heard["the"]) == ("ɪn", "ðɪ") and heard["end."] == "ˈɛnd"


def distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, above = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


def test_counterparts_are_those_of_the_least_edit_distance() -> None:
    draw = np.random.default_rng(0)
    for _ in range(200):
        a, b = ("".join(draw.choice(list("abc"), draw.integers(1, 9))) for _ in "ab")
        found = counterparts(a, b)
        assert len(found) == len(b) and found == sorted(found)
        assert set(found) <= set(range(len(a)))
        matches = len({i for j, i in enumerate(found) if a[i] == b[j]})
        assert matches >= max(len(a), len(b)) - distance(a, b)


def test_a_word_without_a_sound_takes_no_time() -> None:
    phones = [("a", 0.0, 0.5), (" ", 0.5, 0.6), ("b", 0.6, 1.0)]
    assert word_timings([("A", [0]), ("?", []), ("B", [2])], phones) == [
        ("A", 0.0, 0.5), ("?", 0.5, 0.5), ("B", 0.6, 1.0)]
