"""Stage `speaker`: an encoder learns speakers, first by classification, then by triplets."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from valle.data.batching import split_speakers
from valle.data.clips import Clip, by_speaker, crop, find_clips, load_clips
from valle.evaluate.speaker_trials import equal_error_rate, error_rates
from valle.features.augment import SPEEDS, Augmentation, spec_augment
from valle.features.fbank import SAMPLE_RATE
from valle.speaker.heads import Head, check_head
from valle.speaker.model import SpeakerConfig, SpeakerModel
from valle.speaker.triplets import EmbeddingBank, triplet_loss
from valle.training.loop import Metrics, update
from valle.training.pieces import Pieces

PHASES = ("softmax", "triplet")
PEAK_LR = {"softmax": 1e-3, "triplet": 1e-4}
VALIDATION_SECONDS = 4.0
HELD_CLIPS = 10  # of each speaker to validate on


@dataclass(frozen=True)
class SpeakerTraining:
    """Hyper-parameters of the speaker stage.

    Attributes:
        phase: softmax (classification by `head`) or triplet, which starts from a trained encoder.
        max_seconds: length of the pieces of clips that are trained on.
        lr: peak learning rate; 0 takes the phase's own.
        max_hours: audio to hold in memory, 115 MB an hour.
        speed_keeps_speaker: faster and slower speech is the same speaker, not another one (only
            the softmax phase changes the speed).
        augment: share of pieces in noise, in a room, and at another speed, each drawn by itself.
        margin_steps: the head's margin grows from 0 to full in so many steps; from the start it
            keeps a new encoder from learning anything for hundreds of steps.
        refresh: steps between searches through all speakers for hard negatives.
        bank_clips: of a speaker that are searched.
    """

    head: str = "aam"
    phase: str = "softmax"
    batch_size: int = 32
    max_seconds: float = 2.0
    lr: float = 0.0
    max_hours: float = 30.0
    speed_keeps_speaker: bool = False
    augment: float = 0.3
    margin_steps: int = 1000
    refresh: int = 100
    bank_clips: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.phase not in PHASES:
            raise ValueError(f"--phase {self.phase}: choose {' or '.join(PHASES)}")
        check_head(self.head)
        if self.batch_size < 2:
            raise ValueError("--batch-size must be at least 2: batch normalisation needs it")
        if not 0 <= self.augment <= 1:
            raise ValueError("--augment is a share of the pieces: 0 to 1")
        if self.margin_steps < 1:
            raise ValueError("margin_steps must be at least 1")
        if self.max_seconds < 0.5:
            raise ValueError("--max-seconds must be at least 0.5: that is a piece of a clip")
        if not self.lr:
            object.__setattr__(self, "lr", PEAK_LR[self.phase])


class SpeakerStage:
    """Trains a SpeakerModel on corpus folders; neither text nor preparation is needed."""

    name, unit = "speaker", "s of audio"

    def __init__(self, model: SpeakerModel, folders: Sequence[Path], held_out: Sequence[str],
                 config: SpeakerTraining, device: torch.device | None = None) -> None:
        """Load the clips.

        Raises:
            FileNotFoundError, ValueError: no data to train or to validate on, in one line.
        """
        self.config, self.model = config, model.requires_grad_(True)
        self.augmentation = Augmentation(noise=config.augment, reverberation=config.augment)
        self.device = device or torch.device("cpu")
        train, held = split_speakers(find_clips(folders), held_out)
        check_speakers(train, held, config.phase)  # before minutes of reading, and after it
        self.pieces = Pieces(load_clips(train, config.max_hours, config.seed),
                             round(config.max_seconds * SAMPLE_RATE), self.augmentation)
        self.held = load_clips([clip for own in by_speaker(held).values()
                                for clip in own[:HELD_CLIPS]])
        check_speakers(self.pieces.clips, self.held, config.phase)
        self.modules = nn.ModuleDict({"encoder": model})
        self.head: Head | None = None
        self.bank: EmbeddingBank | None = None
        if config.phase == "softmax":
            classes = len(self.pieces.names) * (1 if config.speed_keeps_speaker else len(SPEEDS))
            self.head = self.modules["head"] = Head(config.head, model.size, classes)
        else:
            size = sum(min(len(own), config.bank_clips) for own in self.pieces.of_speaker)
            self.bank = self.modules["bank"] = EmbeddingBank(size, model.size)
        self.modules.to(self.device)
        self.optimizers = {"speaker": torch.optim.AdamW(self.modules.parameters(), lr=config.lr,
                                                        weight_decay=0.01)}

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Pieces [B, N] and their speakers [B]; in the triplet phase draws for the search [B]."""
        rng = np.random.default_rng((self.config.seed, step))
        if self.bank is not None:
            return torch.empty(0), torch.from_numpy(rng.random(self.config.batch_size))
        speakers = rng.integers(len(self.pieces.names), size=self.config.batch_size)
        speeds = rng.integers(1, len(SPEEDS), size=self.config.batch_size)
        speeds *= rng.random(self.config.batch_size) < self.config.augment
        wav = np.stack([self.pieces.draw(rng.choice(self.pieces.of_speaker[i]), rng, SPEEDS[speed])
                        for i, speed in zip(speakers, speeds, strict=True)])
        if not self.config.speed_keeps_speaker:
            speakers = speakers + speeds * len(self.pieces.names)
        return torch.from_numpy(wav), torch.from_numpy(speakers)

    def step(self, batch: tuple[torch.Tensor, torch.Tensor], step: int) -> Metrics:
        wav, drawn = batch
        if self.bank is not None:
            wav = self._triplets(self.bank, drawn.numpy(), step)
            self.model.eval()  # the search saw it so; hard pieces would shift the batch norm
        embeddings = self._embed(wav, step)
        if self.head is not None:
            speakers = drawn.to(self.device)
            self.head.ease(min(1.0, step / self.config.margin_steps))
            loss = self.head(embeddings, speakers)
            hits = self.head.cosines(embeddings).argmax(dim=1) == speakers
            metrics = {"train/accuracy": float(hits.float().mean())}
        else:
            anchors, positives, negatives = embeddings.chunk(3)
            loss = triplet_loss(anchors, positives, negatives)
            wrong = (torch.cosine_similarity(anchors, negatives)
                     > torch.cosine_similarity(anchors, positives))
            metrics = {"train/confused": float(wrong.float().mean())}
        loss.backward()
        return {"train/loss": float(loss.detach()), **metrics,
                "train/units": wav.numel() / SAMPLE_RATE, **update(self.optimizers["speaker"])}

    def _embed(self, wav: torch.Tensor, step: int) -> torch.Tensor:
        """Embeddings [B, D] of pieces [B, N], their features masked by SpecAugment."""
        features = spec_augment(self.model.features(wav), self.augmentation,
                                np.random.default_rng((self.config.seed, step, 1)))
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.model(features.to(self.device))  # type: ignore[no-any-return]

    def _triplets(self, bank: EmbeddingBank, draws: np.ndarray, step: int) -> torch.Tensor:
        """Pieces [3 B, N]: anchors, positives and near negatives, all from the bank."""
        if step % self.config.refresh == 0:
            self._refresh(bank, step)
        rng = np.random.default_rng((self.config.seed, step, 2))
        owners = bank.speakers.cpu().numpy()
        usable = np.flatnonzero(np.bincount(owners)[owners] > 1)
        anchors = usable[(draws * len(usable)).astype(int)]
        positives = [rng.choice(np.flatnonzero((owners == owners[row]) & (np.arange(len(owners))
                                                                          != row)))
                     for row in anchors]
        near, same = (torch.from_numpy(np.asarray(rows)).to(self.device)
                      for rows in (anchors, positives))
        negatives = bank.near_negatives(near, torch.from_numpy(rng.random(len(anchors))))
        rows = torch.cat([near, same, negatives])
        return torch.from_numpy(np.stack([self.pieces.draw(i, rng)
                                          for i in bank.clips[rows].tolist()]))

    def _refresh(self, bank: EmbeddingBank, step: int) -> None:
        """Embed some clips of every speaker anew, with the encoder as it is now."""
        rng = np.random.default_rng((self.config.seed, step, 3))
        clips = self.pieces.some_of_each(self.config.bank_clips, rng)
        self.model.eval()
        embeddings = self._embed_clips([self.pieces.clips[i] for i in clips], self.pieces.size)
        self.model.train()
        bank.refresh(embeddings, torch.from_numpy(clips),
                     torch.from_numpy(self.pieces.speaker[clips]))

    @torch.no_grad()
    def _embed_clips(self, clips: Sequence[Clip], size: int) -> torch.Tensor:
        """Unit embeddings [M, D] of the middle `size` samples of clips."""
        found = []
        for first in range(0, len(clips), self.config.batch_size):
            few = clips[first: first + self.config.batch_size]
            wav = torch.from_numpy(np.stack([crop(c.samples, size, 0.5) for c in few]))
            with torch.autocast(self.device.type, torch.bfloat16):
                found.append(self.model(self.model.features(wav).to(self.device)))
        return nn.functional.normalize(torch.cat(found))

    def validate(self) -> Metrics:
        """Equal error rate and cosines over pairs of clips of unseen speakers, corpus by corpus."""
        self.model.eval()
        embeddings = self._embed_clips(self.held, round(VALIDATION_SECONDS * SAMPLE_RATE)).cpu()
        cosines = (embeddings @ embeddings.T).double().numpy()
        pairs = [(cosines[i, j], a.speaker == b.speaker)
                 for (i, a), (j, b) in combinations(enumerate(self.held), 2)
                 if a.corpus == b.corpus]
        scores, same = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
        return {"valid/eer": equal_error_rate(error_rates(scores, same)),
                "valid/same_cosine": float(scores[same].mean()),
                "valid/other_cosine": float(scores[~same].mean())}

    def sample(self) -> dict[str, torch.Tensor]:
        return {}

    def export(self, folder: Path) -> None:
        self.model.save(folder)


