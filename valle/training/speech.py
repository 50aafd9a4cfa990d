"""What the AR and the NAR stages share: prepared data as batches, and the stage around a model."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from codec import Codec, load_codec
from g2p import Vocabulary
from valle.data.batching import Batches, batches
from valle.data.held_out import hold_out
from valle.data.manifest import Prepared
from valle.data.writer import DOUBTFUL_SCORE
from valle.features.progress import say
from valle.model.ar import AR
from valle.model.checkpoint import load_vocabulary, model_folder
from valle.model.config import TransformerConfig, size
from valle.model.nar import NAR
from valle.training.log import Examples, Metrics
from valle.training.run import Data
from valle.training.stage import Loss, device_of
from valle.training.state import Labels, parameter_groups


@dataclass(frozen=True)
class SpeechTraining:
    """Samples and optimisation.

    Attributes:
        tokens_per_batch: padding counted.
        max_seconds: longest sample.
        max_concat: utterances of a speaker joined to one sample, at most.
        min_score: alignments worse than this are left out: their texts are hardly what is said.
        lr: peak learning rate.
        weight_decay: on matrices alone.
        drop_condition: share of samples without text (NAR: and without prompt; as many again
            without prompt alone), so that the model also learns speech as such, from which
            classifier-free guidance leads away.
        init: starter, or a model folder to start from, with its shape and phones.
        codec: starter, or the folder of the codec of the data: code embeddings start from its
            codebooks, which learns faster, and audio samples are written.
        vocabulary: starter, or the folder of a trained AR or NAR whose phones are taken.
        compile: torch.compile; needs a C++ compiler on a CPU.
        seed: of batches.
    """

    tokens_per_batch: int = 8000
    max_seconds: float = 14.0
    max_concat: int = 3
    min_score: float = DOUBTFUL_SCORE
    lr: float = 1e-3
    weight_decay: float = 0.05
    drop_condition: float = 0.1
    init: str = ""
    codec: str = ""
    vocabulary: str = ""
    compile: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Shape:
    """Shape of a new model.

    Attributes:
        size: tiny, starter, base or paper.
        d_ff: another feed-forward width; 0 keeps the size's own.
        dropout: share of activations.
        layout: interleaved (every phone before its own codes; needs timings) or plain.
    """

    size: str = "starter"
    d_ff: int = 0
    dropout: float = 0.0
    layout: str = "interleaved"

    def transformer(self) -> TransformerConfig:
        changes = {"d_ff": self.d_ff} if self.d_ff else {}
        return size(self.size, dropout=self.dropout, **changes)


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
    """Training and validation samples out of prepared folders, held-out speakers apart.

    Attributes:
        train, held: rows of `prepared.index`.
    """

    def __init__(self, folders: Sequence[Path], held_out: Sequence[str], config: SpeechTraining,
                 vocabulary: Vocabulary | None, timed: bool) -> None:
        """timed: whether samples need timings.

        Raises:
            FileNotFoundError, ValueError: no prepared folders, or nothing to train on.
        """
        self.prepared, self.config = Prepared.open(list(folders)), config
        index = self.prepared.index
        usable = (index.phones > 0) & (index.seconds <= config.max_seconds)
        if timed:
            usable &= index.timed
        doubtful = usable & (index.score < config.min_score)  # never where there is no score
        if doubtful.any():
            say(f"{doubtful.sum()} of {usable.sum()} utterances are left out: their alignments "
                f"score less than {config.min_score:g} (--min-score)")
        rows = np.flatnonzero(usable & ~doubtful)
        held = hold_out([(index.speakers[i],) for i in index.speaker[rows]], index.crc[rows],
                        held_out)
        self.train, self.held = rows[~held], rows[held]
        if not len(self.train):
            raise ValueError(f"nothing to train on in {', '.join(map(str, folders))}: no utterance "
                             f"has text{' and timings' if timed else ''} and is at most "
                             f"{config.max_seconds} s long")
        self.vocabulary = vocabulary or Vocabulary.build(
            self.prepared.utterances[row].phones or () for row in self.train)
        self.languages = tuple(sorted({index.languages[i] for i in index.language[self.train]}))
        self._epoch: tuple[int, int, Batches | tuple[()]] = (-1, 0, ())

    def at(self, step: int) -> list[Sample]:
        """The samples of a step, some of them unconditioned. Epochs follow one another."""
        epoch, first, groups = self._epoch
        if step < first:
            epoch, first, groups = -1, 0, ()
        while step >= first + len(groups):
            epoch, first = epoch + 1, first + len(groups)
            groups = batches(self.prepared.index, self.train, self._lengths,
                             tokens_per_batch=self.config.tokens_per_batch,
                             seed=self.config.seed, epoch=epoch,
                             max_seconds=self.config.max_seconds,
                             max_concat=self.config.max_concat)
        self._epoch = (epoch, first, groups)
        samples = [self.load(group) for group in groups[step - first]]
        dropped = np.random.default_rng((self.config.seed, step, 2)).random(len(samples))
        return [sample.unconditioned() if share < self.config.drop_condition else sample
                for sample, share in zip(samples, dropped, strict=True)]

    @property
    def _lengths(self) -> NDArray[np.integer]:
        """Tokens of each utterance in the longer, interleaved layout: phones count twice."""
        index = self.prepared.index
        return 2 * index.phones + index.frames + 4

    def validation(self, count: int) -> list[Sample]:
        """Single utterances that are held out, always the same."""
        order = np.random.default_rng(0).permutation(len(self.held))
        return [self.load([self.held[i]]) for i in order[:count]]

    def load(self, rows: Sequence[int]) -> Sample:
        """The utterances of some rows, joined."""
        group = [self.prepared.utterances[row] for row in rows]
        phones = [p for u in group for p in self.vocabulary.encode(u.phones or [])]
        timed = all(u.durations for u in group)
        durations = [d for u in group for d in u.durations or []] if timed else None
        codes = np.concatenate([self.prepared.codes(u) for u in group], axis=1)
        return Sample(phones, durations, codes.astype(np.int64), group[0].language)


class Task(Protocol):
    """What is the AR's own, and what the NAR's: how samples become batches and losses."""

    name: str
    unit: str

    @property
    def model(self) -> AR | NAR:
        """The model in training."""

    @property
    def labels(self) -> Labels:
        """What its weights' numbers stand for, beside phones and codes."""

    def collate(self, samples: Sequence[Sample], rng: np.random.Generator, drop_prompt: float,
                ) -> Any:
        """A batch for `loss`; a share `drop_prompt` of the samples loses its prompt."""

    def loss(self, batch: Any) -> Loss:
        """The loss of a batch."""

    def validate(self, samples: Sequence[Sample], device: torch.device) -> Metrics:
        """Metrics of held-out samples; none where there are no samples."""

    def listen(self, sample: Sample, data: SpeechData, codec: Codec) -> dict[str, torch.Tensor]:
        """What the model makes of a held-out sample: audio [N] by name."""

    def save(self, folder: Path, vocabulary: Vocabulary, codec: str) -> None:
        """Write the files that inference loads."""


