"""A book as a sound file of each kind: its samples, chapters, tags and cover, read back."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from books import picture
from conftest import RATE, file_limit, needs

from codec.audio import load_audio
from valle.reading import mux

pytestmark = needs("av")
TAGS = {"title": "Die Öffnung", "artist": "A. Sailor", "comment": "synthetic"}
MARKS = (mux.Mark("One", 0.0, 1.5), mux.Mark("Zwei ü", 1.5, 4.0))


def tone(seconds: float) -> np.ndarray:
    return (0.3 * np.sin(np.arange(round(seconds * RATE)) * 0.05)).astype(np.float32)


@pytest.mark.parametrize("suffix", mux.KINDS)
def test_each_kind_holds_what_it_can(suffix: str, tmp_path: Path) -> None:
    import av

    path, whole = tmp_path / f"book{suffix}", tone(4.0)
    parts = (whole[:10], whole[10:40_000], whole[40_000:])
    mux.write(path, parts, RATE, TAGS, MARKS, picture())
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    heard = load_audio(path, RATE)
    edge = 0 if suffix in (".wav", ".flac") else 2_400  # lossy coders pad and warm up
    assert abs(len(heard) - len(whole)) <= edge
    exact = 1e-4 if not edge else 0.05
    size = min(len(heard), len(whole)) - edge
    assert np.abs(heard[edge:size] - whole[edge:size]).max() < exact
    kind = mux.KINDS[suffix]
    with av.open(str(path)) as file:
        found = [(mark["metadata"]["title"], mark["start"] * float(mark["time_base"]))
                 for mark in file.chapters()]
        told = {**file.metadata, **file.streams.audio[0].metadata}
        pictures = len(file.streams.video)
    assert {name.lower(): value for name, value in told.items()}.items() >= TAGS.items()
    assert found == ([("One", 0.0), ("Zwei ü", 1.5)] if kind.chapters else [])
    assert pictures == int(kind.cover)
    if suffix == ".m4b":
        assert path.read_bytes()[4:12] == b"ftypM4B "


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "book.flac"
    path.write_bytes(b"before")
    noise = np.random.default_rng(0).uniform(-1, 1, 100_000).astype(np.float32)
    with file_limit(50_000), pytest.raises(OSError, match="large"):
        mux.write(path, [noise], RATE, TAGS, MARKS)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in .m4b, .mp3, .opus, .flac or .wav"):
        mux.kind_of(tmp_path / "book.ogg")
    with pytest.raises(ValueError, match="no JPEG or PNG picture"):
        mux.size_of(b"picture")
    assert mux.size_of(picture()) == (16, 24)
