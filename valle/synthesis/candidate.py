"""Candidates: the ways in which a segment was spoken, and which of them is the best."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codec.audio import Samples
from valle.features.pauses import PAUSING, silences
from valle.synthesis.decode import Generated
from valle.synthesis.rerank import Score


@dataclass(frozen=True)
class Candidate:
    """One way a segment was spoken.

    Attributes:
        generated: its codebook 1.
        samples: [N] of the segment alone.
        prompt: [N] that stands before it where a text goes on where the prompt stops.
        fluent: it ended by itself, and is not silent for over a second where the text has no mark.
        score: what the reranker says of it, where it was asked.
    """

    generated: Generated
    samples: Samples
    prompt: Samples | None = None
    fluent: bool = True
    score: Score | None = None


def best(candidates: Sequence[Candidate]) -> Candidate:
    """The fluent candidate that the reranker puts first; an only one as it is."""
    return max(candidates, key=lambda one: (one.fluent, one.score.rank if one.score else ()))


def is_fluent(generated: Generated, samples: Samples, phones: Sequence[str], sample_rate: int,
              ) -> bool:
    """Is a segment's speech [N] fluent, as in Candidate?"""
    marks = sum(phone in PAUSING for phone in phones[:-1])
    return generated.finish == "eos" and len(silences(samples, sample_rate)) <= marks
