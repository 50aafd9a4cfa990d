"""codec/speech.py and widen.py: what is speech, what is silence, what is a telephone."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr
from conftest import telephone

from codec import check_prompt, load_audio, normalize_loudness, trim_silence
from codec.speech import active_frames, is_narrow, steadiness, without_rumble
from codec.widen import widen

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RATE = 24_000
DRAW = np.random.default_rng(0)
SECONDS = np.arange(4 * RATE) / RATE


def voice(name: str = "alto") -> np.ndarray:
    return load_audio(EXAMPLES / f"{name}.wav")


def sine(hz: float, seconds: np.ndarray = SECONDS) -> np.ndarray:
    return np.sin(2 * np.pi * hz * seconds)


def coloured(slope: float) -> np.ndarray:
    """Noise whose amplitude falls by frequency ** slope, [N]."""
    frequencies = np.maximum(np.fft.rfftfreq(len(SECONDS), 1 / RATE), 1)
    noise = np.fft.irfft(np.fft.rfft(DRAW.standard_normal(len(SECONDS))) * frequencies ** -slope)
    return 0.05 * noise / noise.std()


# --- what is no speech ---------------------------------------------------------------------------

NO_SPEECH: dict[str, np.ndarray] = {
    "white noise": coloured(0), "pink noise": coloured(0.5), "brown noise": coloured(1),
    "blue noise": coloured(-0.5), "faint noise": 1e-3 * coloured(0),
    "bursts of noise": coloured(0) * sine(2) ** 2,
    "100 Hz": 0.3 * sine(100), "440 Hz": 0.3 * sine(440), "3 kHz": 0.3 * sine(3000),
    "a chord": 0.1 * (sine(261) + sine(330) + sine(392)), "a buzzer": 0.2 * np.sign(sine(200)),
    "mains hum": sum(0.1 / k * sine(60 * k) for k in range(1, 20)),
    "a swelling tone": 0.3 * sine(440) * sine(2) ** 2,
    "a gated tone": 0.3 * sine(440) * ((SECONDS > 1) & (SECONDS < 3)),
    "beeps": 0.3 * sine(1000) * (SECONDS * 2 % 1 < 0.5),
    "a siren": 0.3 * np.sin(2 * np.pi * (700 * SECONDS + 100 * sine(1))),
    "a sweep": 0.3 * np.sin(2 * np.pi * (100 * SECONDS + 600 * SECONDS ** 2)),
    "clicks": 0.9 * (np.arange(len(SECONDS)) % (RATE // 2) == 0),
}


@pytest.mark.parametrize("name", NO_SPEECH)
def test_noise_and_tones_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no speech in the prompt.*use a recording of speech"):
        check_prompt(NO_SPEECH[name].astype("f4"))


@pytest.mark.parametrize("samples", [np.zeros(72_000), np.full(72_000, 0.3), 1e-6 * SECONDS])
def test_silence_is_refused(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="silent"):
        check_prompt(samples.astype("f4"))


@pytest.mark.parametrize("seconds", [0, 0.2, 0.99])
def test_short_prompt(seconds: float) -> None:
    with pytest.raises(ValueError, match=f"lasts {seconds:.2f} s: use at least 1 s"):
        check_prompt(voice()[: round(seconds * RATE)])


@pytest.mark.parametrize("name", ["alto", "tenor", "bass"])
@pytest.mark.parametrize("dbfs", [0, -20, -43, -60])  # the voices lie at -20: down to -80 dBFS
def test_speech_is_taken_at_any_level_without_a_word(name: str, dbfs: float) -> None:
    assert check_prompt((voice(name) * 10 ** (dbfs / 20)).astype("f4")) == []


def note(key: float, seconds: float, decay: float = 0.5, partials: int = 8) -> np.ndarray:
    """A piano's note: partials that are a little sharp, and die away the faster the higher."""
    time, pitch = np.arange(round(seconds * RATE)) / RATE, 440 * 2 ** ((key - 69) / 12)
    return sum(np.sin(2 * np.pi * pitch * k * np.sqrt(1 + 3e-4 * k * k) * time) / k
               * np.exp(-time * k / decay) for k in range(1, partials + 1))


