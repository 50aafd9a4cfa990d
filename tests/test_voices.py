"""`valle voices` and `valle say --voice`: kept, spoken with, handed on, refused in one line."""
from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import PROMPT_TEXT, RATE
from saying import files, one_line, process, samples_of, say

from valle import VALLE, Voice
from valle.cli import run
from valle.synthesis.voice import joined
from valle.voices import Shelf

CONSENT = "I am the speaker and agree."


def voices(folder: Path, *arguments: str) -> int:
    return run("voices", [arguments[0], f"--voices={folder}", *arguments[1:]], "valle voices")


def add(folder: Path, model: Path, *recordings: Path, name: str = "fox", text: str = PROMPT_TEXT,
        ) -> int:
    return voices(folder, "add", name, *map(str, recordings), f"--consent={CONSENT}",
                  *[f"--text={text}" for _ in recordings], f"--model={model}")


@pytest.fixture
def shelf(model_folder: Path, prompt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
          ) -> Path:
    assert add(tmp_path / "voices", model_folder, prompt) == 0
    assert capsys.readouterr().out.startswith("kept as fox: valle say --voice fox")
    return tmp_path / "voices"


def test_a_kept_voice_speaks_as_its_recording_does(shelf: Path, model_folder: Path, prompt: Path,
                                                   tmp_path: Path) -> None:
    assert say(model_folder, prompt, tmp_path / "a.wav", "--retries=0") == 0
    by_name = {"prompt_audio": None, "prompt_text": None}
    for out, name in (("b", "fox"), ("c", str(shelf / "fox.safetensors"))):
        assert say(model_folder, prompt, tmp_path / f"{out}.wav", f"--voice={name}",
                   f"--voices={shelf}", "--retries=0", **by_name) == 0
        assert np.array_equal(samples_of(tmp_path / "a.wav"), samples_of(tmp_path / f"{out}.wav"))
    record = json.loads((tmp_path / "b.json").read_text())
    assert record["prompt"] == str(shelf / "fox.safetensors")
    assert record["prompt_text"] == PROMPT_TEXT
    again = [f"--replay={tmp_path / 'b.json'}", f"--out={tmp_path / 'again.wav'}"]
    assert run("say", again, "infer.py") == 0
    assert np.array_equal(samples_of(tmp_path / "a.wav"), samples_of(tmp_path / "again.wav"))


