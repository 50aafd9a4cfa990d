"""Stage `recognizer`: a Conformer learns characters and phones from recordings with text."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from valle.data.batching import split_speakers, spread_out
from valle.data.clips import SAMPLE_RATE, Clip, find_clips, load_clips
from valle.features.augment import SPEEDS, Augmentation, change_speed, mask_band
from valle.recognizer.characters import collapse, pronounce, read, spell
from valle.recognizer.model import (
    MOST_CHARACTERS,
    Recognizer,
    RecognizerConfig,
    filterbanks,
)
from valle.training.loop import Metrics, update
from valle.training.state import parameter_groups

POOL = 256           # clips among which a batch finds those of its length
VALIDATION_CLIPS = 96
TIME_SHARE, FREQUENCY_MASKS = 0.1, 2
WIDEST_TIME, WIDEST_FREQUENCY = 25, 16


@dataclass(frozen=True)
class RecognizerTraining:
    """Hyper-parameters of the recogniser stage.

    Attributes:
        batch_seconds: of audio in a batch, padding counted.
        max_seconds: longest clip.
        max_hours: audio to hold in memory, 115 MB an hour.
    """

    lr: float = 1.5e-3
    batch_seconds: float = 160.0
    max_seconds: float = 16.5
    max_hours: float = 40.0
    seed: int = 0


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

    name, unit = "recognizer", "s of audio"

    def __init__(self, folders: Sequence[Path], held_out: Sequence[str],
                 config: RecognizerTraining, shape: dict[str, int | float],
                 device: torch.device | None = None) -> None:
        """Load the clips.

        Raises:
            FileNotFoundError, ValueError: no data to train or to validate on, in one line.
        """
        self.config, self.device = config, device or torch.device("cpu")
        train, held = split_speakers([c for c in find_clips(folders) if c.text], held_out)
        if not train or not held:
            raise ValueError(f"{len(train)} clips with text to train on and {len(held)} of "
                             "held-out speakers: check --data and --held-out")
        self.train = self._load(train)
        self.held = self._load(spread_out(held, VALIDATION_CLIPS))
        if not self.train or not self.held:
            raise ValueError(f"no clip of at most {config.max_seconds:g} s can be read: check "
                             "--data and --max-seconds")
        phones = tuple(sorted({p for spoken in self.train for p in spoken.phones}))
        self.model = Recognizer(RecognizerConfig(phones, **shape))  # type: ignore[arg-type]
        parameters = sum(p.numel() for p in self.model.parameters()) / 1e6
        tqdm.write(f"{parameters:.2f} M parameters, {len(phones)} phones, {len(self.train)} clips, "
                   f"{len(self.held)} held out")
        self.modules = nn.ModuleDict({"recognizer": self.model}).to(self.device)
        self.optimizers = {"recognizer": torch.optim.AdamW(
            parameter_groups(self.model, 0.01), lr=config.lr, betas=(0.9, 0.98))}

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

    def batch(self, step: int) -> tuple[list[Spoken], torch.Tensor, torch.Tensor]:
        """Clips of like length, some played faster or slower: (they, audio [B, N], samples [B])."""
        rng = np.random.default_rng((self.config.seed, step))
        pool = sorted(rng.choice(len(self.train), min(POOL, len(self.train)), replace=False),
                      key=lambda index: len(self.train[index].clip.pcm))
        first = int(rng.integers(len(pool)))
        chosen = [self.train[pool[first]]]
        for index in pool[first + 1:]:
            spoken = self.train[index]
            if spoken.seconds * (len(chosen) + 1) > self.config.batch_seconds:
                break
            chosen.append(spoken)
        augmentation = Augmentation(noise=0.3, reverberation=0.2)
        audio = []
        for spoken in chosen:
            samples = change_speed(spoken.clip.samples, SPEEDS[rng.integers(len(SPEEDS))])
            audio.append(torch.from_numpy(augmentation(samples, [], rng)))
        return (chosen, nn.utils.rnn.pad_sequence(audio, batch_first=True),
                torch.tensor([len(a) for a in audio]))

    def step(self, batch: tuple[list[Spoken], torch.Tensor, torch.Tensor], step: int) -> Metrics:
        chosen, wav, n_samples = batch
        features, n_frames = filterbanks(wav, n_samples)
        features = mask_features(features, n_frames, np.random.default_rng(
            (self.config.seed, step, 1)))
        ids = self.model.phone_ids
        with torch.autocast(self.device.type, torch.bfloat16):
            losses = self.model.loss(features.to(self.device), n_frames.to(self.device),
                                     [s.characters for s in chosen],
                                     [[ids[p] for p in s.phones] for s in chosen])
        losses["loss"].backward()
        return {**{f"train/{k}": float(v.detach()) for k, v in losses.items()},
                "train/units": float(n_samples.sum()) / SAMPLE_RATE,
                **update(self.optimizers["recognizer"])}

    @torch.no_grad()
    def validate(self) -> Metrics:
        """Losses and error rates of the CTC heads' best paths on unseen speakers."""
        self.model.eval()
        heard: list[str] = []
        phones: list[str] = []
        for spoken in self.held:
            wav = torch.from_numpy(spoken.clip.samples)[None]
            features, n_frames = filterbanks(wav, torch.tensor([wav.shape[1]]))
            _, by_character, by_phone, _ = self.model(features.to(self.device),
                                                      n_frames.to(self.device))
            heard.append(read(collapse(by_character[0].argmax(-1).tolist())))
            phones.append(" ".join(self.model.config.phones[i - 1]
                                   for i in collapse(by_phone[0].argmax(-1).tolist())))
        texts = [read(s.characters) for s in self.held]
        spoken_phones = [" ".join(s.phones) for s in self.held]
        return {"valid/wer": float(jiwer.wer(texts, heard)),
                "valid/cer": float(jiwer.cer(texts, heard)),
                "valid/per": float(jiwer.wer(spoken_phones, phones))}

    def sample(self) -> dict[str, torch.Tensor]:
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
