"""Characters and phones from speech. --data: corpora with text; no preparation is needed."""
from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import torch
from torch import nn

from valle.data.batching import spread_out
from valle.data.clips import Clip, find_clips, load_clips
from valle.data.held_out import crc, hold_out
from valle.features.augment import SPEEDS, Augmentation, change_speed, mask_band
from valle.features.fbank import SAMPLE_RATE
from valle.features.progress import say
from valle.recognizer.characters import collapse, pronounce, read, spell
from valle.recognizer.model import (
    MOST_CHARACTERS,
    Recognizer,
    RecognizerConfig,
    filterbanks,
)
from valle.training.log import Examples, Metrics
from valle.training.run import Data
from valle.training.stage import LoopConfig, Loss, device_of
from valle.training.state import parameter_groups

POOL = 256           # clips among which a batch finds those of its length
VALIDATION_CLIPS = 96
TIME_SHARE, FREQUENCY_MASKS = 0.1, 2
WIDEST_TIME, WIDEST_FREQUENCY = 25, 16


@dataclass(frozen=True)
class RecognizerTraining:
    """Batches and optimisation.

    Attributes:
        lr: peak learning rate.
        batch_seconds: of audio in a batch, padding counted.
        max_seconds: longest clip.
        max_hours: audio to hold in memory, 115 MB an hour.
        seed: of batches.
    """

    lr: float = 1.5e-3
    batch_seconds: float = 160.0
    max_seconds: float = 16.5
    max_hours: float = 40.0
    seed: int = 0


@dataclass(frozen=True)
class Shape:
    """Shape of the encoder.

    Attributes:
        width: of its layers.
        blocks: how many.
    """

    width: int = 144
    blocks: int = 8


CONFIGS = (RecognizerTraining, Shape)


@dataclass(frozen=True)
class Batch:
    """Features [B, T, F], their frames [B], and the ids of what is said; seconds of audio."""

    features: torch.Tensor
    n_frames: torch.Tensor
    characters: list[list[int]]
    phones: list[list[int]]
    seconds: float


@dataclass(frozen=True)
class Spoken:
    """A loaded clip with what is said in it, as ids."""

    clip: Clip
    text: str
    characters: list[int]
    phones: list[str]

    @property
    def seconds(self) -> float:
        return len(self.clip.pcm) / SAMPLE_RATE