def held(key: float, seconds: float) -> np.ndarray:
    """A note of strings or brass: it swells, stays and ends."""
    time = np.arange(round(seconds * RATE)) / RATE
    edges = np.minimum(1, 8 * np.minimum(time, seconds - time))
    return edges * sum(np.sin(2 * np.pi * 440 * 2 ** ((key - 69) / 12) * k * time) / k
                       for k in range(1, 13))


CHORDS = ((60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67))
MUSIC: dict[str, Callable[[], np.ndarray]] = {
    "piano chords": lambda: np.concatenate([sum(note(k, 1) for k in c) for c in CHORDS]),
    "short chords": lambda: np.concatenate([sum(note(k, 0.4) for k in c) for c in 2 * CHORDS]),
    "sustained chords": lambda: np.concatenate([sum(held(k, 1) for k in c) for c in CHORDS]),
    "melody": lambda: np.concatenate([note(k, 0.4) for k in (60, 62, 64, 65, 67, 69, 71, 72, 69)]),
    "low melody": lambda: np.concatenate([note(k, 0.5, 1) for k in (40, 43, 45, 47, 43, 40, 38)]),
    "horn": lambda: np.concatenate([held(k, 0.5) for k in (55, 60, 64, 67, 72, 67, 64, 60)]),
    "melody in noise": lambda: MUSIC["melody"]() + 0.03 * np.random.default_rng(0).standard_normal(
        len(MUSIC["melody"]())),
    "telephone tones": lambda: np.concatenate([
        sine(a, np.arange(4800) / RATE) + sine(b, np.arange(4800) / RATE)
        for a, b in ((697, 1209), (770, 1336), (852, 1477), (941, 1336)) * 4]),
}


@pytest.mark.parametrize("rate", [RATE, 16_000, 8_000])
@pytest.mark.parametrize("name", MUSIC)
def test_music_is_no_speech(name: str, rate: int) -> None:
    played = MUSIC[name]()
    played = soxr.resample((0.2 * played / np.abs(played).max()).astype("f4"), RATE, rate)
    with pytest.raises(ValueError, match="no speech in the prompt"):
        check_prompt(played, rate)


@pytest.mark.parametrize("rate", [RATE, 8_000])
@pytest.mark.parametrize("name", ["alto", "tenor", "bass", "clara", "miles"])
def test_no_voice_is_as_steady_as_music(name: str, rate: int) -> None:
    assert steadiness(soxr.resample(voice(name), RATE, rate), rate) < 0.4
    over = MUSIC["piano chords"]()
    mixed = voice(name) + 0.1 * np.resize(over / np.abs(over).max(), len(voice(name)))
    check_prompt(soxr.resample(mixed.astype("f4"), RATE, rate), rate)


def test_clipping_is_found_also_after_resampling() -> None:
    clipped = np.clip(20 * voice(), -1, 1)
    for samples, rate in ((clipped, RATE), (soxr.resample(clipped, RATE, 16_000), 16_000)):
        assert "clipped" in " ".join(check_prompt(samples, rate))


# --- silence around it ---------------------------------------------------------------------------

