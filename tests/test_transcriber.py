"""Prompts without their words: heard by Whisper, else by PocketSphinx, or refused in one line."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from conftest import PROMPT_TEXT, RATE, needs
from saying import ROOT, arguments, files, one_line, process, samples_of, say
from serving import TEXT, Server, data_url, serving

from codec import load_audio
from valle.cli import run
from valle.features.text import words
from valle.recognizer.transcriber import Transcriber, Untranscribed, spoken
from valle.recognizer.whisper import FOLDER, weights_folder
from valle.synthesis.voice_file import Voice
from valle.tts import VALLE

CLARA = ROOT / "examples" / "clara.wav"
SAID = words(CLARA.with_suffix(".txt").read_text().replace("harbour", "harbor"))
NOBODY = "no-such-model"
whisper = pytest.mark.skipif(weights_folder("base") is None, reason="needs Whisper base: fetch it "
                             "with `valle evaluate listeners`")


@pytest.fixture
def no_whisper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nobody has fetched a model."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "listeners"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.slow
@whisper
def test_whisper_hears_the_prompt_and_says_so(model_folder: Path, tmp_path: Path,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, CLARA, tmp_path / "a.wav", prompt_text=None) == 0
    printed = capsys.readouterr().err
    assert f"Whisper base hears in {CLARA}: The harbor was quiet" in printed
    assert "wrote the prompt's words down" not in printed and "unsure" not in printed
    record = json.loads((tmp_path / "a.json").read_text())
    assert words(record["prompt_text"]) == SAID and record["prompt_text_by"] == "Whisper base"
    replayed = run("say", [f"--replay={tmp_path}/a.json", f"--out={tmp_path}/b.wav"], "infer.py")
    assert replayed == 0 and "hears in" not in capsys.readouterr().err
    assert np.array_equal(samples_of(tmp_path / "a.wav"), samples_of(tmp_path / "b.wav"))
    assert say(model_folder, CLARA, tmp_path / "c.wav", prompt_text=record["prompt_text"]) == 0
    assert np.array_equal(samples_of(tmp_path / "a.wav"), samples_of(tmp_path / "c.wav"))


@needs("pocketsphinx")
def test_pocketsphinx_stands_in_and_warns(no_whisper: None, model_folder: Path, tmp_path: Path,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, CLARA, tmp_path / "a.wav", prompt_text=None) == 0
    printed = capsys.readouterr().err
    assert "pocketsphinx hears in" in printed and "of the words wrong" in printed
    assert "valle[transcribe]" in printed and "valle evaluate listeners" in printed
    record = json.loads((tmp_path / "a.json").read_text())
    assert len({*words(record["prompt_text"])} & {*SAID}) > len({*SAID}) / 2
    assert record["prompt_text_by"] == "pocketsphinx"
    assert any("PocketSphinx wrote" in warning for warning in record["warnings"])


def test_a_given_text_wins(no_whisper: None, model_folder: Path, tmp_path: Path,
                           capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, CLARA, tmp_path / "a.wav", f"--transcriber={NOBODY}",
               prompt_text="The harbour was quiet, and the boats had come home.") == 0
    assert "hears" not in capsys.readouterr().err
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["prompt_text_by"] == "" and "the boats had" in record["prompt_text"]


@pytest.mark.parametrize("name", [NOBODY, "./none", "small"])
def test_who_cannot_be_had_is_one_line_with_both_remedies(
        name: str, no_whisper: None, model_folder: Path, tmp_path: Path,
        capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, CLARA, tmp_path / "out" / "a.wav", f"--transcriber={name}",
               prompt_text=None) == 1
    printed = capsys.readouterr().err
    assert one_line(printed) and "--prompt-text" in printed and name in printed
    assert "valle[transcribe]" in printed and "--recognizer" not in printed
    assert "out" not in files(tmp_path)
    tts = VALLE.from_pretrained(model_folder, "cpu")
    tts.transcriber = Transcriber(name)
    with pytest.raises(Untranscribed, match=r"give them \(prompt_text\)"):
        tts.speak("A boat.", prompt=CLARA)


def test_without_any_recogniser_the_line_names_both_remedies(model_folder: Path, tmp_path: Path,
                                                              ) -> None:
    absent = "import sys; sys.modules |= dict.fromkeys(['faster_whisper', 'pocketsphinx']); "
    code = f"{absent}from valle.cli import run; sys.exit(run('say', sys.argv[1:], 'infer.py'))"
    done = process("-c", code, *arguments(model_folder, CLARA, tmp_path / "a.wav",
                                          {"prompt-text": None}))
    assert done.returncode == 1 and one_line(done.stderr) and files(tmp_path) == []
    assert "faster-whisper is not installed: give them (--prompt-text), or" in done.stderr
    assert "pip install 'valle[transcribe]'" in done.stderr


@needs("pocketsphinx")
def test_another_language_needs_who_knows_it(no_whisper: None) -> None:
    with pytest.raises(Untranscribed, match="pocketsphinx hears English only, not de"):
        Transcriber().check("de")
    for wrong in ("klingon", "", 3):
        with pytest.raises(ValueError, match="language") as refused:
            Transcriber().check(wrong)  # type: ignore[arg-type]
        assert not isinstance(refused.value, Untranscribed)


@pytest.mark.parametrize(("language", "code"), [("zh", "zh"), ("cmn", "zh"), ("nb", "no"),
                                                ("en-gb", "en"), ("pt-br", "pt"), ("ja", "ja")])
def test_whisper_is_asked_in_its_own_codes(language: str, code: str) -> None:
    assert spoken(language) == code


@whisper
def test_whisper_says_when_it_is_unsure_or_hears_nothing() -> None:
    transcriber, samples = Transcriber(), load_audio(CLARA)
    assert transcriber(samples, RATE).warnings == ()
    assert "unsure what the prompt says" in transcriber(samples[::-1].copy(), RATE).warnings[0]
    with pytest.raises(Untranscribed, match="Whisper base hears no speech in the prompt"):
        transcriber(np.zeros(3 * RATE, np.float32), RATE)
    with pytest.raises(Untranscribed, match="knows no language eo"):
        transcriber(samples, RATE, "eo")


@whisper
def test_a_kept_voice_knows_who_heard_it(model_folder: Path, tmp_path: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    voice = Voice.of("clara2", tts.encode_prompt(CLARA), tts.model.codec.identity, "en-us", "Yes.")
    voice.save(tmp_path / "v.safetensors")
    again = Voice.load(tmp_path / "v.safetensors").prompt
    assert words(again.text) == SAID and again.heard_by == "Whisper base"


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(model_folder, tmp_path_factory.mktemp("voices")) as server:
        yield server


def kept(server: Server, name: str, sound: bytes, language: str = "en-us") -> dict[str, Any]:
    given = {"name": name, "consent": "Yes.", "language": language}
    with server.client() as client:
        answer = client.post("/v1/audio/voices", data=given, files={
            "audio_sample": ("a.wav", sound, "audio/wav")})
    return {"status": answer.status_code, **answer.json()}


@pytest.mark.slow
@whisper
def test_the_server_hears_what_it_was_not_told(server: Server) -> None:
    body = {"input": TEXT, "response_format": "pcm", "ref_audio": data_url(CLARA)}
    heard = server.post(body)
    text = unquote(heard.headers["X-Valle-Ref-Text"])
    assert heard.status_code == 200 and words(text) == SAID
    told = server.post({**body, "ref_text": text})
    assert told.content == heard.content and "X-Valle-Ref-Text" not in told.headers
    assert kept(server, "clara3", CLARA.read_bytes(), "klingon")["error"]["param"] == "language"
    made = kept(server, "clara2", CLARA.read_bytes())
    assert (made["status"], made["text"], made["text_by"]) == (201, text, "Whisper base")
    assert Voice.load(server.voices / "clara2.safetensors").prompt.text == text
    again = server.post({"input": TEXT, "response_format": "pcm", "voice": "clara2"})
    assert again.content == heard.content and "X-Valle-Ref-Text" not in again.headers


def test_a_server_that_hears_nobody_says_so(model_folder: Path, tmp_path: Path, prompt: Path,
                                            ) -> None:
    with serving(model_folder, tmp_path / "voices", f"--transcriber={NOBODY}") as server:
        body = {"input": TEXT, "response_format": "pcm", "ref_audio": data_url(prompt)}
        for answer in (server.post(body).json(), server.post({**body, "ref_text": " "}).json(),
                       kept(server, "fox", prompt.read_bytes())):
            assert answer["error"]["param"] == "ref_text"
            assert "give them (ref_text)" in answer["error"]["message"]
            assert "\n" not in answer["error"]["message"]
        assert server.post({**body, "ref_text": PROMPT_TEXT}).status_code == 200
        assert files(server.voices) == []
