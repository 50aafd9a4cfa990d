"""How good a recording is as a prompt: each fault is named, and no good one has any."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.damage import NO_SPEECH, SPOILED, noise
from codec.audio import SAMPLE_RATE, load_audio
from valle.synthesis.quality import examine

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMED = {"hum": "hum", "noise": "noise", "reverb": "reverberation", "clipping": "clipping",
         "narrow": "bandwidth", "offset": "offset", "quiet": "quiet"}


def voice(name: str) -> np.ndarray:
    return load_audio(EXAMPLES / f"{name}.wav")


def names(samples: np.ndarray) -> list[str]:
    return [fault.name for fault in examine(samples).faults]


@pytest.mark.parametrize("name", ["alto", "bass", "clara", "miles", "tenor"])
def test_the_voices_that_come_with_valle_are_good(name: str) -> None:
    found = examine(voice(name))
    assert found.faults == ()
    assert 2 < found.speech < found.seconds and found.snr > 20 and found.bandwidth > 7_000


@pytest.mark.parametrize("damage", SPOILED)
def test_what_is_wrong_is_named_with_what_to_do(damage: str) -> None:
    found = examine(SPOILED[damage](voice("clara"), np.random.default_rng(0)))
    assert NAMED[damage] in [fault.name for fault in found.faults]
    told = "\n".join(found.lines())
    assert all(f"MEND        {fault.words}: {fault.remedy}" in told for fault in found.faults)


def test_two_people_are_told_from_one() -> None:
    one, other = voice("clara"), voice("bass")
    assert "two speakers" in names(np.concatenate([one, other]))
    assert "two speakers" not in names(np.concatenate([one, one]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sound", NO_SPEECH)
def test_what_is_no_speech_is_refused(sound: str, seed: int) -> None:
    with pytest.raises(ValueError, match=r"(no speech in the prompt|is silent).*: use a recording"):
        examine(NO_SPEECH[sound](np.random.default_rng(seed)))


@pytest.mark.parametrize("name", ["alto", "miles"])
def test_speech_among_other_sounds_is_speech(name: str) -> None:
    rng, samples = np.random.default_rng(0), voice(name)
    for make in (NO_SPEECH["drums"], NO_SPEECH["birdsong"]):
        examine(samples + 0.2 * np.resize(make(rng), len(samples)))
    examine(noise(samples, rng))
    examine((samples * 1e-3).astype("f4"))


def test_too_little_to_tell_is_said() -> None:
    assert "short" in names(voice("tenor")[: round(1.6 * SAMPLE_RATE)])
