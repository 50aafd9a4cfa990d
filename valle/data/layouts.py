"""Readers for published speech corpora, as they are downloaded, and for plain folders.

A reader takes the folders (or tables) that make up the corpus, the folder that was asked for, and
the language; it yields recordings, and what gives none.
"""
from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from valle.data.audio_files import (
    AUDIO_SUFFIXES,
    CONTAINERS,
    AudioIndex,
    Folder,
    below,
    key,
    plain_name,
    sort_files,
    voice_folder,
    walk,
)
from valle.data.recording import (
    MALFORMED,
    UNLISTED,
    WITHOUT_AUDIO,
    LeftOut,
    Recording,
    read_text,
    sentence,
    text_or_problem,
)
from valle.data.table import Row, read_table

Found = Iterator[Recording | LeftOut]
COMMON_VOICE_TABLES = ("validated.tsv", "train.tsv", "dev.tsv", "test.tsv")
ESPEAK_LANGUAGES = {"en": "en-us", "fr": "fr-fr", "zh-CN": "cmn", "zh-TW": "cmn", "zh-HK": "yue",
                    "pt": "pt-br", "nb-NO": "nb", "nn-NO": "nb", "sv-SE": "sv", "ga-IE": "ga",
                    "hy-AM": "hy", "ne-NP": "ne", "pa-IN": "pa"}


def read_librispeech(homes: Sequence[Path], root: Path, language: str) -> Found:
    """`SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac` and one `*.trans.txt` per chapter."""
    for folder in walk(root):
        texts: dict[str, str] = {}
        for name, path in folder.others.items():
            if name.endswith(".trans.txt"):
                texts |= _lines(path)
        for stem, path in folder.audio.items():
            text = texts.pop(stem, None)
            yield Recording(stem, path, stem.split("-")[0], text and sentence(text), language)
        yield from folder.left_out
        yield from (_without_audio(stem) for stem in texts)


def read_libritts(homes: Sequence[Path], root: Path, language: str) -> Found:
    """`SPEAKER/CHAPTER/SPEAKER_CHAPTER_P_S.wav` with `.normalized.txt` beside it."""
    for folder in walk(root):
        for stem, path in folder.audio.items():
            text, problem = text_or_problem(folder.others.get(f"{stem}.normalized.txt".lower()))
            yield Recording(stem, path, stem.split("_")[0], text, language, problem=problem)
        yield from folder.left_out


def read_tabled(homes: Sequence[Path], root: Path, language: str) -> Found:
    """Tables of `ID|text` (table.py), and the audio that they name, anywhere below them."""
    seen: set[Path] = set()
    indices: dict[Path, AudioIndex] = {}
    for table in homes:
        if table.parent not in indices:
            indices[table.parent] = AudioIndex(table.parent)
        index = indices[table.parent]
        prefix = "" if len({t.parent for t in homes}) == 1 else f"{below(table.parent, root)}/"
        rows = read_table(table, index)
        found = {row.line: index.find(row.id) for row in rows}
        folders = {voice_folder(path, table.parent) for path in found.values() if path}
        for row in rows:
            audio = found[row.line]
            if row.problem:
                yield LeftOut(prefix + row.id, MALFORMED, row.problem)
            elif audio is None:
                yield _without_audio(prefix + row.id)
            else:
                seen.add(audio)
                name = [p for p in key(below(audio, table.parent)) if p.lower() not in CONTAINERS]
                yield Recording(prefix + "/".join(name or [audio.stem]), audio,
                                _speaker(row, audio, table.parent if len(folders) > 1 else None,
                                         voice_folder(table, root)), row.text,
                                _espeak_language(row.language, language))
    for folder, index in indices.items():
        yield from index.left_out
        yield from (LeftOut(below(path, folder), UNLISTED, "no row names it")
                    for path in index if path not in seen)


