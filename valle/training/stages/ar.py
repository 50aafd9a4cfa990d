"""Codebook 1 from phones. --data: prepared folders with codes and timings."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from codec import Codec
from g2p import Vocabulary
from valle.model.ar import AR
from valle.model.checkpoint import load_ar, save_ar
from valle.model.config import ARConfig
from valle.model.tokens import AUDIO, EOS, PAD, advance_ids
from valle.training.log import Metrics
from valle.training.run import Data
from valle.training.samples import speak_on
from valle.training.speech import (
    Sample,
    Shape,
    SpeechData,
    SpeechStage,
    SpeechTraining,
    open_speech,
    start_from_codebooks,
)
from valle.training.stage import LoopConfig, Loss, to_device

Batch = tuple[torch.Tensor, torch.Tensor | None]
VALIDATION_BATCH = 8


@dataclass(frozen=True)
class ARTraining:
    """Of the AR alone.

    Attributes:
        group: codes in one step of a new model; 2 halves the steps (VALL-E 2).
        corrupt: share of codes heard as random ones, so that the model leans on the phones.
    """

    group: int = 1
    corrupt: float = 0.0


CONFIGS = (SpeechTraining, Shape, ARTraining)


def build(data: Data, loop: LoopConfig, config: SpeechTraining, shape: Shape, own: ARTraining,
          ) -> SpeechStage:
    """A new AR, or the one that `config.init` names."""
    speech, model, codec = open_speech(data, config, shape.layout == "interleaved", load_ar,
                                       lambda ar: ar.config.layout == "interleaved")
    if model is None:
        model = AR(ARConfig(len(speech.vocabulary), speech.languages,
                            speech.prepared.spec.codebook_size, shape.layout,
                            shape.transformer(), own.group))
        if codec is not None:
            for codes in model.embed_tokens.weight[model.ids.first_code:].chunk(own.group):
                start_from_codebooks(codes, codec.codebooks[:1])
    return SpeechStage(ARTask(model, own.corrupt), speech, codec)


class ARTask:
    """An AR of either layout."""

    name, unit = "ar", "tokens"

    def __init__(self, model: AR, corrupt: float = 0.0) -> None:
        self.model, self.corrupt = model, corrupt
        self.labels = {"languages": list(model.config.languages), "layouts": [model.config.layout]}

    def collate(self, samples: Sequence[Sample], rng: np.random.Generator,
                drop_prompt: float = 0.0) -> Batch:
        """Tokens [B, L] and, if interleaved, what may come next [B, L]; there is no prompt."""
        rows = [self._tokens(s) for s in samples]
        if self.model.config.layout == "plain":
            return _pad(rows), None
        return _pad(rows), _pad([advance_ids(row, self.model.ids) for row in rows])

    def loss(self, batch: Batch) -> Loss:
        tokens, advance = batch
        value = self.model.loss(tokens, advance, self.corrupt)["loss"]
        real = tokens != PAD
        spoken = real & ((tokens == AUDIO).cumsum(1) > 0)  # <audio> itself is given
        return Loss(value, float(real.sum()), {"train/padding": 1 - real.float().mean()},
                    weight=float(spoken.sum() - len(tokens)))

    def validate(self, samples: Sequence[Sample], device: torch.device) -> Metrics:
        totals: dict[str, list[torch.Tensor]] = {}
        for start in range(0, len(samples), VALIDATION_BATCH):
            few = self.collate(samples[start: start + VALIDATION_BATCH], np.random.default_rng(0))
            for key, value in self.model.loss(*to_device(few, device)).items():
                totals.setdefault(f"valid/{key}", []).append(value)
        return {key: float(torch.stack(values).mean()) for key, values in totals.items()}

    def listen(self, sample: Sample, data: SpeechData, codec: Codec) -> dict[str, torch.Tensor]:
        return {"ar/codebook 1": speak_on(self.model, sample, data.vocabulary, codec)}

    def save(self, folder: Path, vocabulary: Vocabulary, codec: str) -> None:
        save_ar(folder, self.model, vocabulary, codec)

    def _tokens(self, sample: Sample) -> list[int]:
        ids, codes = self.model.ids, sample.codes[0].tolist()
        prefix = ids.prefix(sample.language, sample.phones)
        if self.model.config.layout == "plain":
            return [*prefix, *ids.codes(codes), EOS]
        if sample.durations is None:
            raise ValueError("the interleaved layout needs data with timings: align it first")
        return [*prefix, *ids.interleave(sample.phones, sample.durations, codes), EOS]


def _pad(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    tensors = [torch.tensor(row) for row in rows]
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=PAD)