class RecognizerStage:
    """Trains a Recognizer on corpus folders with text; no preparation is needed."""

    name, unit, clip, best = "recognizer", "s of audio", 1.0, "valid/wer"

    def __init__(self, folders: Sequence[Path], held_out: Sequence[str],
                 config: RecognizerTraining, shape: dict[str, int | float]) -> None:
        """Load the clips.

        Raises:
            FileNotFoundError, ValueError: no data to train or to validate on, in one line.
        """
        self.config = config
        clips = [c for c in find_clips(folders) if c.text]
        unseen = hold_out([(c.speaker,) for c in clips], [crc(c.id) for c in clips], held_out)
        train, held = ([c for c, out in zip(clips, unseen, strict=True) if out == wanted]
                       for wanted in (False, True))
        if not train or not held:
            raise ValueError(f"{len(train)} clips with text to train on and {len(held)} to "
                             "validate on: check --data and --held-out")
        self.train = self._load(train)
        self.held = self._load(spread_out(held, VALIDATION_CLIPS))
        if not self.train or not self.held:
            raise ValueError(f"no clip of at most {config.max_seconds:g} s can be read: check "
                             "--data and --max-seconds")
        phones = tuple(sorted({p for spoken in self.train for p in spoken.phones}))
        self.model = Recognizer(RecognizerConfig(phones, **shape))  # type: ignore[arg-type]
        parameters = sum(p.numel() for p in self.model.parameters()) / 1e6
        say(f"{parameters:.2f} M parameters, {len(phones)} phones, {len(self.train)} clips, "
            f"{len(self.held)} held out")
        self.modules = nn.ModuleDict({"recognizer": self.model})
        self.optimizers: dict[str, torch.optim.Optimizer] = {"recognizer": torch.optim.AdamW(
            parameter_groups(self.model, 0.01), lr=config.lr, betas=(0.9, 0.98))}
        self.labels = {"phones": list(phones)}

    def _load(self, clips: Sequence[Clip]) -> list[Spoken]:
        found = []
        for clip in load_clips(clips, self.config.max_hours, self.config.seed):
            text = clip.text or ""
            try:
                spoken = Spoken(clip, text, spell(text), pronounce(text))
            except ValueError:  # nothing that can be pronounced
                continue
            if spoken.characters and spoken.seconds <= self.config.max_seconds and len(
                    spoken.characters) < min(MOST_CHARACTERS, 20 * spoken.seconds):
                found.append(spoken)
        return found

    def batch(self, index: int) -> Batch:
        """Clips of like length, some played faster or slower, in noise, with parts masked."""
        rng = np.random.default_rng((self.config.seed, index))
        pool = sorted(rng.choice(len(self.train), min(POOL, len(self.train)), replace=False),
                      key=lambda place: len(self.train[place].clip.pcm))
        first = int(rng.integers(len(pool)))
        chosen = [self.train[pool[first]]]
        for place in pool[first + 1:]:
            spoken = self.train[place]
            if spoken.seconds * (len(chosen) + 1) > self.config.batch_seconds:
                break
            chosen.append(spoken)
        augmentation = Augmentation(noise=0.3, reverberation=0.2)
        audio = []
        for spoken in chosen:
            samples = change_speed(spoken.clip.samples, SPEEDS[rng.integers(len(SPEEDS))])
            audio.append(torch.from_numpy(augmentation(samples, [], rng)))
        n_samples = torch.tensor([len(a) for a in audio])
        features, n_frames = filterbanks(nn.utils.rnn.pad_sequence(audio, batch_first=True),
                                         n_samples)
        features = mask_features(features, n_frames,
                                 np.random.default_rng((self.config.seed, index, 1)))
        ids = self.model.phone_ids
        return Batch(features, n_frames, [s.characters for s in chosen],
                     [[ids[p] for p in s.phones] for s in chosen],
                     float(n_samples.sum()) / SAMPLE_RATE)

    def losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        losses = self.model.loss(batch.features, batch.n_frames, batch.characters, batch.phones)
        padding = 1 - float(batch.n_frames.sum()) / batch.features[..., 0].numel()
        yield Loss(losses["loss"], batch.seconds, {
            "train/padding": padding,
            **{f"train/{name}": value.detach() for name, value in losses.items()}},
            weight=sum(map(len, batch.characters)))

    def validate(self) -> Metrics:
        """Error rates of the CTC heads' best paths on unseen speech."""
        device = device_of(self.model)
        heard: list[str] = []
        phones: list[str] = []
        for spoken in self.held:
            wav = torch.from_numpy(spoken.clip.samples)[None]
            features, n_frames = filterbanks(wav, torch.tensor([wav.shape[1]]))
            _, by_character, by_phone, _ = self.model(features.to(device), n_frames.to(device))
            heard.append(read(collapse(by_character[0].argmax(-1).tolist())))
            phones.append(" ".join(self.model.config.phones[i - 1]
                                   for i in collapse(by_phone[0].argmax(-1).tolist())))
        texts = [read(s.characters) for s in self.held]
        spoken_phones = [" ".join(s.phones) for s in self.held]
        return {"valid/wer": float(jiwer.wer(texts, heard)),
                "valid/cer": float(jiwer.cer(texts, heard)),
                "valid/per": float(jiwer.wer(spoken_phones, phones))}

    def sample(self) -> Examples:
        return {}

    def export(self, folder: Path) -> None:
        self.model.save(folder)


def mask_features(features: torch.Tensor, n_frames: torch.Tensor, rng: np.random.Generator,
                  ) -> torch.Tensor:
    """SpecAugment (Park et al. 2019) on features [B, T, F]: masked bands and frames are zero.

    Two bands of frequency, and as many masks of time as would cover a tenth if all were widest.
    """
    features = features.clone()
    for row, frames in zip(features, n_frames.tolist(), strict=True):
        for along, count, widest in (
                (row[:frames], max(1, round(TIME_SHARE * frames / WIDEST_TIME)), WIDEST_TIME),
                (row.T, FREQUENCY_MASKS, WIDEST_FREQUENCY)):
            for _ in range(count):
                mask_band(along, widest, rng)
    return features


def build(data: Data, loop: LoopConfig, config: RecognizerTraining, shape: Shape,
          ) -> RecognizerStage:
    """A new recogniser."""
    return RecognizerStage(data.data, data.held_out, config, dataclasses.asdict(shape))
