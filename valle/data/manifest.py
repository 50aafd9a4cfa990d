"""The prepared folder: a manifest anyone can read, and shards of codes.

    manifest.jsonl            one Utterance per line
    codes-00000.safetensors   "codes" int16 [Q, sum of T]; absent when prepared without a codec
    skipped.jsonl             recordings left out, with the reason
    prepared.json             where it came from, with which codec, and totals
"""
from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from codec.audio import SAMPLE_RATE, load_audio, normalize_loudness

Codes = NDArray[np.int16]


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
    folder: str = field(default="", compare=False, repr=False)

    def to_json(self) -> str:
        """One line of the manifest, without the line end."""
        values = dataclasses.asdict(self)
        del values["folder"]
        return json.dumps(values, ensure_ascii=False)


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> None:
    """Write utterances as JSON lines."""
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(u.to_json() + "\n" for u in utterances)


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


def load_samples(utterance: Utterance) -> NDArray[np.float32]:
    """Audio of an utterance as it was encoded: float32 [N] at 24 kHz, cut, at -23 dBFS."""
    samples = load_audio(utterance.audio, max_seconds=None)
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
                      for u in read_manifest(Path(folder) / "manifest.jsonl")]
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
    path = Path(folder) / "prepared.json"
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
