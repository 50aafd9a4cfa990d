"""Speech as it is handed over: samples, and what is needed to make them again."""
from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from codec import save_audio
from codec.audio import Samples
from codec.files import atomic_path
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

    def save(self, path: str | Path) -> None:
        """Write a 16-bit WAV file and, beside it, a JSON file with everything to repeat it.

        Raises:
            ValueError: a path ending in .json, where both would be one file.
        """
        if Path(path).suffix == ".json":
            raise ValueError(f"{path}: name the audio .wav; the settings go to .json beside it")
        save_audio(path, self.samples, self.sample_rate)
        record = {**self.settings, "finish": self.finish, "seconds": round(self.seconds, 3),
                  "phones": [(p, round(a, 3), round(b, 3)) for p, a, b in self.phones],
                  "scores": [asdict(score) for score in self.scores]}
        with atomic_path(Path(path).with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n",
                                 encoding="utf-8")


class SomeUnspoken(ValueError):
    """Some of several texts cannot be spoken; the message says which and why.

    results: what the others became, None in the place of each that failed.
    """

    def __init__(self, results: list[Audio | None], errors: dict[int, ValueError]) -> None:
        which = "; ".join(f"text {index + 1}: {error}" for index, error in errors.items())
        super().__init__(f"{len(errors)} of {len(results)} texts cannot be spoken: {which}")
        self.results = results
