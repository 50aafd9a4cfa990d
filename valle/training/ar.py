"""Stage `ar`: codebook 1 from phones, next-token prediction."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from codec import Codec
from valle.model.ar import AR
from valle.model.checkpoint import save_ar
from valle.model.tokens import EOS, PAD, advance_ids
from valle.training.loop import Metrics, update
from valle.training.samples import speak_on
from valle.training.speech import Sample, SpeechData, SpeechTraining
from valle.training.state import parameter_groups


class ARStage:
    """Trains an AR model of either layout."""

    name, unit = "ar", "tokens"

    def __init__(self, model: AR, data: SpeechData, config: SpeechTraining,
                 codec: Codec | None = None) -> None:
        """codec: turns samples into audio; without it there are none to listen to."""
        self.model, self.data, self.config, self.codec = model, data, config, codec
        self.modules = nn.ModuleDict({"ar": model})
        self.optimizers = {"ar": torch.optim.AdamW(
            parameter_groups(model, config.weight_decay), lr=config.lr, betas=(0.9, 0.95))}
        if config.compile:
            model.hidden = torch.compile(model.hidden, dynamic=True)  # type: ignore[method-assign]

    def batch(self, step: int) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
        """`accumulate` micro-batches of tokens [B, L] and, if interleaved, what may come next."""
        first = step * self.config.accumulate
        return [self._collate(self.data.at(first + i)) for i in range(self.config.accumulate)]

    def step(self, batch: list[tuple[torch.Tensor, torch.Tensor | None]], step: int) -> Metrics:
        total = 0.0
        device = self.model.embed_tokens.weight.device.type
        for tokens, advance in batch:
            with torch.autocast(device, torch.bfloat16):
                loss = self.model.loss(tokens, advance, self.config.corrupt)["loss"] / len(batch)
            loss.backward()
            total += float(loss.detach())
        units = sum(int((tokens != PAD).sum()) for tokens, _ in batch)
        return {"train/loss": total, "train/units": units,
                **update(self.optimizers["ar"], self.config.clip)}

    @torch.no_grad()
    def validate(self) -> Metrics:
        self.model.eval()
        samples = self.data.validation(48)
        totals: dict[str, list[torch.Tensor]] = {}
        for start in range(0, len(samples), 8):
            batch = self._collate(samples[start: start + 8])
            for key, value in self.model.loss(*batch).items():
                totals.setdefault(f"valid/{key}", []).append(value)
        return {key: float(torch.stack(values).mean()) for key, values in totals.items()}

    @torch.no_grad()
    def sample(self) -> dict[str, torch.Tensor]:
        if self.codec is None or not self.data.held:
            return {}
        self.model.eval()
        spoken = speak_on(self.model, self.data.validation(1)[0], self.data.vocabulary, self.codec)
        return {"ar/book 1": spoken}

    def export(self, folder: Path) -> None:
        save_ar(folder, self.model, self.data.vocabulary, self.data.prepared.codec or "")

    def _collate(self, samples: Sequence[Sample]) -> tuple[torch.Tensor, torch.Tensor | None]:
        rows = [self._tokens(s) for s in samples]
        if self.model.config.layout == "plain":
            return self._pad(rows), None
        return self._pad(rows), self._pad([advance_ids(row, self.model.ids) for row in rows])

    def _pad(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Rows of ids as one tensor [B, L] on the model's device."""
        padded = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True,
                                           padding_value=PAD)
        return padded.to(self.model.embed_tokens.weight.device)

    def _tokens(self, sample: Sample) -> list[int]:
        ids = self.model.ids
        codes = sample.codes[0].tolist()
        spoken = (ids.codes(codes) if self.model.config.layout == "plain"
                  else ids.interleave(sample.phones, sample.durations or [], codes))
        return [*ids.prefix(sample.language, sample.phones), *spoken, EOS]
