"""Speaking, by command line and by API, on good input and on every bad one of issue 2."""
from __future__ import annotations

import io
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import PROMPT_TEXT, RATE, SENTENCES, file_limit, noise_codec

from g2p import BOUNDARIES, phonemize
from valle.chunks import split_phones
from valle.cli import main, run
from valle.tts import MAX_ROWS, VALLE

ROOT = Path(__file__).parents[1]
Change = dict[str, str | None]


def arguments(model: Path, prompt: Path, out: Path, change: Change | None = None) -> list[str]:
    """Options of `say`; change replaces some by name, or leaves them out where it is None."""
    options: Change = {"text": "A small boat.", "prompt-audio": str(prompt),
                       "prompt-text": PROMPT_TEXT, "out": str(out), "model": str(model),
                       "device": "cpu"}
    return [f"--{k}={v}" for k, v in (options | (change or {})).items() if v is not None]


def process(*command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """A real process in the repository."""
    return subprocess.run([sys.executable, "-B", *command], cwd=ROOT, input=stdin, text=True,
                          capture_output=True, timeout=120, check=False)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


# --- real processes ------------------------------------------------------------------------------

def test_infer_py_speaks(model_folder: Path, prompt: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "o.wav"
    done = process("infer.py", *arguments(model_folder, prompt, out), "--seed=3")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(out) in done.stdout and "RTF" in done.stdout
    assert files(out.parent) == ["o.json", "o.wav"]
    samples, rate = soundfile.read(out)
    record = json.loads(out.with_suffix(".json").read_text())
    assert rate == RATE and samples.any()
    assert len(samples) / RATE == pytest.approx(record["seconds"], abs=0.001)
    assert record["text"] == "A small boat." and record["seed"] == 3
    assert [p for p, _, _ in record["phones"]] == phonemize("A small boat.")
    assert record["phones"][-1][2] == pytest.approx(record["seconds"], abs=0.002)


def test_python_m_valle_reads_stdin_and_prints_json(model_folder: Path, prompt: Path,
                                                    tmp_path: Path) -> None:
    out = tmp_path / "o.wav"
    done = process("-m", "valle", "say", *arguments(model_folder, prompt, out, {"text": "-"}),
                   "--json", stdin="A small boat.\n")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1 and said["out"] == str(out) and said["finish"] == "eos"
    assert said["seconds"] == pytest.approx(soundfile.info(out).duration, abs=0.001)


def test_a_mistake_in_a_real_process_is_one_line(model_folder: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.wav"
    done = process("infer.py", *arguments(model_folder, absent, tmp_path / "o.wav"))
    assert done.returncode == 1 and done.stdout == "" and files(tmp_path) == []
    assert one_line(done.stderr) and "check the path" in done.stderr


def test_ctrl_c_of_a_real_process(model_folder: Path, prompt: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-B", "infer.py",
               *arguments(model_folder, prompt, tmp_path / "o.wav", {"text": "-"})]
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, preexec_fn=lambda: signal.signal(signal.SIGINT,
                                                                         signal.SIG_DFL))
    wait_for_stdin(child.pid)
    child.send_signal(signal.SIGINT)
    _, printed = child.communicate(timeout=60)
    assert child.returncode == 130 and printed == "infer.py: stopped\n"
    assert files(tmp_path) == []


def wait_for_stdin(pid: int) -> None:
    """Until the process sleeps in a read of its standard input."""
    for _ in range(600):
        if Path(f"/proc/{pid}/wchan").read_text() in ("pipe_read", "anon_pipe_read"):
            return
        time.sleep(0.05)
    time.sleep(3.0)  # a kernel that hides where a process waits


# --- good input ----------------------------------------------------------------------------------

def say(model: Path, prompt: Path, out: Path, *more: str, **change: str | None) -> int:
    changes = {name.replace("_", "-"): value for name, value in change.items()}
    return run("say", [*arguments(model, prompt, out, changes), *more], "infer.py")


def samples_of(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


def test_same_seed_same_samples(model_folder: Path, prompt: Path, tmp_path: Path,
                                capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert say(model_folder, prompt, tmp_path / f"{name}.wav", seed=seed) == 0
    a, b, c = (samples_of(tmp_path / f"{name}.wav") for name in "abc")
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    assert capsys.readouterr().err == ""


def test_the_sidecar_is_enough_to_repeat_it(model_folder: Path, prompt: Path,
                                            tmp_path: Path) -> None:
    say(model_folder, prompt, tmp_path / "a.wav", seed="9", temperature="0.7", top_k="50",
        top_p="0.8")
    record = json.loads((tmp_path / "a.json").read_text())
    assert (record["model"], record["finish"]) == (str(model_folder), "eos")
    say(Path(record["model"]), prompt, tmp_path / "b.wav",
        **{name: str(record[name]) for name in ("text", "seed", "temperature", "top_k", "top_p",
                                                "language")})
    assert np.array_equal(samples_of(tmp_path / "a.wav"), samples_of(tmp_path / "b.wav"))


def test_text_from_files_and_stdin_is_the_same_text(
        model_folder: Path, prompt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.txt").write_text("A small boat.\n", encoding="utf-8-sig")
    (tmp_path / "said.txt").write_text(PROMPT_TEXT)
    monkeypatch.setattr(sys, "stdin", io.StringIO("A small boat.\n"))
    say(model_folder, prompt, tmp_path / "a.wav")
    say(model_folder, prompt, tmp_path / "b.wav", text=None, prompt_text=None,
        text_file=str(tmp_path / "text.txt"), prompt_text_file=str(tmp_path / "said.txt"))
    say(model_folder, prompt, tmp_path / "c.wav", text="-")
    a, b, c = (samples_of(tmp_path / f"{name}.wav") for name in "abc")
    assert np.array_equal(a, b) and np.array_equal(a, c)


@pytest.mark.parametrize("channels, rate", [(2, RATE), (1, 8_000), (1, 192_000), (2, 44_100)])
def test_any_rate_and_channels_just_work(model_folder: Path, prompt: Path, tmp_path: Path,
                                         channels: int, rate: int,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    import soxr

    voice = soxr.resample(soundfile.read(prompt)[0], RATE, rate)
    soundfile.write(tmp_path / "p.wav", np.stack([voice] * channels, axis=1), rate)
    assert say(model_folder, tmp_path / "p.wav", tmp_path / "o.wav") == 0
    assert capsys.readouterr().err == ""


def test_plain_layout_speaks_without_an_aligner(plain_folder: Path, prompt: Path, tmp_path: Path,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    assert say(plain_folder, prompt, tmp_path / "o.wav") == 0
    assert capsys.readouterr().err == ""
    assert json.loads((tmp_path / "o.json").read_text())["phones"] == []


@pytest.fixture(scope="module")
def tts(model_folder: Path) -> VALLE:
    return VALLE.from_pretrained(model_folder, "cpu")


def test_several_texts_in_one_call_are_those_of_single_calls(tts: VALLE, prompt: Path) -> None:
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    texts = [SENTENCES[i % len(SENTENCES)] for i in range(MAX_ROWS + 2)]
    several = tts.speak(texts, prompt=voice, seed=4)
    for text, audio in list(zip(texts, several, strict=True))[::5]:
        alone = tts.speak(text, prompt=voice, seed=4)
        assert audio.settings == alone.settings and audio.phones == alone.phones
        np.testing.assert_allclose(audio.samples, alone.samples, atol=1e-4)
    assert tts.speak([], prompt=voice) == []


def test_long_texts_are_spoken_in_pieces(tts: VALLE, prompt: Path) -> None:
    text = " ".join(SENTENCES * 5)
    pieces = split_phones(phonemize(text))
    audio = tts.speak(text, prompt=prompt, prompt_text=PROMPT_TEXT)
    assert len(pieces) > 2
    assert [p for p, _, _ in audio.phones] == [p for piece in pieces for p in piece]
    starts, ends = [a for _, a, _ in audio.phones], [b for _, _, b in audio.phones]
    assert starts == sorted(starts) and ends[-1] == pytest.approx(audio.seconds, abs=0.01)


@pytest.mark.parametrize("layout", ["interleaved", "plain"])
def test_continuation_runs_the_ar_and_starts_with_the_prompt(
        layout: str, model_folder: Path, plain_folder: Path, prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder if layout == "interleaved" else plain_folder, "cpu")
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    steps: list[int] = []
    one, other = (tts.speak("We went home.", prompt=voice, continuation=True, seed=seed,
                            on_frame=steps.append) for seed in (1, 2))
    heard = tts.model.codec.decode(voice.codes[None])[0, 0].numpy()
    sure = len(heard) - 30 * 320  # the decoder looks ahead by less than 30 frames
    assert sure > RATE
    for audio in (one, other):
        np.testing.assert_allclose(audio.samples[:sure], heard[:sure], atol=1e-3)
        assert audio.settings["continuation"]
    target = [a.samples[len(heard):] for a in (one, other)]
    assert sum(steps) >= sum(len(t) for t in target) / 320 > 0, "a step for each new frame"
    n = min(map(len, target))
    assert n and not np.allclose(target[0][:n], target[1][:n], atol=1e-3)
    if layout == "interleaved":
        assert one.phones[0][1] == pytest.approx(len(heard) / RATE)


def test_prompt_without_continuation_is_not_in_the_result(tts: VALLE, prompt: Path) -> None:
    audio = tts.speak("We went home.", prompt=prompt, prompt_text=PROMPT_TEXT)
    assert audio.phones[0][1] == 0 and len(audio.samples) == round(audio.phones[-1][2] * RATE)


# --- warned --------------------------------------------------------------------------------------

def test_a_clipped_prompt_is_warned_of(model_folder: Path, prompt: Path, tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "p.wav", np.clip(soundfile.read(prompt)[0] * 50, -1, 1), RATE)
    assert say(model_folder, tmp_path / "p.wav", tmp_path / "o.wav") == 0
    printed = capsys.readouterr().err
    assert one_line(printed) and "clipped" in printed and "lower level" in printed


@pytest.mark.parametrize("said", ["No.", f"{PROMPT_TEXT} {PROMPT_TEXT} {PROMPT_TEXT}"])
def test_prompt_text_that_cannot_fit_is_warned_of(
        model_folder: Path, prompt: Path, tmp_path: Path, said: str,
        capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, prompt, tmp_path / "o.wav", prompt_text=said) == 0
    printed = capsys.readouterr().err
    assert one_line(printed) and "does not fit" in printed


# --- bad input: one line, exit code 1, nothing written -------------------------------------------

def one_line(printed: str) -> bool:
    return printed.count("\n") == 1 and printed.endswith("\n") and "Traceback" not in printed


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
    "no nar": (lambda f: (f / "nar.json").unlink(), "nar.json is missing"),
    "no codec": (lambda f: (f / "codec.json").unlink(), "no codec in"),
    "no aligner": (lambda f: (f / "aligner.json").unlink(), "no aligner.json"),
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
    "another format": lambda d, p: d / "o.mp3",
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


def test_wrong_options_end_in_2(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["say", "--text=a"], ["sing"], [], ["say", "--seed=x"]):
        with pytest.raises(SystemExit) as stopped:
            main(wrong)
        assert stopped.value.code == 2 and "usage: valle" in capsys.readouterr().err


# --- long texts in pieces ------------------------------------------------------------------------

def spoken(pieces: list[list[str]]) -> list[str]:
    return [p for piece in pieces for p in piece if p not in BOUNDARIES]


@pytest.mark.parametrize("most", [5, 12, 40, 120])
def test_pieces_lose_nothing_and_are_whole_texts(most: int) -> None:
    draw = np.random.default_rng(most)
    for _ in range(200):
        phones: list[str] = []
        for _ in range(draw.integers(1, 30)):
            phones += [str(draw.choice(BOUNDARIES)) if phones else " "]
            phones += [f"p{draw.integers(40)}" for _ in range(draw.integers(1, 9))]
        phones.append(".")
        pieces = split_phones(phones, most)
        assert spoken(pieces) == spoken([phones])
        assert all(piece[0] == " " and piece[-1] in BOUNDARIES[1:] for piece in pieces)
        assert all(len(piece) <= most and spoken([piece]) for piece in pieces)
        assert all(not (a in BOUNDARIES and b in BOUNDARIES)
                   for piece in pieces for a, b in itertools.pairwise(piece))
        if len(phones) <= most:
            assert pieces == [phones]


def test_sentence_ends_are_cut_before_clauses_and_words() -> None:
    words = [" ", "a", "b", ",", "c", ".", "d", " ", "e", ",", "f", "."]
    assert split_phones(words, 10)[0] == [" ", "a", "b", ",", "c", "."]
    assert split_phones([p if p != "." else " " for p in words[:-1]] + ["."], 10)[0][-1] == ","


@pytest.mark.parametrize("length", [9, 10, 11, 30, 500])
def test_a_long_word_is_cut_and_loses_nothing(length: int) -> None:
    word = [f"p{i}" for i in range(length)]
    pieces = split_phones([" ", "x", " ", *word, "?"], 10)
    assert spoken(pieces) == ["x", *word]
    assert all(len(p) <= 10 and p[0] == " " and p[-1] in BOUNDARIES[1:] for p in pieces)
    assert pieces[-1][-1] == "?"
