"""Who is speaking, by classes, then by triplets. --data: corpora; text is not needed."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import nn

from valle.data.clips import Clip, by_speaker, crop, find_clips, load_clips
from valle.data.held_out import split_speakers
from valle.evaluate.speaker_trials import equal_error_rate, error_rates
from valle.features.augment import SPEEDS, Augmentation, spec_augment
from valle.features.fbank import SAMPLE_RATE
from valle.features.progress import say
from valle.model.checkpoint import model_folder
from valle.speaker.heads import Head, check_head
from valle.speaker.model import SpeakerConfig, SpeakerModel
from valle.speaker.triplets import EmbeddingBank, triplet_loss
from valle.training.log import Examples, Metrics
from valle.training.pieces import Pieces
from valle.training.run import Data
from valle.training.stage import LoopConfig, Loss, device_of, full_precision

PHASES = ("softmax", "triplet")
PEAK_LR = {"softmax": 1e-3, "triplet": 1e-4}
VALIDATION_SECONDS = 4.0
HELD_CLIPS = 10  # of each speaker to validate on


@dataclass(frozen=True)
class SpeakerTraining:
    """Pieces and optimisation.

    Attributes:
        head: of the softmax phase: softmax, am, aam or sphereface.
        phase: softmax (classification by `head`) or triplet, which starts from a trained encoder.
        init: folder of a trained encoder to start from.
        batch_size: pieces in a batch; anchors in the triplet phase.
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
        seed: of batches.
    """

    head: str = "aam"
    phase: str = "softmax"
    init: str = ""
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


CONFIGS = (SpeakerTraining, SpeakerConfig)
Batch = tuple[torch.Tensor, torch.Tensor, float]


class SpeakerStage:
    """Trains a SpeakerModel on corpus folders; neither text nor preparation is needed."""

    name, unit, clip, best = "speaker", "s of audio", 1.0, "valid/eer"

    def __init__(self, model: SpeakerModel, folders: Sequence[Path], held_out: Sequence[str],
                 config: SpeakerTraining) -> None:
        """Load the clips.

        Raises:
            FileNotFoundError, ValueError: no data to train or to validate on, in one line.
        """
        self.config, self.model = config, model.requires_grad_(True)
        self.augmentation = Augmentation(noise=config.augment, reverberation=config.augment)
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
        self.optimizers: dict[str, torch.optim.Optimizer] = {"speaker": torch.optim.AdamW(
            self.modules.parameters(), lr=config.lr, weight_decay=0.01)}
        self.labels = {"speakers": self.pieces.names}

    def batch(self, index: int) -> Batch:
        """Features of pieces [B, T, F], their speakers [B], seconds of audio.

        In the triplet phase no features, but draws for the search [B].
        """
        rng = np.random.default_rng((self.config.seed, index))
        if self.bank is not None:
            return torch.empty(0), torch.from_numpy(rng.random(self.config.batch_size)), 0.0
        speakers = rng.integers(len(self.pieces.names), size=self.config.batch_size)
        speeds = rng.integers(1, len(SPEEDS), size=self.config.batch_size)
        speeds *= rng.random(self.config.batch_size) < self.config.augment
        wav = np.stack([self.pieces.draw(rng.choice(self.pieces.of_speaker[i]), rng, SPEEDS[speed])
                        for i, speed in zip(speakers, speeds, strict=True)])
        if not self.config.speed_keeps_speaker:
            speakers = speakers + speeds * len(self.pieces.names)
        return (self._features(torch.from_numpy(wav), index), torch.from_numpy(speakers),
                wav.size / SAMPLE_RATE)

    def losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        features, drawn, seconds = batch
        if self.head is not None:
            embeddings = self.model(features)
            self.head.ease(min(1.0, step / self.config.margin_steps))
            with full_precision(drawn.device):
                value = self.head(embeddings, drawn)
                hits = self.head.cosines(embeddings).argmax(dim=1) == drawn
            yield Loss(value, seconds, {"train/accuracy": float(hits.float().mean())})
            return
        assert self.bank is not None
        with full_precision(drawn.device):
            wav = self._triplets(self.bank, drawn.cpu().numpy(), step)
            features = self._features(wav, step).to(drawn.device)
        self.model.eval()  # the search saw it so; hard pieces would shift the batch norm
        embeddings = self.model(features)
        with full_precision(drawn.device):
            anchors, positives, negatives = embeddings.chunk(3)
            value = triplet_loss(anchors, positives, negatives)
            wrong = (torch.cosine_similarity(anchors, negatives)
                     > torch.cosine_similarity(anchors, positives))
        yield Loss(value, wav.numel() / SAMPLE_RATE, {
            "train/confused": float(wrong.float().mean())})

    def _features(self, wav: torch.Tensor, index: int) -> torch.Tensor:
        """Features [B, T, F] of pieces [B, N], masked by SpecAugment."""
        return spec_augment(self.model.features(wav), self.augmentation,
                            np.random.default_rng((self.config.seed, index, 1)))

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
        near, same = (torch.from_numpy(np.asarray(rows)).to(device_of(self.model))
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
            features = self.model.features(wav).to(device := device_of(self.model))
            with torch.autocast(device.type, torch.bfloat16):
                found.append(self.model(features))
        return nn.functional.normalize(torch.cat(found))

    def validate(self) -> Metrics:
        """Equal error rate and cosines over pairs of clips of unseen speakers, corpus by corpus."""
        embeddings = self._embed_clips(self.held, round(VALIDATION_SECONDS * SAMPLE_RATE)).cpu()
        cosines = (embeddings @ embeddings.T).double().numpy()
        pairs = [(cosines[i, j], a.speaker == b.speaker)
                 for (i, a), (j, b) in combinations(enumerate(self.held), 2)
                 if a.corpus == b.corpus]
        scores, same = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
        return {"valid/eer": equal_error_rate(error_rates(scores, same)),
                "valid/same_cosine": float(scores[same].mean()),
                "valid/other_cosine": float(scores[~same].mean())}

    def sample(self) -> Examples:
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


def build(data: Data, loop: LoopConfig, config: SpeakerTraining, shape: SpeakerConfig,
          ) -> SpeakerStage:
    """A stage with a new encoder, or with the one that `config.init` names.

    Raises:
        FileNotFoundError, ValueError: --init is missing, or no encoder.
    """
    if config.phase == "triplet" and not config.init:
        raise ValueError("--phase triplet goes on from a trained encoder: give --init FOLDER of "
                         "the softmax phase")
    model = SpeakerModel.load(model_folder(config.init)) if config.init else SpeakerModel(shape)
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    stage = SpeakerStage(model, data.data, data.held_out, config)
    say(f"{model.config.model}, {parameters:.2f} M parameters, "
        f"{len(stage.pieces.names)} speakers, {len(by_speaker(stage.held))} held out")
    return stage
