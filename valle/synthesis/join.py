"""Spoken segments as one piece of audio: how much silence each keeps, and when its phones are."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.audio import Samples
from valle.features.pauses import quiet_ends
from valle.synthesis.candidate import Candidate
from valle.synthesis.result import Audio
from valle.synthesis.segment import Segment

SILENT_SECONDS = 0.3


@dataclass(frozen=True)
class SpokenSegment:
    """A finished segment: the candidate that was kept, and its sound as it is heard.

    Attributes:
        samples: [N] with at most SILENT_SECONDS of silence at its ends; in a continuation the first
            segment of a text begins with the prompt.
        phones: (phone, start, end) in seconds from its beginning; empty for the plain layout.
    """

    segment: Segment
    candidate: Candidate
    samples: Samples
    phones: tuple[tuple[str, float, float], ...]


def finished(segment: Segment, candidate: Candidate, sample_rate: int, hop: int) -> SpokenSegment:
    """A segment without the silence that is too much. hop: samples of a frame."""
    samples, before = candidate.samples, 0
    if candidate.prompt is not None:
        samples, before = np.concatenate([candidate.prompt, samples]), len(candidate.prompt)
    kept = without_silence(samples, sample_rate)
    if before:
        kept = slice(0, kept.stop)
    frames = before + np.cumsum([0, *(candidate.generated.durations or ())]) * hop
    seconds = (frames.clip(kept.start, kept.stop) - kept.start) / sample_rate
    phones = tuple((phone, float(a), float(b)) for phone, a, b
                   in zip(segment.phones, seconds[:-1], seconds[1:], strict=False))
    return SpokenSegment(segment, candidate, samples[kept], phones)


def join(spoken: Sequence[SpokenSegment], sample_rate: int, settings: dict[str, Any]) -> Audio:
    """The segments of one text, one after the other."""
    timings: list[tuple[str, float, float]] = []
    start = 0.0
    for one in spoken:
        timings += [(phone, start + a, start + b) for phone, a, b in one.phones]
        start += len(one.samples) / sample_rate
    kept = [one.candidate for one in spoken]
    finish = "eos" if all(one.generated.finish == "eos" for one in kept) else "cap"
    return Audio(np.concatenate([one.samples for one in spoken]), sample_rate, finish, timings,
                 settings, tuple(one.score for one in kept if one.score is not None))


def without_silence(samples: Samples, sample_rate: int) -> slice:
    """What is left of samples [N] when silence beyond SILENT_SECONDS goes at both ends."""
    before, after = (max(0, round((quiet - SILENT_SECONDS) * sample_rate))
                     for quiet in quiet_ends(samples, sample_rate))
    return slice(before, len(samples) - after)
