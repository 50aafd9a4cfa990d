"""Corpora in every layout that the readers know."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from recordings import (
    make_commonvoice,
    make_kaldi,
    make_librispeech,
    make_libritts,
    make_ljspeech,
    make_plain,
    make_vctk,
)

from valle.data.corpora import READERS, detect, read_corpus

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"


EXPECTED = {  # (id, speaker, text, language) in the order in which they are read
    "librispeech": [("26-495-0000", "26", None, "en-us"),
                    ("19-198-0000", "19", "it's a word", "en-us"),
                    ("19-198-0001", "19", "another", "en-us")],
    "libritts": [("84_121123_000007_000001", "84", "Chapter seven.", "en-us")],
    "ljspeech": [("LJ001-0001", "LJ", 'In fourteen fifty-five, "', "en-us")],
    "vctk": [("p225_001", "p225", "Please call Stella.", "en-us"),
             ("p225_002", "p225", None, "en-us")],
    "commonvoice": [("common_voice_de_1", "ab12", 'Er sagte: "Ja.', "de")],
    "kaldi": [("000240010", "0024", "it was good", "en-us"),
              ("000240031", "0024", "Mixed case", "en-us")],
    "plain": [("anna/one", "anna", "A word.", "en-us")],
}
MAKERS: dict[str, Callable[[Path], None]] = {
    "librispeech": make_librispeech, "libritts": make_libritts, "ljspeech": make_ljspeech,
    "vctk": make_vctk, "commonvoice": make_commonvoice, "kaldi": make_kaldi, "plain": make_plain}


@pytest.mark.parametrize("kind", READERS)
def test_every_layout_is_recognised_and_read(tmp_path: Path, kind: str) -> None:
    MAKERS[kind](tmp_path)
    assert detect(tmp_path) == kind
    found = list(read_corpus(tmp_path))
    assert [(r.id, r.speaker, r.text, r.language) for r in found] == EXPECTED[kind]
    assert all(r.audio.is_file() and r.problem is None for r in found)


def test_vctk_takes_the_first_microphone(tmp_path: Path) -> None:
    make_vctk(tmp_path)
    assert [r.audio.stem for r in read_corpus(tmp_path)] == ["p225_001_mic1", "p225_002_mic2"]


def test_unusable_corpora_give_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="check the path"):
        detect(tmp_path / "missing")
    with pytest.raises(ValueError, match="no audio below"):
        detect(tmp_path)
    make_ljspeech(tmp_path / "lj")
    make_vctk(tmp_path / "vctk")
    with pytest.raises(ValueError, match="several corpora .*ljspeech, vctk"):
        detect(tmp_path)
    with pytest.raises(ValueError, match="choose from auto, librispeech"):
        read_corpus(tmp_path, "librivox")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared/corpus")
def test_real_corpora_are_read_whole() -> None:
    count = Counter(r.text is None for r in read_corpus(CORPUS / "LibriSpeech"))
    assert count[False] >= 1519 and count[True] == 251
    assert len(list(read_corpus(CORPUS / "speechocean762"))) == 2560
    assert len({r.speaker for r in read_corpus(CORPUS / "CommonVoice")}) == 176
