"""Prompts as Python gives them: files in memory, samples of any kind, a rate that is wrong."""
from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
import torch
from conftest import PROMPT_TEXT, RATE, telephone

from codec.audio import load_audio
from g2p import phonemize
from valle import VALLE
from valle.model.aligner import Aligner
from valle.synthesis.recording import as_samples, condition, likelier_rate
from valle.synthesis.rerank import UNCLEAR
from valle.synthesis.voice import DOUBTFUL_ALIGNMENT

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    return load_audio(EXAMPLES / "alto.wav")


def memory(wave: np.ndarray) -> io.BytesIO:
    file = io.BytesIO()
    soundfile.write(file, wave, RATE, format="WAV", subtype="FLOAT")
    return file


SAME: dict[str, Callable[[np.ndarray], Any]] = {
    "samples": lambda x: x, "with its rate": lambda x: (x, RATE),
    "a NumPy rate": lambda x: (x, np.int64(RATE)), "a whole float": lambda x: (x, 24_000.0),
    "[1, N]": lambda x: x[None], "[N, 1]": lambda x: x[:, None],
    "[1, 1, N]": lambda x: x[None, None],
    "[N, 2]": lambda x: np.stack([x, x], 1), "[2, N]": lambda x: np.stack([x, x]),
    "[2, N] with a rate": lambda x: (np.stack([x, x]), RATE),
    "opposite channels": lambda x: np.stack([x, -x], 1),
    "float64": lambda x: x.astype(float), "torch": torch.from_numpy,
    "torch [1, N]": lambda x: torch.from_numpy(x)[None], "a list": lambda x: x.tolist(),
    "a file in memory": memory,
    "torch with gradients": lambda x: torch.tensor(x, requires_grad=True),
}


@pytest.mark.parametrize("name", SAME)
def test_whatever_holds_the_same_sound_is_the_same(name: str, wave: np.ndarray) -> None:
    np.testing.assert_allclose(as_samples(SAME[name](wave), 30), wave, atol=1e-7)


@pytest.mark.parametrize("kind, error", [("int16", 1e-4), ("int32", 1e-7), ("uint8", 0.02)])
def test_whole_numbers_are_scaled(kind: str, error: float, wave: np.ndarray) -> None:
    span = 2.0 ** (8 * np.dtype(kind).itemsize - 1)
    given = (wave.astype(float) * (span - 1) + (span if kind[0] == "u" else 0)).astype(kind)
    np.testing.assert_allclose(as_samples(given, 30), wave, atol=error)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_other_rates_are_resampled(rate: int, wave: np.ndarray) -> None:
    samples = as_samples((soxr.resample(wave, RATE, rate), rate), 30)
    assert abs(len(samples) - len(wave)) < 10 and samples.dtype == np.float32


