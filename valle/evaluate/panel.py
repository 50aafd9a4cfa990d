"""The judges of a table, loaded when they are needed, and a memory of what they said."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from codec.audio import Samples
from valle.evaluate.rows import append_row, read_rows, write_rows
from valle.evaluate.similarity import Embedding

CLOSED = "closed"          # PocketSphinx with the texts of the protocol: WERc
LEAST_SECONDS = 0.1        # shorter sound is padded: no judge takes nothing


class JudgeMissing(Exception):
    """A judge cannot be had here: no package, no network. The message says what to do."""


@dataclass
class Judge:
    """Somebody who says something of a clip.

    Attributes:
        name: label in tables.
        identity: changes with everything that changes its judgement.
        load: gives a function of (samples [N], sample rate); called at the first need.
    """

    name: str
    identity: str
    load: Callable[[], Callable[[Samples, int], Any]]

    @cached_property
    def judge(self) -> Callable[[Samples, int], Any]:
        return self.load()

    def prepare(self) -> None:
        """Load the judge. Raises JudgeMissing where it cannot be had."""
        try:
            _ = self.judge
        except (ImportError, OSError) as error:
            raise JudgeMissing(" ".join(str(error).split())) from error


class Memory:
    """What each judge said of each clip, kept in a file line by line.

    A table that is made again asks no judge again, and one that was stopped goes on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str], Any] = {}
        rows = read_rows(path)
        if rows:
            write_rows(path, rows)  # without a line that a kill has cut
        for row in rows:
            self._known[row["clip"], row["judge"]] = row["said"]

    def ask(self, judge: Judge, samples: Samples, sample_rate: int) -> Any:
        """What the judge says of samples [N], as JSON has it."""
        digest = hashlib.sha256(np.ascontiguousarray(samples, np.float32).tobytes())
        key = f"{sample_rate}-{digest.hexdigest()[:20]}", f"{judge.name} {judge.identity}"
        if key not in self._known:
            judge.prepare()
            padded = np.pad(samples, (0, max(0, round(LEAST_SECONDS * sample_rate) - len(samples))))
            said = judge.judge(padded, sample_rate)
            if isinstance(said, np.ndarray):
                said = [round(float(x), 6) for x in said]
            self._known[key] = said
            append_row(self.path, {"clip": key[0], "judge": key[1], "said": said})
        return self._known[key]


class Panel:
    """Listeners, speaker encoders and a judge of quality.

    A judge who cannot be had (no package, no network) is left out, once and with the reason in
    `missing`; the others go on.
    """

    def __init__(self, memory: Memory, listeners: list[Judge], encoders: list[Judge],
                 quality: Judge | None) -> None:
        self._memory = memory
        self.listeners, self.encoders, self.quality = listeners, encoders, quality
        self.missing: dict[str, str] = {}

    def _ask(self, judge: Judge, samples: Samples, sample_rate: int) -> Any:
        if judge.name in self.missing:
            return None
        try:
            return self._memory.ask(judge, samples, sample_rate)
        except JudgeMissing as error:
            self.missing[judge.name] = str(error)
            return None

    def hear(self, samples: Samples, sample_rate: int) -> dict[str, list[str]]:
        """Words heard in samples [N] by each listener."""
        said = {j.name: self._ask(j, samples, sample_rate) for j in self.listeners}
        return {name: words for name, words in said.items() if words is not None}

    def embed(self, samples: Samples, sample_rate: int) -> dict[str, Embedding]:
        """Embedding [D] of samples [N] by each encoder."""
        said = {j.name: self._ask(j, samples, sample_rate) for j in self.encoders}
        return {name: np.array(e, np.float32) for name, e in said.items() if e is not None}

    def ovrl(self, samples: Samples, sample_rate: int) -> float | None:
        """DNSMOS OVRL of samples [N]."""
        return None if self.quality is None else self._ask(self.quality, samples, sample_rate)


def files_digest(name: str) -> str:
    """Sixteen hex digits over the files of a judge's folder or file; none where it has no files."""
    path = Path(name.partition(":")[2] or name)
    files = sorted(p for p in path.glob("*") if p.suffix in (".json", ".safetensors")) \
        if path.is_dir() else [path]
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in files if p.is_file()))
    return digest.hexdigest()[:16] if any(p.is_file() for p in files) else "published"


def listener(name: str, closed_texts: list[str]) -> Judge:
    """The listener of this name; "closed" is PocketSphinx knowing the texts.

    Raises:
        ValueError: no such listener.
    """
    from valle.recognizer.listener import check_listener, load_listener

    if name == CLOSED:
        digest = hashlib.sha256(json.dumps(closed_texts).encode()).hexdigest()[:16]

        def load() -> Callable[[Samples, int], list[str]]:
            from valle.recognizer.sphinx import PocketSphinx

            return PocketSphinx(closed_texts)

        return Judge(name, digest, load)

    check_listener(name)
    return Judge(label(name), files_digest(name), lambda: load_listener(name))


def encoder(name: str) -> Judge:
    """The speaker encoder of this name.

    Raises:
        ValueError: no such encoder.
    """
    from valle.speaker.encoder import check_encoder, load_encoder

    check_encoder(name)
    return Judge(label(name), files_digest(name), lambda: load_encoder(name))


def dnsmos() -> Judge:
    """DNSMOS OVRL."""
    def load() -> Callable[[Samples, int], float]:
        from valle.evaluate.quality import Quality

        return Quality()

    return Judge("dnsmos", "OVRL", load)


def label(name: str) -> str:
    """A judge's name in tables: that of its folder, or as it is."""
    return Path(name).name if Path(name).is_dir() else name
