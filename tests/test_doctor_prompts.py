"""`valle doctor p.wav`: what it says, draws and returns."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import EXAMPLE, PROMPT_TEXT, SAID, needs
from saying import files, one_line

from valle.cli import run

NOBODY = "--transcriber=./nowhere"  # its words are not looked for


def doctor(*arguments: object) -> int:
    return run("doctor", [str(argument) for argument in arguments], "valle doctor")


@pytest.fixture
def clipped(tmp_path: Path) -> Path:
    samples, rate = soundfile.read(EXAMPLE)
    path = tmp_path / "clipped.wav"
    soundfile.write(path, np.clip(12 * samples, -1, 1), rate)
    return path


def test_a_good_recording_is_called_so_with_its_best_piece(capsys: pytest.CaptureFixture[str],
                                                           ) -> None:
    assert doctor(EXAMPLE, f"--text={SAID}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(EXAMPLE) and lines[-1].strip() == "good as a prompt"
    assert lines[-2].startswith("  best piece  0.1 to 3.") and lines[-2].endswith(SAID)


def test_a_fault_is_said_with_what_to_do(clipped: Path, capsys: pytest.CaptureFixture[str],
                                         ) -> None:
    assert doctor(EXAMPLE, clipped, NOBODY) == 1
    good, faulty = capsys.readouterr().out.split(str(clipped))
    assert "good as a prompt" in good and "MEND        " not in good
    assert "MEND        " in faulty and "record again at a lower level" in faulty
    assert "note        the prompt's words were not given" in faulty and "--text" in faulty


def test_json_has_a_line_for_each(clipped: Path, tmp_path: Path,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(72_000), 24_000)
    assert doctor(clipped, tmp_path / "silence.wav", NOBODY, "--json") == 1
    ill, silent = map(json.loads, capsys.readouterr().out.splitlines())
    assert [fault["name"] for fault in ill["quality"]["faults"]] == ["clipping"]
    assert ill["quality"]["clipped"] > 0.01 and not ill["good"]
    assert silent["quality"] is None and "silent" in silent["problems"][0]


def test_what_is_not_read_is_said_and_the_rest_examined(tmp_path: Path,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    assert doctor(tmp_path / "text.wav", tmp_path / "nowhere.wav", EXAMPLE, NOBODY) == 2
    printed = capsys.readouterr()
    assert "cannot be read as audio" in printed.err and "no audio file at" in printed.err
    assert str(EXAMPLE) in printed.out and len(printed.err.splitlines()) == 2


def test_a_text_that_does_not_belong_is_doubted(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(EXAMPLE, f"--text={PROMPT_TEXT * 3}") == 0
    assert "does not fit" in capsys.readouterr().out


@needs("matplotlib")
def test_it_is_drawn(clipped: Path, tmp_path: Path) -> None:
    assert doctor(clipped, f"--text={SAID}", f"--plot={tmp_path / 'p.png'}") == 1
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert doctor(EXAMPLE, f"--plot={tmp_path / 'p.png'}") == 1
    printed = capsys.readouterr().err
    assert "pip install 'valle[evaluate]'" in printed and one_line(printed)


@pytest.mark.parametrize(("arguments", "said"), [
    (["--json"], "--json is about a recording: give its file"),
    (["--text=Hello."], "--text is about a recording"),
    ([EXAMPLE, EXAMPLE, "--text=Hello."], "about one recording: give one file"),
    ([EXAMPLE, "--plot=p.pdf"], "a name that ends in .png")])
def test_a_mistake_is_one_line(arguments: list[object], said: str, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(*arguments) == 1
    printed = capsys.readouterr().err
    assert said in printed and one_line(printed)
    assert not files(tmp_path)
