"""`valle read`: books in, one finished file out; stopped, killed, changed, refused."""
from __future__ import annotations

import json
import os
import random
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
from books import picture, write_epub
from conftest import PROMPT_TEXT, RATE, needs
from saying import ROOT, files, one_line

from valle.cli import run
from valle.reading.parts import Spoken
from valle.reading.report import doubts

pytestmark = needs("av", "markdown_it")
PLAY = """# The Boat

The sea was calm.
[Anna] Come in!

# Late

Is it late? We went home, slowly.
"""
Read = Callable[..., int]


@pytest.fixture(scope="module")
def voice(model_folder: Path, prompt: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a kept voice."""
    folder = tmp_path_factory.mktemp("voices")
    assert run("voices", ["add", "fox", str(prompt), f"--text={PROMPT_TEXT}", "--consent=I agree.",
                          f"--voices={folder}", f"--model={model_folder}"], "valle voices") == 0
    return folder / "fox.safetensors"


@pytest.fixture(scope="module")
def options(model_folder: Path, voice: Path) -> list[str]:
    return [f"--voice={voice}", f"--model={model_folder}", "--device=cpu", "--retries=0"]


@pytest.fixture
def play(tmp_path: Path) -> Path:
    (tmp_path / "play.md").write_text(PLAY)
    return tmp_path / "play.md"


@pytest.fixture(scope="module")
def unbroken(options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PLAY, read without a stop, with its subtitles."""
    folder = tmp_path_factory.mktemp("unbroken")
    (folder / "play.md").write_text(PLAY)
    assert run("read", [str(folder / "play.md"), f"--out={folder / 'play.wav'}", "--subtitles=json",
                        "--quiet", *options], "valle read") == 0
    return folder / "play.wav"


def record_of(out: Path) -> dict:
    return json.loads(out.with_suffix(".json").read_text())


def test_a_book_becomes_one_file_and_a_report(unbroken: Path) -> None:
    assert files(unbroken.parent) == ["play.json", "play.md", "play.wav", "play.words.json"]
    record, (samples, rate) = record_of(unbroken), soundfile.read(unbroken, dtype="int16")
    assert rate == RATE and len(samples) / RATE == pytest.approx(record["seconds"], abs=0.001)
    assert [chapter["title"] for chapter in record["chapters"]] == ["The Boat", "Late"]
    words = json.loads((unbroken.parent / "play.words.json").read_text())
    assert " ".join(word["word"] for word in words) == (
        "The Boat The sea was calm. [Anna] Come in! Late Is it late? We went home, slowly.")
    late = next(word for word in words if word["word"] == "Late")
    before = words[words.index(late) - 1]
    begins = record["chapters"][1]["start"]
    assert before["end_time"] < begins <= late["start_time"] < begins + 0.4
    assert late["start_time"] - before["end_time"] > 2  # the pause between chapters
    times = [word["start_time"] for word in words]
    assert times == sorted(times) and words[-1]["end_time"] <= record["seconds"]


def test_an_epub_keeps_title_author_cover_and_chapters(options: list[str], tmp_path: Path,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    import av

    book = write_epub(tmp_path / "sea.epub", picture())
    out = tmp_path / "new" / "sea.m4b"
    assert run("read", [str(book), f"--out={out}", *options], "valle read") == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}: 0:00:{record_of(out)['seconds']:02.0f} of speech in 2 chapters\n"
    assert "reading: " in printed.err and files(out.parent) == ["sea.json", "sea.m4b"]
    with av.open(str(out)) as file:
        titles = [mark["metadata"]["title"] for mark in file.chapters()]
        assert titles == ["One: the harbour", "Two"]
        assert file.metadata["title"] == "The Sea" and len(file.streams.video) == 1
        assert file.metadata["artist"] == "A. Sailor, B. Mate"
        assert "synthetic" in file.metadata["comment"]
    assert run("read", [str(book), f"--out={out}", *options], "valle read") == 1
    assert "is there already: --restart" in capsys.readouterr().err


def interrupt_at(folder: Path, count: int) -> threading.Thread:
    """Ctrl-C as soon as so many segments are spoken."""
    def watch() -> None:
        for _ in range(6000):
            if len(list(folder.glob("*.flac"))) >= count:
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_after_ctrl_c_it_goes_on_and_sounds_the_same(play: Path, unbroken: Path, tmp_path: Path,
                                                     options: list[str],
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    out, folder = tmp_path / "play.wav", tmp_path / "play.wav.parts"
    command = [str(play), f"--out={out}", "--quiet", *options]
    thread = interrupt_at(folder, 2)
    assert run("read", command, "valle read") == 130
    thread.join()
    printed = capsys.readouterr().err
    assert one_line(printed) and "the same command goes on after" in printed and not out.exists()
    first = folder / "000000.flac"
    with soundfile.SoundFile(first) as file:  # as if it had been stopped at its limit
        told, samples = json.loads(file.comment), file.read(dtype="int16")
    with soundfile.SoundFile(first, "w", RATE, 1, "PCM_16", format="FLAC") as file:
        file.comment = json.dumps({**told, "finish": "cap"})
        file.write(samples)
    before = first.stat().st_mtime_ns
    assert run("read", [*command, "--seed=1", "--voice=clara"], "valle read") == 1
    assert "holds a reading with another pronunciation, voice, seed: --restart begins anew" in (
        capsys.readouterr().err)
    second = folder / "000001.flac"
    second.write_bytes(second.read_bytes()[:20])  # a damaged one is spoken again
    assert first.stat().st_mtime_ns == before
    assert run("read", command, "valle read") == 0
    assert files(tmp_path) == ["play.json", "play.md", "play.wav"]
    assert out.read_bytes()[-40_000:] == unbroken.read_bytes()[-40_000:]
    assert record_of(out)["sha256"] == record_of(unbroken)["sha256"]
    [doubt] = [one for one in record_of(out)["doubts"] if "did not end" in one["why"]]
    assert (doubt["chapter"], doubt["text"]) == ("The Boat", "The Boat")
    assert doubt["listen"] == "play.wav#t=0.0" and doubt["start"] == 0.0


def test_a_changed_text_is_another_reading(play: Path, options: list[str], tmp_path: Path,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "play.wav.parts"
    command = [str(play), f"--out={tmp_path / 'play.wav'}", "--quiet", *options]
    thread = interrupt_at(folder, 1)
    assert run("read", command, "valle read") == 130
    thread.join()
    play.write_text("Come in!")
    capsys.readouterr()
    assert run("read", command, "valle read") == 1
    printed = capsys.readouterr().err
    assert one_line(printed) and "holds a reading with another text, pronunciation" in printed
    assert run("read", [*command, "--restart"], "valle read") == 0
    assert record_of(tmp_path / "play.wav")["chapters"] == [{"title": "play", "start": 0.0}]


def test_lines_are_said_by_their_speakers(play: Path, options: list[str], unbroken: Path,
                                          tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                          ) -> None:
    cast = tmp_path / "cast.txt"
    cast.write_text("Bob = clara\n")
    command = [str(play), f"--out={tmp_path / 'play.wav'}", f"--cast={cast}", "--quiet", *options]
    assert run("read", command, "valle read") == 1
    assert "gives no voice to [anna]" in capsys.readouterr().err
    assert files(tmp_path) == ["cast.txt", "play.md"]
    cast.write_text("Anna = nobody\n")
    assert run("read", command, "valle read") == 1
    assert "no voice is called 'nobody'" in capsys.readouterr().err
    assert files(tmp_path) == ["cast.txt", "play.md"]
    cast.write_text("Anna = clara\n")
    assert run("read", [*command, "--subtitles=srt"], "valle read") == 0
    record = record_of(tmp_path / "play.wav")
    assert record["cast"]["anna"] != record["voice"] == record_of(unbroken)["voice"]
    assert "[Anna]" not in (tmp_path / "play.srt").read_text()
    assert record["sha256"] != record_of(unbroken)["sha256"]


def test_cues_are_fitted_into_their_times(options: list[str], tmp_path: Path,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "film.srt").write_text(
        "1\n00:00:01,000 --> 00:00:09,000\nA small boat.\n\n"
        "2\n00:00:10,000 --> 00:00:10,700\nThe sea was calm.\n\n"
        "3\n00:00:11,000 --> 00:00:11,100\nWe went home, slowly.\n\n"
        "4\n00:00:20,000 --> 00:00:30,000\nCome in!\n")
    assert run("read", [str(tmp_path / "film.srt"), f"--out={tmp_path / 'film.wav'}",
                        "--subtitles=json", *options], "valle read") == 0
    samples, _ = soundfile.read(tmp_path / "film.wav")
    loud = [bool(np.abs(samples[round(a * RATE): round(b * RATE)]).max() > 1e-3)
            for a, b in ((0, 0.99), (1, 2), (5, 9.99), (10, 10.7), (15, 19.99), (20, 21))]
    assert loud == [False, True, False, True, False, True]
    words = json.loads((tmp_path / "film.words.json").read_text())
    starts = {word["word"]: word["start_time"] for word in words}
    assert 1 <= starts["A"] < 1.2 and 10 <= starts["The"] < 10.2 and 20 <= starts["Come"] < 20.2
    [late] = record_of(tmp_path / "film.wav")["late"]
    assert late.startswith("the cue at 11 s ends") and late.endswith("at 2 times the speed")
    assert f"warning: {late}" in capsys.readouterr().err


@pytest.mark.parametrize("change, message", [
    ({"--out": "o.ogg"}, "ends in .m4b, .mp3, .opus, .flac or .wav"),
    ({"--out": "play.md/o.wav"}, "cannot write into"),
    ({"--threads": "0"}, "must be 1 or more"),
    ({"--cast": "none.txt"}, "no cast at none.txt"),
    ({"book": "none.epub"}, "no book at none.epub")])
def test_mistakes_are_said_before_anything_is_spoken(
        change: dict[str, str], message: str, play: Path, tmp_path: Path, options: list[str],
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"book": "play.md", "--out": "o.wav"} | change
    book = given.pop("book")
    assert run("read", [book, *options, *(f"{k}={v}" for k, v in given.items())],
               "valle read") == 1
    printed = capsys.readouterr().err
    assert one_line(printed) and message in printed and files(tmp_path) == ["play.md"]


def test_other_peoples_files_stay(play: Path, options: list[str], tmp_path: Path,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "o.json").write_text('{"title": "mine"}')
    (tmp_path / "film.srt").write_text("1\n00:00:01,000 --> 00:00:09,000\nA small boat.\n")
    for book, out, more, message in ((play, "o.wav", [], "is no report of a reading"),
                                     (tmp_path / "film.srt", "film.wav", ["--subtitles=srt"],
                                      "would replace")):
        assert run("read", [str(book), f"--out={tmp_path / out}", *more, *options],
                   "valle read") == 1
        assert message in capsys.readouterr().err
    assert files(tmp_path) == ["film.srt", "o.json", "play.md"]


def test_doubts_are_words() -> None:
    assert doubts(Spoken((), "eos", True, -1.0), "en-us") == []
    assert doubts(Spoken((), "eos", True, None), "en-us") == []
    assert doubts(Spoken((), "cap", False, -9.0), "en-us") == ["it did not end by itself",
                                                               "its words are not clear"]
    assert doubts(Spoken((), "eos", False, -9.0), "de") == [
        "it is silent where the text has no mark"]


@pytest.mark.slow
def test_kills_at_random_times_lose_and_double_nothing(play: Path, options: list[str],
                                                       unbroken: Path, tmp_path: Path) -> None:
    out, folder = tmp_path / "play.wav", tmp_path / "play.wav.parts"
    command = [sys.executable, "-B", "-m", "valle", "read", str(play), f"--out={out}", *options]
    chance = random.Random(7)
    for count in (1, 2, 3):
        child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        while child.poll() is None and len(list(folder.glob("*.flac"))) < count:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.02))
        child.kill()
        assert child.wait() == -signal.SIGKILL and not out.exists()
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert files(tmp_path) == ["play.json", "play.md", "play.wav"]
    assert record_of(out)["sha256"] == record_of(unbroken)["sha256"]
    assert np.array_equal(soundfile.read(out)[0], soundfile.read(unbroken)[0])
