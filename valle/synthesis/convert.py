"""Voice conversion: what a recording says, when it says it, in another voice.

The recording's phones and how long each lasts are the text and the timing; the AR chooses the codes
of codebook 1 for them, each phone as long as there, and the NAR and the codec do the rest. Melody
is the voice's own, as the models choose it.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from codec.audio import Samples
from codec.spec import CodecSpec
from g2p import BOUNDARIES
from valle.synthesis.aligned import Aligned
from valle.synthesis.candidate import Candidate
from valle.synthesis.segment import MOST, SPACE, Segment, seed_of

LONG_PAUSE = 0.5   # seconds: a longer one parts segments, and stays silent
KEPT_PAUSE = 0.15  # seconds of it that the segments beside it speak
FADE = 0.005       # seconds at the ends of a segment


def timed_segments(source: Aligned, spec: CodecSpec, seed: int) -> list[tuple[int, Segment]]:
    """(first frame, segment) of stretches of a recording, each phone as long as it is there.

    spec: of the codec. They are cut at long pauses, then at the longest ones, until none has more
    phones than the model can speak in one go.
    """
    return [_segment(source, words, spec, seed_of(seed, place), place)
            for place, words in enumerate(_stretches(source, spec))]


def laid_out(spoken: Sequence[tuple[int, Candidate]], n_samples: int, spec: CodecSpec) -> Samples:
    """Samples [n_samples] with each candidate where its first frame is, and silence elsewhere."""
    whole = np.zeros(n_samples, np.float32)
    fade = round(FADE * spec.sample_rate)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    for first, candidate in spoken:
        start = first * spec.hop
        piece = candidate.samples[: max(0, n_samples - start)].copy()
        if len(piece) >= 2 * fade:
            piece[:fade] *= ramp
            piece[-fade:] *= ramp[::-1]
        whole[start: start + len(piece)] += piece
    return whole


def _stretches(source: Aligned, spec: CodecSpec) -> Iterator[range]:
    """Places of phones that become a segment each: from a word's first to a word's last."""
    sounding = [i for i, phone in enumerate(source.phones) if phone not in BOUNDARIES]
    begun = sounding[0]
    for last, following in pairwise(sounding):
        if _pause(source, last, following) > spec.frames(LONG_PAUSE):
            yield from _short_enough(source, range(begun, last + 1))
            begun = following
    yield from _short_enough(source, range(begun, sounding[-1] + 1))


def _short_enough(source: Aligned, places: range) -> Iterator[range]:
    """The same places in parts of at most MOST phones, cut at the longest pause near the middle."""
    if len(places) <= MOST - 2:
        yield places
        return
    inner = [i for i in places if source.phones[i] in BOUNDARIES]
    middle, reach = (places.start + places.stop) / 2, len(places) / 4
    near = [i for i in inner if abs(i - middle) <= reach] or inner
    if not near:
        raise ValueError(f"a word of {len(places)} phones: check the text")
    cut = max(near, key=lambda i: (source.durations[i], -abs(i - middle)))
    yield from _short_enough(source, range(places.start, cut))
    yield from _short_enough(source, range(cut + 1, places.stop))


def _pause(source: Aligned, last: int, following: int) -> int:
    """Frames between two phones that sound."""
    return int(source.starts[following] - source.ends[last])


def _segment(source: Aligned, places: range, spec: CodecSpec, seed: int, number: int,
             ) -> tuple[int, Segment]:
    before, behind = places.start - 1, places.stop
    lead, trail = (min(source.durations[i], spec.frames(KEPT_PAUSE))
                   if 0 <= i < len(source.phones) else 0 for i in (before, behind))
    mark = source.phones[behind] if behind < len(source.phones) else "."
    phones = (SPACE, *source.phones[places.start: places.stop], "," if mark == SPACE else mark)
    durations = (lead, *source.durations[places.start: places.stop], trail)
    return int(source.starts[places.start]) - lead, Segment(
        phones, seed, number, durations=durations)
