"""Spoken segments as one piece of audio: how much silence each keeps, and when its phones are."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.audio import Samples
from valle.features.pauses import quiet_ends
from valle.synthesis.breaks import lengthen, silence_like
from valle.synthesis.candidate import Candidate
from valle.synthesis.prosody import with_prosody
from valle.synthesis.result import Audio
from valle.synthesis.segment import Segment
from valle.synthesis.stretch import stretched

STOPPED = "the model did not end by itself; try another seed"
SILENT_SECONDS = 0.3      # kept at the ends of a segment
BEGINNING_SECONDS = 0.05  # kept before a segment that another one pauses before


@dataclass(frozen=True)
class SpokenSegment:
    """A finished segment: the candidate that was kept, and its sound as it is heard.

    Attributes:
        samples: [N] with at most SILENT_SECONDS of silence at its ends, or with the pause before
            the next segment; in a continuation the first segment of a text begins with the prompt.
        phones: (phone, start, end) in seconds from its beginning; empty for the plain layout.
    """

    segment: Segment
    candidate: Candidate
    samples: Samples
    phones: tuple[tuple[str, float, float], ...]


def finished(segment: Segment, candidate: Candidate, sample_rate: int, hop: int,
             pause: float = 0.0, speed: float = 1.0) -> SpokenSegment:
    """A segment with the silence that it needs, within and behind it, and no more.

    hop: samples of a frame. pause: least seconds between two sentences, before it is stretched.
    speed: of all of it.
    """
    samples, before = candidate.samples, 0
    if candidate.prompt is not None:
        samples, before = np.concatenate([candidate.prompt, samples]), len(candidate.prompt)
    kept = without_silence(samples, sample_rate,
                           SILENT_SECONDS if segment.first else BEGINNING_SECONDS)
    if before:
        kept = slice(0, kept.stop)
    frames = before + np.cumsum([0, *(candidate.generated.durations or ())]) * hop
    seconds = (frames.clip(kept.start, kept.stop) - kept.start) / sample_rate
    phones = tuple((phone, float(a), float(b)) for phone, a, b
                   in zip(segment.phones, seconds[:-1], seconds[1:], strict=False))
    heard, phones = with_prosody(samples[kept], phones, segment.prosody, sample_rate)
    heard, phones = lengthen(heard, phones, pause, sample_rate)
    quiet = quiet_ends(heard, sample_rate)[1]
    more = round((segment.pause - BEGINNING_SECONDS - quiet) * sample_rate)
    if more > 0:
        tail = heard[len(heard) - round(quiet * sample_rate):]
        heard = np.concatenate([heard, silence_like(tail, more, sample_rate)])
    return SpokenSegment(segment, candidate, stretched(heard, sample_rate, speed),
                         tuple((phone, a / speed, b / speed) for phone, a, b in phones))


def join(spoken: Sequence[SpokenSegment], sample_rate: int, settings: dict[str, Any],
         warnings: Sequence[str] = ()) -> Audio:
    """The segments of one text, one after the other. warnings: of prompt and text."""
    timings: list[tuple[str, float, float]] = []
    start = 0.0
    for one in spoken:
        timings += [(phone, start + a, start + b) for phone, a, b in one.phones]
        start += len(one.samples) / sample_rate
    kept = [one.candidate for one in spoken]
    finish = "eos" if all(one.generated.finish == "eos" for one in kept) else "cap"
    return Audio(np.concatenate([one.samples for one in spoken]), sample_rate, finish, timings,
                 settings, tuple(one.score for one in kept if one.score is not None),
                 (*warnings, *([STOPPED] if finish == "cap" else [])))


def without_silence(samples: Samples, sample_rate: int, begin: float = SILENT_SECONDS) -> slice:
    """What is left of samples [N] without silence beyond `begin` and SILENT_SECONDS at the ends."""
    before, after = quiet_ends(samples, sample_rate)
    return slice(max(0, round((before - begin) * sample_rate)),
                 len(samples) - max(0, round((after - SILENT_SECONDS) * sample_rate)))
