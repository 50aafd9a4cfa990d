"""Readings of pieces of text: what was drawn so far, which is the best, and whether it will do."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codec.audio import Samples
from valle.features.pauses import PAUSING, quiet_ends, silences
from valle.synthesis.decode import Spoken
from valle.synthesis.rerank import Score
from valle.synthesis.result import Audio
from valle.synthesis.sampling import SamplingOptions
from valle.synthesis.voice import Prompt

SILENT_SECONDS = 0.3


@dataclass(frozen=True)
class Manner:
    """How one call speaks: whose voice, in which language, drawn how."""

    voice: Prompt
    language: str
    sampling: SamplingOptions
    continuation: bool = False
    on_frame: Callable[[int], None] | None = None


@dataclass(frozen=True)
class Reading:
    """One way a piece was spoken: codebook 1, samples [N], and what the judges say of it.

    In a continuation the samples begin with the prompt. fluent: it ended by itself, and it is not
    silent for over a second where the text has no mark.
    """

    spoken: Spoken
    samples: Samples
    fluent: bool = True
    score: Score | None = None


@dataclass
class Piece:
    """A piece of text in phones, and the readings of it; reading n is drawn with seed + n.

    first: it begins the text; in a continuation the prompt stands before it.
    """

    phones: list[str]
    seed: int
    first: bool = True
    readings: list[Reading] = field(default_factory=list)

    @property
    def best(self) -> Reading:
        """The fluent reading that the judges rank first; an only one as it is."""
        return max(self.readings, key=lambda reading: (
            reading.fluent, reading.score.rank if reading.score else ()))

    def fluently(self, spoken: Spoken, samples: Samples, sample_rate: int) -> bool:
        """Is this speech [N] fluent, as in Reading?"""
        marks = sum(phone in PAUSING for phone in self.phones[:-1])
        return spoken.finish == "eos" and len(silences(samples, sample_rate)) <= marks


def join(pieces: Sequence[Piece], sample_rate: int, hop: int, settings: dict[str, Any]) -> Audio:
    """The best readings of the pieces of one text as one Audio. hop: samples of a frame.

    Each keeps at most SILENT_SECONDS of the silence at its ends, but a prompt its beginning.
    """
    timings: list[tuple[str, float, float]] = []
    parts: list[Samples] = []
    start, best = 0.0, [piece.best for piece in pieces]
    for piece, one in zip(pieces, best, strict=True):
        prompt = len(one.samples) - len(one.spoken.codes) * hop
        kept = without_silence(one.samples, sample_rate)
        if prompt:
            kept = slice(0, kept.stop)
        frames = prompt + np.cumsum([0, *(one.spoken.durations or [])]) * hop
        frames = frames.clip(kept.start, kept.stop)
        seconds = start + (frames - kept.start) / sample_rate
        timings += [(phone, float(a), float(b)) for phone, a, b
                    in zip(piece.phones, seconds[:-1], seconds[1:], strict=False)]
        parts.append(one.samples[kept])
        start += len(parts[-1]) / sample_rate
    finish = "eos" if all(one.spoken.finish == "eos" for one in best) else "cap"
    return Audio(np.concatenate(parts), sample_rate, finish, timings,
                 settings, tuple(one.score for one in best if one.score is not None))


def without_silence(samples: Samples, sample_rate: int) -> slice:
    """What is left of samples [N] when silence beyond SILENT_SECONDS goes at both ends."""
    before, after = (max(0, round((quiet - SILENT_SECONDS) * sample_rate))
                     for quiet in quiet_ends(samples, sample_rate))
    return slice(before, len(samples) - after)
