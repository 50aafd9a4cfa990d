"""When each spoken segment is heard: one behind the other, or each cue in its own time."""
from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from codec.audio import Samples
from valle.reading.parts import Parts
from valle.reading.plan import Plan
from valle.synthesis.segment import Segment
from valle.synthesis.stretch import stretched
from valle.synthesis.words import Timing

FASTEST = 2.0        # that a cue is spoken to fit its time
LEAST_SECONDS = 0.05  # beyond its time that are worth a word


@dataclass(frozen=True)
class Heard:
    """A segment at its place. What there is of it stays in its part, whatever the book's length.

    Attributes:
        number: of its part.
        start, size: of its samples, in the book.
        silence: samples before it.
        speed: how much faster it is heard than it was spoken.
    """

    number: int
    segment: Segment
    start: int
    size: int
    silence: int = 0
    speed: float = 1.0

    def phones(self, parts: Parts) -> list[Timing]:
        """(phone, start, end) in seconds of the book."""
        began = self.start / parts.sample_rate
        ends = [began + end / self.speed for end in parts.look(self.number)[0].ends]
        return list(zip(self.segment.phones, [began, *ends], ends, strict=False))

    def samples(self, parts: Parts) -> Samples:
        """[silence + size], as it is heard, with the silence before it."""
        said = stretched(parts.samples(self.number), parts.sample_rate, self.speed)
        return np.concatenate([np.zeros(self.silence, np.float32), said])


@dataclass(frozen=True)
class Timeline:
    """A finished reading. late: what does not fit its time, a sentence each."""

    heard: tuple[Heard, ...]
    late: tuple[str, ...]

    @property
    def size(self) -> int:
        """In samples."""
        return self.heard[-1].start + self.heard[-1].size


def timeline(plan: Plan, parts: Parts) -> Timeline:
    """Where all segments of a plan are heard; all of them must be spoken.

    A cue that is too long for its time is spoken faster, at most twice as fast; what is longer even
    so goes on, and the next cue begins when it has ended. After a cue that is shorter it is silent.
    """
    heard: list[Heard] = []
    late: list[str] = []
    position = 0
    for place, group in groupby(enumerate(plan.segments), key=lambda one: one[1].text):
        said = [(number, segment, parts.look(number)[1]) for number, segment in group]
        silence, speed = 0, 1.0
        if time := plan.passages[place].time:
            start, end = (round(edge * parts.sample_rate) for edge in time)
            silence, size = max(0, start - position), sum(size for *_, size in said)
            room = end - position - silence
            speed = min(max(1.0, size / room), FASTEST) if room > 0 else FASTEST
            if (beyond := size / speed - room) > LEAST_SECONDS * parts.sample_rate:
                late.append(f"the cue at {time[0]:g} s ends {beyond / parts.sample_rate:.1f} s too "
                            f"late, at {speed:g} times the speed")
        for number, segment, size in said:
            size = size if speed == 1 else round(size / speed)
            heard.append(Heard(number, segment, position + silence, size, silence, speed))
            position, silence = position + silence + size, 0
    return Timeline(tuple(heard), tuple(late))