def _speaker(row: Row, audio: Path, home: Path | None, name: str) -> str:
    """Who the row says it is, or the folder below `home`, or the corpus's name."""
    if row.speaker:
        return row.speaker
    if re.fullmatch(r"LJ\d{3}-\d{4}", audio.stem):
        return "LJ"
    return voice_folder(audio, home) if home else name


def read_vctk(homes: Sequence[Path], root: Path, language: str) -> Found:
    """`wav48_silence_trimmed/p225/p225_001_mic1.flac` or `wav48/p225/p225_001.wav`, and `txt/`.

    Of two microphones the first is read; where it is missing, the second.
    """
    for home in homes:
        new = home / "wav48_silence_trimmed"
        for folder in walk(new if new.is_dir() else home / "wav48"):
            found: dict[str, Path] = {}
            for stem, path in folder.audio.items():  # sorted: mic1 comes before mic2
                found.setdefault(re.sub(r"_mic\d$", "", stem), path)
            for stem, path in found.items():
                speaker = stem.split("_")[0]
                written = home / "txt" / speaker / f"{stem}.txt"
                text, problem = text_or_problem(written if written.is_file() else None)
                yield Recording(stem, path, speaker, text, language, problem=problem)
            yield from folder.left_out


def read_common_voice(homes: Sequence[Path], root: Path, language: str) -> Found:
    """`LANGUAGE/validated.tsv` (else train, dev and test) and `LANGUAGE/clips/`.

    The locale column decides the language; `language` chooses the variant (en-gb for en).
    """
    for home in homes:
        index = AudioIndex(home / "clips")
        yield from index.left_out
        tables = [home / name for name in COMMON_VOICE_TABLES if (home / name).is_file()]
        for table in tables[:1] if tables[0].name == "validated.tsv" else tables:
            with table.open(encoding="utf-8-sig", newline="") as lines:
                for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                    if audio := index.find(row["path"]):
                        locale = row.get("locale") or home.name
                        yield Recording(plain_name(audio.stem), audio, row["client_id"],
                                        row["sentence"], _espeak_language(locale, language))
                    else:
                        yield _without_audio(key(row["path"])[-1])


def read_kaldi(homes: Sequence[Path], root: Path, language: str) -> Found:
    """`wav.scp`, `utt2spk` and `text` (speechocean762 and other Kaldi data folders).

    Raises:
        ValueError: a `segments` file cuts utterances out of longer recordings.
    """
    for home in homes:
        if (home / "segments").is_file():
            raise ValueError(f"{home}/segments is not supported: cut the recordings first")
        speakers = _lines(home / "utt2spk") if (home / "utt2spk").is_file() else {}
        texts = _lines(home / "text") if (home / "text").is_file() else {}
        folders: dict[Path, dict[str, Path]] = {}
        for name, source in _lines(home / "wav.scp").items():
            if path := _kaldi_audio(source, home, root, folders):
                text = texts.get(name)
                yield Recording(name, path, speakers.get(name, name), text and sentence(text),
                                language)
            else:
                yield _without_audio(name)


def read_plain(homes: Sequence[Path], root: Path, language: str) -> Found:
    """Any tree of `SPEAKER/NAME.wav`, `NAME.txt` (text) and `NAME.phones` (exact timings).

    A line of a `.phones` file is "phone<TAB>end in seconds"; the phones are those that g2p gives
    for the text. Texts may stand in a tree of their own, `wav/anna/1.wav` beside
    `txt/anna/1.txt`. The id is the path below `root` without its suffix.
    """
    folders = list(walk(root))
    elsewhere = _texts_apart(folders, root)
    for folder in folders:
        for stem, path in folder.audio.items():
            name = "/".join(key(below(path, root)))
            beside = (folder.others.get(f"{stem}.txt".lower())
                      or folder.others.get(f"{plain_name(path.name)}.txt".lower())
                      or _label(folder.others.get(f"{stem}.lab".lower())))
            text, problem = text_or_problem(beside or elsewhere.get(name))
            segments = None
            if timings := folder.others.get(f"{stem}.phones".lower()):
                try:
                    segments = _segments(timings)
                except ValueError as error:
                    problem = str(error)
            yield Recording(name, path, voice_folder(path, root), text, language, segments, problem)
        yield from folder.left_out


