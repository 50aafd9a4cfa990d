"""data/loading.py: what is too long is refused while it is decoded, on every way in."""
from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from valle.cli import run
from valle.data.loading import LONGEST_SECONDS, load_whole
from valle.data.manifest import Utterance, load_samples
from valle.data.preparation import Preparation
from valle.data.prepare import prepare
from valle.evaluate.protocols import Item, read
from valle.evaluate.speaking import read_spoken
from valle.recognizer.model import Recognizer, RecognizerConfig

RATE = 8_000
ITEM = Item("long", "long", "all", "a voice", ("long.flac",), "hush", "hush")
SECONDS = 60  # for what takes a fraction of one on a free machine


def no_length(path: Path) -> None:
    """Take the number of samples out of a FLAC header, as programs that stream leave it."""
    data = bytearray(path.read_bytes())
    assert data[:4] == b"fLaC"
    data[21] &= 0xF0  # STREAMINFO: the low 36 bits before the MD5
    data[22:26] = bytes(4)
    path.write_bytes(data)


@pytest.fixture(scope="module", params=["its header says so", "its header says nothing"])
def long(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of one file with a little more silence than is read, in some kB."""
    root = tmp_path_factory.mktemp("long")
    with soundfile.SoundFile(root / "long.flac", "w", RATE, 1) as file:
        for _ in range(round(LONGEST_SECONDS / 60) + 1):
            file.write(np.zeros(60 * RATE, np.int16))
    if request.param == "its header says nothing":
        no_length(root / "long.flac")
    (root / "long.txt").write_text("hush", encoding="utf-8")
    return root


WAYS: dict[str, Callable[[Path], object]] = {
    "clips for training": lambda root: load_whole(root / "long.flac"),
    "prepared": lambda root: load_samples(Utterance(
        "long", str(root / "long.flac"), "a", "en-us", None, None, 3.0, 0.0, 3.0, 225)),
    "protocol": lambda root: read(root, ["long.flac"]),
    "spoken": lambda root: read_spoken(root, ITEM),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_long_recording_is_refused_while_it_is_decoded(way: str, long: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"long.flac lasts .*the limit is 1800 s: cut a shorter"):
        WAYS[way](long)
    assert time.monotonic() - began < SECONDS


def test_a_long_recording_is_left_out_by_prepare(long: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of 1 recordings can be used"):
        prepare(long, tmp_path / "out", Preparation(workers=0))
    assert "lasts" in (tmp_path / "out" / "skipped.jsonl").read_text()


def test_a_long_recording_is_not_transcribed(long: Path, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    shape = RecognizerConfig(("a",), width=16, blocks=2, heads=2, decoder_layers=1)
    Recognizer(shape).save(tmp_path)
    given = ["--model", str(tmp_path), str(long / "long.flac")]
    assert run("transcribe", given, "valle transcribe") == 1
    error = capsys.readouterr().err
    assert "the limit is 1800 s" in error and error.count("\n") == 1
