"""Reranking: which of several candidates says the text, in the voice of the prompt?

VALL-E 2 (arXiv:2406.05370, section 4.1) keeps the argmax of (min(SIM, 0.3), 1 - WER), in this
order. Here SIM is the cosine of our speaker encoder's embeddings, and words are scored by their
least clear stretch of phones: it needs no search, and hears the difference between half said and
said. The order holds for candidates whose words are clear enough; of others the clearest is the
best. Among candidates whose words are clear the nearest voice wins.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE
from valle.recognizer.phones import PhoneListener
from valle.speaker.encoder import Embedding, TrainedEncoder
from valle.synthesis.hearing import phone_listener, speaker_encoder

LANGUAGE = "en"  # whose phones the scorer knows
SIMILAR = 0.3  # a cosine of ECAPA embeddings above which a voice counts as the prompt's
CLEAR = -2.3      # of the least clear stretch: seven of ten recordings of novels are above
UNCLEAR = -2.75   # the same: one in twenty is below, and three in ten of hard texts


@dataclass(frozen=True)
class Score:
    """How good a candidate is.

    Attributes:
        words: mean log-probability of the least clear eight phones in a row; nearer to 0 is better.
        voice: cosine between the embeddings of the candidate and of the prompt.
    """

    words: float
    voice: float

    @property
    def rank(self) -> tuple[float, ...]:
        """The greatest is the best."""
        return (min(self.words, UNCLEAR), min(self.voice, SIMILAR), min(self.words, CLEAR),
                self.voice)


class Reranker:
    """A phone recogniser and a speaker encoder."""

    def __init__(self, listener: PhoneListener, encoder: TrainedEncoder) -> None:
        self.listener, self.encoder = listener, encoder

    @classmethod
    def load(cls) -> Reranker:
        """The scorers in weights/judges; FileNotFoundError or ValueError say what is wrong."""
        return cls(phone_listener(), speaker_encoder())

    def voice(self, samples: Samples, sample_rate: int) -> Embedding:
        """What is compared of a prompt [N]."""
        return self.encoder(samples, sample_rate)

    def words(self, samples: Samples, sample_rate: int, phones: Sequence[str]) -> float:
        """How clear the phones are in samples [N], as in Score."""
        return self._clarity(resample(samples, sample_rate, SAMPLE_RATE), phones)

    def score(self, samples: Samples, sample_rate: int, phones: Sequence[str], voice: Embedding,
              ) -> Score:
        """Score of a candidate [N] that should say the phones in the voice."""
        heard = resample(samples, sample_rate, SAMPLE_RATE)
        return Score(self._clarity(heard, phones),
                     round(float(self.encoder(heard, SAMPLE_RATE) @ voice), 4))

    def _clarity(self, heard: Samples, phones: Sequence[str]) -> float:
        return round(self.listener.clarity(torch.from_numpy(heard), phones), 4)
