"""Readers for published speech corpora, each in the layout it is downloaded in.

A recording's audio may have any known suffix: a corpus recoded to Opus reads like the original.
Entries without audio are passed over, so a part of a corpus reads like the whole.
"""
from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

AUDIO_SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")
COMMON_VOICE_TABLES = ("validated.tsv", "train.tsv", "dev.tsv", "test.tsv")
ESPEAK_LANGUAGES = {"en": "en-us", "fr": "fr-fr", "zh-CN": "cmn", "zh-TW": "cmn", "zh-HK": "yue",
                    "pt": "pt-br", "nb-NO": "nb", "nn-NO": "nb", "sv-SE": "sv", "ga-IE": "ga",
                    "hy-AM": "hy", "ne-NP": "ne", "pa-IN": "pa"}


@dataclass(frozen=True)
class Recording:
    """One utterance of a corpus.

    Attributes:
        id: unique within the corpus.
        text: what is said, or None where the corpus does not say.
        language: an espeak language.
        segments: exact timings of a synthetic teacher as (phone, end in seconds), or None.
        problem: why the recording cannot be used although its audio exists, or None.
    """

    id: str
    audio: Path
    speaker: str
    text: str | None
    language: str
    segments: list[tuple[str, float]] | None = None
    problem: str | None = None


