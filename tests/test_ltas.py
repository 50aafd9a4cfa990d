"""The colour of a recording, how it is matched, and voices in disguise."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import RATE, SENTENCES, vowel

from codec.ltas import DOUBT, LOUDEST, ltas, match_ltas
from codec.source import pitch
from g2p import phonemize
from valle.training.disguise import disguise


def speech(pitch_hz: float = 120.0, times: int = 1) -> np.ndarray:
    phones = [p for sentence in SENTENCES * times for p in phonemize(sentence)]
    return vowel(phones, pitch_hz)[0].astype(np.float32)


def brighter(samples: np.ndarray, slope: float) -> np.ndarray:
    """Samples with a log gain that rises by `slope` from 0 Hz to half the rate."""
    spectrum = np.fft.rfft(samples)
    spectrum *= np.exp(slope * np.linspace(0, 1, len(spectrum)))
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float((ltas(a).bands - ltas(b).bands).abs().mean())


def test_long_speech_takes_the_colour_of_the_prompt() -> None:
    samples = speech(times=3)
    reference = brighter(samples, 0.8)
    seconds = ltas(samples).seconds
    matched = match_ltas(samples, ltas(reference))
    assert matched.shape == samples.shape and matched.dtype == np.float32
    left = distance(matched, reference) / distance(samples, reference)
    assert left == pytest.approx(DOUBT / (seconds + DOUBT), abs=0.1)


def test_the_shorter_the_speech_the_less_it_is_moved() -> None:
    def moved(samples: np.ndarray) -> float:
        target = brighter(samples, 0.8)
        return (distance(match_ltas(samples, ltas(target)), samples)
                / distance(target, samples))

    samples = speech(times=3)
    assert 0 < moved(samples[: RATE // 2]) < 0.4 and moved(samples) > 0.8


def test_no_band_is_moved_by_more_than_the_limit() -> None:
    samples = speech(times=3)
    moved = ltas(match_ltas(samples, ltas(brighter(samples, 20.0)))).bands
    assert (moved - ltas(samples).bands).abs().max() < LOUDEST + 0.2


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.zeros(1, np.float32),
                                     np.ones(320, np.float32)])
def test_whatever_was_spoken_stays_finite(samples: np.ndarray) -> None:
    matched = match_ltas(samples, ltas(speech()))
    assert matched.shape == samples.shape and np.isfinite(matched).all()
    assert match_ltas(samples[:0], ltas(samples)).size == 0
    assert np.isfinite(match_ltas(speech(), ltas(samples))).all()


def test_a_disguise_keeps_pitch_and_timing_and_moves_the_formants() -> None:
    wav = torch.from_numpy(np.stack([speech(f)[:48_000] for f in (110.0, 170.0)]))
    hidden = disguise(wav, np.random.default_rng(0))
    assert hidden.shape == wav.shape
    assert torch.equal(hidden, disguise(wav, np.random.default_rng(0)))
    for row, again in zip(wav, hidden, strict=True):
        (before, voiced), (after, _) = pitch(row[None], RATE, 320), pitch(again[None], RATE, 320)
        assert (after / before)[voiced].log2().abs().median() < 0.02
        assert distance(row.numpy(), again.numpy()) > 0.1
