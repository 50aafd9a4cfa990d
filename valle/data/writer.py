"""Writing a prepared folder: shard by shard, and what has been made of a shard after a kill."""
from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from codec.files import atomic_path
from codec.spec import CodecSpec
from valle.data.manifest import (
    INFO,
    MANIFEST,
    SKIPPED,
    Codes,
    Utterance,
    read_info,
    read_manifest,
    shard_path,
)
from valle.data.recording import LeftOut

SHARD_SIZE = 512  # recordings in a shard
DOUBTFUL_SCORE = -3.0  # of an alignment: nearly always of a text that is not what is said
JOURNAL, JOURNAL_CODES = "journal.jsonl", "journal.codes"


@dataclass(frozen=True)
class Skipped:
    """A recording that was left out. `broken` ones count towards the limit of `prepare`.

    cause: in a few words that are the same for all of a kind, for the summary.
    """

    id: str
    cause: str
    reason: str
    broken: bool


@dataclass(frozen=True)
class Result:
    """An utterance with its codes [Q, T] (None without a codec), or why it is skipped."""

    utterance: Utterance | None = None
    codes: Codes | None = None
    skipped: Skipped | None = None

    @property
    def id(self) -> str:
        return (self.utterance or self.skipped).id  # type: ignore[union-attr]


class Journal:
    """Results of the shard that is being made, so that a kill loses none of them.

    A line of JSON each and the codes one after the other; a half-written end does not count.
    """

    def __init__(self, folder: Path, n_codebooks: int) -> None:
        self.lines, self.codes = folder / JOURNAL, folder / JOURNAL_CODES
        self.n_codebooks = n_codebooks

    def append(self, result: Result) -> None:
        """Codes first: a line counts only when its codes are whole."""
        if result.codes is not None:
            with self.codes.open("ab") as file:
                file.write(np.ascontiguousarray(result.codes, "<i2").tobytes())
        record = {"utterance": result.utterance and json.loads(result.utterance.to_json()),
                  "skipped": result.skipped and dataclasses.asdict(result.skipped),
                  "coded": result.codes is not None}
        with self.lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def read(self) -> list[Result]:
        """What is whole; the files are cut to it."""
        if not self.lines.is_file():
            return []
        found: list[Result] = []
        codes = np.fromfile(self.codes, "<i2") if self.codes.is_file() else np.zeros(0, "<i2")
        used = size = 0
        for line in self.lines.read_bytes().splitlines(keepends=True):
            try:
                record = json.loads(line)
                utterance = record["utterance"] and Utterance(**record["utterance"])
                skipped = record["skipped"] and Skipped(**record["skipped"])
                count = self.n_codebooks * utterance.frames if record["coded"] else 0
            except (ValueError, TypeError, KeyError, AttributeError):
                break
            if not line.endswith(b"\n") or used + count > len(codes):
                break
            own = codes[used: used + count].reshape(self.n_codebooks, -1) if count else None
            found.append(Result(utterance, own, skipped))
            used, size = used + count, size + len(line)
        os.truncate(self.lines, size)
        if self.codes.is_file():
            os.truncate(self.codes, 2 * used)
        return found

    def clear(self) -> None:
        self.lines.unlink(missing_ok=True)
        self.codes.unlink(missing_ok=True)


class PreparedWriter:
    """Writes a prepared folder shard by shard; valid after a kill at any moment.

    prepared.json is replaced after each shard and says how far the other files count; what lies
    behind that point is cut when the folder is opened again, and the journal gives back what was
    made of the next shard. Recordings skipped by a run that came to its end are tried again by the
    next one.

    Attributes:
        info: contents of prepared.json.
        done: ids that need no more work.
    """

    def __init__(self, folder: str | Path, settings: dict[str, Any], spec: CodecSpec,
                 shard_size: int = SHARD_SIZE) -> None:
        """Open a new folder, or one written with the same settings. spec: of the codec.

        Raises:
            ValueError: other settings, or the folder is damaged or not a prepared one.
        """
        self.folder, self.shard_size = Path(folder), shard_size
        self.folder.mkdir(parents=True, exist_ok=True)
        self.info = {**settings, "spec": spec, "shards": 0, "utterances": 0, "frames": 0,
                     "hours": 0.0, "speakers": 0, "aligned": 0, "without_text": 0, "doubtful": 0,
                     "skipped": 0, "broken": 0, "causes": {}, "manifest_bytes": 0,
                     "skipped_bytes": 0}
        if (self.folder / INFO).is_file():
            self.info |= self._reopen(settings) | {"spec": spec}
        elif (self.folder / MANIFEST).exists():
            raise ValueError(f"{folder} holds a {MANIFEST} of other origin: give another folder")
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
        self._journal = Journal(self.folder, spec.n_codebooks)
        self._made = [r for r in self._journal.read() if r.id not in self.done]
        self.done |= {result.id for result in self._made}
        if len(self._made) >= shard_size:
            self.flush()

    def add(self, result: Result) -> bool:
        """Keep a result; returns whether that made a shard full, so that it was written."""
        self._journal.append(result)
        self._made.append(result)
        if len(self._made) < self.shard_size:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Append what is made to the folder's files, as a shard of its own."""
        if not self._made:
            return
        utterances = [r.utterance for r in self._made if r.utterance]
        codes = [r.codes for r in self._made if r.codes is not None]
        skipped = [r.skipped for r in self._made if r.skipped]
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
        self._skip(skipped)
        self._speakers |= {u.speaker for u in utterances}
        self.info["utterances"] += len(utterances)
        self.info["frames"] += sum(u.frames for u in utterances)
        self.info["hours"] = round(self.info["frames"] / self.info["spec"].frame_rate / 3600, 3)
        self.info["speakers"] = len(self._speakers)
        self.info["aligned"] += sum(u.durations is not None for u in utterances)
        self.info["without_text"] += sum(u.phones is None for u in utterances)
        self.info["doubtful"] += sum(u.score is not None and u.score < DOUBTFUL_SCORE
                                     for u in utterances)
        self._save("running")
        self._journal.clear()
        self._made = []

    def close(self, state: str, left_out: Sequence[LeftOut] = ()) -> dict[str, Any]:
        """Mark the folder "finished" or "aborted"; returns the contents of prepared.json.

        left_out: what the corpus itself could not give, for skipped.jsonl.
        """
        self.flush()
        self._skip([Skipped(item.id, item.cause, item.reason, broken=False) for item in left_out])
        self._save(state)
        return self.info

    def _skip(self, skipped: Sequence[Skipped]) -> None:
        self._append(SKIPPED, "skipped_bytes",
                     [json.dumps(dataclasses.asdict(s), ensure_ascii=False) for s in skipped])
        self.info["skipped"] += len(skipped)
        self.info["broken"] += sum(s.broken for s in skipped)
        self.info["causes"] = dict(Counter(self.info["causes"]) + Counter(
            s.cause for s in skipped))

    def _reopen(self, settings: dict[str, Any]) -> dict[str, Any]:
        info = read_info(self.folder, unfinished=True)
        for name, value in settings.items():
            if info.get(name) != value:
                raise ValueError(f"{self.folder} was prepared with {name} {info.get(name)!r}, not "
                                 f"{value!r}: give the same again or another folder")
        if info["state"] != "running":
            info |= {"skipped_bytes": 0, "skipped": 0, "broken": 0, "causes": {}}
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
            record = self.info | {"spec": dataclasses.asdict(self.info["spec"])}
            path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n",
                            encoding="utf-8")
