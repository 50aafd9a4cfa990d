"""Faster and slower at the same pitch."""
from __future__ import annotations

import numpy as np
import pytest
from conftest import EXAMPLE

from codec.audio import load_audio
from valle.synthesis.stretch import stretched

RATE = 24_000


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.25, 2.0, 4.0])
def test_length_follows_the_speed_and_pitch_and_loudness_stay(speed: float) -> None:
    time = np.arange(2 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20)).astype(np.float32)
    heard = stretched(tone, RATE, speed)
    assert len(heard) == round(len(tone) / speed)
    middle = slice(len(heard) // 4, 3 * len(heard) // 4)
    spectrum = np.abs(np.fft.rfft(heard[middle] * np.hanning(len(heard[middle]))))
    peak = spectrum.argmax() * RATE / len(heard[middle])
    assert peak == pytest.approx(140, abs=3)
    assert heard[middle].std() == pytest.approx(tone.std(), rel=0.05)


def test_at_its_own_speed_nothing_changes_and_words_stay_in_order() -> None:
    speech = load_audio(EXAMPLE)
    assert stretched(speech, RATE, 1.0) is speech
    slow = stretched(speech, RATE, 0.5)

    def levels(samples: np.ndarray, size: int) -> np.ndarray:
        return np.log(np.square(samples[: len(samples) // size * size].reshape(-1, size)).mean(1)
                      + 1e-8)

    a, b = levels(speech, 480), levels(slow, 960)
    both = min(len(a), len(b))
    assert np.corrcoef(a[:both], b[:both])[0, 1] > 0.9


@pytest.mark.parametrize("size", [0, 1, 500, 1500])
def test_short_stretches_do_no_harm(size: int) -> None:
    assert np.isfinite(stretched(np.ones(size, np.float32), RATE, 1.5)).all()


@pytest.mark.parametrize("speed", [0.2, 4.1, float("nan"), -1.0])
def test_a_speed_that_nobody_follows_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match=r"must be 0\.25 to 4"):
        stretched(np.ones(RATE, np.float32), RATE, speed)