def noise(dbfs: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: x + 10 ** (dbfs / 20) * DRAW.standard_normal(len(x))


def hum(level: float, *partials: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: x + level * sum(sine(hz, np.arange(len(x)) / RATE) for hz in partials)


DISTURBED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "clean": lambda x: x, "offset": lambda x: 0.9 * x + 0.02, "big offset": lambda x: x / 2 + 0.3,
    "negative offset": lambda x: x - 0.1, "drift": lambda x: x + np.linspace(-0.2, 0.2, len(x)),
    "noise -20": noise(-20), "noise -30": noise(-30), "noise -40": noise(-40),
    "noise -50": noise(-50), "50 Hz": hum(0.03, 50), "loud 60 Hz": hum(0.2, 60),
    "harmonics": hum(0.02, 100, 200), "all harmonics": hum(0.01, *range(50, 500, 50)),
    "noise and hum": lambda x: noise(-35)(hum(0.05, 50, 150)(x)),
}


@pytest.mark.parametrize("name", DISTURBED)
def test_silence_is_trimmed_in_spite_of_offset_hum_and_noise(name: str) -> None:
    silence = np.zeros(2 * RATE, np.float32)
    given = np.concatenate([silence, voice(), silence])
    clean = without_rumble(DISTURBED[name](given).astype("f4"))
    start, end = trim_silence(clean)
    assert start / RATE == pytest.approx(2.12, abs=0.06) and end / RATE == pytest.approx(5.76,
                                                                                        abs=0.15)


def test_offset_and_hum_are_removed() -> None:
    quiet = slice(0, 2 * RATE)
    given = np.concatenate([np.zeros(2 * RATE), voice()])
    for disturb in (lambda x: x + 0.3, hum(0.1, 50), hum(0.1, 60)):
        clean = without_rumble(disturb(given).astype("f4"))
        assert np.abs(clean[quiet][RATE // 2:]).max() < 0.01
        error = clean - given
        assert np.square(error).mean() < 0.05 * np.square(given).mean()


@pytest.mark.parametrize("name", ["alto", "tenor", "bass"])
def test_a_clean_recording_is_not_touched(name: str) -> None:
    samples = voice(name)
    assert without_rumble(samples) is samples


def test_a_noisy_recording_is_called_so() -> None:
    silence = np.zeros(RATE, np.float32)
    given = np.concatenate([silence, voice(), silence])
    assert "noisy" in " ".join(check_prompt(noise(-30)(given).astype("f4")))
    assert check_prompt(noise(-50)(given).astype("f4")) == []


# --- level and silence ---------------------------------------------------------------------------

def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    return (0.3 * sine(440, np.arange(round(seconds * rate)) / rate)).astype("f4")


@pytest.mark.parametrize("gain", [0.01, 0.3, 3.0])
def test_loudness_ignores_level_and_pauses(gain: float) -> None:
    pause = np.zeros(48_000, "f4")
    samples = normalize_loudness(np.concatenate([pause, gain * tone(2), pause]))
    assert samples.dtype == np.float32
    level = 10 * np.log10(np.mean(samples[48_000:96_000].astype(float) ** 2))
    assert level == pytest.approx(-23, abs=0.1)


def test_loudness_never_exceeds_the_peak() -> None:
    samples = 0.001 * voice()
    samples[10_000] = 1.0
    assert np.abs(normalize_loudness(samples)).max() == pytest.approx(0.99, abs=1e-4)


@pytest.mark.parametrize("samples", [np.zeros(0, "f4"), np.zeros(24_000, "f4")])
def test_silence_stays_silence(samples: np.ndarray) -> None:
    assert np.array_equal(normalize_loudness(samples), samples)
    assert trim_silence(samples, RATE) == (0, 0)
    assert np.array_equal(without_rumble(samples), samples)


@pytest.mark.parametrize(("rate", "level"), [(24_000, 0.0), (16_000, 0.0), (24_000, 0.005)])
def test_trim_keeps_the_speech_and_a_margin(rate: int, level: float) -> None:
    samples = np.concatenate([np.zeros(rate), tone(1, rate), np.zeros(2 * rate)])
    samples = samples + level * DRAW.standard_normal(len(samples))
    start, end = trim_silence(samples.astype("f4"), rate, keep=0.1)
    assert start / rate == pytest.approx(0.9, abs=0.021)
    assert end / rate == pytest.approx(2.1, abs=0.021)


# --- telephones ----------------------------------------------------------------------------------

@pytest.mark.parametrize("companded", [False, True], ids=["8 kHz", "mu-law"])
@pytest.mark.parametrize("name", ["alto", "tenor", "bass"])
def test_telephone_speech_is_named_and_widened(name: str, companded: bool) -> None:
    samples = telephone(voice(name), companded)
    assert "nothing above 4 kHz" in " ".join(check_prompt(samples))
    wide = widen(samples)
    assert wide.shape == samples.shape and wide.dtype == np.float32
    assert not is_narrow(wide, RATE, active_frames(wide, RATE))
    before, after = (soxr.resample(x, RATE, 7_000) for x in (samples, wide))
    assert np.square(after - before).mean() < 1e-4 * np.square(before).mean()  # below 3.5 kHz


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("name", ["alto", "tenor", "bass"])
def test_wider_recordings_are_not_called_narrow(name: str, rate: int) -> None:
    samples = soxr.resample(soxr.resample(voice(name), RATE, rate), rate, RATE).astype("f4")
    assert check_prompt(samples) == []
