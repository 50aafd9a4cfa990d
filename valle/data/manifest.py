"""The prepared folder: a manifest anyone can read, and shards of codes.

    manifest.jsonl            one Utterance per line
    codes-00000.safetensors   "codes" int16 [Q, sum of T]; absent when prepared without a codec
    skipped.jsonl             recordings left out, with the reason
    prepared.json             where it came from, with which codec, its numbers, and totals
"""
from __future__ import annotations

import dataclasses
import json
import math
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from codec.audio import SAMPLE_RATE, load_audio
from codec.files import atomic_path
from codec.record import from_record
from codec.spec import CodecSpec
from codec.speech import normalize_loudness
from valle.data.loading import LONGEST_SECONDS

Codes = NDArray[np.int16]
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


def _utterance(line: bytes | str, path: Path, number: int) -> Utterance:
    try:
        return Utterance(**json.loads(line), folder=str(path.parent))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} line {number} is not an utterance ({error}): "
                         "prepare the folder again") from error


def read_manifest(path: str | Path) -> Iterator[Utterance]:
    """Utterances of a manifest file, one per line.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line is not an utterance.
    """
    return (utterance for utterance, _ in _read_lines(Path(path)))


def _read_lines(path: Path) -> Iterator[tuple[Utterance, int]]:
    """(utterance, where its line begins) for each line."""
    if not path.is_file():
        raise FileNotFoundError(f"no manifest at {path}: make it with `valle prepare`")
    with path.open("rb") as lines:
        start = 0
        for number, line in enumerate(lines, 1):
            yield _utterance(line, path, number), start
            start += len(line)


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest anew, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{u.to_json()}\n" for u in utterances), encoding="utf-8")


def load_samples(utterance: Utterance, sample_rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """Audio of an utterance as it was encoded: float32 [N], cut, at -23 dBFS.

    sample_rate: of its codec, in Hz.
    """
    samples = load_audio(utterance.audio, sample_rate, max_seconds=LONGEST_SECONDS)
    start, end = (round(t * sample_rate) for t in (utterance.start, utterance.end))
    return normalize_loudness(samples[start:end], sample_rate)


def shard_path(folder: str | Path, shard: int) -> Path:
    """File of shard number `shard`."""
    return Path(folder) / f"codes-{shard:05d}.safetensors"


@dataclass(frozen=True)
class Index:
    """What batches are made of: U utterances without texts, phones and timings, 38 bytes each.

    Attributes:
        speakers, languages: names, each once.
        speaker, language: place of each utterance's in those lists [U].
        seconds, frames: lengths [U].
        phones: how many [U]; 0 without text.
        timed: whether there are durations [U].
        score: of the alignment [U]; NaN where there is none.
        crc: a number that follows from the id [U].
    """

    speakers: list[str]
    languages: list[str]
    speaker: NDArray[np.int32]
    language: NDArray[np.int32]
    seconds: NDArray[np.float64]
    frames: NDArray[np.int32]
    phones: NDArray[np.int32]
    timed: NDArray[np.bool_]
    score: NDArray[np.float32]
    crc: NDArray[np.uint32]

    @classmethod
    def of(cls, utterances: Iterable[Utterance]) -> Index:
        """The index of utterances, each of which is looked at once."""
        speakers: dict[str, int] = {}
        languages: dict[str, int] = {}
        columns: list[array[Any]] = [array(code) for code in "iidiibfI"]
        for u in utterances:
            row = (speakers.setdefault(u.speaker, len(speakers)),
                   languages.setdefault(u.language, len(languages)), u.seconds, u.frames,
                   len(u.phones or ()), u.durations is not None,
                   math.nan if u.score is None else u.score, zlib.crc32(u.id.encode()))
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        speaker, language, seconds, frames, phones, timed, score, crc = map(np.array, columns)
        return cls(list(speakers), list(languages), speaker, language, seconds, frames, phones,
                   timed.astype(bool), score, crc)


class Utterances(Sequence[Utterance]):
    """The lines of some manifests, each read when it is asked for."""

    def __init__(self, paths: Sequence[Path], path: NDArray[np.int32], start: NDArray[np.int64],
                 ) -> None:
        """path, start: which of `paths` holds each utterance [U], and where its line begins."""
        self._paths, self._path, self._start = list(paths), path, start
        self._files: dict[int, BinaryIO] = {}

    def __len__(self) -> int:
        return len(self._path)

    @overload
    def __getitem__(self, row: int) -> Utterance: ...
    @overload
    def __getitem__(self, row: slice) -> list[Utterance]: ...

    def __getitem__(self, row: int | slice) -> Utterance | list[Utterance]:
        if isinstance(row, slice):
            return [self[i] for i in range(len(self))[row]]
        number = int(self._path[row])
        if number not in self._files:
            self._files[number] = self._paths[number].open("rb")
        file = self._files[number]
        file.seek(int(self._start[row]))
        return _utterance(file.readline(), self._paths[number], row + 1)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_files": {}}


class Prepared:
    """One or several prepared folders read as one; what is in memory is an index.

    Speakers of the same name in different folders are taken for the same person.

    Attributes:
        utterances: of all folders, in the order of the folders and their manifests.
        index: the same as columns.
        codec: identity of the codec that made the codes, or None without codes.
        spec: its numbers; without codes those of the frames that durations count.
    """

    def __init__(self, folders: Sequence[Path], codec: str | None, spec: CodecSpec) -> None:
        """Read the manifests; FileNotFoundError or ValueError say what is wrong with one."""
        self.codec, self.spec = codec, spec
        self._shards: dict[tuple[str, int], Any] = {}
        paths = [folder / MANIFEST for folder in folders]
        which, starts = array("i"), array("q")
        shards: set[tuple[str, int]] = set()

        def lines() -> Iterator[Utterance]:
            for number, path in enumerate(paths):
                for utterance, start in _read_lines(path):
                    which.append(number)
                    starts.append(start)
                    if utterance.shard is not None:
                        shards.add((utterance.folder, utterance.shard))
                    yield utterance

        self.index = Index.of(lines())
        self.utterances = Utterances(paths, np.array(which), np.array(starts))
        for key in sorted(shards):
            if not shard_path(*key).is_file():
                raise FileNotFoundError(f"{shard_path(*key)} is missing: copy it again or prepare "
                                        f"{key[0]} again")

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
        codecs = {(info["codec"], info["spec"]): folder for folder, info in infos.items()}
        if len(codecs) > 1:
            each = ", ".join(f"{folder} ({codec or 'none'}, {spec.frame_rate:g} frames/s)"
                             for (codec, spec), folder in codecs.items())
            raise ValueError(f"folders prepared with different codecs: {each}; "
                             "prepare them again with one")
        (codec, spec), = codecs
        return cls([Path(folder) for folder in infos], codec, spec)

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


def _spec(info: dict[str, Any]) -> CodecSpec:
    """The codec's numbers; folders from before 0.10 name but the codebooks, all else was usual."""
    books, _ = info.pop("n_codebooks", None), info.pop("frame_rate", None)
    if "spec" not in info:
        return CodecSpec(n_codebooks=books) if books else CodecSpec()
    return from_record(CodecSpec, info["spec"])


def read_info(folder: str | Path, unfinished: bool = False) -> dict[str, Any]:
    """Contents of a folder's prepared.json; "spec" is a CodecSpec.

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
        state, info["spec"] = info["state"], _spec(info)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): prepare the folder again") from error
    if state != "finished" and not unfinished:
        raise ValueError(f"{folder} is not finished: run the same `valle prepare` again")
    return info
