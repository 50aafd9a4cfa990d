"""Which piece of a long recording makes the best prompt: up to eight seconds, between two words."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.audio import Samples
from codec.spec import CodecSpec
from g2p import BOUNDARIES
from valle.synthesis.words import words_of_phones

SHORTEST = 3.0           # seconds
COST_OF_A_SECOND = 0.05  # log-probability per frame that a piece may lose for a second more
PAUSE = 0.1              # seconds: a word that ends in one is cut off whole
AT_A_PAUSE = 0.05        # log-probability per frame that such a cut is worth


@dataclass(frozen=True)
class Piece:
    """What a prompt takes of a recording: from start to end in seconds, and the words there."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class TimedSpeech:
    """Speech [N] at the codec's rate, its phones [L], and how many frames each of them lasts."""

    samples: Samples
    phones: list[str]
    durations: list[int]

    def between(self, first: int, last: int, spec: CodecSpec) -> tuple[TimedSpeech, float]:
        """The piece between the boundaries at two places, and the second at which it begins.

        A tenth of a second of the pause before it stays, and all of the pause after it.
        """
        ends = np.cumsum(self.durations)
        lead = min(self.durations[first], spec.frames(PAUSE))
        start, end = int(ends[first]) - lead, int(ends[last])
        return TimedSpeech(self.samples[start * spec.hop: end * spec.hop],
                       [" ", *self.phones[first + 1: last], "."],
                       [lead, *self.durations[first + 1: last + 1]]), start / spec.frame_rate

    def words(self, text: str, language: str, first: int, last: int) -> str:
        """The words of the text whose phones are between two places."""
        return " ".join(word for word, places in words_of_phones(text, self.phones, language)
                        if places and first < places[0] and places[-1] < last)


def best_piece(fit: NDArray[np.floating], phones: Sequence[str], durations: Sequence[int],
               frame_rate: float, longest: float) -> tuple[int, int]:
    """Places (first, last) among the phones [L] of the boundaries around the best piece.

    That is the one whose words are clearest to the aligner, which noise, music and other voices
    make unclear; long ones and those that begin and end in pauses win where words are as clear.

    fit: log-probability of each frame on the alignment [T]. durations: frames of each phone [L].
    longest: seconds. The whole where no piece is between three seconds and that.
    """
    frames = np.asarray(durations)
    cuts = np.array([i for i, phone in enumerate(phones) if phone in BOUNDARIES])
    ends = np.minimum(np.cumsum(frames), len(fit))
    begins = np.maximum(0, ends - frames)
    spoken = np.repeat([phone not in BOUNDARIES for phone in phones], frames)[: len(fit)]
    clear = np.concatenate([[0.0], np.cumsum(fit * spoken)])
    many = np.concatenate([[0], np.cumsum(spoken)])
    quiet = frames[cuts] >= PAUSE * frame_rate
    best, found = -np.inf, (int(cuts[0]), int(cuts[-1]))
    for a in range(len(cuts) - 1):
        left, right = ends[cuts[a]], begins[cuts[a + 1:]]
        seconds = (ends[cuts[a + 1:]] - left) / frame_rate
        score = ((clear[right] - clear[left]) / np.maximum(1, many[right] - many[left])
                 - COST_OF_A_SECOND * (longest - seconds)
                 + AT_A_PAUSE * (quiet[a] + quiet[a + 1:].astype(float)))
        score[(seconds < SHORTEST) | (seconds > longest - PAUSE)] = -np.inf
        b = int(score.argmax())
        if score[b] > best:
            best, found = float(score[b]), (int(cuts[a]), int(cuts[a + 1 + b]))
    return found
