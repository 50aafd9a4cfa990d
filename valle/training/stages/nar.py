"""Codebooks 2..Q from codebook 1. --data: prepared folders with codes."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from codec import Codec, CodecSpec
from g2p import Vocabulary
from valle.model.checkpoint import load_nar, save_nar
from valle.model.config import NARConfig
from valle.model.nar import NAR, NARBatch, NARRow
from valle.training.log import Metrics
from valle.training.run import Data
from valle.training.samples import fill
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

PROMPT_SECONDS = (1.0, 3.0)  # of a sample, at most half of it
VALIDATION_CLIPS = 24
CPU = torch.device("cpu")


@dataclass(frozen=True)
class NARTraining:
    """Of the NAR alone.

    Attributes:
        n_codebooks: of a new model, 2 to the codec's own; 0 takes those.
        expected: share of steps in which the codebooks below the one that is learned are what the
            model expects of them, as in synthesis, and not their true codes.
    """

    n_codebooks: int = 0
    expected: float = 0.5


CONFIGS = (SpeechTraining, Shape, NARTraining)


def build(data: Data, loop: LoopConfig, config: SpeechTraining, shape: Shape, own: NARTraining,
          ) -> SpeechStage:
    """A new NAR, or the one that `config.init` names."""
    aligned = shape.layout == "interleaved"
    speech, model, codec = open_speech(data, config, aligned, load_nar,
                                       lambda nar: nar.config.aligned)
    spec = speech.prepared.spec
    if model is None:
        books = own.n_codebooks or spec.n_codebooks
        model = NAR(NARConfig(len(speech.vocabulary), books, spec.codebook_size, aligned,
                              shape.transformer()))
        if codec is not None:
            start_from_codebooks(model.codes.weight, codec.codebooks[:books])
    if spec.n_codebooks < model.config.n_codebooks:
        raise ValueError(f"--n-codebooks {model.config.n_codebooks}: the data has "
                         f"{spec.n_codebooks}")
    return SpeechStage(NARTask(model, spec, own.expected), speech, codec)


class NARTask:
    """A NAR, aligned or not."""

    name, unit = "nar", "frames"

    def __init__(self, model: NAR, spec: CodecSpec, expected: float) -> None:
        self.model, self.expected = model, expected
        self.prompt_frames = tuple(map(spec.frames, PROMPT_SECONDS))
        self.labels = {"layouts": ["interleaved" if model.config.aligned else "plain"]}

    def collate(self, samples: Sequence[Sample], rng: np.random.Generator,
                drop_prompt: float = 0.0) -> tuple[NARBatch, torch.Tensor, bool]:
        """Padded samples, the level [B] that each is trained on, and whether the codebooks below
        are expected ones."""
        levels = rng.integers(1, self.model.config.n_codebooks, len(samples))
        rows = self.rows(samples, rng, drop_prompt)
        return rows, torch.from_numpy(levels), bool(rng.random() < self.expected)

    def rows(self, samples: Sequence[Sample], rng: np.random.Generator,
             drop_prompt: float = 0.0) -> NARBatch:
        """Draw where the prompt of each sample ends, and pad them.

        Samples without text have no prompt, nor has a share `drop_prompt` of the others, so that
        guidance can lead away from text and voice together or from the voice alone.
        """
        frames = np.array([s.codes.shape[1] for s in samples])
        heard = np.array([s.conditioned for s in samples])
        heard &= rng.random(len(samples)) >= drop_prompt
        most = np.minimum(self.prompt_frames[1], frames // 2) * heard
        prompt = rng.integers(np.minimum(self.prompt_frames[0], most), most + 1)
        return NARBatch.pad([NARRow(s.phones, s.codes, int(frames), s.durations)
                             for s, frames in zip(samples, prompt, strict=True)],
                            self.model.config, CPU)

    def loss(self, batch: tuple[NARBatch, torch.Tensor, bool]) -> Loss:
        rows, level, expected = batch
        if expected:
            with torch.no_grad():
                rows = self.model.expect(rows, level)
        losses, _ = self.model.loss(rows, level)
        real = rows.n_phones.sum() + rows.n_frames.sum()
        padded = rows.phones.numel() + rows.codes[:, 0].numel()
        return Loss(losses.mean(), float(rows.n_frames.sum()),
                    {"train/padding": 1 - float(real) / padded}, weight=len(losses))

    def validate(self, samples: Sequence[Sample], device: torch.device) -> Metrics:
        """Loss and top-10 accuracy of every codebook, given the true ones below it; and the loss
        given what is expected of those."""
        samples = samples[:VALIDATION_CLIPS]
        rows = to_device(self.rows(samples, np.random.default_rng(0)), device)
        metrics: Metrics = {}
        for book in range(1, self.model.config.n_codebooks):
            level = torch.full((len(samples),), book, device=device)
            losses, top10 = self.model.loss(rows, level)
            metrics[f"valid/loss_{book + 1}"] = float(losses.mean())
            metrics[f"valid/top10_{book + 1}"] = float(top10.mean())
        metrics["valid/loss"] = float(np.mean([v for k, v in metrics.items() if "loss" in k]))
        losses, _ = self.model.loss(self.model.expect(rows, level), level)
        metrics["valid/expected"] = float(losses.mean())
        return metrics

    def listen(self, sample: Sample, data: SpeechData, codec: Codec) -> dict[str, torch.Tensor]:
        rows = self.rows([sample], np.random.default_rng(0))
        whole = to_device(rows, self.model.codes.weight.device)
        return {"nar/original": codec.decode(rows.codes)[0, 0],
                "nar/filled": fill(self.model, whole, codec)}

    def save(self, folder: Path, vocabulary: Vocabulary, codec: str) -> None:
        save_nar(folder, self.model, vocabulary, codec)
