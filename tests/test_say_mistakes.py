"""Every bad input of `say`: one line that names the fix, nothing written, nothing lost."""
from __future__ import annotations

import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import PROMPT_TEXT, RATE, SENTENCES, file_limit, noise_codec
from saying import Change, arguments, files, one_line, say

from codec import load_audio
from g2p import phonemize
from valle.cli import main, run
from valle.engine.threads import cores

ROOT = Path(__file__).parents[1]

# --- warned --------------------------------------------------------------------------------------

def test_a_clipped_prompt_is_warned_of(model_folder: Path, tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    loud = np.clip(load_audio(ROOT / "examples" / "clara.wav") * 50, -1, 1)
    soundfile.write(tmp_path / "p.wav", loud, RATE)
    assert say(model_folder, tmp_path / "p.wav", tmp_path / "o.wav") == 0
    printed = capsys.readouterr().err
    clipped, = (line for line in printed.splitlines() if "clipped" in line)
    assert clipped.startswith("warning: ") and "lower level" in clipped


@pytest.mark.parametrize("said", ["No.", f"{PROMPT_TEXT} {PROMPT_TEXT} {PROMPT_TEXT}"])
def test_prompt_text_that_cannot_fit_is_warned_of(
        model_folder: Path, prompt: Path, tmp_path: Path, said: str,
        capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, prompt, tmp_path / "o.wav", prompt_text=said) == 0
    printed = capsys.readouterr().err
    assert one_line(printed) and "does not fit" in printed


# --- one line, exit code 1, nothing written ------------------------------------------------------

def write_samples(path: Path, samples: np.ndarray, subtype: str = "FLOAT") -> str:
    soundfile.write(path, samples.astype(np.float32), RATE, subtype=subtype)
    return str(path)


def write_text(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def three_hours(path: Path) -> str:
    """A WAV header, and three hours of a hole in the file."""
    soundfile.write(path, np.zeros(8, np.int16), 8_000, subtype="PCM_16")
    size = 3 * 3600 * 8_000 * 2
    with path.open("r+b") as file:
        file.seek(4)
        file.write((36 + size).to_bytes(4, "little"))
        file.seek(40)
        file.write(size.to_bytes(4, "little"))
        file.truncate(44 + size)
    return str(path)


def nan_in(samples: np.ndarray) -> np.ndarray:
    samples[1000] = np.nan
    return samples


def voice_of(prompt: Path) -> np.ndarray:
    return soundfile.read(prompt)[0]


AUDIO_MISTAKES: dict[str, tuple[Callable[[Path, Path], str], str]] = {
    "missing": (lambda d, p: str(d / "none.wav"), "no audio file at .*check the path"),
    "empty": (lambda d, p: write_text(d / "p.wav", ""), "empty file"),
    "no samples": (lambda d, p: write_samples(d / "p.wav", np.zeros(0)), "no samples"),
    "text": (lambda d, p: write_text(d / "p.wav", "Not audio at all.\n" * 50), "give a WAV"),
    "folder": (lambda d, p: str(d), "give the path of one"),
    "short": (lambda d, p: write_samples(d / "p.wav", voice_of(p)[8000:12_800]), "at least 1 s"),
    "silent": (lambda d, p: write_samples(d / "p.wav", np.zeros(72_000)), "recording of speech"),
    "nan": (lambda d, p: write_samples(d / "p.wav", nan_in(voice_of(p))), "export it again"),
    "three hours": (lambda d, p: three_hours(d / "p.wav"), "10800.0 s.*cut a shorter piece"),
    "cut": (lambda d, p: write_text(d / "p.flac", b"fLaC" + bytes(30)), "give a WAV"),
}


@pytest.mark.parametrize("name", AUDIO_MISTAKES)
def test_unusable_prompt_audio(name: str, model_folder: Path, prompt: Path, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    make, advice = AUDIO_MISTAKES[name]
    (tmp_path / "in").mkdir()
    started = time.monotonic()
    refused(capsys, tmp_path, advice, model_folder, Path(make(tmp_path / "in", prompt)))
    assert time.monotonic() - started < 5


TEXT_MISTAKES: dict[str, tuple[Change, str]] = {
    "empty": ({"text": ""}, "at least one word"),
    "spaces": ({"text": " \n\t "}, "at least one word"),
    "punctuation": ({"text": "... !? -- ,"}, "at least one word"),
    "emoji": ({"text": "\U0001f600\U0001f680"}, "at least one word"),
    "no space": ({"text": "a" * 10_000}, "put spaces between"),
    "no space, letters": ({"text": "konstantinopel" * 700},
                          "put spaces between"),
    "language": ({"language": "xx-none"}, "xx-none"),
    "language of another model": ({"language": "de"}, "it speaks en-us"),
    "prompt text empty": ({"prompt-text": "  "}, "--prompt-text"),
    "prompt text too long": ({"prompt-text": PROMPT_TEXT * 20}, "does not belong to this audio"),
    "temperature": ({"temperature": "-1"}, "--temperature"),
    "top-p": ({"top-p": "2"}, "--top-p"),
    "device": ({"device": "tpu"}, "choose auto, cpu or cuda"),
    "no text file": ({"text": None, "text-file": "/nowhere/t.txt"}, "check the path"),
    "text file is a folder": ({"text": None, "text-file": "/"}, "check the path"),
}


@pytest.mark.parametrize("name", TEXT_MISTAKES)
def test_unusable_text_and_options(name: str, model_folder: Path, prompt: Path, tmp_path: Path,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    change, advice = TEXT_MISTAKES[name]
    started = time.monotonic()
    refused(capsys, tmp_path, advice, model_folder, prompt, change)
    assert time.monotonic() - started < 20


def test_text_files_of_another_encoding(model_folder: Path, prompt: Path, tmp_path: Path,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    path = write_text(tmp_path / "t.txt", "Öl".encode("latin-1"))
    refused(capsys, tmp_path, "save it as UTF-8", model_folder, prompt,
            {"text": None, "text-file": path})


def truncate(folder: Path) -> None:
    path = folder / "ar.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def put_another_codec(folder: Path) -> None:
    noise_codec(seed=7).save(folder)


MODEL_MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (shutil.rmtree, "--model starter"),
    "no record": (lambda f: (f / "model.json").unlink(), "no ar in"),
    "truncated": (truncate, "copy it again"),
    "foreign": (lambda f: shutil.copy(f / "nar.safetensors", f / "ar.safetensors"), "foreign ar"),
    "pickled": (lambda f: torch.save({"a": torch.ones(3)}, f / "ar.safetensors"), "copy it again"),
    "wrong codec": (put_another_codec, "put the right codec"),
}


@pytest.mark.parametrize("name", MODEL_MISTAKES)
def test_unusable_models(name: str, model_folder: Path, prompt: Path, tmp_path: Path,
                         capsys: pytest.CaptureFixture[str]) -> None:
    spoil, advice = MODEL_MISTAKES[name]
    shutil.copytree(model_folder, tmp_path / "model")
    spoil(tmp_path / "model")
    refused(capsys, tmp_path, advice, tmp_path / "model", prompt)


def refused(capsys: pytest.CaptureFixture[str], folder: Path, advice: str, model: Path,
            prompt: Path, change: Change | None = None) -> None:
    """One line with the advice, exit code 1, and nothing new below the folder.

    Warnings may stand before it.
    """
    before = files(folder)
    code = run("say", arguments(model, prompt, folder / "new" / "o.wav", change), "infer.py")
    printed = capsys.readouterr()
    assert code == 1 and printed.out == ""
    error = re.sub(r"^warning: .*\n", "", printed.err, flags=re.MULTILINE)
    assert one_line(error) and error.startswith("infer.py: "), printed.err
    assert re.search(advice, error), error
    assert files(folder) == before


OUT_MISTAKES: dict[str, Callable[[Path, Path], Path]] = {
    "a folder": lambda d, p: d,
    "a folder called .wav": lambda d, p: (d / "f.wav").mkdir() or d / "f.wav",
    "below a file": lambda d, p: Path(write_text(d / "file", "")) / "o.wav",
    "not writable": lambda d, p: Path("/proc/valle/o.wav"),
    "a device": lambda d, p: (d / "full.wav").symlink_to("/dev/full") or d / "full.wav",
    "another format": lambda d, p: d / "o.m4a",
    "no format": lambda d, p: d / "o",
    "beside an unrelated file": lambda d, p: Path(write_text(
        d / "talk.json", '{"slides": 3}')).with_suffix(".wav"),
    "beside a text called .json": lambda d, p: Path(write_text(
        d / "talk.json", "not JSON")).with_suffix(".wav"),
    "its own sidecar": lambda d, p: d / "o.json",
    "the prompt": lambda d, p: Path(shutil.copy(p, d / "p.wav")),
}


@pytest.mark.parametrize("name", OUT_MISTAKES)
def test_unusable_places(name: str, model_folder: Path, prompt: Path, tmp_path: Path,
                         capsys: pytest.CaptureFixture[str]) -> None:
    out = OUT_MISTAKES[name](tmp_path, prompt)
    heard = out if name == "the prompt" else prompt
    before = files(tmp_path)
    assert run("say", arguments(model_folder, heard, out), "infer.py") == 1
    printed = capsys.readouterr().err
    assert one_line(printed)
    assert str(out.name) in printed or "choose another --out" in printed
    assert files(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(model_folder: Path, prompt: Path, tmp_path: Path,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    out = tmp_path / "closed" / "o.wav"
    assert run("say", arguments(model_folder, prompt, out), "infer.py") == 1
    assert "Permission denied; choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize("limit", [0, 60, 4096])
def test_a_full_disk_leaves_no_half_file(limit: int, model_folder: Path, prompt: Path,
                                         tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    phonemize("espeak's own temporary files are made before")
    with file_limit(limit):
        code = say(model_folder, prompt, tmp_path / "o.wav")
    printed = capsys.readouterr().err
    assert code == 1 and files(tmp_path) == []
    assert one_line(printed) and "o.wav" in printed and "free some space" in printed


def test_ctrl_c_while_speaking(model_folder: Path, prompt: Path, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        code = say(model_folder, prompt, tmp_path / "o.wav", text=" ".join(SENTENCES * 200))
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
    assert code == 130 and files(tmp_path) == []
    assert capsys.readouterr().err == "infer.py: stopped\n"


def test_wrong_options_end_in_2_and_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, said in ((["prepare", "a"], "valle prepare: .*out"), (["sing"], "valle: .*'sing'"),
                        ([], "valle: .*COMMAND"), (["say", "--seed=x"], "valle say: .*--seed"),
                        (["say", "--loud"], "valle say: "),
                        (["say", "--text=a", "--text-file=b", "--out=c.wav"], "not allowed with")):
        with pytest.raises(SystemExit) as stopped:
            main(wrong)
        printed = capsys.readouterr().err
        assert stopped.value.code == 2 and one_line(printed), printed
        assert re.search(said, printed) and "--help` lists" in printed


@pytest.mark.parametrize("name", ["text_file", "prompt_text_file", "prompt_audio"])
@pytest.mark.parametrize("written", ["o.wav", "o.json"])
def test_what_is_read_is_not_replaced(name: str, written: str, prompt: Path, tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    given = Path(shutil.copy(prompt, tmp_path / written)) if name == "prompt_audio" else Path(
        write_text(tmp_path / written, "A small boat."))
    content = given.read_bytes()
    change: Change = {name.replace("_", "-"): str(given)}
    if name != "prompt_audio":
        change[name.replace("_", "-").removesuffix("-file")] = None
    before = files(tmp_path)
    assert run("say", arguments(Path("starter"), prompt, tmp_path / "o.wav", change), "say") == 1
    printed = capsys.readouterr().err
    assert one_line(printed) and "choose another name" in printed
    assert given.read_bytes() == content and files(tmp_path) == before


@pytest.mark.parametrize("missing, advice", [
    ("text", "give --text or --text-file"), ("prompt-audio", "give --voice or --prompt-audio")])
def test_what_is_missing_is_named(missing: str, advice: str, prompt: Path, tmp_path: Path,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    given = arguments(Path("starter"), prompt, tmp_path / "o.wav", {missing: None})
    assert run("say", given, "infer.py") == 1
    assert advice in capsys.readouterr().err


EARLY: dict[str, Change] = {
    "no audio": {"prompt-audio": "/nowhere/p.wav"}, "no text": {"text": " "},
    "no transcript": {"prompt-text": " "},
    "nobody to write it down": {"prompt-text": None, "transcriber": "/nowhere"},
    "language": {"language": "xx-none"}, "threads": {"threads": "0"},
    "device": {"device": "tpu"}, "temperature": {"temperature": "inf"},
    "top-p": {"top-p": "0"}, "pause": {"pause": "-1"}}


@pytest.mark.parametrize("name", EARLY)
def test_mistakes_are_found_before_the_model_is_loaded(
        name: str, prompt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("valle.tts.load_model", lambda folder: pytest.fail("it was loaded"))
    given = arguments(Path("starter"), prompt, tmp_path / "o.wav", EARLY[name])
    assert run("say", given, "infer.py") == 1
    assert one_line(capsys.readouterr().err) and files(tmp_path) == []


def test_threads_are_at_most_the_cores(monkeypatch: pytest.MonkeyPatch, model_folder: Path,
                                       prompt: Path, tmp_path: Path) -> None:
    asked: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    assert say(model_folder, prompt, tmp_path / "o.wav", threads="10000") == 0
    assert asked == [cores()]


def test_help_names_the_command_that_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    for prog in ("infer.py", "valle say"):
        with pytest.raises(SystemExit):
            run("say", ["--help"], prog)
        told = capsys.readouterr().out
        assert f"  {prog} --text" in told and f"  {prog} --replay" in told
        assert "infer.py" not in told or prog == "infer.py"
        assert "(default: en-us)" in told and "(default: 1)" in told and "None)" not in told
