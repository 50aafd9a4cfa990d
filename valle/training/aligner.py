"""Stage `aligner`: phone timings, from those that are known to speech that has none."""
from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from codec.spectral import log_mel
from g2p import BOUNDARIES, Vocabulary
from valle.data.batching import split_speakers, spread_out
from valle.data.manifest import Prepared, Utterance, load_samples
from valle.model.aligner import Aligner, AlignerConfig
from valle.training.loop import Metrics, update


@dataclass(frozen=True)
class AlignerTraining:
    """Hyper-parameters of the aligner stage."""

    batch_size: int = 16
    max_seconds: float = 16.4
    teacher_steps: int = 100  # first on known timings alone, where there are any
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
        self.timed = spread_out([u for u in held if u.durations], 64)
        self.held = spread_out([u for u in held if not u.durations], 32)
        vocabulary = Vocabulary.build(u.phones for u in usable if u.phones)
        self.model = Aligner(AlignerConfig(phones=len(vocabulary)), vocabulary)
        self.modules = nn.ModuleDict({"aligner": self.model})
        self.optimizers = {"aligner": torch.optim.AdamW(
            self.model.parameters(), lr=config.lr, betas=(0.9, 0.98), weight_decay=0.01)}

    def batch(self, step: int) -> tuple[list[Utterance], torch.Tensor, torch.Tensor]:
        """Utterances of like length, teachers' and real ones mixed: (they, log-mel, frames)."""
        rng = np.random.default_rng((self.config.seed, step))
        pool = sorted(rng.choice(len(self.train), min(4 * self.config.batch_size, len(self.train)),
                                 replace=False), key=lambda i: self.train[i].frames)
        start = int(rng.integers(max(1, len(pool) - self.config.batch_size + 1)))
        return self._collate([self.train[i] for i in pool[start: start + self.config.batch_size]])

    def step(self, batch: tuple[list[Utterance], torch.Tensor, torch.Tensor], step: int) -> Metrics:
        utterances, mel, n_frames = batch
        alone = step < self.config.teacher_steps and any(u.durations for u in utterances)
        truth = self._truth(utterances, mel, n_frames, teachers_alone=alone)
        with torch.autocast("cpu", torch.bfloat16):
            loss = self.model.loss(mel, n_frames, truth)
        loss.backward()
        return {"train/loss": float(loss.detach()), "train/units": float(n_frames.sum()) / 75,
                **update(self.optimizers["aligner"])}

    @torch.no_grad()
    def validate(self) -> Metrics:
        """Loss on unseen speakers, and the error of phone starts where the truth is known."""
        self.model.eval()
        metrics: Metrics = {}
        if self.held:
            utterances, mel, n_frames = self._collate(self.held)
            truth = self._truth(utterances, mel, n_frames)
            metrics["valid/loss"] = float(self.model.loss(mel, n_frames, truth))
            lasting = [d for u in self.held for p, d in zip(
                u.phones or [], self.model.durations(load_samples(u), u.phones or []),
                strict=True) if p not in BOUNDARIES]
            metrics["valid/one_frame"] = float(np.mean(np.array(lasting) == 1))
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

    def _collate(self, utterances: Sequence[Utterance],
                 ) -> tuple[list[Utterance], torch.Tensor, torch.Tensor]:
        """Log-mel [B, 80, T] and frames [B] of some utterances."""
        with ThreadPoolExecutor(2) as pool:
            audio = list(pool.map(load_samples, utterances))
        mels = [log_mel(torch.from_numpy(a)[None])[0].T for a in audio]
        mel = nn.utils.rnn.pad_sequence(mels, batch_first=True).transpose(1, 2)
        return list(utterances), mel, torch.tensor([len(m) for m in mels])

    def _truth(self, utterances: Sequence[Utterance], mel: torch.Tensor, n_frames: torch.Tensor,
               teachers_alone: bool = False) -> torch.Tensor:
        """Class of each frame [B, T]: the teacher's, else the model's best path; -1 in padding."""
        truth = torch.full((len(mel), mel.shape[2]), -1)
        untimed = [i for i, u in enumerate(utterances) if not u.durations]
        for i, u in enumerate(utterances):
            if u.durations:
                path = np.repeat(self.model.labels(u.phones or []), u.durations)
                truth[i, : len(path)] = torch.from_numpy(path)
        if untimed and not teachers_alone:
            paths = self.model.best_paths(mel[untimed], n_frames[untimed],
                                          [utterances[i].phones or [] for i in untimed])
            for i, path in zip(untimed, paths, strict=True):
                truth[i, : len(path)] = torch.from_numpy(path)
        return truth
