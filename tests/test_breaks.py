"""Pauses: between sentences, between paragraphs, and none that a phrase does not want."""
from __future__ import annotations

import numpy as np
import pytest

from g2p import phonemize
from valle.synthesis.breaks import lengthen, silence_like
from valle.synthesis.candidate import Candidate
from valle.synthesis.decode import Generated
from valle.synthesis.join import finished, join
from valle.synthesis.phrases import split_words
from valle.synthesis.segment import Segment, parts_of, split_phones

RATE, HOP = 24_000, 320
DRAW = np.random.default_rng(0)


def speech(seconds: float) -> np.ndarray:
    return (0.1 * DRAW.standard_normal(round(seconds * RATE))).astype("f4")


def quiet(seconds: float) -> np.ndarray:
    return (1e-4 * DRAW.standard_normal(round(seconds * RATE))).astype("f4")


def silent_runs(samples: np.ndarray) -> list[float]:
    """Seconds of each silence of over 20 ms."""
    size = RATE // 100
    loud = np.square(samples[: len(samples) // size * size].reshape(-1, size)).mean(1) > 1e-6
    edges = np.flatnonzero(np.diff(np.concatenate([[1], loud.astype(int), [1]])))
    return [round((b - a) / 100, 2) for a, b in edges.reshape(-1, 2) if b - a > 2]


# --- within a segment ----------------------------------------------------------------------------

@pytest.mark.parametrize("mark", [".", "?", "!"])
@pytest.mark.parametrize("natural", [0.0, 0.05, 0.2])
def test_a_short_pause_at_a_sentence_end_is_made_longer(mark: str, natural: float) -> None:
    samples = np.concatenate([speech(1), quiet(natural), speech(1)])
    phones = [("a", 0.0, 1.0), (mark, 1.0, 1.0 + natural), ("b", 1.0 + natural, 2.0 + natural)]
    heard, timings = lengthen(samples, phones, 0.4, RATE)
    assert silent_runs(heard) == [pytest.approx(0.4, abs=0.03)]
    assert timings[0] == phones[0] and timings[2][2] == pytest.approx(len(heard) / RATE, abs=1e-3)
    assert timings[1][2] == timings[2][1] and timings[2][1] == pytest.approx(1.4, abs=0.03)
    spoken = np.concatenate([speech(0), heard])
    assert np.abs(np.diff(spoken)).max() <= np.abs(np.diff(samples)).max() + 1e-6, "no click"


@pytest.mark.parametrize("mark, natural", [(".", 0.4), (".", 0.6), (",", 0.1), (" ", 0.05)])
def test_other_pauses_stay(mark: str, natural: float) -> None:
    samples = np.concatenate([speech(1), quiet(natural), speech(1)])
    phones = [("a", 0.0, 1.0), (mark, 1.0, 1.0 + natural), ("b", 1.0 + natural, 2.0 + natural)]
    heard, timings = lengthen(samples, phones, 0.4, RATE)
    np.testing.assert_array_equal(heard, samples)
    assert list(timings) == phones


def test_silence_goes_on_as_it_is() -> None:
    more = silence_like(quiet(0.1), RATE, RATE)
    assert len(more) == RATE and more.std() == pytest.approx(1e-4, rel=0.1)
    assert not silence_like(quiet(0.001), 100, RATE).any()


# --- between segments ----------------------------------------------------------------------------

def spoken(pause: float, ends: tuple[float, float], first: bool = True) -> np.ndarray:
    sounds = np.concatenate([quiet(ends[0]), speech(1), quiet(ends[1])])
    sounds = sounds[: len(sounds) // HOP * HOP]
    frames = len(sounds) // HOP
    segment = Segment((" ", "a", "."), 0, first=first, pause=pause)
    candidate = Candidate(Generated((0,) * frames, (0, frames, 0), "eos"), sounds)
    return finished(segment, candidate, RATE, HOP, 0.4)


@pytest.mark.parametrize("before", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("after", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("pause", [0.4, 0.8, 2.0])
def test_segments_are_parted_by_the_pause(before: float, after: float, pause: float) -> None:
    audio = join([spoken(pause, (0.0, after)), spoken(0.0, (before, 0.0), first=False)], RATE, {})
    between, = silent_runs(audio.samples)
    assert pause - 0.08 <= between <= max(pause, 0.35) + 0.03
    assert audio.phones[-1][2] == pytest.approx(audio.seconds, abs=0.02)


def test_paragraphs_are_parted_by_twice_the_pause() -> None:
    text = "One boat came.\n\nTwo went.  \n \n\n***\n\nThree stayed. Four left."
    parts = parts_of(text, "en-us", 0.5)
    assert [part.pause for part in parts] == [1.0, 1.0, 0.0]
    assert parts[0].phones == phonemize("One boat came.")
    assert parts_of("One boat came.\nTwo went.", "en-us", 0.5)[0].pause == 0.0, "no blank line"
    with pytest.raises(ValueError, match="at least one word"):
        parts_of("\n\n \n\n", "en-us", 0.5)


# --- within phrases ------------------------------------------------------------------------------

LONG = (
    "when the rain stopped the old man put on his coat and walked down to the harbour where the "
    "small boats were coming home and the children were waiting on the stone wall that ran along "
    "the water until the last of the light had gone and every evening the same dog came and sat "
    "beside them without a sound because it knew that the nets would be full of bright fish and "
    "that somebody would throw it the smallest one before they all went up the steep hill",
    "she opened the heavy door of the empty house and listened for a while but there was no sound "
    "except the slow ticking of the clock in the hall which her grandfather had brought from a "
    "distant town when he was a young sailor who wanted nothing more than a warm room and a good "
    "book and who never spoke about the long years that he had spent on the cold northern sea",
    "the teacher wrote the difficult words on the board and asked every child to read them aloud "
    "so that nobody would forget how they sounded after the long summer holiday had ended and the "
    "quiet village school had opened its green doors again for another busy year of lessons games "
    "songs and stories about people who lived in far countries where the sun shines all day long",
)
NEVER_LAST = {
    "the", "a", "an", "and", "every", "of", "to", "his", "her", "its", "their", "was", "were",
    "would", "had", "who", "which", "that", "when", "where", "in", "on", "for", "from", "with"}


@pytest.mark.parametrize("text", LONG)
@pytest.mark.parametrize("most", [60, 90, 120])
def test_a_text_without_marks_is_cut_before_phrases(text: str, most: int) -> None:
    sounds = {word: tuple(p.lstrip("ˈˌ") for p in phonemize(word)[1:-1]) for word in text.split()}
    parts = split_phones(phonemize(text), most, "en-us")
    assert len(parts) > 2
    for part in parts[:-1]:
        last = tuple(p.lstrip("ˈˌ") for p in split_words(part)[-1])
        assert last not in {sounds[w] for w in NEVER_LAST & set(sounds)}, "".join(part)
    assert split_words([p for part in parts for p in part]) == split_words(phonemize(text))


def test_other_languages_are_cut_in_the_middle() -> None:
    phones = [phone for _ in range(50) for phone in (" ", "a", "b", "c", "d")]
    assert split_phones(phones, 120, "de") == split_phones(phones, 120)
