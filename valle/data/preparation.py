"""How a corpus is prepared: the options of `valle prepare`. It imports nothing that takes long."""
from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from codec.record import check_range
from valle.data.process import MIN_SECONDS
from valle.data.writer import SHARD_SIZE

MOST_WORKERS = 1024


@dataclass(frozen=True)
class Preparation:
    """How a corpus is read.

    Attributes:
        kind: layout of the corpus: auto recognises it.
        language: of its texts.
        codec: starter, encodec, or the folder of a codec; without it there are no codes.
        aligner: starter, or the folder of an aligner; without it there are no timings but a
            teacher's own.
        workers: processes, 0 or 1 for this one; without it one per core.
        max_seconds: longer clips are left out.
        max_broken: share of broken files above which to give up.
        shard_size: recordings in a file of codes.
    """

    kind: str = "auto"
    language: str = "en-us"
    codec: str | Path | None = None
    aligner: str | Path | None = None
    workers: int | None = None
    max_seconds: float = 20.0
    max_broken: float = 0.01
    shard_size: int = SHARD_SIZE

    def __post_init__(self) -> None:
        check_range(self, max_seconds=(MIN_SECONDS, math.inf), max_broken=(0.0, 1.0),
                    shard_size=(1, 1 << 20))
        if self.workers is not None:
            check_range(self, workers=(0, MOST_WORKERS))
