"""A corpus of the three example voices, cut into clips, for the tests of speaker encoders."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from codec.audio import load_audio
from valle.features.augment import change_speed

RATE = 16_000
VOICES = ("alto", "tenor", "bass")
EXAMPLES = Path(__file__).parents[1] / "examples"


def write_voices(root: Path) -> None:
    """SPEAKER/NUMBER.wav: the three voices, and held-NAME: two of them spoken faster."""
    for name in VOICES:
        samples = load_audio(EXAMPLES / f"{name}.wav", RATE)
        write_clips(root / name, samples)
        if name != "bass":
            write_clips(root / f"held-{name}", change_speed(samples, 1.3))


def write_clips(folder: Path, samples: np.ndarray) -> None:
    """Four clips of 1.3 s, spread over the recording; they overlap where it is short."""
    folder.mkdir(parents=True)
    size = round(1.3 * RATE)
    for number, start in enumerate(np.linspace(0, len(samples) - size, 4).astype(int)):
        soundfile.write(folder / f"{number}.wav", samples[start: start + size], RATE)
