"""Voice conversion: the words and the timing of a recording in another voice."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import TINY_PHONES, tiny_ar
from decoding import request
from saying import ROOT, files

from codec.audio import SAMPLE_RATE, load_audio
from codec.spec import CodecSpec
from g2p import BOUNDARIES
from valle.cli import run
from valle.synthesis.aligned import Aligned
from valle.synthesis.batch import generate
from valle.synthesis.candidate import Candidate
from valle.synthesis.convert import laid_out, timed_segments
from valle.synthesis.decode import Generated
from valle.synthesis.options import SamplingOptions
from valle.synthesis.rerank import Reranker
from valle.synthesis.result import Audio
from valle.synthesis.segment import MOST
from valle.tts import VALLE

CLARA, BASS = ROOT / "examples" / "clara.wav", ROOT / "examples" / "bass.wav"
TEXT, BASS_TEXT = (path.with_suffix(".txt").read_text().strip() for path in (CLARA, BASS))
SPEC = CodecSpec()


@pytest.mark.parametrize("group", [1, 2])
def test_phones_last_as_long_as_they_are_told_to(group: int) -> None:
    model = tiny_ar("interleaved", group=group, leaning=5.0)
    wanted = (0, 4, 1, 30, 2)
    asked = [request(model, seed) for seed in range(3)]
    timed = [type(one)(**{**vars(one), "durations": wanted}) for one in asked]
    for one in generate(model, [*asked[:1], *timed], SamplingOptions())[1:]:
        assert one.finish == "eos"
        if group == 1:
            assert one.durations == wanted
        ends = np.cumsum(one.durations)
        assert np.abs(ends - np.cumsum(wanted)).max() < group and ends[-1] == len(one.codes)


def source(words: list[tuple[int, int]]) -> Aligned:
    """Words of so many phones, three frames each, with so many frames of silence behind each."""
    rng = np.random.default_rng(0)
    phones, durations = [" "], [0]
    for count, pause in words:
        phones += [chr(97 + int(letter)) for letter in rng.integers(0, TINY_PHONES, count)] + [" "]
        durations += [3] * count + [pause]
    phones[-1] = "."
    samples = np.zeros(sum(durations) * SPEC.hop - 7, np.float32)
    return Aligned(samples, 1.0, "", tuple(phones), tuple(durations))


@pytest.mark.parametrize("words", [
    [(4, 0)], [(4, 2), (5, 0), (3, 9)], [(4, 60), (5, 0), (3, 200), (1, 0)],
    [(6, place % 3) for place in range(60)], [(1, 0)]])
def test_every_phone_keeps_its_place(words: list[tuple[int, int]]) -> None:
    given = source(words)
    said: list[tuple[str, int, int]] = []
    found = timed_segments(given, SPEC, seed=3)
    for first, segment in found:
        assert len(segment.phones) == len(segment.durations or ()) <= MOST
        assert segment.phones[0] == " " and segment.phones[-1] in BOUNDARIES[1:]
        ends = first + np.cumsum(segment.durations)
        said += [(phone, int(end) - frames, int(end)) for phone, frames, end
                 in zip(segment.phones, segment.durations or (), ends, strict=True)
                 if phone not in BOUNDARIES]
    assert said == [(phone, int(a), int(b)) for phone, a, b
                    in zip(given.phones, given.starts, given.ends, strict=True)
                    if phone not in BOUNDARIES]
    assert len({segment.seed for _, segment in found}) == len(found)


def test_long_pauses_part_segments_and_stay_silent() -> None:
    given = source([(4, 60), (4, 0)])
    found = timed_segments(given, SPEC, seed=0)
    spoken = [(first, Candidate(Generated(()), np.ones(sum(one.durations or ()) * SPEC.hop, "f4")))
              for first, one in found]
    whole = laid_out(spoken, len(given.samples), SPEC)
    pause = slice((12 + 15) * SPEC.hop, (72 - 15) * SPEC.hop)
    assert len(found) == 2 and len(whole) == len(given.samples)
    assert not whole[pause].any() and whole[: 12 * SPEC.hop][200:].all()


@pytest.fixture(scope="module")
def starter() -> VALLE:
    return VALLE.from_pretrained(device="cpu")


@pytest.fixture(scope="module")
def converted(starter: VALLE) -> Audio:
    return starter.convert(BASS, text=BASS_TEXT, prompt=CLARA, prompt_text=TEXT,
                           sampling=SamplingOptions(retries=0))


def test_it_is_as_long_as_the_recording_and_says_so_phone_by_phone(converted: Audio) -> None:
    samples = load_audio(BASS)
    assert converted.sample_rate == SAMPLE_RATE and len(converted.samples) == len(samples)
    assert converted.phones[-1][2] == pytest.approx(len(samples) / SAMPLE_RATE, abs=.02)
    assert converted.settings["text"] == BASS_TEXT
    assert converted.settings["prompt"] == str(CLARA)


def test_it_speaks_and_pauses_when_the_recording_does(converted: Audio) -> None:
    def envelope(wave: np.ndarray) -> np.ndarray:
        frames = wave[: len(wave) // 1200 * 1200].reshape(-1, 1200)
        return np.log(np.square(frames).mean(axis=1) + 1e-5)

    assert np.corrcoef(envelope(load_audio(BASS)), envelope(converted.samples))[0, 1] > .7


def test_the_voice_is_the_prompts(converted: Audio) -> None:
    reranker = Reranker.load()
    clara, bass, now = (reranker.voice(samples, SAMPLE_RATE) for samples in (
        load_audio(CLARA), load_audio(BASS), converted.samples))
    assert now @ clara > now @ bass + .2


def test_the_command_converts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "o.ogg"
    assert run("convert", [str(CLARA), f"--text={TEXT}", "--voice=bass", f"--out={out}",
                           "--retries=0"], "valle convert") == 0
    assert "o.ogg: 4.0 s" in capsys.readouterr().out
    assert files(tmp_path) == ["o.json", "o.ogg"]


@pytest.mark.parametrize(("change", "message"), [
    ({"--text": "Quite another sentence was never spoken by anybody in here."},
     "does not fit what the recording says"),
    ({"--text": " "}, "--text holds no words"),
    ({"--voice": "nobody"}, "no voice is called 'nobody'"),
    ({"--prompt-text": "What bass says."}, "leave out --prompt-text"),
    ({"--out": str(CLARA)}, "would replace"),
    ({"recording": "nowhere.wav"}, "no audio file at nowhere.wav"),
])
def test_mistakes_are_one_line(change: dict[str, str], message: str, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    options = {"--text": TEXT, "--voice": "bass", "--out": str(tmp_path / "o.wav")} | change
    recording = options.pop("recording", str(CLARA))
    assert run("convert", [recording, *(f"{k}={v}" for k, v in options.items())],
               "valle convert") == 1
    said = capsys.readouterr()
    assert message in said.err and said.err.count("\n") == 1 and said.out == ""
    assert files(tmp_path) == []