WRONG: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "nothing": (lambda x: None, "a prompt is the path of a sound file.*not NoneType"),
    "a number": (lambda x: 3, "not int"), "a dict": (lambda x: {}, "not dict"),
    "bytes": (lambda x: b"RIFF", "not bytes"), "texts": (lambda x: ["a", "b"], "not list"),
    "flags": (lambda x: x > 0, "not ndarray of bool"),
    "complex": (lambda x: x * 1j, "not ndarray of complex"),
    "a cube": (lambda x: np.zeros((20, 30, 40)), r"shape \[20, 30, 40\]: give \[N\]"),
    "a picture": (lambda x: np.zeros((640, 480)), r"shape \[640, 480\]"),
    "the rate first": (lambda x: (RATE, x), "in this order"),
    "no rate": (lambda x: (x, None), "the rate is NoneType"),
    "a rate as text": (lambda x: (x, "24000"), "the rate is str"),
    "true": (lambda x: (x, True), "the rate is bool"),
    "rate 0": (lambda x: (x, 0), "must be 4000 to 768000"),
    "rate in kHz": (lambda x: (x, 24), "must be 4000 to 768000"),
    "half a rate": (lambda x: (x, 24_000.5), "24000.5 Hz"),
    "rate NaN": (lambda x: (x, float("nan")), "nan Hz"),
    "rate inf": (lambda x: (x, float("inf")), "inf Hz"),
    "16 bits as floats": (lambda x: x * 32768, r"floats lie in \[-1, 1\]"),
    "NaN": (lambda x: np.full(72_000, np.nan), "NaN or infinity"),
    "an hour": (lambda x: (np.zeros(3600 * 8000, np.int8), 8000), "lasts 3600.0 s"),
    "an empty file": (lambda x: io.BytesIO(), "empty file"),
    "text in memory": (lambda x: io.BytesIO(b"no sound at all" * 9), "cannot be read as audio"),
    "a file opened as text": (lambda x: io.StringIO("RIFF"), "open it with mode 'rb'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_recording_says_what_is_wanted(name: str, wave: np.ndarray) -> None:
    make, advice = WRONG[name]
    with pytest.raises(ValueError, match=advice) as refused:
        as_samples(make(wave), 30)
    assert "\n" not in str(refused.value)


# --- a wrong rate --------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("name", ["alto", "tenor", "bass"])
def test_a_wrong_rate_is_noticed_and_a_right_one_is_not(name: str) -> None:
    aligner = Aligner.load(ROOT / "weights" / "starter")
    phones = phonemize((EXAMPLES / f"{name}.txt").read_text())
    wave = load_audio(EXAMPLES / f"{name}.wav")

    def fit(samples: np.ndarray) -> float:
        try:
            heard = condition(samples)[0]
            return aligner.score(heard, phones, aligner.durations(heard, phones))
        except ValueError:
            return -np.inf

    assert likelier_rate(wave, fit) is None
    for rate in (8_000, 16_000, 44_100, 48_000):
        found = likelier_rate(soxr.resample(wave, RATE, rate), fit)
        assert found == pytest.approx(rate, rel=0.1), "44.1 and 48 kHz are near"


@pytest.fixture(scope="module")
def tts() -> VALLE:
    return VALLE.from_pretrained("starter", "cpu")


def test_samples_of_another_rate_are_refused_where_none_was_stated(tts: VALLE, wave: np.ndarray,
                                                                   ) -> None:
    text = (EXAMPLES / "alto.txt").read_text()
    other = soxr.resample(wave, RATE, 16_000)
    with pytest.raises(ValueError, match=r"sound like about 16000 Hz: give \(samples, rate\)"):
        tts.encode_prompt(other, text)
    assert any("24000 Hz were not its rate" in w
               for w in tts.encode_prompt((other, 24_000), text).warnings)
    assert tts.encode_prompt((other, 16_000), text).warnings == ()


# --- telephones ----------------------------------------------------------------------------------

TELEPHONES = [(name, companded) for name in ("alto", "clara", "miles")
              for companded in (False, True)]


@pytest.mark.parametrize("name, companded", TELEPHONES)
def test_a_telephones_phones_are_found_where_they_are(name: str, companded: bool) -> None:
    aligner = Aligner.load(ROOT / "weights" / "starter")
    phones = phonemize((EXAMPLES / f"{name}.txt").read_text())
    wide = load_audio(EXAMPLES / f"{name}.wav")
    heard, (narrow, found, _) = condition(wide).speech, condition(telephone(wide, companded))
    assert len(found) == 1 and "nothing above 4 kHz" in found[0]
    assert abs(len(narrow) - len(heard)) < 0.1 * RATE
    ends, same = (np.cumsum(aligner.durations(x, phones)) / aligner.spec.frame_rate
                  for x in (narrow, heard))
    assert np.median(np.abs(ends - same)) < 0.04
    assert aligner.score(narrow, phones, aligner.durations(narrow, phones)) > DOUBTFUL_ALIGNMENT


@pytest.mark.slow
@pytest.mark.parametrize("name, companded", TELEPHONES[:4])
def test_a_telephones_prompt_keeps_pace_and_words(tts: VALLE, name: str, companded: bool) -> None:
    text, said = "We will meet again on the last evening of the summer.", EXAMPLES / f"{name}.txt"
    wide = load_audio(EXAMPLES / f"{name}.wav")
    narrow = tts.encode_prompt((telephone(wide, companded), RATE), said.read_text())
    assert len(narrow.warnings) == 1 and "nothing above 4 kHz" in narrow.warnings[0]
    usual = tts.speak(text, prompt=(wide, RATE), prompt_text=said.read_text())
    audio = tts.speak(text, prompt=narrow)
    assert audio.seconds == pytest.approx(usual.seconds, rel=0.25), "it took half as long again"
    assert tts.pipeline.reranker.words(audio.samples, RATE, phonemize(text)) >= UNCLEAR


# --- warnings ------------------------------------------------------------------------------------

def test_warnings_are_fields_every_time(model_folder: Path, prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    samples = np.clip(load_audio(EXAMPLES / "clara.wav") * 50, -1, 1)
    for _ in range(2):
        with pytest.warns(UserWarning, match="clipped"):
            voice = tts.encode_prompt((samples, RATE), PROMPT_TEXT)
        assert any("clipped" in warning for warning in voice.warnings)
        audio = tts.speak("A small boat.", prompt=voice)
        assert set(voice.warnings) <= set(audio.warnings)
    assert voice.text == PROMPT_TEXT and voice.source == "" and len(voice.sha256) == 64
    assert tts.encode_prompt(prompt, PROMPT_TEXT).source == str(prompt)


TYPES: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({"text": None}, "a text is a str, not a NoneType"),
    "bytes": ({"text": b"A boat."}, "a text is a str, not a bytes"),
    "numbers": ({"text": [1, 2]}, "a text is a str, not a int"),
    "a seed as text": ({"seed": "7"}, "seed '7': must be a whole number"),
    "half a seed": ({"seed": 1.5}, "seed 1.5"), "no seed": ({"seed": None}, "seed None"),
    "sampling as a dict": ({"sampling": {"top_k": 3}}, "sampling is a dict: give SamplingOptions"),
    "no prompt": ({"prompt": None}, "not NoneType"),
    "a transcript of bytes": ({"prompt_text": b"A boat."}, "prompt_text holds no words"),
    "an empty transcript": ({"prompt_text": ""}, "prompt_text holds no words"),
    "a blank transcript": ({"prompt_text": " "}, "prompt_text holds no words"),
    "a language as a number": ({"language": 3}, "does not speak 3; it speaks en-us"),
}


@pytest.mark.parametrize("name", TYPES)
def test_wrong_types_are_one_line_about_arguments(name: str, model_folder: Path, prompt: Path,
                                                  ) -> None:
    change, advice = TYPES[name]
    tts = VALLE.from_pretrained(model_folder, "cpu")
    given: dict[str, Any] = {"text": "A boat.", "prompt": prompt, "prompt_text": PROMPT_TEXT}
    given |= change
    with pytest.raises(ValueError, match=advice) as refused:
        tts.speak(given.pop("text"), **given)
    assert "\n" not in str(refused.value) and "--" not in str(refused.value)
