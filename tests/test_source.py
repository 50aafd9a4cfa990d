"""The source of voiced sound: pitch is found, and pulses follow it below half the rate."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from codec import load_audio
from codec.source import PITCHES, TYPICAL, best_pitch, noise, pitch, pitch_class, pulses

RATE, HOP = 24_000, 320
EXAMPLES = Path(__file__).parents[1] / "examples"


def voice(f0: torch.Tensor) -> torch.Tensor:
    """Ten harmonics, falling, at the pitch f0 [N]."""
    phase = 2 * torch.pi * (f0.double() / RATE).cumsum(0)
    return torch.stack([torch.cos(k * phase) / k for k in range(1, 11)]).sum(0).float() * 0.05


@pytest.mark.parametrize("hertz", [70.0, 110.0, 233.0, 440.0])
def test_pitch_of_a_steady_voice(hertz: float) -> None:
    f0, voiced = pitch(voice(torch.full((RATE,), hertz))[None], RATE, HOP)
    assert f0.shape == voiced.shape == (1, 75) and voiced[0, 3:-3].all()
    assert (f0[0, 3:-3] / hertz - 1).abs().max() < 0.02


def test_pitch_of_a_glide_with_a_breath_in_it() -> None:
    true = 120 * torch.exp2(torch.linspace(0, 1, 2 * RATE))
    wav = voice(true)
    wav[RATE // 2: RATE] = torch.randn(RATE // 2, generator=torch.Generator().manual_seed(0)) * 0.02
    f0, voiced = pitch(wav[None], RATE, HOP)
    inside = torch.zeros(150, dtype=torch.bool)
    inside[38:75] = True
    assert not voiced[0][40:73].any() and voiced[0][~inside][3:-3].float().mean() > 0.95
    expected = true[HOP // 2:: HOP]
    error = (f0[0] / expected - 1).abs()
    assert error[~inside][3:-3].median() < 0.02, "heard"
    assert error[40:73].max() < 0.1, "drawn between what is heard before and after"


def test_silence_and_noise_have_no_pitch() -> None:
    hiss = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0)) * 0.1
    for wav in (torch.zeros(1, RATE), hiss):
        _, voiced = pitch(wav, RATE, HOP)
        assert voiced.float().mean() < 0.05
    assert torch.equal(pitch(torch.zeros(1, RATE), RATE, HOP)[0], torch.full((1, 75), TYPICAL))


def test_pitch_agrees_with_praat() -> None:
    parselmouth = pytest.importorskip("parselmouth", reason="needs praat-parselmouth")
    wav = load_audio(EXAMPLES / "alto.wav")
    f0, voiced = pitch(torch.from_numpy(wav)[None, : len(wav) // HOP * HOP], RATE, HOP)
    praat = parselmouth.Sound(wav.astype(np.float64), RATE).to_pitch(0.01, 60, 500)
    theirs = np.array([praat.get_value_at_time((i + 0.5) * HOP / RATE) for i in range(f0.shape[1])])
    both = ~np.isnan(theirs) & voiced[0].numpy()
    assert both.mean() > 0.5
    assert np.mean(np.abs(f0[0].numpy()[both] / theirs[both] - 1) < 0.05) > 0.95


def test_classes_of_pitch_and_back() -> None:
    assert torch.equal(pitch_class(PITCHES), torch.arange(len(PITCHES)))
    assert pitch_class(torch.tensor([1.0, 9000.0])).tolist() == [0, len(PITCHES) - 1]
    f0 = torch.tensor([61.0, 87.3, 150.0, 221.0, 480.0])
    place = (f0 / 60).log2() * 24  # scores fall off on both sides of the true place
    scores = -0.5 * (torch.arange(len(PITCHES)) - place[:, None]).square()
    assert (best_pitch(scores[None])[0] / f0 - 1).abs().max() < 0.01
    far = torch.full((1, 1, len(PITCHES)), -9.0)
    far[..., 10], far[..., 34] = 2.0, 1.9  # an octave apart: not the mean of both
    assert best_pitch(far)[0, 0] == pytest.approx(float(PITCHES[10]), rel=0.01)


def test_pulses_are_all_harmonics_of_the_pitch() -> None:
    wav = pulses(torch.full((1, 75), 200.0), RATE, HOP)
    assert wav.shape == (1, RATE)
    spectrum = torch.fft.rfft(wav[0]).abs() * 2 / RATE
    assert torch.allclose(spectrum[200:12_000:200], torch.ones(59), atol=0.02)
    between = spectrum.clone()
    between[0::200] = 0
    assert between.max() < 0.02


def test_pulses_keep_their_phase_for_minutes() -> None:
    wav = pulses(torch.full((1, 75 * 120), 100.0), RATE, HOP)[0]
    peaks = (wav > 100).nonzero()[:, 0]
    assert (peaks.diff() == 240).all() and len(peaks) >= 11_998


def test_noise_is_white_and_always_the_same() -> None:
    a, b = noise(torch.zeros(2, RATE)), noise(torch.zeros(1, RATE))
    assert torch.equal(a[0], a[1]) and torch.equal(a[0], b[0])
    assert abs(float(a[0].std()) - 1) < 0.05 and abs(float(a[0, 1:] @ a[0, :-1]) / RATE) < 0.05
