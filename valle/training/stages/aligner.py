"""Phone timings for real speech, from those that are known. --data: prepared folders."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from g2p import BOUNDARIES, Vocabulary
from valle.data.batching import spread_out
from valle.data.held_out import hold_out
from valle.data.manifest import Prepared, Utterance, load_samples
from valle.model.aligner import Aligner, AlignerConfig
from valle.training.log import Examples, Metrics
from valle.training.run import Data
from valle.training.stage import LoopConfig, Loss, device_of, full_precision, to_device


@dataclass(frozen=True)
class AlignerTraining:
    """Batches and optimisation.

    Attributes:
        batch_size: clips in a batch.
        max_seconds: longest clip.
        teacher_steps: first steps on known timings alone, where there are any.
        lr: peak learning rate.
        seed: of batches.
    """

    batch_size: int = 16
    max_seconds: float = 16.4
    teacher_steps: int = 100
    lr: float = 2e-3
    seed: int = 0


CONFIGS = (AlignerTraining,)


@dataclass(frozen=True)
class Batch:
    """Log-mel [B, M, T] and its frames [B]; phones of each clip; known classes [B, T], else -1."""

    mel: torch.Tensor
    n_frames: torch.Tensor
    phones: list[list[str]]
    truth: torch.Tensor
    timed: list[bool]


class AlignerStage:
    """Trains an Aligner on prepared folders (a manifest is enough, codes are not needed)."""

    name, unit, clip, best = "aligner", "s of audio", 1.0, "valid/loss"

    def __init__(self, folders: Sequence[Path], held_out: Sequence[str],
                 config: AlignerTraining) -> None:
        """Find the clips.

        Raises:
            FileNotFoundError, ValueError: no prepared folders, or nothing to train on.
        """
        self.config, self.prepared = config, Prepared.open(list(folders))
        index = self.prepared.index
        usable = np.flatnonzero((index.phones > 0) & (index.seconds <= config.max_seconds)
                                & (index.phones < 0.8 * index.frames))
        held = hold_out([(index.speakers[i],) for i in index.speaker[usable]], index.crc[usable],
                        held_out)
        self.train = usable[~held]
        if not len(self.train):
            raise ValueError("nothing to train on: check --data, --held-out and --max-seconds")
        unseen = usable[held]
        utterances = self.prepared.utterances
        self.timed = [utterances[i] for i in spread_out(unseen[index.timed[unseen]].tolist(), 64)]
        self.held = [utterances[i] for i in spread_out(unseen[~index.timed[unseen]].tolist(), 32)]
        vocabulary = Vocabulary.build(utterances[i].phones or () for i in usable.tolist())
        self.model = Aligner(AlignerConfig.of(self.prepared.spec, len(vocabulary)), vocabulary)
        self.modules = nn.ModuleDict({"aligner": self.model})
        self.optimizers: dict[str, torch.optim.Optimizer] = {"aligner": torch.optim.AdamW(
            self.model.parameters(), lr=config.lr, betas=(0.9, 0.98), weight_decay=0.01)}
        self.labels = {"phones": vocabulary.phones}

    def batch(self, index: int) -> Batch:
        """Utterances of like length, teachers' and real ones mixed."""
        rng = np.random.default_rng((self.config.seed, index))
        frames = self.prepared.index.frames[self.train]
        pool = sorted(rng.choice(len(self.train), min(4 * self.config.batch_size, len(self.train)),
                                 replace=False), key=lambda i: frames[i])
        start = int(rng.integers(max(1, len(pool) - self.config.batch_size + 1)))
        rows = self.train[pool[start: start + self.config.batch_size]].tolist()
        return self._collate([self.prepared.utterances[row] for row in rows])

    def losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        alone = step < self.config.teacher_steps and any(batch.timed)
        truth = batch.truth if alone else self._with_best_paths(batch)
        frame_rate = self.prepared.spec.frame_rate * self.model.config.stack
        real = float(batch.n_frames.sum())
        yield Loss(self.model.loss(batch.mel, batch.n_frames, truth), real / frame_rate,
                   {"train/padding": 1 - real / truth.numel()}, weight=float((truth >= 0).sum()))

    def validate(self) -> Metrics:
        """Loss on unseen speech, and the error of phone starts where the truth is known."""
        metrics: Metrics = {}
        if self.held:
            batch = to_device(self._collate(self.held), device_of(self.model))
            metrics["valid/loss"] = float(self.model.loss(batch.mel, batch.n_frames,
                                                          self._with_best_paths(batch)))
            lasting = [d for u in self.held for p, d in zip(
                u.phones or [], self._durations(u),
                strict=True) if p not in BOUNDARIES]
            metrics["valid/one_frame"] = float(np.mean(np.array(lasting) == 1))
        errors = np.abs(np.concatenate([
            np.cumsum(self._durations(u)) - np.cumsum(u.durations or []) for u in self.timed]
            or [[]]))
        for name, share in (("median", 0.5), ("p90", 0.9)) if len(errors) else ():
            frames = float(np.quantile(errors, share))
            metrics[f"valid/{name}_error_ms"] = frames * 1000 / self.prepared.spec.frame_rate
        return metrics

    def _samples(self, utterance: Utterance) -> np.ndarray:
        return load_samples(utterance, self.prepared.spec.sample_rate)

    def _durations(self, utterance: Utterance) -> list[int]:
        return self.model.durations(self._samples(utterance), utterance.phones or [])

    def sample(self) -> Examples:
        return {}

    def export(self, folder: Path) -> None:
        self.model.save(folder)

    def _collate(self, utterances: Sequence[Utterance]) -> Batch:
        with ThreadPoolExecutor(2) as pool:
            audio = list(pool.map(self._samples, utterances))
        mels = [self.model.log_mel(a)[0].T for a in audio]
        mel = nn.utils.rnn.pad_sequence(mels, batch_first=True).transpose(1, 2)
        truth = torch.full((len(mel), mel.shape[2]), -1)
        for row, u in zip(truth, utterances, strict=True):
            if u.durations:
                path = self.model.path(u.phones or [], u.durations)[: len(row)]
                row[: len(path)] = torch.from_numpy(path)
        return Batch(mel, torch.tensor([len(m) for m in mels]),
                     [u.phones or [] for u in utterances], truth,
                     [bool(u.durations) for u in utterances])

    def _with_best_paths(self, batch: Batch) -> torch.Tensor:
        """Class of each frame [B, T]: the teacher's, else the model's best path; -1 in padding."""
        truth = batch.truth.clone()
        untimed = [i for i, timed in enumerate(batch.timed) if not timed]
        if untimed:
            with full_precision(truth.device):
                paths = self.model.best_paths(batch.mel[untimed], batch.n_frames[untimed],
                                              [batch.phones[i] for i in untimed])
            for i, path in zip(untimed, paths, strict=True):
                truth[i, : len(path)] = torch.from_numpy(path).to(truth.device)
        return truth


def build(data: Data, loop: LoopConfig, config: AlignerTraining) -> AlignerStage:
    """A new aligner."""
    return AlignerStage(data.data, data.held_out, config)
