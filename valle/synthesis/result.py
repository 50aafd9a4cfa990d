"""Speech as it is handed over: samples, and what is needed to make them again."""
from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from codec import save_audio
from codec.audio import Samples, written_as
from codec.record import holds, write_json
from valle.synthesis.finish import tags
from valle.synthesis.rerank import Score


@dataclass(frozen=True)
class Audio:
    """Speech: float32 samples [N], and what is needed to make it again.

    finish: "eos" when the model ended by itself, "cap" when it was stopped.
    phones: (phone, start, end) in seconds; empty for the plain layout.
    scores: of the candidate that was kept of each segment; empty where none was scored.
    warnings: what is wrong with the prompt, the text or the result, a sentence each.
    """

    samples: Samples
    sample_rate: int
    finish: str
    phones: list[tuple[str, float, float]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    @property
    def sha256(self) -> str:
        """Of the samples as 16-bit numbers."""
        pcm = np.rint(np.clip(self.samples, -1, 1) * 32767).astype("<i2")
        return hashlib.sha256(pcm.tobytes()).hexdigest()

    def save(self, path: str | Path) -> None:
        """Write a sound file in the format of its suffix (wav, flac, ogg, opus, mp3) and, beside
        it, a JSON file with everything to repeat it (`valle say --replay`).

        Raises:
            ValueError: another suffix, or the JSON file would replace something else.
            OSError: the place cannot be written.
        """
        path = Path(path)
        check_place(path)
        save_audio(path, self.samples, self.sample_rate, tags(str(self.settings.get("model", ""))))
        record = {**self.settings, "finish": self.finish, "seconds": round(self.seconds, 3),
                  "sha256": self.sha256, "warnings": self.warnings,
                  "phones": [(p, round(a, 3), round(b, 3)) for p, a, b in self.phones],
                  "scores": [asdict(score) for score in self.scores]}
        write_json(path.with_suffix(".json"), record)


def check_place(path: Path) -> None:
    """ValueError when speech cannot be written there without harm to something else."""
    written_as(path)
    beside = path.with_suffix(".json")
    if beside.exists() and not is_record(beside):
        raise ValueError(f"{beside} is there and is no record of speech; the one of {path.name} "
                         "would replace it: choose another name")


def is_record(path: Path) -> bool:
    """Did `Audio.save` write this JSON file?"""
    return holds(path, {"text", "seed", "finish", "seconds", "phones"})


class SomeUnspoken(ValueError):
    """Some of several texts cannot be spoken; the message says which and why.

    results: what the others became, None in the place of each that failed.
    """

    def __init__(self, results: list[Audio | None], errors: dict[int, ValueError]) -> None:
        which = "; ".join(f"text {index + 1}: {error}" for index, error in errors.items())
        super().__init__(f"{len(errors)} of {len(results)} texts cannot be spoken: {which}")
        self.results = results
