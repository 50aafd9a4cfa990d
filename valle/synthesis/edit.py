"""Speech editing: words of a recording are spoken anew, in their place, and nothing else changes.

Each changed stretch is a continuation: what stands before it is the prompt, and after the new words
the next one is said too, so that they lead up to it; that is where the cut is, and the recording
goes on (VALL-E, arXiv:2301.02111, section 5.2; the task is VoiceCraft's, arXiv:2403.16973). Where
too little stands before, what follows goes before that, as a prompt of the voice.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codec.audio import Samples, resample
from codec.ltas import ltas
from codec.spec import CodecSpec
from g2p import BOUNDARIES, phonemize
from valle.features.text import words as plain_words
from valle.synthesis.aligned import Aligned
from valle.synthesis.candidate import Candidate
from valle.synthesis.segment import MOST, Segment, seed_of
from valle.synthesis.voice import Prompt
from valle.synthesis.words import words_of_phones

APART = 2             # words that stay between two changes; with fewer, they are one
CONTEXT_SECONDS = 5.0  # of the recording that the model hears on either side
LEAST_BEFORE = 2.0    # seconds: with less before a change, what follows it is heard as well
FADE = 0.012          # seconds over which the recording and new speech pass into each other


@dataclass(frozen=True)
class Word:
    """A word of a text and the places of its phones, none where it is not said."""

    text: str
    places: tuple[int, ...]

    @property
    def plain(self) -> str:
        """The word as it is compared: without capitals and punctuation."""
        return " ".join(plain_words(self.text)) or self.text


@dataclass(frozen=True)
class Change:
    """What one stretch of a recording says, and what it is to say.

    Attributes:
        start, end: frames of the recording that are replaced.
        old, new: the words.
        segment: the new words, and the one behind them.
        kept: phones of the segment that are the new words.
        prompt: the recording around them.
        goes_on: the prompt ends where the change begins.
    """

    start: int
    end: int
    old: str
    new: str
    segment: Segment
    kept: int
    prompt: Prompt
    goes_on: bool


@dataclass(frozen=True)
class Patch:
    """New speech for a stretch of a recording, in seconds; samples [M] at the codec's rate, FADE
    longer than what it says where the recording goes on."""

    start: float
    end: float
    old: str
    new: str
    samples: Samples
    finish: str = "eos"


@dataclass(frozen=True)
class Edited:
    """What is new in a recording.

    Attributes:
        patches: in order.
        sample_rate: of their samples.
        text: what the recording says. heard_by: who wrote that down, "" where it was given.
    """

    patches: tuple[Patch, ...]
    sample_rate: int
    text: str
    heard_by: str = ""

    def applied_to(self, samples: NDArray[Any], sample_rate: int) -> NDArray[Any]:
        """The recording [N, C], of any type and rate, with the patches in it.

        From a patch's start on it passes over FADE seconds into the new speech, and from its end on
        out of it. Every other sample stays what it is.
        """
        parts: list[NDArray[Any]] = []
        done = 0
        for one in self.patches:
            start, end = (min(round(t * sample_rate), len(samples)) for t in (one.start, one.end))
            new = _like(resample(one.samples, self.sample_rate, sample_rate), samples)
            size = min(round(FADE * sample_rate), len(new))
            old = samples[start: start + size]
            new[: len(old)] = _faded(old, new[: len(old)])
            rest = samples[end: end + size]
            if len(rest):
                new[-len(rest):] = _faded(new[-len(rest):], rest)
            parts += [samples[done:start], _rounded(new, samples.dtype)]
            done = end + len(rest)
        return np.concatenate([*parts, samples[done:]])


def _like(samples: Samples, other: NDArray[Any]) -> NDArray[np.float64]:
    """Samples [N] on the scale and in the channels of others [M, C]."""
    scale = np.iinfo(other.dtype).max if other.dtype.kind == "i" else 1.0
    return np.repeat(samples[:, None].astype(np.float64) * scale, other.shape[1], axis=1)


def _faded(from_: NDArray[Any], to: NDArray[Any]) -> NDArray[np.float64]:
    """One [n, C] passing into the other."""
    ramp = np.linspace(0, 1, len(to))[:, None]
    return np.asarray((1 - ramp) * from_ + ramp * to, np.float64)


def _rounded(samples: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "i":
        samples = np.clip(np.rint(samples), np.iinfo(dtype).min, np.iinfo(dtype).max)
    return samples.astype(dtype)


def said(text: str, phones: Sequence[str], language: str) -> list[Word]:
    """The words of a text that are heard."""
    return [Word(word, tuple(places)) for word, places in words_of_phones(text, phones, language)
            if places]


def differences(old: Sequence[Word], new: Sequence[Word]) -> list[tuple[range, range]]:
    """Places of words that differ, in both; a word that is only left out takes a neighbour with it.

    The neighbour is spoken anew, since the words around a gap do not fit each other.
    """
    found: list[tuple[range, range]] = []
    matcher = SequenceMatcher(None, [w.plain for w in old], [w.plain for w in new], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        if found and a - found[-1][0].stop < APART:
            a, c = found[-1][0].start, found[-1][1].start
            found.pop()
        found.append((range(a, b), range(c, d)))
    return [_with_neighbour(a, b, len(old)) if not b else (a, b) for a, b in found]


def _with_neighbour(old: range, new: range, count: int) -> tuple[range, range]:
    if old.stop < count:
        return range(old.start, old.stop + 1), range(new.start, new.stop + 1)
    return range(old.start - 1, old.stop), range(new.start - 1, new.stop)


def changes(source: Aligned, text: str, language: str, codes: torch.Tensor, spec: CodecSpec,
            seed: int) -> list[Change]:
    """What is to be spoken so that a recording says another text. codes [Q, T]: of the recording.

    Raises:
        ValueError: nothing or everything is to change, or too much at once.
    """
    phones = phonemize(text, language)
    old, new = said(source.text, source.phones, language), said(text, phones, language)
    found = differences(old, new)
    if not found:
        raise ValueError(f"the recording says that already: {source.text.strip()!r}")
    if not any(a.start or a.stop < len(old) for a, _ in found):
        raise ValueError("not a word of the recording is left: speak the text in its voice instead "
                         "(valle say)")
    return [_change(source, old, new, a, b, phones, codes, spec, seed_of(seed, place))
            for place, (a, b) in enumerate(found)]


def _change(source: Aligned, old: Sequence[Word], new: Sequence[Word], replaced: range,
            spoken: range, phones: Sequence[str], codes: torch.Tensor, spec: CodecSpec, seed: int,
            ) -> Change:
    before = old[replaced.start - 1].places[-1] + 1 if replaced.start else 0
    behind = old[replaced.stop].places[0] if replaced.stop < len(old) else len(source.phones)
    first = new[spoken.start - 1].places[-1] + 1 if spoken.start else 0
    last = new[spoken.stop].places[0] if spoken.stop < len(new) else len(phones)
    following = ((*(phones[i] for i in new[spoken.stop].places), ",")
                 if spoken.stop < len(new) else ())
    target = (*phones[first:last], *following)
    if len(target) > MOST:
        raise ValueError(f"{len(spoken)} words in a row are new, that is too much at once: change "
                         "fewer at a time")
    left, right = _around(source, before, behind, spec)
    goes_on = len(left) > 0
    parts = [*right, *left] if _frames(source, left) < spec.frames(LEAST_BEFORE) else [*left]
    start = int(source.starts[before]) if replaced.start else 0
    end = int(source.starts[behind]) if behind < len(source.phones) else len(codes[0])
    frames = np.concatenate([np.arange(source.starts[i], source.ends[i]) for i in parts])
    prompt = Prompt(codes[:, torch.from_numpy(frames)], [source.phones[i] for i in parts],
                    [source.durations[i] for i in parts],
                    ltas(source.samples, spec.sample_rate), source.text)
    return Change(start, end, " ".join(w.text for w in old[replaced.start: replaced.stop]),
                  " ".join(w.text for w in new[spoken.start: spoken.stop]),
                  Segment(target, seed), last - first, prompt, goes_on)


def _around(source: Aligned, before: int, behind: int, spec: CodecSpec) -> tuple[range, range]:
    """Places of phones that the model hears before a change and behind it, from word to word."""
    most = spec.frames(CONTEXT_SECONDS)
    edges = [i for i, phone in enumerate(source.phones) if phone in BOUNDARIES]
    begin = min((i for i in edges if i < before and source.starts[before - 1]
                 - source.starts[i] <= most), default=before)
    finish = max((i for i in edges if i > behind and source.ends[i] - source.starts[behind]
                  <= most), default=behind)
    return range(begin, before), range(behind - 1, finish) if finish > behind else range(0)


def _frames(source: Aligned, places: range) -> int:
    return int(sum(source.durations[i] for i in places))


def patch(change: Change, candidate: Candidate, source: Aligned, spec: CodecSpec) -> Patch:
    """The new words of a change, as loud as the recording was."""
    frames = sum((candidate.generated.durations or ())[: change.kept])
    size = frames * spec.hop + (round(FADE * spec.sample_rate) if change.end < len(
        source.samples) // spec.hop else 0)
    return Patch(change.start / spec.frame_rate, change.end / spec.frame_rate, change.old,
                 change.new, candidate.samples[:size] / np.float32(source.gain),
                 candidate.generated.finish)
