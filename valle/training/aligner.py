"""Stage `aligner`: phone timings for real speech, learned from audio and phones alone."""
from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from codec.spectral import log_mel
from g2p import Vocabulary
from valle.align import Aligner, AlignerConfig
from valle.data.batching import split_speakers
from valle.data.manifest import Prepared, Utterance, load_samples
from valle.training.loop import Metrics, update


@dataclass(frozen=True)
class AlignerTraining:
    """Hyper-parameters of the aligner stage."""

    batch_size: int = 16
    max_seconds: float = 12.0
    lr: float = 2e-3
    seed: int = 0


class AlignerStage:
    """Trains an Aligner on prepared folders (a manifest is enough, codes are not needed)."""

    name, unit = "aligner", "s of audio"

    def __init__(self, folders: Sequence[Path], held_out: Sequence[str],
                 config: AlignerTraining) -> None:
        self.config = config
        usable = [u for u in Prepared.open(list(folders)).utterances
                  if u.phones and u.seconds <= config.max_seconds
                  and len(u.phones) < 0.8 * u.frames]
        self.train, held = split_speakers(usable, held_out)
        self.timed = [u for u in held if u.durations][:32]
        self.held = [u for u in held if not u.durations][:32]
        vocabulary = Vocabulary.build(u.phones for u in usable if u.phones)
        self.model = Aligner(AlignerConfig(phones=len(vocabulary)), vocabulary)
        self.modules = nn.ModuleDict({"aligner": self.model})
        self.optimizers = {"aligner": torch.optim.AdamW(
            self.model.parameters(), lr=config.lr, betas=(0.9, 0.98), weight_decay=0.01)}

    def batch(self, step: int) -> tuple[torch.Tensor, ...]:
        """Log-mel [B, 80, T], frames [B], labels [B, L], counts [B], truth [B, T].

        Utterances of like length, teachers' and real ones mixed.
        """
        rng = np.random.default_rng((self.config.seed, step))
        pool = sorted(rng.choice(len(self.train), min(4 * self.config.batch_size, len(self.train)),
                                 replace=False), key=lambda i: self.train[i].frames)
        start = int(rng.integers(max(1, len(pool) - self.config.batch_size + 1)))
        return self._collate([self.train[i] for i in pool[start: start + self.config.batch_size]])

    def step(self, batch: tuple[torch.Tensor, ...], step: int) -> Metrics:
        with torch.autocast("cpu", torch.bfloat16):
            loss = self.model.loss(*batch)
        loss.backward()
        return {"train/loss": float(loss.detach()), "train/units": float(batch[1].sum()) / 75,
                **update(self.optimizers["aligner"])}

    @torch.no_grad()
    def validate(self) -> Metrics:
        """Loss on unseen speakers, and the error of phone starts where the truth is known."""
        self.model.eval()
        metrics: Metrics = {}
        if self.held:
            metrics["valid/loss"] = float(self.model.loss(*self._collate(self.held)))
        errors = [abs(a - b) for u in self.timed
                  for a, b in zip(np.cumsum(self.model.durations(load_samples(u), u.phones or [])),
                                  np.cumsum(u.durations or []), strict=True)]
        if errors:
            metrics["valid/median_error_ms"] = float(np.median(errors)) * 1000 / 75
            metrics["valid/p90_error_ms"] = float(np.quantile(errors, 0.9)) * 1000 / 75
        return metrics

    def sample(self) -> dict[str, torch.Tensor]:
        return {}

    def export(self, folder: Path) -> None:
        self.model.save(folder)

    def _collate(self, utterances: Sequence[Utterance]) -> tuple[torch.Tensor, ...]:
        with ThreadPoolExecutor(2) as pool:
            audio = list(pool.map(load_samples, utterances))
        mels = [log_mel(torch.from_numpy(a)[None])[0].T for a in audio]
        labels = [torch.tensor(self.model.labels(u.phones or [])) for u in utterances]
        truth = [torch.from_numpy(np.repeat(x.numpy(), u.durations)) if u.durations
                 else torch.full((len(m),), -1)
                 for x, u, m in zip(labels, utterances, mels, strict=True)]
        pad = nn.utils.rnn.pad_sequence
        return (pad(mels, batch_first=True, padding_value=float(np.log(1e-4))).transpose(1, 2),
                torch.tensor([len(m) for m in mels]), pad(labels, batch_first=True),
                torch.tensor([len(x) for x in labels]),
                pad(truth, batch_first=True, padding_value=-1))
