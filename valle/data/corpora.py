"""A corpus in any known layout: recognised, and read as recordings and what is left out.

A recording's audio may have any known suffix: a corpus recoded to Opus reads like the original.
Rows without audio are left out by name, so a part of a corpus reads like the whole.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from valle.data.audio_files import AUDIO_SUFFIXES, OTHER_SUFFIXES, AudioIndex, walk
from valle.data.layouts import (
    COMMON_VOICE_TABLES,
    read_common_voice,
    read_kaldi,
    read_librispeech,
    read_libritts,
    read_plain,
    read_tabled,
    read_vctk,
)
from valle.data.recording import Corpus, LeftOut, Recording, each_once
from valle.data.table import is_table
from valle.features.progress import say

Reader = Callable[[list[Path], Path, str], Iterator[Recording | LeftOut]]
READERS: dict[str, Reader] = {
    "librispeech": read_librispeech,
    "libritts": read_libritts,
    "ljspeech": read_tabled,
    "vctk": read_vctk,
    "commonvoice": read_common_voice,
    "kaldi": read_kaldi,
    "plain": read_plain,
}
METADATA = "metadata.csv"
SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers", ".parquet", ".arrow", ".feather")
MOST_TABLES = 8  # files of a folder that are looked into: more are the texts of single clips


def read_corpus(root: str | Path, kind: str = "auto", language: str = "en-us") -> Corpus:
    """The recordings of the corpus below `root`, each once and in a fixed order, and the rest.

    Args:
        root: folder of the corpus, or of one of its parts.
        kind: a key of READERS, or "auto".
        language: espeak language of the text, where the corpus does not state its own.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: unknown kind, or the layout is not recognised or not supported.
    """
    root = Path(root)
    if kind == "auto":
        kind = detect(root)
    elif not root.is_dir():
        raise FileNotFoundError(f"no corpus folder at {root}: check the path")
    if kind not in READERS:
        raise ValueError(f"unknown corpus kind {kind!r}: choose from auto, {', '.join(READERS)}")
    return each_once(READERS[kind](_homes(root, kind), root, language))


def detect(root: str | Path) -> str:
    """The key of READERS that fits the folder `root`.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no audio, or several corpora side by side.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"no corpus folder at {root}: check the path")
    if kind := _kind_by_table(root):
        return kind
    kinds = {k for p in sorted(root.iterdir()) if p.is_dir() if (k := _kind_by_table(p))}
    if len(kinds) > 1:
        raise ValueError(f"{root} holds several corpora ({', '.join(sorted(kinds))}): "
                         "give the folder of one")
    return kinds.pop() if kinds else _kind_by_name(root)


def _kind_by_table(folder: Path) -> str | None:
    if (folder / "clips").is_dir() and any((folder / t).is_file() for t in COMMON_VOICE_TABLES):
        return "commonvoice"
    if any(p.name.lower() == METADATA for p in folder.iterdir() if p.is_file()):
        return "ljspeech"
    if any((folder / name).is_dir() for name in ("wav48_silence_trimmed", "wav48")):
        return "vctk"
    return "kaldi" if (folder / "wav.scp").is_file() else None


def _kind_by_name(root: Path) -> str:
    """The kind that the first file with a telling name belongs to."""
    audio_seen, others_seen = False, 0
    for folder in walk(root):
        if any(n.endswith(".trans.txt") for n in folder.others):
            return "librispeech"
        if any(n.endswith(".normalized.txt") for n in folder.others):
            return "libritts"
        for stem in folder.audio:
            if re.fullmatch(r"\d+-\d+-\d+", stem):
                return "librispeech"
            if re.fullmatch(r"\d+_\d+_\d+_\d+", stem):
                return "libritts"
            audio_seen = True
        if METADATA in folder.others:
            return "ljspeech"
        others_seen += len(folder.left_out)
        if audio_seen and _tables(root):
            return "ljspeech"
        if audio_seen:
            _tell_of_spreadsheets(root)
            return "plain"
    if others_seen:
        raise ValueError(f"no audio below {root} but {others_seen} files in a format that is not "
                         f"read ({' '.join(OTHER_SUFFIXES[:4])} ...): convert them to WAV or FLAC")
    raise ValueError(f"no audio below {root}; looked for {' '.join(AUDIO_SUFFIXES)}")


def _tell_of_spreadsheets(root: Path) -> None:
    """Say that one is not read: the texts of all the audio may be in it."""
    for folder in (root, *sorted(p for p in root.iterdir() if p.is_dir())):
        found = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in SPREADSHEETS]
        if found:
            say(f"{found[0]} is not read: if it holds the texts, save it as CSV (UTF-8) in its "
                "place")
            return


def _tables(root: Path) -> list[Path]:
    """Files in `root`, or in the folders directly below, whose rows name audio."""
    found: list[Path] = []
    for folder in [root, *sorted(p for p in root.iterdir() if p.is_dir())]:
        texts = [p for p in sorted(folder.iterdir())
                 if p.suffix.lower() in (".csv", ".tsv", ".txt", ".psv", ".list", ".lst", ".json",
                                         ".jsonl") or p.name in ("text", "transcripts")]
        if 0 < len(texts) <= MOST_TABLES and (folder == root or not found):
            index = AudioIndex(folder)
            found += [path for path in texts if is_table(path, index)]
    return found


def _homes(root: Path, kind: str) -> list[Path]:
    """`root` itself or those folders directly below it that hold the tables of `kind`.

    For kinds without tables it is `root`; for "ljspeech" it is the tables themselves.
    """
    if kind in ("librispeech", "libritts", "plain"):
        return [root]
    if kind == "ljspeech":
        homes = [folder.others[METADATA] for folder in walk(root) if METADATA in folder.others]
        homes = [h for h in homes if h.parent == root] or homes or _tables(root)
    else:
        homes = [p for p in [root, *sorted(root.iterdir())]
                 if p.is_dir() and _kind_by_table(p) == kind]
    if not homes:
        raise ValueError(f"{root} has not the layout of {kind}: use --kind auto")
    return homes[:1] if homes[0] == root else homes
