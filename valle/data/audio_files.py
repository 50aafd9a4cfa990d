"""The audio below a folder, found by the names that tables give it."""
from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from valle.data.recording import TWICE, UNREADABLE, LeftOut

AUDIO_SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3", ".oga", ".aiff", ".aif",
                  ".wave")
OTHER_SUFFIXES = (".m4a", ".aac", ".mp4", ".m4b", ".wma", ".amr", ".3gp", ".webm", ".ape", ".wv",
                  ".mka", ".mp2", ".ac3", ".spx", ".tta", ".dsf", ".ra", ".mov", ".mkv", ".caf",
                  ".au", ".w64", ".rf64", ".sph", ".raw", ".pcm")
CONTAINERS = frozenset((
    "wav", "wavs", "wave", "waves", "audio", "audios", "audiofiles", "clip", "clips", "flac",
    "mp3", "ogg", "opus", "recording", "recordings", "sound", "sounds", "data", "files"))

SPLITS = frozenset(("train", "dev", "test", "valid", "validation", "val", "eval"))


@dataclass(frozen=True)
class Folder:
    """One folder of a corpus.

    Attributes:
        audio: its audio files by stem (normalised to NFC), in order.
        others: its other files by lower-case name (NFC).
        left_out: audio that cannot be taken.
    """

    path: Path
    audio: dict[str, Path]
    others: dict[str, Path]
    left_out: list[LeftOut]


def walk(root: Path) -> Iterator[Folder]:
    """All folders below `root`, itself first, in order; hidden ones are passed over."""
    for path, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = sorted(d for d in subfolders if not d.startswith("."))
        yield sort_files(Path(path), names, root)


def sort_files(folder: Path, names: list[str], root: Path) -> Folder:
    """What the files of one folder are. Of one stem the first suffix is taken."""
    found = Folder(folder, {}, {}, [])
    unread: list[str] = []
    for name in sorted(names):
        stem, suffix = os.path.splitext(plain_name(name))
        if name.startswith("."):
            continue
        if suffix.lower() in OTHER_SUFFIXES:
            unread.append(name)
        elif suffix.lower() not in AUDIO_SUFFIXES:
            found.others[plain_name(name).lower()] = folder / name
        elif stem in found.audio:
            found.left_out.append(LeftOut(below(folder / name, root), TWICE,
                                          f"{found.audio[stem].name} has the same name"))
        else:
            found.audio[stem] = folder / name
    for name in unread:
        if os.path.splitext(plain_name(name))[0] not in found.audio:
            found.left_out.append(LeftOut(
                below(folder / name, root), UNREADABLE,
                f"{Path(name).suffix} files are not read: convert it to WAV or FLAC"))
    return found


class AudioIndex:
    """All audio below a folder.

    Attributes:
        left_out: audio that cannot be taken.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.left_out: list[LeftOut] = []
        self._by_stem: dict[str, list[Path]] = {}
        for folder in walk(root):
            self.left_out += folder.left_out
            for stem, path in folder.audio.items():
                self._by_stem.setdefault(stem.lower(), []).append(path)

    def __iter__(self) -> Iterator[Path]:
        return (path for paths in self._by_stem.values() for path in paths)

    def __len__(self) -> int:
        return sum(map(len, self._by_stem.values()))

    def find(self, name: str) -> Path | None:
        """The file that a table means by `name`: with or without suffix and folders.

        Folders must agree as far as both name them; those that only say "here is audio" (wavs,
        clips) need not. None where there is none, or more than one.
        """
        *folders, stem = key(name)
        close = [(path, key(below(path, self.root))) for path in
                 self._by_stem.get(stem.lower(), [])]
        close = [(path, own) for path, own in close if agree(folders, own[:-1])]
        for wanted in ([*folders, stem], [stem]):
            exact = [path for path, own in close if own[-len(wanted):] == wanted]
            if len(exact) == 1:
                return exact[0]
        return close[0][0] if len(close) == 1 else None


def agree(a: list[str], b: list[str]) -> bool:
    """Whether one path of folders ends in the other, containers left aside."""
    a, b = ([f.lower() for f in folders if f.lower() not in CONTAINERS] for folders in (a, b))
    shorter = min(len(a), len(b))
    return a[len(a) - shorter:] == b[len(b) - shorter:]


def key(name: str) -> list[str]:
    """Parts of a path, the last one without an audio suffix."""
    parts = [part for part in plain_name(name).strip().replace("\\", "/").split("/")
             if part not in ("", ".")] or [""]
    stem, suffix = os.path.splitext(parts[-1])
    return [*parts[:-1], stem if suffix.lower() in AUDIO_SUFFIXES + OTHER_SUFFIXES else parts[-1]]


def voice_folder(path: Path, root: Path) -> str:
    """Name of the folder that a recording's speaker is called by: the nearest that may be a name.

    Where there is none, it is the corpus that has one speaker.
    """
    for folder in key(below(path, root))[-2::-1]:
        if folder.lower() not in CONTAINERS | SPLITS:
            return folder
    return plain_name(root.resolve().name)


def below(path: Path, root: Path) -> str:
    """Path below a folder, normalised to NFC."""
    return plain_name(path.relative_to(root).as_posix())


def plain_name(name: str) -> str:
    """A file name as it is typed: macOS stores accents apart from their letters (NFD)."""
    return unicodedata.normalize("NFC", name)