class SpeechStage:
    """Trains an AR or a NAR on prepared speech."""

    clip, best = 1.0, "valid/loss"

    def __init__(self, task: Task, data: SpeechData, codec: Codec | None = None) -> None:
        """codec: turns samples into audio; without it there are none to listen to."""
        self.task, self.data, self.config, self.codec = task, data, data.config, codec
        self.name, self.unit, model = task.name, task.unit, task.model.requires_grad_(True)
        self.modules = nn.ModuleDict({task.name: model})
        self.optimizers: dict[str, torch.optim.Optimizer] = {task.name: torch.optim.AdamW(
            parameter_groups(model, self.config.weight_decay), lr=self.config.lr,
            betas=(0.9, 0.95))}
        self.labels = {"phones": data.vocabulary.phones, "codec": [data.prepared.codec or ""],
                       **task.labels}
        if self.config.compile:
            model.hidden = torch.compile(model.hidden, dynamic=True)  # type: ignore[method-assign]

    def batch(self, index: int) -> Any:
        rng = np.random.default_rng((self.config.seed, index))
        return self.task.collate(self.data.at(index), rng, self.config.drop_condition)

    def losses(self, batch: Any, step: int) -> Iterator[Loss]:
        yield self.task.loss(batch)

    def validate(self) -> Metrics:
        samples = self.data.validation(48)
        return self.task.validate(samples, device_of(self.modules)) if samples else {}

    def sample(self) -> Examples:
        if self.codec is None or not len(self.data.held):
            return {}
        spoken = self.task.listen(self.data.validation(1)[0], self.data, self.codec)
        return {name: (wav, self.codec.sample_rate) for name, wav in spoken.items()}

    def export(self, folder: Path) -> None:
        self.task.save(folder, self.data.vocabulary, self.data.prepared.codec or "")


M = TypeVar("M", AR, NAR)


def open_speech(data: Data, config: SpeechTraining, timed: bool,
                load: Callable[[Path], tuple[M, Vocabulary, str]],
                is_timed: Callable[[M], bool]) -> tuple[SpeechData, M | None, Codec | None]:
    """(the data, the model of --init or None, the codec of --codec or None), which fit together.

    Args:
        timed: whether a new model needs timings.
        load: reads a model folder.
        is_timed: whether a model that was read needs timings.

    Raises:
        FileNotFoundError, ValueError: one of them is missing, or they do not belong together.
    """
    codec = load_codec(model_folder(config.codec)) if config.codec else None
    vocabulary = load_vocabulary(model_folder(config.vocabulary)) if config.vocabulary else None
    model = None
    if config.init:
        model, vocabulary, trained_on = load(model_folder(config.init))
        timed = is_timed(model)
    speech = SpeechData(data.data, data.held_out, config, vocabulary, timed)
    if config.init and trained_on != speech.prepared.codec:
        raise ValueError(f"--init {config.init} learned codes of codec {trained_on}, --data has "
                         f"those of {speech.prepared.codec}: prepare it with that model's --codec")
    if codec and codec.identity != speech.prepared.codec:
        raise ValueError(f"--codec {config.codec} is codec {codec.identity}, --data has codes of "
                         f"{speech.prepared.codec}: give the codec it was prepared with")
    return speech, model, codec


@torch.no_grad()
def start_from_codebooks(table: torch.Tensor, codebooks: torch.Tensor, std: float = 0.02) -> None:
    """Fill code embeddings [Q * V, D] with the codec's vectors [Q, V, d], randomly projected.

    Codes that sound alike then start alike, and the sum of a frame's codebooks starts as a
    projection of its latent; from random embeddings the NAR has to find that out code by code.
    """
    rng = torch.Generator().manual_seed(0)
    projection = torch.randn(codebooks.shape[2], table.shape[1], generator=rng)
    vectors = (codebooks - codebooks.mean(dim=1, keepdim=True)).cpu() @ projection
    table.copy_((vectors * std / vectors.std()).flatten(0, 1))
