"""What the AR and the NAR stages share: prepared data as batches that depend on the step alone."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from g2p import Vocabulary
from valle.data.batching import batches, split_speakers
from valle.data.manifest import Prepared, Utterance


@dataclass(frozen=True)
class SpeechTraining:
    """Hyper-parameters of the AR and NAR stages.

    drop_condition: share of samples without text (NAR: and without prompt; as many again without
        prompt alone), so that the model also learns speech as such, which classifier-free guidance
        (valle/synthesis/decode.py) leads away from.
    corrupt: share of codes that the AR hears as random ones.
    """

    tokens_per_batch: int = 8000
    max_seconds: float = 14.0
    max_concat: int = 3
    min_score: float = -1e9
    lr: float = 1e-3
    weight_decay: float = 0.05
    clip: float = 1.0
    accumulate: int = 1
    drop_condition: float = 0.1
    corrupt: float = 0.0
    compile: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Sample:
    """One or several utterances of a speaker: phones [L], frames per phone [L], codes [Q, T]."""

    phones: list[int]
    durations: list[int] | None
    codes: NDArray[np.int64]
    language: str
    conditioned: bool = True

    def unconditioned(self) -> Sample:
        """The same speech of unknown phones."""
        return replace(self, phones=[0] * len(self.phones), conditioned=False)


class SpeechData:
    """Training and validation samples out of prepared folders, held-out speakers apart."""

    def __init__(self, folders: Sequence[Path], held_out: Sequence[str], config: SpeechTraining,
                 vocabulary: Vocabulary | None, timed: bool) -> None:
        self.prepared = Prepared.open(list(folders))
        self.config = config
        usable = [u for u in self.prepared.utterances
                  if u.phones and u.seconds <= config.max_seconds and (u.durations or not timed)
                  and (u.score is None or u.score >= config.min_score)]
        self.train, self.held = split_speakers(usable, held_out)
        if not self.train:
            raise ValueError(f"nothing to train on in {', '.join(map(str, folders))}: no utterance "
                             f"has text{' and timings' if timed else ''} and is at most "
                             f"{config.max_seconds} s long")
        self.vocabulary = vocabulary or Vocabulary.build(u.phones for u in self.train if u.phones)
        self._epoch: tuple[int, int, list[list[list[Utterance]]]] = (-1, 0, [])

    def at(self, step: int) -> list[Sample]:
        """The samples of a step, some of them unconditioned. Epochs follow one another."""
        epoch, first, groups = self._epoch
        if step < first:
            epoch, first, groups = -1, 0, []
        while step >= first + len(groups):
            epoch, first = epoch + 1, first + len(groups)
            groups = batches(self.train, tokens_per_batch=self.config.tokens_per_batch,
                             seed=self.config.seed, epoch=epoch,
                             max_seconds=self.config.max_seconds,
                             max_concat=self.config.max_concat, length=sequence_length)
        self._epoch = (epoch, first, groups)
        samples = [self.load(group) for group in groups[step - first]]
        dropped = np.random.default_rng((self.config.seed, step, 2)).random(len(samples))
        return [sample.unconditioned() if share < self.config.drop_condition else sample
                for sample, share in zip(samples, dropped, strict=True)]

    def validation(self, count: int) -> list[Sample]:
        """Single utterances of held-out speakers, always the same."""
        order = np.random.default_rng(0).permutation(len(self.held))
        return [self.load([self.held[i]]) for i in order[:count]]

    def load(self, group: Sequence[Utterance]) -> Sample:
        """Join the utterances of a group."""
        phones = [p for u in group for p in self.vocabulary.encode(u.phones or [])]
        timed = all(u.durations for u in group)
        durations = [d for u in group for d in u.durations or []] if timed else None
        codes = np.concatenate([self.prepared.codes(u) for u in group], axis=1)
        return Sample(phones, durations, codes.astype(np.int64), group[0].language)


@torch.no_grad()
def start_from_codebooks(table: torch.Tensor, codebooks: torch.Tensor, std: float = 0.02) -> None:
    """Fill code embeddings [Q * V, D] with the codec's vectors [Q, V, d], randomly projected.

    Codes that sound alike then start alike, and the sum of a frame's books starts as a projection
    of its latent; from random embeddings the NAR has to find that out code by code.
    """
    rng = torch.Generator().manual_seed(0)
    projection = torch.randn(codebooks.shape[2], table.shape[1], generator=rng)
    vectors = (codebooks - codebooks.mean(dim=1, keepdim=True)).cpu() @ projection
    table.copy_((vectors * std / vectors.std()).flatten(0, 1))


def sequence_length(utterance: Utterance) -> int:
    """Tokens of an utterance in the longer, interleaved layout: phones count twice."""
    return 2 * len(utterance.phones or ()) + utterance.frames + 4