def _label(path: Path | None) -> Path | None:
    """A .lab file that holds a text, as the Montreal aligner reads it, and no timings."""
    timed = path and re.match(r"\s*[\d.]+\s+[\d.]+\s", path.read_bytes()[:80].decode("latin-1"))
    return None if timed else path


def _texts_apart(folders: Sequence[Folder], root: Path) -> dict[str, Path]:
    """Text files in folders without audio, by the name of the recording that each can belong to.

    Paths of a text and of its recording differ in one folder.
    """
    by_rest: dict[tuple[int, tuple[str, ...], str], list[Path]] = {}
    for folder in folders:
        for name, path in folder.others.items() if not folder.audio else ():
            if name.endswith(".txt"):
                for i, rest in _less_one(folder.path, root):
                    by_rest.setdefault((i, rest, name[:-4]), []).append(path)
    found: dict[str, Path] = {}
    for folder in folders if by_rest else []:
        for stem, path in folder.audio.items():
            fitting = {text for i, rest in _less_one(folder.path, root)
                       for text in by_rest.get((i, rest, stem.lower()), [])}
            if len(fitting) == 1:
                found["/".join(key(below(path, root)))] = fitting.pop()
    return found


def _less_one(folder: Path, root: Path) -> list[tuple[int, tuple[str, ...]]]:
    """The folders on the way from root to a folder, each left out once: (which, the others)."""
    parts = Path(below(folder, root)).parts
    return [(i, (*parts[:i], *parts[i + 1:])) for i in range(len(parts))]


def _kaldi_audio(source: str, home: Path, root: Path, folders: dict[Path, dict[str, Path]],
                 ) -> Path | None:
    """The audio file a `wav.scp` entry names, directly or as the input of a pipe; None if absent.

    Relative paths are tried from the table's folder and from those above it.
    """
    words = source.rstrip("| ").split() if source.endswith("|") else [source]
    named = [w for w in words if Path(w).suffix.lower() in (*AUDIO_SUFFIXES, ".sph")]
    if not named:
        return None
    for base in (home, root, root.parent):
        path = base / named[0]
        folder = path.parent
        if folder not in folders:
            names = os.listdir(folder) if folder.is_dir() else []
            folders[folder] = sort_files(folder, names, folder).audio
        if found := folders[folder].get(plain_name(path.stem)):
            return found
    return None


def _without_audio(name: str) -> LeftOut:
    return LeftOut(name, WITHOUT_AUDIO, "no audio of this name, or several files of it")


def _lines(path: Path) -> dict[str, str]:
    """Lines "KEY value ..." of a file."""
    rows = (line.split(maxsplit=1) for line in read_text(path).splitlines())
    return {row[0]: row[1].strip() if len(row) > 1 else "" for row in rows if row}


def _segments(path: Path) -> list[tuple[str, float]]:
    """Lines "phone<TAB>end in seconds"; a phone may be a single space."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        pairs = [line.rsplit("\t", 1) for line in lines if line]
        segments = [(phone, float(end)) for phone, end in pairs]
    except ValueError as error:
        raise ValueError(f"{path}: every line must be phone<TAB>seconds") from error
    ends = [end for _, end in segments]
    if not segments or not all(map(math.isfinite, ends)) or ends != sorted(ends) or ends[0] < 0:
        raise ValueError(f"{path}: end times must not decrease")
    return segments


def _espeak_language(locale: str | None, language: str) -> str:
    """The espeak language of a corpus's own tag; `language` where there is none."""
    if not locale or locale.replace("_", "-").split("-")[0] == language.split("-")[0]:
        return language
    return ESPEAK_LANGUAGES.get(locale, locale)
