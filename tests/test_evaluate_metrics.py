"""The judges: words, speakers, quality. What needs the extra `evaluate` says so when skipped."""
from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
from conftest import SAID, SENTENCES, needs, noise_codec, vowel

from codec import load_audio
from g2p import phonemize
from valle.evaluate.quality import WINDOW, windows
from valle.evaluate.signal import bit_rate, mel_distance, pesq, stoi
from valle.evaluate.wer import character_errors, pick_distractors, word_errors
from valle.features.text import words
from valle.recognizer.sphinx import ARPABET, pronounce, to_pcm
from valle.speaker.encoder import cosine

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
def test_word_errors_are_the_edit_distance():
    sentences = [s for n in range(4) for s in itertools.product("ab", repeat=n)]
    for reference, heard in itertools.product(sentences, repeat=2):
        if reference:
            errors = word_errors(reference, heard)
            assert errors.count == distance(reference, heard)
            assert errors.rate == errors.count / len(reference)
            kinds = {"equal": 0, "substitute": 0, "delete": 0, "insert": 0}
            for kind, start, end, first, last in errors.runs:
                kinds[kind] += max(end - start, last - first)
                if kind == "equal":
                    assert list(reference[start:end]) == list(heard[first:last])
            assert (kinds["substitute"], kinds["delete"], kinds["insert"]) == (
                errors.substituted, errors.deleted, errors.inserted)
    with pytest.raises(ValueError, match="no words"):
        word_errors([], ["a"])


@needs("jiwer")
def test_error_rates_are_jiwers_own():
    import jiwer

    said, heard = "the sea was calm", "a sea is very calm now"
    assert word_errors(said.split(), heard.split()).rate == jiwer.wer(said, heard)
    assert character_errors(said.split(), heard.split()).rate == jiwer.cer(said, heard)


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
def test_listener_hears_speech_and_not_noise(said: tuple[np.ndarray, int]):
    from valle.recognizer.sphinx import PocketSphinx

    closed = PocketSphinx([SAID, *SENTENCES, "A zibbet came to the bridge."])
    assert closed.guessed == ["zibbet"] and closed.dropped == []
    reference = words(SAID)
    first = closed(*said)
    assert word_errors(reference, first).rate < 0.3
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    assert word_errors(reference, closed(noise, 16_000)).rate > 0.7
    assert closed(*said) == first, "what was heard before must not matter"
    assert closed(np.zeros(0, np.float32), 16_000) == []
    assert word_errors(reference, PocketSphinx()(*said)).rate < 0.6


# a codec's sound

def test_mel_distance_is_zero_for_a_copy_and_grows_with_noise():
    hum = vowel(phonemize(SAID))[0]
    noise = np.random.default_rng(0).normal(0, 1, len(hum)).astype(np.float32)
    distances = [mel_distance(hum, hum + gain * noise) for gain in (0.0, 0.001, 0.01, 0.1)]
    assert distances[0] == 0 and distances == sorted(distances) and distances[-1] > 1


def test_bit_rate_of_encodec():
    """24 kHz at 8 books of 1024: 6 kb/s (Défossez et al. 2022)."""
    codec = noise_codec(small=True)
    assert (codec.frame_rate, codec.codebook_size) == (75, 1024)
    assert bit_rate(codec, 8) == 6000 and bit_rate(codec, 1) == 750


@needs("pesq", "pystoi")
def test_pesq_and_stoi_fall_with_noise():
    samples = load_audio(Path(__file__).parents[1] / "examples" / "alto.wav")
    noise = np.random.default_rng(0).normal(0, 1, len(samples)).astype(np.float32)
    good, bad = (samples + gain * noise for gain in (0.0005, 0.02))
    assert 4 < pesq(samples, samples, 24_000) < 4.65
    assert pesq(samples, good, 24_000) > pesq(samples, bad, 24_000) + 0.5
    assert stoi(samples, samples, 24_000) == pytest.approx(1, abs=1e-6)
    assert stoi(samples, good, 24_000) > stoi(samples, bad, 24_000) + 0.02
    silence = np.zeros(24_000, np.float32)
    assert pesq(silence, silence, 24_000) is None


# similarity and quality

def test_cosine():
    assert cosine(np.array([3.0, 4.0]), np.array([6.0, 8.0])) == pytest.approx(1)
    assert cosine(np.zeros(2), np.ones(2)) == 0


@needs("resemblyzer", "webrtcvad")
def test_speaker_encoder_knows_a_voice_from_its_shifted_self(said: tuple[np.ndarray, int]):
    from valle.speaker.adapters import Resemblyzer

    encoder = Resemblyzer()
    samples, rate = said
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


@pytest.mark.slow
@needs("speechmos", "onnxruntime", "librosa")
def test_quality_equals_the_package_and_falls_with_noise(said: tuple[np.ndarray, int]):
    from speechmos import dnsmos

    from valle.evaluate.quality import Quality

    quality, (samples, rate) = Quality(), said
    assert rate == 16_000
    ours = quality(samples, rate)
    assert ours == pytest.approx(dnsmos.run(samples, rate)["ovrl_mos"], abs=1e-3)
    noise = np.random.default_rng(0).normal(0, 0.05, len(samples)).astype(np.float32)
    assert quality(samples + noise, rate) < ours - 0.5
    with pytest.raises(ValueError, match="no samples"):
        quality(np.zeros(0, np.float32), rate)
