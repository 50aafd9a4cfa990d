"""The prepared folder: a manifest anyone can read, and shards of codes.

    manifest.jsonl            one Utterance per line
    codes-00000.safetensors   "codes" int16 [Q, sum of T]; absent when prepared without a codec
    skipped.jsonl             recordings left out, with the reason
    prepared.json             where it came from, with which codec, and totals
"""
from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from codec.audio import SAMPLE_RATE, load_audio
from codec.files import atomic_path
from codec.speech import normalize_loudness

Codes = NDArray[np.int16]
FRAME_RATE = 75
MANIFEST, SKIPPED, INFO = "manifest.jsonl", "skipped.jsonl", "prepared.json"


@dataclass(frozen=True)
class Utterance:
    """One recording, ready for training.

    Attributes:
        id: unique within its folder.
        audio: path of the recording.
        phones: None where there is no text.
        seconds: length of the part that is kept.
        start: where the kept part starts in the recording, in seconds.
        end: where it ends.
        frames: T, codec frames of the kept part.
        shard: number of the shard with its codes; None when prepared without a codec.
        offset: its first frame within the shard.
        durations: frames per phone; they add up to `frames`. None when not known.
        score: mean log-probability per frame of the durations; None when not from an aligner.
        folder: the prepared folder it was read from; not written to the manifest.
    """

    id: str
    audio: str
    speaker: str
    language: str
    text: str | None
    phones: list[str] | None
    seconds: float
    start: float
    end: float
    frames: int
    shard: int | None = None
    offset: int | None = None
    durations: list[int] | None = None
    score: float | None = None
    folder: str = field(default="", compare=False, repr=False)

    def to_json(self) -> str:
        """One line of the manifest, without the line end."""
        values = dataclasses.asdict(self)
        del values["folder"]
        return json.dumps(values, ensure_ascii=False)


