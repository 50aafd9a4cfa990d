"""Stage `nar`: codebooks 2..Q from codebook 1, a random level for each sample."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from codec import Codec
from valle.model.checkpoint import save_nar
from valle.model.nar import NAR, NARBatch, NARRow
from valle.training.loop import Metrics, update
from valle.training.samples import fill
from valle.training.speech import Sample, SpeechData, SpeechTraining
from valle.training.state import parameter_groups

PROMPT_FRAMES = (75, 225)  # the prompt is one to three seconds of a sample, at most half of it


class NARStage:
    """Trains a NAR model."""

    name, unit = "nar", "frames"

    def __init__(self, model: NAR, data: SpeechData, config: SpeechTraining,
                 codec: Codec | None = None) -> None:
        """codec: turns samples into audio; without it there are none to listen to."""
        self.model, self.data, self.config, self.codec = model, data, config, codec
        self.modules = nn.ModuleDict({"nar": model})
        self.optimizers = {"nar": torch.optim.AdamW(
            parameter_groups(model, config.weight_decay), lr=config.lr, betas=(0.9, 0.95))}
        if config.compile:
            model.hidden = torch.compile(model.hidden, dynamic=True)  # type: ignore[method-assign]

    def batch(self, step: int) -> list[tuple[NARBatch, torch.Tensor]]:
        """`accumulate` micro-batches with the level [B] each sample is trained on."""
        rng = np.random.default_rng((self.config.seed, step))
        first = step * self.config.accumulate
        batches = []
        for i in range(self.config.accumulate):
            samples = self.data.at(first + i)
            levels = rng.integers(1, self.model.config.n_codebooks, len(samples))
            batches.append((self._collate(samples, rng, self.config.drop_condition),
                            self._tensor(levels)))
        return batches

    def step(self, batch: list[tuple[NARBatch, torch.Tensor]], step: int) -> Metrics:
        total = 0.0
        for rows, level in batch:
            with torch.autocast(self._device.type, torch.bfloat16):
                losses, _ = self.model.loss(rows, level)
            loss = losses.mean() / len(batch)
            loss.backward()
            total += float(loss.detach())
        return {"train/loss": total, "train/units": sum(int(r.n_frames.sum()) for r, _ in batch),
                **update(self.optimizers["nar"], self.config.clip)}

    @torch.no_grad()
    def validate(self) -> Metrics:
        """Loss and top-10 accuracy of every book, given the true books below it."""
        self.model.eval()
        samples = self.data.validation(24)
        rows = self._collate(samples, np.random.default_rng(0))
        metrics: Metrics = {}
        for book in range(1, self.model.config.n_codebooks):
            losses, top10 = self.model.loss(rows, self._tensor(np.full(len(samples), book)))
            metrics[f"valid/loss_{book + 1}"] = float(losses.mean())
            metrics[f"valid/top10_{book + 1}"] = float(top10.mean())
        metrics["valid/loss"] = float(np.mean([v for k, v in metrics.items() if "loss" in k]))
        return metrics

    @torch.no_grad()
    def sample(self) -> dict[str, torch.Tensor]:
        if self.codec is None:
            return {}
        self.model.eval()
        rows = self._collate(self.data.validation(1), np.random.default_rng(0))
        return {"nar/original": self.codec.decode(rows.codes.cpu())[0, 0],
                "nar/filled": fill(self.model, rows, self.codec)}

    def export(self, folder: Path) -> None:
        save_nar(folder, self.model, self.data.vocabulary, self.data.prepared.codec or "")

    @property
    def _device(self) -> torch.device:
        return self.model.codes.weight.device

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, dtype=np.int64)).to(self._device)

    def _collate(self, samples: Sequence[Sample], rng: np.random.Generator,
                 drop_prompt: float = 0.0) -> NARBatch:
        """Draw where the prompt of each sample ends, and pad them.

        Samples without text have no prompt, nor has a share `drop_prompt` of the others, so that
        guidance can lead away from text and voice together or from the voice alone.
        """
        frames = np.array([s.codes.shape[1] for s in samples])
        heard = np.array([s.conditioned for s in samples])
        heard &= rng.random(len(samples)) >= drop_prompt
        most = np.minimum(PROMPT_FRAMES[1], frames // 2) * heard
        prompt = rng.integers(np.minimum(PROMPT_FRAMES[0], most), most + 1)
        return NARBatch.pad([NARRow(s.phones, s.codes, int(frames), s.durations)
                             for s, frames in zip(samples, prompt, strict=True)],
                            self.model.config, self._device)
