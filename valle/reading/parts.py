"""The folder beside an unfinished book: a FLAC file for each spoken segment, whole or absent.

    book.m4b.parts/
      run.json       all that the samples depend on
      000000.flac    a segment; in its comment, how it was spoken
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from codec.audio import Samples
from codec.encode import LOUDEST, pcm
from codec.files import atomic_path, remove_leftovers
from codec.record import read_json, write_json
from valle.synthesis.join import SpokenSegment

RECORD = "run.json"


@dataclass(frozen=True)
class Spoken:
    """How a segment was spoken.

    Attributes:
        ends: of its phones, in seconds from its beginning; empty for the plain layout.
        finish: as Generated has it.
        fluent: as Candidate has it.
        words: Score.words, where the reranker was asked.
    """

    ends: tuple[float, ...]
    finish: str
    fluent: bool
    words: float | None = None


class Parts:
    """The segments that are spoken."""

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self.folder, self.sample_rate = folder, sample_rate

    def begin(self, record: Mapping[str, Any], restart: bool = False) -> None:
        """Go on in the folder, or make it.

        Raises:
            ValueError: what is there depends on something else than `record`.
            OSError: the folder cannot be made or written.
        """
        path = self.folder / RECORD
        if restart:
            self.remove()
        if path.is_file():
            before = read_json(path)
            changed = [name for name in {**before, **record}
                       if before.get(name) != record.get(name)]
            if changed:
                raise ValueError(f"{self.folder} holds a reading with another "
                                 f"{', '.join(changed)}: --restart begins anew, and another --out "
                                 "keeps both")
            return
        write_json(path, record)

    def path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.flac"

    def write(self, number: int, one: SpokenSegment) -> None:
        """Keep a segment: 16 bits, whole or not at all."""
        kept = one.candidate
        spoken = Spoken(tuple(round(end, 4) for _, _, end in one.phones),
                        kept.generated.finish, kept.fluent,
                        None if kept.score is None else round(kept.score.words, 3))
        numbers = np.frombuffer(pcm(one.samples), "<i2")
        with atomic_path(self.path(number)) as temporary, soundfile.SoundFile(
                temporary, "w", self.sample_rate, 1, "PCM_16", format="FLAC") as file:
            file.comment = json.dumps(asdict(spoken))
            file.write(numbers)

    def whole(self, number: int) -> bool:
        """Is a segment there, and all of it?"""
        try:
            self.look(number)
        except ValueError:
            return False
        return True

    def count(self) -> int:
        """How many segments are there."""
        return sum(1 for _ in self.folder.glob("[0-9]*.flac"))

    def look(self, number: int) -> tuple[Spoken, int]:
        """How a segment was spoken, and how many samples it has.

        Raises:
            ValueError: it is not there, or damaged.
        """
        path = self.path(number)
        try:
            with soundfile.SoundFile(path) as file:
                frames, said = file.frames, json.loads(file.comment)
            return Spoken(tuple(map(float, said["ends"])), str(said["finish"]),
                          bool(said["fluent"]), said["words"]), frames
        except (soundfile.LibsndfileError, ValueError, KeyError, TypeError) as error:
            raise damaged(path) from error

    def samples(self, number: int) -> Samples:
        """Of a segment that is there [N]; ValueError where it is damaged."""
        try:
            numbers = soundfile.read(self.path(number), dtype="int16")[0]
        except soundfile.LibsndfileError as error:
            raise damaged(self.path(number)) from error
        return numbers.astype(np.float32) / LOUDEST

    def remove(self) -> None:
        """The parts and their folder, where it holds nothing else."""
        for path in (*self.folder.glob("[0-9]*.flac"), self.folder / RECORD):
            path.unlink(missing_ok=True)
        remove_leftovers(self.folder)
        with suppress(OSError):
            self.folder.rmdir()


def damaged(path: Path) -> ValueError:
    return ValueError(f"{path} is missing or damaged: delete it, and the same command speaks it "
                      "again")
