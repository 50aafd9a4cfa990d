"""codec/defects.py: what is put into a recording is found in it, and nothing else."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr

from benchmarks.damage import room
from codec.audio import SAMPLE_RATE, load_audio
from codec.defects import bandwidth, clipping, hum, rt60
from codec.speech import active_frames

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = ("alto", "bass", "clara", "miles", "tenor")


def voice(name: str) -> np.ndarray:
    return load_audio(EXAMPLES / f"{name}.wav")


@pytest.mark.parametrize("mains", [50, 60])
@pytest.mark.parametrize("partials", [1, 3])
def test_hum_is_found_with_its_frequency_and_level(mains: int, partials: int) -> None:
    samples = voice("alto")
    time = np.arange(len(samples)) / SAMPLE_RATE
    wave = sum(0.01 * np.sin(2 * np.pi * mains * k * time) for k in range(1, partials + 1))
    found, level = hum((samples + wave).astype("f4"), SAMPLE_RATE)
    assert found == mains
    assert level == pytest.approx(10 * np.log10(np.square(wave).mean()), abs=3)


@pytest.mark.parametrize("name", NAMES)
def test_a_voice_is_no_hum(name: str) -> None:
    assert hum(voice(name), SAMPLE_RATE) == (0.0, -np.inf)
    assert hum(voice(name)[:100], SAMPLE_RATE) == (0.0, -np.inf)


def test_clipping_counts_samples_and_runs() -> None:
    samples = np.zeros(1000, np.float32)
    samples[100:105], samples[200:202], samples[300:303] = 1, 1, -1
    found = clipping(samples)
    assert (found.share, found.runs, found.longest) == (pytest.approx(0.01), 2, 5)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000])
def test_bandwidth_is_where_the_recording_ends(rate: int) -> None:
    samples = soxr.resample(soxr.resample(voice("clara"), SAMPLE_RATE, rate), rate, SAMPLE_RATE)
    active = active_frames(samples, SAMPLE_RATE)
    assert bandwidth(samples, SAMPLE_RATE, active) == pytest.approx(rate / 2, rel=0.06)


@pytest.mark.parametrize("name", ["alto", "clara"])
def test_a_larger_room_rings_longer(name: str) -> None:
    samples = voice(name)
    heard = [rt60(room(samples, seconds, np.random.default_rng(0)), SAMPLE_RATE)
             for seconds in (0.4, 0.8, 1.4)]
    assert rt60(samples, SAMPLE_RATE) < 0.3
    assert heard == sorted(heard)
    assert heard[0] < 0.5 < heard[1] and heard[2] > 0.8
    assert rt60(samples[:1000], SAMPLE_RATE) == 0