def read_corpus(root: str | Path, kind: str = "auto", language: str = "en-us",
                ) -> Iterator[Recording]:
    """Recordings of the corpus below `root`, in a fixed order, read as they are asked for.

    Args:
        root: folder of the corpus, or of one of its parts.
        kind: a key of READERS, or "auto".
        language: espeak language of the text, where the corpus does not state its own.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: unknown kind, or the layout is not recognised or not supported.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"no corpus folder at {root}: check the path")
    if kind == "auto":
        kind = detect(root)
    if kind not in READERS:
        raise ValueError(f"unknown corpus kind {kind!r}: choose from auto, {', '.join(READERS)}")
    return READERS[kind](root, language)


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
    if (folder / "metadata.csv").is_file() and (folder / "wavs").is_dir():
        return "ljspeech"
    if any((folder / name).is_dir() for name in ("wav48_silence_trimmed", "wav48")):
        return "vctk"
    return "kaldi" if (folder / "wav.scp").is_file() else None


def _kind_by_name(root: Path) -> str:
    """The kind that the first file with a telling name belongs to."""
    audio_seen = False
    for _folder, audio, names in _walk(root):
        if any(n.endswith(".trans.txt") for n in names):
            return "librispeech"
        if any(n.endswith(".normalized.txt") for n in names):
            return "libritts"
        for stem in audio:
            if re.fullmatch(r"\d+-\d+-\d+", stem):
                return "librispeech"
            if re.fullmatch(r"\d+_\d+_\d+_\d+", stem):
                return "libritts"
            audio_seen = True
        if audio_seen:
            return "plain"
    raise ValueError(f"no audio below {root}; looked for {' '.join(AUDIO_SUFFIXES)}")


def read_librispeech(root: Path, language: str) -> Iterator[Recording]:
    """`SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac` and one `*.trans.txt` per chapter."""
    for folder, audio, names in _walk(root):
        texts: dict[str, str] = {}
        for name in names:
            if name.endswith(".trans.txt"):
                texts |= _table(folder / name)
        for stem, path in audio.items():
            text = texts.get(stem)
            yield Recording(stem, path, stem.split("-")[0], text and _sentence(text), language)


def read_libritts(root: Path, language: str) -> Iterator[Recording]:
    """`SPEAKER/CHAPTER/SPEAKER_CHAPTER_P_S.wav` with `.normalized.txt` beside it."""
    for folder, audio, names in _walk(root):
        for stem, path in audio.items():
            name = f"{stem}.normalized.txt"
            text, problem = _text_or_problem(folder / name) if name in names else (None, None)
            yield Recording(stem, path, stem.split("_")[0], text, language, problem=problem)


def read_ljspeech(root: Path, language: str) -> Iterator[Recording]:
    """`metadata.csv` with `ID|text|normalised text` and `wavs/ID.wav`."""
    for home in _homes(root, "ljspeech"):
        audio = _audio_in(home / "wavs")
        for line in _read_text(home / "metadata.csv").splitlines():
            stem, *texts = line.split("|")
            if stem in audio and texts:
                text = texts[-1].strip() or texts[0].strip()
                yield Recording(stem, audio[stem], "LJ", text, language)


def read_vctk(root: Path, language: str) -> Iterator[Recording]:
    """`wav48_silence_trimmed/p225/p225_001_mic1.flac` or `wav48/p225/p225_001.wav`, and `txt/`.

    Of two microphones the first is read; where it is missing, the second.
    """
    for home in _homes(root, "vctk"):
        new = home / "wav48_silence_trimmed"
        for _folder, audio, _ in _walk(new if new.is_dir() else home / "wav48"):
            found: dict[str, Path] = {}
            for stem, path in audio.items():  # sorted: mic1 comes before mic2
                found.setdefault(re.sub(r"_mic\d$", "", stem), path)
            for stem, path in found.items():
                speaker = stem.split("_")[0]
                written = home / "txt" / speaker / f"{stem}.txt"
                text, problem = _text_or_problem(written) if written.is_file() else (None, None)
                yield Recording(stem, path, speaker, text, language, problem=problem)


def read_common_voice(root: Path, language: str) -> Iterator[Recording]:
    """`LANGUAGE/validated.tsv` (else train, dev and test) and `LANGUAGE/clips/`.

    The locale column decides the language; `language` chooses the variant (en-gb for en).
    """
    for home in _homes(root, "commonvoice"):
        audio = _audio_in(home / "clips")
        seen: set[str] = set()
        tables = [home / name for name in COMMON_VOICE_TABLES if (home / name).is_file()]
        for table in tables[:1] if tables[0].name == "validated.tsv" else tables:
            with table.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                    stem = Path(row["path"]).stem
                    if stem in audio and stem not in seen:
                        seen.add(stem)
                        locale = row.get("locale") or home.name
                        yield Recording(stem, audio[stem], row["client_id"], row["sentence"],
                                        _espeak_language(locale, language))


def read_kaldi(root: Path, language: str) -> Iterator[Recording]:
    """`wav.scp`, `utt2spk` and `text` (speechocean762 and other Kaldi data folders).

    Raises:
        ValueError: a `segments` file cuts utterances out of longer recordings.
    """
    for home in _homes(root, "kaldi"):
        if (home / "segments").is_file():
            raise ValueError(f"{home}/segments is not supported: cut the recordings first")
        speakers = _table(home / "utt2spk") if (home / "utt2spk").is_file() else {}
        texts = _table(home / "text") if (home / "text").is_file() else {}
        folders: dict[Path, dict[str, Path]] = {}
        for name, source in _table(home / "wav.scp").items():
            path = _kaldi_audio(source, home, root, folders)
            if path:
                text = texts.get(name)
                yield Recording(name, path, speakers.get(name, name), text and _sentence(text),
                                language)


def read_plain(root: Path, language: str) -> Iterator[Recording]:
    """Any tree of `SPEAKER/NAME.wav`, `NAME.txt` (text) and `NAME.phones` (exact timings).

    A line of a `.phones` file is "phone<TAB>end in seconds"; the phones are those that g2p gives
    for the text. The id is the path below `root` without its suffix.
    """
    for folder, audio, names in _walk(root):
        for stem, path in audio.items():
            text, segments, problem = None, None, None
            if f"{stem}.txt" in names:
                text, problem = _text_or_problem(folder / f"{stem}.txt")
            if f"{stem}.phones" in names:
                try:
                    segments = _segments(folder / f"{stem}.phones")
                except ValueError as error:
                    problem = str(error)
            name = path.relative_to(root).with_suffix("").as_posix()
            yield Recording(name, path, folder.name, text, language, segments, problem)


READERS: dict[str, Callable[[Path, str], Iterator[Recording]]] = {
    "librispeech": read_librispeech,
    "libritts": read_libritts,
    "ljspeech": read_ljspeech,
    "vctk": read_vctk,
    "commonvoice": read_common_voice,
    "kaldi": read_kaldi,
    "plain": read_plain,
}


def _homes(root: Path, kind: str) -> list[Path]:
    """`root` itself or those folders directly below it that hold the tables of `kind`."""
    homes = [p for p in [root, *sorted(root.iterdir())] if p.is_dir() and _kind_by_table(p) == kind]
    if not homes:
        raise ValueError(f"{root} has not the layout of {kind}: use --kind auto")
    return homes[:1] if homes[0] == root else homes


def _walk(root: Path) -> Iterator[tuple[Path, dict[str, Path], set[str]]]:
    """(folder, its audio files by stem in order, its file names) of all folders below `root`."""
    for folder, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = sorted(d for d in subfolders if not d.startswith("."))
        yield Path(folder), _audio_in(Path(folder), names), set(names)


def _audio_in(folder: Path, names: list[str] | None = None) -> dict[str, Path]:
    """Audio files of one folder by their stem, sorted."""
    if names is None:
        names = os.listdir(folder) if folder.is_dir() else []
    found: dict[str, Path] = {}
    for name in sorted(names):
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in AUDIO_SUFFIXES and not name.startswith("."):
            found.setdefault(stem, folder / name)
    return found


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
        if path.parent not in folders:
            folders[path.parent] = _audio_in(path.parent)
        if found := folders[path.parent].get(path.stem):
            return found
    return None


def _read_text(path: Path) -> str:
    """Text of a UTF-8 file without outer white space."""
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: convert it") from error


def _text_or_problem(path: Path) -> tuple[str | None, str | None]:
    """(text, None), or (None, what is wrong with the file)."""
    try:
        return _read_text(path), None
    except ValueError as error:
        return None, str(error)


def _table(path: Path) -> dict[str, str]:
    """Lines "KEY value ..." of a file."""
    rows = (line.split(maxsplit=1) for line in _read_text(path).splitlines())
    return {row[0]: row[1].strip() if len(row) > 1 else "" for row in rows if row}


def _sentence(text: str) -> str:
    """Text in capitals only becomes lower case, so that no word is taken for an abbreviation."""
    return text.lower() if text.isupper() else text


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


def _espeak_language(locale: str, language: str) -> str:
    """The espeak language of a Common Voice locale."""
    if locale.split("-")[0] == language.split("-")[0]:
        return language
    return ESPEAK_LANGUAGES.get(locale, locale)
