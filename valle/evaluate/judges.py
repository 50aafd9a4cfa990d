"""All judges at once, as the tables need them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from valle.evaluate.quality import Quality
from valle.evaluate.similarity import Embedding, SpeakerEncoder
from valle.evaluate.words import Recogniser, Samples, word_error_rate, words


@dataclass(frozen=True)
class Score:
    """What the judges say of one clip. wer is None where the open listener was not asked."""

    wer: float | None
    werc: float
    heard: str
    ovrl: float
    embedding: Embedding = field(compare=False, repr=False)


class Judges:
    """One listener with the protocol's texts, one without if asked for, speaker and quality."""

    def __init__(self, texts: Sequence[str], distractors: Sequence[str], *,
                 open_vocabulary: bool = True) -> None:
        """Load everything once.

        Args:
            texts: every text that will be scored: they are the closed vocabulary.
            distractors: other texts in it (see `pick_distractors`).
            open_vocabulary: also score WER by the listener with general English; twice the time.

        Raises:
            ImportError: a package of the extra `evaluate` is missing.
        """
        self.speaker, self.quality = SpeakerEncoder(), Quality()
        self.closed = Recogniser([*texts, *distractors])
        self.open = Recogniser() if open_vocabulary else None

    def __call__(self, samples: Samples, sample_rate: int, text: str) -> Score:
        """Score samples [N] at any rate, in which `text` should be said.

        Nothing or silence scores as nothing heard, with the lowest quality.
        """
        reference = words(text)
        samples = np.asarray(samples, np.float32)
        if samples.size < sample_rate // 20:
            samples = np.pad(samples, (0, sample_rate // 20 - samples.size))
        heard = self.closed(samples, sample_rate)
        wer = None
        if self.open is not None:
            wer = word_error_rate(reference, self.open(samples, sample_rate))
        return Score(wer, word_error_rate(reference, heard), " ".join(heard),
                     self.quality(samples, sample_rate), self.speaker(samples, sample_rate))