def check_speakers(train: Sequence[Clip], held: Sequence[Clip], phase: str) -> None:
    """Raises ValueError where clips are too few to train on or to validate on."""
    own, unseen = by_speaker(train).values(), by_speaker(held).values()
    most = max(map(len, own), default=0)
    if len(own) < 2 or (phase == "triplet" and most < 2):
        raise ValueError(f"{len(own)} speakers with at most {most} clips to train on: give more "
                         "--data, or fewer --held-out")
    if len(unseen) < 2 or max(map(len, unseen)) < 2:
        raise ValueError("no speakers to validate on: --held-out must name two or more, one of "
                         "them with two clips")


def speaker_stage(folders: Sequence[Path], held_out: Sequence[str], config: SpeakerTraining,
                  shape: SpeakerConfig, init: str | None = None,
                  device: torch.device | None = None) -> SpeakerStage:
    """A stage with a new encoder, or with the one that `init` holds.

    Raises:
        FileNotFoundError, ValueError: --init is missing, or no encoder.
    """
    if config.phase == "triplet" and not init:
        raise ValueError("--phase triplet goes on from a trained encoder: give --init FOLDER of "
                         "the softmax phase")
    model = SpeakerModel.load(init) if init else SpeakerModel(shape)
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    stage = SpeakerStage(model, folders, held_out, config, device)
    tqdm.write(f"{model.config.model}, {parameters:.2f} M parameters, "
               f"{len(stage.pieces.names)} speakers, {len(by_speaker(stage.held))} held out")
    return stage