def read_manifest(path: str | Path) -> Iterator[Utterance]:
    """Utterances of a manifest file, one per line.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line is not an utterance.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no manifest at {path}: make it with `valle prepare`")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield Utterance(**json.loads(line), folder=str(path.parent))
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path} line {number} is not an utterance ({error}): "
                                 "prepare the folder again") from error


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest anew, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{u.to_json()}\n" for u in utterances), encoding="utf-8")


def load_samples(utterance: Utterance) -> NDArray[np.float32]:
    """Audio of an utterance as it was encoded: float32 [N] at 24 kHz, cut, at -23 dBFS."""
    samples = load_audio(utterance.audio, max_seconds=float("inf"))
    start, end = (round(t * SAMPLE_RATE) for t in (utterance.start, utterance.end))
    return normalize_loudness(samples[start:end])


def shard_path(folder: str | Path, shard: int) -> Path:
    """File of shard number `shard`."""
    return Path(folder) / f"codes-{shard:05d}.safetensors"


class Prepared:
    """One or several prepared folders read as one.

    Speakers of the same name in different folders are taken for the same person.

    Attributes:
        utterances: of all folders, in the order of the folders and their manifests.
        codec: identity of the codec that made the codes, or None without codes.
        n_codebooks: Q, or None without codes.
    """

    def __init__(self, utterances: Sequence[Utterance], codec: str | None,
                 n_codebooks: int | None) -> None:
        self.utterances = list(utterances)
        self.codec = codec
        self.n_codebooks = n_codebooks
        self._shards: dict[tuple[str, int], Any] = {}

    @classmethod
    def open(cls, folders: str | Path | Sequence[str | Path]) -> Prepared:
        """Open finished folders, all prepared with the same codec.

        Raises:
            FileNotFoundError: a folder was not prepared, or a shard is missing.
            ValueError: a folder is not finished or damaged, or the codecs differ.
        """
        if isinstance(folders, (str, Path)):
            folders = [folders]
        if not folders:
            raise ValueError("no prepared folder given: make one with `valle prepare`")
        infos = {str(folder): read_info(folder) for folder in folders}
        codecs = {info["codec"]: folder for folder, info in infos.items()}
        if len(codecs) > 1:
            each = ", ".join(f"{folder} ({codec or 'none'})" for codec, folder in codecs.items())
            raise ValueError(f"folders prepared with different codecs: {each}; "
                             "prepare them again with one")
        utterances = [u for folder in infos
                      for u in read_manifest(Path(folder) / MANIFEST)]
        for folder, shard in sorted({(u.folder, u.shard) for u in utterances
                                     if u.shard is not None}):
            if not shard_path(folder, shard).is_file():
                raise FileNotFoundError(f"{shard_path(folder, shard)} is missing: "
                                        f"copy it again or prepare {folder} again")
        info = next(iter(infos.values()))
        return cls(utterances, info["codec"], info["n_codebooks"])

    def codes(self, utterance: Utterance) -> Codes:
        """Codes of an utterance, int16 [Q, T].

        Raises:
            ValueError: prepared without a codec, or the shard is damaged.
        """
        if utterance.shard is None or utterance.offset is None:
            raise ValueError(f"{utterance.folder or utterance.id} was prepared without a codec: "
                             "prepare it with --codec")
        key = (utterance.folder, utterance.shard)
        path = shard_path(*key)
        try:
            if key not in self._shards:
                self._shards[key] = safe_open(path, "np").get_slice("codes")
            end = utterance.offset + utterance.frames
            codes: Codes = self._shards[key][:, utterance.offset:end]
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{path} is damaged ({error}): prepare the folder again") from error
        if codes.shape[1] != utterance.frames:
            raise ValueError(f"{path} is shorter than its manifest says: prepare the folder again")
        return codes

    def __getstate__(self) -> dict[str, Any]:
        """Open shards stay behind when a copy goes to another process."""
        return self.__dict__ | {"_shards": {}}


def read_info(folder: str | Path, unfinished: bool = False) -> dict[str, Any]:
    """Contents of a folder's prepared.json.

    Raises:
        FileNotFoundError: the folder was not prepared.
        ValueError: damaged, or not finished and `unfinished` is false.
    """
    path = Path(folder) / INFO
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is not a prepared folder (no prepared.json): "
                                "make it with `valle prepare`")
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        state = info["state"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): prepare the folder again") from error
    if state != "finished" and not unfinished:
        raise ValueError(f"{folder} is not finished: run the same `valle prepare` again")
    return info


@dataclass(frozen=True)
class Skipped:
    """A recording that was left out. `broken` ones count towards the limit of `prepare`."""

    id: str
    reason: str
    broken: bool


class PreparedWriter:
    """Writes a prepared folder group by group; valid after a kill at any moment.

    prepared.json is replaced after each group and says how far the other files count; what lies
    behind that point is cut when the folder is opened again. Recordings skipped by a run that came
    to its end are tried again by the next one.

    Attributes:
        info: contents of prepared.json.
        done: ids that need no more work.
    """

    def __init__(self, folder: str | Path, settings: dict[str, Any], n_codebooks: int | None,
                 ) -> None:
        """Open a new folder, or one written with the same settings.

        Raises:
            ValueError: other settings, or the folder is damaged or not a prepared one.
        """
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / INFO).is_file():
            self.info = self._reopen(settings)
        elif (self.folder / MANIFEST).exists():
            raise ValueError(f"{folder} holds a {MANIFEST} of other origin: give another folder")
        else:
            self.info = {**settings, "n_codebooks": n_codebooks, "frame_rate": FRAME_RATE,
                         "shards": 0, "utterances": 0, "frames": 0, "hours": 0.0, "speakers": 0,
                         "aligned": 0, "skipped": 0, "broken": 0, "manifest_bytes": 0,
                         "skipped_bytes": 0}
        self._save("running")
        for left in self.folder.glob(".*.tmp"):
            left.unlink()
        for name, key in ((MANIFEST, "manifest_bytes"), (SKIPPED, "skipped_bytes")):
            self._cut(name, self.info[key])
        utterances = list(read_manifest(self.folder / MANIFEST))
        self._speakers = {u.speaker for u in utterances}
        self.done = {u.id for u in utterances}
        for line in (self.folder / SKIPPED).read_text(encoding="utf-8").splitlines():
            self.done.add(json.loads(line)["id"])

    def add(self, utterances: Sequence[Utterance], codes: Sequence[Codes],
            skipped: Sequence[Skipped]) -> None:
        """Append utterances with their codes [Q, T] (none without a codec), and skipped ones."""
        if codes:
            number, offset, placed = self.info["shards"], 0, []
            for utterance in utterances:
                placed.append(dataclasses.replace(utterance, shard=number, offset=offset))
                offset += utterance.frames
            utterances = placed
            with atomic_path(shard_path(self.folder, number)) as path:
                save_file({"codes": np.concatenate(codes, axis=1)}, path)
            self.info["shards"] += 1
        self._append(MANIFEST, "manifest_bytes", [u.to_json() for u in utterances])
        self._append(SKIPPED, "skipped_bytes",
                     [json.dumps(dataclasses.asdict(s), ensure_ascii=False) for s in skipped])
        self._speakers |= {u.speaker for u in utterances}
        self.info["utterances"] += len(utterances)
        self.info["frames"] += sum(u.frames for u in utterances)
        self.info["hours"] = round(self.info["frames"] / FRAME_RATE / 3600, 3)
        self.info["speakers"] = len(self._speakers)
        self.info["aligned"] += sum(u.durations is not None for u in utterances)
        self.info["skipped"] += len(skipped)
        self.info["broken"] += sum(s.broken for s in skipped)
        self._save("running")

    def close(self, state: str) -> dict[str, Any]:
        """Mark the folder "finished" or "aborted"; returns the contents of prepared.json."""
        self._save(state)
        return self.info

    def _reopen(self, settings: dict[str, Any]) -> dict[str, Any]:
        info = read_info(self.folder, unfinished=True)
        for name, value in settings.items():
            if info.get(name) != value:
                raise ValueError(f"{self.folder} was prepared with {name} {info.get(name)!r}, not "
                                 f"{value!r}: give the same again or another folder")
        if info["state"] != "running":
            info |= {"skipped_bytes": 0, "skipped": 0, "broken": 0}
        return info

    def _cut(self, name: str, size: int) -> None:
        with open(self.folder / name, "ab") as file:
            if file.tell() < size:
                raise ValueError(f"{self.folder / name} is shorter than {INFO} says: "
                                 "prepare into another folder")
            file.truncate(size)

    def _append(self, name: str, key: str, lines: Sequence[str]) -> None:
        with open(self.folder / name, "ab") as file:
            file.write("".join(line + "\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())
            self.info[key] = file.tell()

    def _save(self, state: str) -> None:
        self.info["state"] = state
        with atomic_path(self.folder / INFO) as path:
            path.write_text(json.dumps(self.info, indent=2, ensure_ascii=False) + "\n",
                            encoding="utf-8")
