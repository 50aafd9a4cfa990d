"""The judges: words, speakers, quality. What needs the extra `evaluate` says so when skipped."""
from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from conftest import SAID, SENTENCES, needs

from valle.evaluate.quality import WINDOW, windows
from valle.evaluate.similarity import cosine
from valle.evaluate.words import (
    ARPABET,
    pick_distractors,
    pronounce,
    to_pcm,
    word_error_rate,
    words,
)

# words

def test_words_are_spelled_lower_and_bare():
    assert words("At 10:30, Dr. Smith's 'rock-star' said: NO!") == [
        "at", "ten", "thirty", "doctor", "smith's", "rock", "star", "said", "no"]
    assert words("  ") == []


def distance(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """Edit distance by its definition."""
    @functools.cache
    def least(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        return min(least(i - 1, j) + 1, least(i, j - 1) + 1,
                   least(i - 1, j - 1) + (a[i - 1] != b[j - 1]))
    return least(len(a), len(b))


@needs("jiwer")
def test_word_error_rate_is_the_edit_distance():
    sentences = [s for n in range(4) for s in itertools.product("ab", repeat=n)]
    for reference, heard in itertools.product(sentences, repeat=2):
        if reference:
            assert word_error_rate(reference, heard) == pytest.approx(
                distance(reference, heard) / len(reference))
    with pytest.raises(ValueError, match="no words"):
        word_error_rate([], ["a"])


def test_distractors_are_seeded_and_never_a_reference():
    pool = [f"Sentence number {n}." for n in range(50)] + ["", "..."]
    first = pick_distractors(pool, ["sentence NUMBER seven"], 1, 20)
    assert first == pick_distractors(reversed(pool), ["sentence NUMBER seven"], 1, 20)
    assert first != pick_distractors(pool, [], 2, 20) and len(set(first)) == 20
    assert "Sentence number 7." not in pick_distractors(pool, ["sentence NUMBER seven"], 0, 99)


def test_unknown_words_are_pronounced_in_the_phones_of_the_dictionary():
    assert pronounce("zibbet") == "Z IH B IH T"
    assert pronounce("!!") is None
    dictionary = """AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S
                    SH T TH UH UW V W Y Z ZH"""
    used = {sound for sounds in ARPABET.values() for sound in sounds.split()}
    assert used <= set(dictionary.split())


def test_pcm_is_resampled_clipped_and_padded():
    pcm = to_pcm(np.full(24_000, 2.0, np.float32), 24_000)
    assert pcm.dtype == np.int16 and len(pcm) == 24_000 and pcm.max() == 32767
    assert not pcm[:3_900].any() and not pcm[-3_900:].any()


@needs("pocketsphinx", "jiwer")
def test_listener_hears_flite_and_not_noise(flite: tuple[np.ndarray, int]):
    from valle.evaluate.words import Recogniser

    closed = Recogniser([SAID, *SENTENCES, "A zibbet came to the bridge."])
    assert closed.guessed == ["zibbet"] and closed.dropped == []
    reference = words(SAID)
    first = closed(*flite)
    assert word_error_rate(reference, first) < 0.3
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    assert word_error_rate(reference, closed(noise, 16_000)) > 0.7
    assert closed(*flite) == first, "what was heard before must not matter"
    assert closed(np.zeros(0, np.float32), 16_000) == []
    assert word_error_rate(reference, Recogniser()(*flite)) < 0.6


# similarity and quality

def test_cosine():
    assert cosine(np.array([3.0, 4.0]), np.array([6.0, 8.0])) == pytest.approx(1)
    assert cosine(np.zeros(2), np.ones(2)) == 0


@needs("resemblyzer", "webrtcvad")
def test_speaker_encoder_knows_a_voice_from_its_shifted_self(flite: tuple[np.ndarray, int]):
    from valle.evaluate.similarity import SpeakerEncoder

    encoder = SpeakerEncoder()
    samples, rate = flite
    whole, half = encoder(samples, rate), encoder(samples[: len(samples) // 2], rate)
    other = encoder(samples, round(rate * 0.7))  # slower and lower
    assert np.linalg.norm(whole) == pytest.approx(1, abs=1e-4)
    assert cosine(whole, half) > cosine(whole, other) + 0.05
    assert not encoder(np.zeros(16_000, np.float32), 16_000).any()


def test_windows_fill_short_clips_and_step_by_a_second():
    short = windows(np.arange(20_000, dtype=np.float32))
    assert [len(w) for w in short] == [WINDOW] * len(short) and short[0][20_000] == 0
    assert [int(w[0]) for w in windows(np.arange(12 * 16_000, dtype=np.float32))] == [
        0, 16_000, 32_000]


@needs("speechmos", "onnxruntime", "librosa")
def test_quality_equals_the_package_and_falls_with_noise(flite: tuple[np.ndarray, int]):
    from speechmos import dnsmos

    from valle.evaluate.quality import Quality

    quality, (samples, rate) = Quality(), flite
    assert rate == 16_000
    ours = quality(samples, rate)
    assert ours == pytest.approx(dnsmos.run(samples, rate)["ovrl_mos"], abs=1e-3)
    noise = np.random.default_rng(0).normal(0, 0.05, len(samples)).astype(np.float32)
    assert quality(samples + noise, rate) < ours - 0.5
    with pytest.raises(ValueError, match="no samples"):
        quality(np.zeros(0, np.float32), rate)