def test_it_is_a_voice_in_python(shelf: Path, model_folder: Path, prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    voice = Voice.load(shelf / "fox.safetensors")
    assert voice.consent == CONSENT and voice.prompt.text == PROMPT_TEXT
    spoken = tts.speak("Come in!", prompt=voice)
    assert np.array_equal(spoken.samples,
                          tts.speak("Come in!", prompt=prompt, prompt_text=PROMPT_TEXT).samples)


def test_they_are_listed_shown_and_deleted(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shelf / "broken.safetensors").write_bytes(b"nothing")
    assert voices(shelf, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "broken", "fox", "alto", "bass", "clara", "miles", "tenor"]
    assert "is no voice, or is damaged" in lines[0] and lines[1].endswith(PROMPT_TEXT)
    assert voices(shelf, "show", "fox") == 0
    shown = capsys.readouterr().out
    assert CONSENT in shown and PROMPT_TEXT in shown and str(shelf / "fox.safetensors") in shown
    assert "dB above the noise" in shown and "of the recording: " in shown
    assert voices(shelf, "show", "clara") == 0
    assert "a synthetic voice that comes with valle" in capsys.readouterr().out
    assert voices(shelf, "rm", "fox") == 0
    assert files(shelf) == ["broken.safetensors"]


def test_one_is_handed_on_by_its_file(shelf: Path, tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    handed = tmp_path / "handed.safetensors"
    assert voices(shelf, "export", "fox", str(handed)) == 0
    other = tmp_path / "other"
    assert voices(other, "import", str(handed)) == 0
    assert voices(other, "import", str(handed), "--name=vixen") == 0
    assert CONSENT in capsys.readouterr().out
    kept = Shelf(other).load("vixen")
    assert kept.name == "vixen" and torch.equal(kept.prompt.codes,
                                                Shelf(shelf).load("fox").prompt.codes)
    assert voices(shelf, "export", "fox", str(handed)) == 1
    assert "exists: choose another name" in capsys.readouterr().err


def test_its_recording_is_heard_as_the_codec_keeps_it(shelf: Path, model_folder: Path, prompt: Path,
                                                      tmp_path: Path) -> None:
    assert voices(shelf, "play", "fox", f"--out={tmp_path / 'heard.wav'}",
                  f"--model={model_folder}") == 0
    samples, rate = soundfile.read(tmp_path / "heard.wav")
    assert rate == RATE and abs(len(samples) - soundfile.info(prompt).frames) < RATE / 10


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a machine without loudspeakers hears: a player that keeps what it reads."""
    heard, program = tmp_path / "heard.wav", tmp_path / "bin" / "aplay"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat > {heard}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return heard


def test_speech_is_played_while_it_is_made(shelf: Path, model_folder: Path, player: Path) -> None:
    given = ["--voice=fox", f"--voices={shelf}", "--retries=0", "--text=One. Two. Three.",
             f"--model={model_folder}", "--device=cpu", "--no-watermark"]
    assert run("say", [*given, "--play"], "infer.py") == 0
    tts = VALLE.from_pretrained(model_folder, "cpu")
    spoken = tts.stream("One. Two. Three.", prompt=Voice.load(shelf / "fox.safetensors"),
                        sampling=replace(tts.sampling, retries=0), quick=True)
    samples = np.concatenate([one.samples for one in spoken])
    assert np.abs(soundfile.read(player)[0] - samples.clip(-1, 1)).max() < 1e-3
    assert voices(shelf, "play", "fox", f"--model={model_folder}") == 0
    assert soundfile.info(player).duration > 1


def test_a_player_that_fails_says_why(shelf: Path, model_folder: Path, player: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    program = player.parent / "bin" / "aplay"
    program.write_text("#!/bin/sh\necho no soundcards found >&2\nexit 1\n")
    assert voices(shelf, "play", "fox", f"--model={model_folder}") == 1
    printed = capsys.readouterr().err
    assert "aplay could not play it (no soundcards found)" in printed and one_line(printed)


def test_without_a_player_a_file_is_named(shelf: Path, model_folder: Path, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert voices(shelf, "play", "fox", f"--model={model_folder}") == 1
    assert "write a file with --out" in capsys.readouterr().err


def test_recordings_of_one_person_are_joined_and_cut(model_folder: Path, prompt: Path,
                                                     tmp_path: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    one, spec = tts.encode_prompt(prompt, PROMPT_TEXT), tts.model.codec.spec
    two = joined([one, one], spec)
    assert two.durations is not None and one.durations is not None
    assert torch.equal(two.codes, torch.cat([one.codes, one.codes], dim=1))
    assert two.phones == one.phones * 2 and two.durations == one.durations * 2
    assert two.text == f"{PROMPT_TEXT} {PROMPT_TEXT}"
    torch.testing.assert_close(two.ltas.bands, one.ltas.bands)
    assert two.ltas.seconds == pytest.approx(2 * one.ltas.seconds)
    many = joined([one] * 6, spec)
    assert many.durations is not None and sum(many.durations) == many.codes.shape[1]
    assert spec.frames(6.5) < many.codes.shape[1] < spec.frames(9.5)
    assert add(tmp_path, model_folder, prompt, prompt) == 0
    assert torch.equal(Shelf(tmp_path).load("fox").prompt.codes, two.codes)


@pytest.mark.parametrize(("arguments", "said"), [
    (["show", "wolf"], "no voice is called 'wolf'; there are alto, bass"),
    (["rm", "clara"], "comes with valle and cannot be deleted"),
    (["rm", "../fox"], "no voice is called"),
    (["import", "nowhere.safetensors"], "no voice at nowhere.safetensors"),
    (["export", "clara", "clara.wav"], "must end in .safetensors")])
def test_a_mistake_is_one_line(arguments: list[str], said: str, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    assert voices(tmp_path, *arguments) == 1
    printed = capsys.readouterr().err
    assert said in printed and one_line(printed), printed
    assert not files(tmp_path)


@pytest.mark.parametrize(("change", "said"), [
    ({"name": "clara"}, "'clara' is taken"), ({"name": "../up"}, "a voice's name is"),
    ({"text": " "}, "holds no words")])
def test_what_cannot_be_kept_is_not(change: dict[str, str], said: str, model_folder: Path,
                                    prompt: Path, tmp_path: Path,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    assert add(tmp_path, model_folder, prompt, **change) == 1
    printed = capsys.readouterr().err
    assert said in printed and one_line(printed), printed
    assert not files(tmp_path)


def test_consent_is_asked_for(prompt: Path, tmp_path: Path) -> None:
    asked = process("-m", "valle", "voices", "add", "fox", str(prompt), f"--voices={tmp_path}")
    assert asked.returncode == 2 and "--consent" in asked.stderr and one_line(asked.stderr)
    empty = process("-m", "valle", "voices", "add", "fox", str(prompt), f"--voices={tmp_path}",
                    f"--text={PROMPT_TEXT}", "--consent= ")
    assert empty.returncode == 1 and "needs the consent of its owner" in empty.stderr


@pytest.mark.parametrize(("options", "said"), [
    (["--voice=fox", "--prompt-text=Hello."], "leave out --prompt-text"),
    (["--voice=wolf"], "no voice is called 'wolf'"), ([], "give --voice or --prompt-audio"),
    (["--voice=nowhere.safetensors"], "no voice at nowhere.safetensors"),
    (["--voice=fox", "--play"], "leave out --out")])
def test_say_names_what_is_wrong_with_a_voice(options: list[str], said: str, shelf: Path,
                                              model_folder: Path, prompt: Path, tmp_path: Path,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, prompt, tmp_path / "a.wav", f"--voices={shelf}", *options,
               prompt_audio=None, prompt_text=None) == 1
    printed = capsys.readouterr().err
    assert said in printed and one_line(printed), printed


def test_a_voice_of_another_codec_is_refused(shelf: Path, model_folder: Path, prompt: Path,
                                             tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                             ) -> None:
    assert say(model_folder, prompt, tmp_path / "a.wav", f"--voices={shelf}",
               "--voice=fox", "--model=starter", prompt_audio=None, prompt_text=None) == 1
    assert "make it again from its recording" in capsys.readouterr().err
