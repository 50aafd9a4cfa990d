"""Recordings spoiled on purpose, and sounds that are no speech: what `valle doctor` is tried on.

All of it is synthetic and follows from its seed alone; samples [N] are at 24 kHz.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr

from codec.audio import SAMPLE_RATE, Samples
from valle.features.augment import add_noise, coloured_noise

Draw = np.random.Generator
SECONDS = 5.0


# --- spoiled speech ------------------------------------------------------------------------------

def hum(samples: Samples, rng: Draw) -> Samples:
    """Mains hum of 50 or 60 Hz with its harmonics, 10 to 20 dB below the speech."""
    time, mains = np.arange(len(samples)) / SAMPLE_RATE, rng.choice([50, 60])
    wave = sum(rng.uniform(0.3, 1) / k * np.sin(2 * np.pi * mains * k * time + rng.uniform(0, 6))
               for k in range(1, 9))
    return add_noise(samples, wave, rng.uniform(10, 20))


def noise(samples: Samples, rng: Draw) -> Samples:
    """White to brown noise, 3 to 10 dB below the speech."""
    return add_noise(samples, coloured_noise(len(samples), rng.uniform(0, 1.5), rng),
                     rng.uniform(3, 10))


def reverb(samples: Samples, rng: Draw) -> Samples:
    """A large room: RT60 of 0.8 to 1.5 s, as much reverberant as direct sound (Polack's model)."""
    return room(samples, rng.uniform(0.8, 1.5), rng)


def room(samples: Samples, rt60: float, rng: Draw) -> Samples:
    """Samples [N] in a room of this RT60 in seconds; the tail is as loud as the direct sound."""
    time = np.arange(round(rt60 * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / rt60) * (time > 0.002)
    tail /= np.linalg.norm(tail)
    tail[0] = 1.0
    size = 1 << (len(samples) + len(tail) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return as_loud(wet, samples)


def clipping(samples: Samples, rng: Draw) -> Samples:
    """A level 6 to 14 dB too high, cut off at full scale."""
    loud = samples * 10 ** (rng.uniform(6, 14) / 20) / np.quantile(np.abs(samples), 0.999)
    return np.clip(loud, -1, 1).astype(np.float32)


def narrow(samples: Samples, rng: Draw) -> Samples:
    """8 kHz, as a telephone has it."""
    return soxr.resample(soxr.resample(samples, SAMPLE_RATE, 8_000), 8_000, SAMPLE_RATE)


def offset(samples: Samples, rng: Draw) -> Samples:
    """DC of .05 to .15 of full scale."""
    shifted = 0.7 * samples + rng.choice([-1, 1]) * rng.uniform(0.05, 0.15)
    return shifted.astype(np.float32)


def quiet(samples: Samples, rng: Draw) -> Samples:
    """40 dB too low, in 16 bits."""
    return (np.rint(samples * 0.01 * 32767) / 32767).astype(np.float32)


def as_loud(changed: np.ndarray, samples: Samples) -> Samples:
    gain = np.linalg.norm(samples) / max(1e-9, float(np.linalg.norm(changed)))
    return (changed * gain).astype(np.float32)


SPOILED: dict[str, Callable[[Samples, Draw], Samples]] = {
    "hum": hum, "noise": noise, "reverb": reverb, "clipping": clipping, "narrow": narrow,
    "offset": offset, "quiet": quiet}


# --- no speech -----------------------------------------------------------------------------------

def silence(rng: Draw) -> Samples:
    """The faint noise of a microphone that nobody speaks into."""
    return (10 ** (rng.uniform(-5.2, -4.8)) * rng.standard_normal(size_of())).astype(np.float32)


def music(rng: Draw) -> Samples:
    """Chords and a melody of decaying partials."""
    wave = np.zeros(size_of())
    for start in np.arange(0, SECONDS, rng.choice([0.25, 0.4, 0.6])):
        keys = rng.choice([48, 50, 52, 55, 57, 60, 62, 64, 67, 69, 72], rng.integers(1, 4), False)
        add(wave, start, sum(note(440 * 2 ** ((key - 69) / 12), rng) for key in keys))
    return level(wave)


def note(pitch: float, rng: Draw) -> np.ndarray:
    time, decay = np.arange(SAMPLE_RATE) / SAMPLE_RATE, rng.uniform(0.3, 0.8)
    return sum(np.sin(2 * np.pi * pitch * k * np.sqrt(1 + 3e-4 * k * k) * time) / k
               * np.exp(-time * k / decay) for k in range(1, 9))


def drums(rng: Draw) -> Samples:
    """A bass drum, a snare drum and a hi-hat in a pattern of eighths."""
    wave, beat = np.zeros(size_of()), rng.uniform(0.18, 0.3)
    for number, start in enumerate(np.arange(0, SECONDS, beat)):
        place = number % 8
        if place in (0, 4) or rng.random() < 0.1:
            add(wave, start, 0.9 * kick(rng))
        if place in (2, 6) or rng.random() < 0.1:
            add(wave, start, rng.uniform(0.5, 0.9) * snare(rng))
        if rng.random() < 0.9:
            add(wave, start, rng.uniform(0.1, 0.4) * hat(rng))
    return level(wave)


def kick(rng: Draw) -> np.ndarray:
    time = np.arange(round(0.35 * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = rng.uniform(45, 65) + rng.uniform(60, 140) * np.exp(-time / 0.03)
    click = 0.3 * rng.standard_normal(len(time)) * np.exp(-time / 0.004)
    return (np.sin(2 * np.pi * pitch.cumsum() / SAMPLE_RATE) + click) * np.exp(-time / 0.1)


def snare(rng: Draw) -> np.ndarray:
    time = np.arange(round(0.25 * SAMPLE_RATE)) / SAMPLE_RATE
    skin = sum(np.sin(2 * np.pi * hz * time) for hz in (rng.uniform(170, 210), 331)) / 2
    wires = coloured_noise(len(time), -0.5, rng)
    return skin * np.exp(-time / 0.05) + 0.6 * wires / wires.std() * np.exp(-time / 0.07)


def hat(rng: Draw) -> np.ndarray:
    time = np.arange(round(0.2 * SAMPLE_RATE)) / SAMPLE_RATE
    metal = coloured_noise(len(time), -2, rng)
    return metal / metal.std() * np.exp(-time / rng.choice([0.02, 0.06]))


def barking(rng: Draw) -> Samples:
    """A dog, small or large: rough harmonics that rise and fall within a fifth of a second."""
    wave, start = np.zeros(size_of()), rng.uniform(0, 0.3)
    pitch, throat = rng.uniform(220, 800), rng.uniform(700, 1600)
    while start < SECONDS - 0.4:
        add(wave, start, rng.uniform(0.6, 1) * bark(pitch * rng.uniform(0.9, 1.1), throat, rng))
        start += rng.uniform(0.25, 0.5) if rng.random() < 0.8 else rng.uniform(0.7, 1.1)
    return level(wave)


def bark(pitch: float, throat: float, rng: Draw) -> np.ndarray:
    time = np.arange(round(rng.uniform(0.13, 0.25) * SAMPLE_RATE)) / SAMPLE_RATE
    along = time / time[-1]
    contour = pitch * (0.75 + 0.5 * np.sin(np.pi * along) ** 0.7)
    contour *= 1 + 0.03 * np.convolve(rng.standard_normal(len(time)), np.ones(60) / 8, "same")
    phase = 2 * np.pi * contour.cumsum() / SAMPLE_RATE
    mouth = throat * (1 + 0.4 * np.sin(np.pi * along))
    voice = np.zeros(len(time))
    for k in range(1, 25):
        audible = k * contour < 10_000
        resonance = np.exp(-((k * contour - mouth) / 500) ** 2) + 0.3 * np.exp(
            -((k * contour - 2.6 * mouth) / 700) ** 2) + 0.03
        voice += audible * resonance * np.sin(k * phase)
    breath = coloured_noise(len(time), 0.5, rng)
    voice = voice / voice.std() + rng.uniform(0.2, 0.6) * breath / breath.std()
    return voice * np.minimum(1, 30 * along) * (1 - along) ** 0.7


def birdsong(rng: Draw) -> Samples:
    """Whistles that glide between 2 and 7 kHz, single, in pairs and as trills."""
    wave, start = np.zeros(size_of()), 0.1
    while start < SECONDS - 0.5:
        low, high = np.sort(rng.uniform(2000, 7000, 2))
        length, times = rng.uniform(0.04, 0.25), rng.choice([1, 2, 6])
        for _ in range(times):
            add(wave, start, rng.uniform(0.4, 1) * whistle(low, high, length, rng))
            start += length * rng.uniform(1.05, 1.4)
        start += rng.uniform(0.05, 0.5)
    return level(wave)


def whistle(low: float, high: float, seconds: float, rng: Draw) -> np.ndarray:
    along = np.linspace(0, 1, round(seconds * SAMPLE_RATE))
    shape = along if rng.random() < 0.5 else np.sin(np.pi * along)
    phase = 2 * np.pi * (low + (high - low) * shape).cumsum() / SAMPLE_RATE
    return np.sin(np.pi * along) * (np.sin(phase) + 0.1 * np.sin(2 * phase))


NO_SPEECH: dict[str, Callable[[Draw], Samples]] = {
    "silence": silence, "music": music, "drums": drums, "barking": barking, "birdsong": birdsong}


def size_of() -> int:
    return round(SECONDS * SAMPLE_RATE)


def add(wave: np.ndarray, start: float, sound: np.ndarray) -> None:
    """Add a sound to a wave [N] in place, `start` seconds from its beginning."""
    place = round(start * SAMPLE_RATE)
    size = max(0, min(len(sound), len(wave) - place))
    wave[place: place + size] += sound[:size]


def level(wave: np.ndarray) -> Samples:
    """A wave [N] with its peak at .5, over the faint noise of a room."""
    faint = 1e-4 * np.random.default_rng(0).standard_normal(len(wave))
    return (0.5 * wave / np.abs(wave).max() + faint).astype(np.float32)
