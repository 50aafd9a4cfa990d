"""Phone timings: a small phone model and Viterbi alignment on the codec's own frames.

The model learns exact timings where a teacher gives them. Real speech has none: there it is trained
on its own best path, found anew in every step (Viterbi training, Juang and Rabiner 1990), which a
prior keeps near the diagonal, as Badlani et al. 2022 ("One TTS alignment to rule them all",
section 2.3) do with the forward-sum. CTC's forward-sum itself is no good here: on real speech it
found that one phone may hold almost the whole clip while all others last one frame.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from codec.backbone import ConvNeXtBlock
from codec.mel import MelConfig, log_mel
from codec.parts import load_part, network, save_part
from codec.record import check_range, from_record
from codec.spec import CodecSpec
from g2p import BOUNDARIES, Vocabulary
from valle.features.timings import frame_durations

FRAME = 0.0133        # seconds that a frame lasts, about: two of them are the shortest phone
LOUD_PAUSE = 6.0      # log-probability that a pause at full loudness loses in each frame
DIAGONAL_WIDTH = 0.08  # of the prior: standard deviation as a share of the clip


@dataclass(frozen=True)
class AlignerConfig:
    """Shape of the phone model, and the frames that it times: `stack` in each of the codec's."""

    phones: int
    width: int = 128
    blocks: int = 5
    kernel: int = 7
    mel: MelConfig = field(default_factory=MelConfig)
    stack: int = 1

    @classmethod
    def of(cls, spec: CodecSpec, phones: int) -> AlignerConfig:
        """For the frames of a codec, or where those are long for equal parts of them."""
        stack = max(1, round(spec.hop / spec.sample_rate / FRAME))
        if spec.hop % (2 * stack):  # a spectrum's hop is even
            stack = 1
        fine = dataclasses.replace(spec, hop=spec.hop // stack)
        return cls(phones, mel=MelConfig.of(fine), stack=stack)

    def __post_init__(self) -> None:
        check_range(self, phones=(2, 1 << 17), width=(1, 8_192), blocks=(1, 256), kernel=(1, 255),
                    stack=(1, 16))
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel {self.kernel}: must be odd")


class Aligner(nn.Module):
    """Log-mel frames to phone scores. Punctuation counts as one class with the word boundary."""

    def __init__(self, config: AlignerConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config, self.vocabulary = config, vocabulary
        self.embed = nn.Conv1d(config.mel.n_mels, config.width, 5, padding=2)
        self.blocks = nn.ModuleList([ConvNeXtBlock(config.width, config.kernel)
                                     for _ in range(config.blocks)])
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.phones)

    def forward(self, mel: torch.Tensor, n_frames: torch.Tensor | None = None) -> torch.Tensor:
        """Log-mel [B, M, T] to log-probabilities of phones [B, T, P].

        n_frames [B]: real frames of each row, when rows are padded.
        """
        if n_frames is None:
            n_frames = torch.full((len(mel),), mel.shape[2], device=mel.device)
        real = (torch.arange(mel.shape[2], device=mel.device) < n_frames[:, None])[:, None]
        mean = (mel * real).sum(dim=(1, 2)) / (n_frames * mel.shape[1])
        x = self.embed((mel - mean[:, None, None]) * real / 2.5).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).float().log_softmax(dim=-1)

    def log_mel(self, samples: np.ndarray) -> torch.Tensor:
        """Log-mel [1, M, T] of audio [N] at the codec's rate."""
        return log_mel(torch.from_numpy(samples)[None], self.config.mel)

    @property
    def spec(self) -> CodecSpec:
        """Sample rate and hop of the codecs whose frames it times."""
        mel = self.config.mel
        return CodecSpec(mel.sample_rate, mel.hop * self.config.stack)

    def check_spec(self, spec: CodecSpec) -> None:
        """Raise ValueError where the frames of a codec are others than those that it times."""
        own = self.spec
        if (own.sample_rate, own.hop) != (spec.sample_rate, spec.hop):
            raise ValueError(
                f"the aligner times {own.frame_rate:g} frames/s of {own.sample_rate} Hz, the codec "
                f"has {spec.frame_rate:g} of {spec.sample_rate} Hz: train an aligner "
                "on data prepared with this codec")

    def labels(self, phones: Sequence[str]) -> list[int]:
        """Class of each phone; every boundary is the class of the plain word boundary."""
        return self.vocabulary.encode([" " if p in BOUNDARIES else p for p in phones])

    def loss(self, mel: torch.Tensor, n_frames: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Cross-entropy per frame of log-mel [B, M, T] against truth [B, T], -1 where unknown."""
        log_probs = self(mel, n_frames).transpose(1, 2)
        return F.nll_loss(log_probs, truth, ignore_index=-1)

    @torch.no_grad()
    def best_paths(self, mel: torch.Tensor, n_frames: torch.Tensor,
                   phones: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Class of each frame on the best path near the diagonal, for padded log-mel [B, M, T]."""
        paths = []
        for row, scores, frames, spoken in zip(
                mel.cpu().numpy(), self(mel, n_frames).cpu().numpy(), n_frames.tolist(), phones,
                strict=True):
            optional = [p in BOUNDARIES for p in spoken]
            labels = self.labels(spoken)
            prior = diagonal_prior(frames, optional) + pause_prior(row[:, :frames], optional)
            durations = spread(scores[:frames, labels] + prior, optional)
            paths.append(np.repeat(labels, durations))
        return paths

    @torch.inference_mode()
    def durations(self, samples: np.ndarray, phones: Sequence[str]) -> list[int]:
        """Codec frames of each phone in audio [N] at the codec's rate; they sum to ceil(N / hop).

        Raises:
            ValueError: more phones than frames.
        """
        mel = self.log_mel(samples)
        scores = self(mel.to(self.head.weight.device))[0].cpu().numpy()
        optional = [p in BOUNDARIES for p in phones]
        fine = spread(scores[:, self.labels(phones)] + pause_prior(mel[0].numpy(), optional),
                      optional)
        ends = np.cumsum(fine) * self.config.mel.hop / self.spec.sample_rate
        return frame_durations(phones, ends.tolist(), self.spec.frames_of(len(samples)),
                               self.spec.frame_rate)

    def path(self, phones: Sequence[str], durations: Sequence[int]) -> np.ndarray:
        """Class of each of its own frames, for durations in the codec's."""
        return np.repeat(np.repeat(self.labels(phones), durations), self.config.stack)

    @torch.inference_mode()
    def fit(self, samples: np.ndarray, phones: Sequence[str], durations: Sequence[int],
            ) -> np.ndarray:
        """Log-probability of each of its own frames on an alignment of audio [N]: [T * stack]."""
        scores = self(self.log_mel(samples))[0].numpy()
        path = self.path(phones, durations)[: len(scores)]
        return np.asarray(scores[np.arange(len(path)), path])

    def score(self, samples: np.ndarray, phones: Sequence[str], durations: Sequence[int]) -> float:
        """Mean log-probability per frame of an alignment: low where text and audio differ."""
        return float(self.fit(samples, phones, durations).mean())

    def save(self, folder: str | Path) -> None:
        """Write the aligner's part of model.json and aligner.safetensors."""
        record = {"config": dataclasses.asdict(self.config),
                  "vocabulary": self.vocabulary.to_json()}
        save_part(folder, "aligner", record, self.state_dict(), "int8")

    @classmethod
    def load(cls, folder: str | Path) -> Aligner:
        """Read an aligner written by `save`; FileNotFoundError or ValueError say what is wrong."""
        def build(record: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Aligner:
            vocabulary = Vocabulary.from_json(record["vocabulary"])
            config = from_record(AlignerConfig, record["config"])
            if len(vocabulary) != config.phones:
                raise ValueError(f"{len(vocabulary)} phones for {config.phones} classes")
            return network(lambda: cls(config, vocabulary), tensors)

        return load_part(folder, "aligner", build,
                         "train one with `valle train aligner`")


def diagonal_prior(n_frames: int, optional: Sequence[bool]) -> np.ndarray:
    """Log-prior [T, L] that all phones last about equally long, boundaries no time at all."""
    weight = 1.0 - np.asarray(optional, float)
    centre = (np.cumsum(weight) - weight / 2) / max(1.0, weight.sum())
    time = (np.arange(n_frames) + 0.5) / n_frames
    return -0.5 * ((time[:, None] - centre) / DIAGONAL_WIDTH) ** 2


def pause_prior(mel: np.ndarray, optional: Sequence[bool]) -> np.ndarray:
    """Log-prior [T, L] that pauses are quiet: between words nothing may sound.

    Without it the class of pauses, which every word offers a place, takes in all real speech that
    the model does not know yet. mel: log-mel [M, T]; loudness counts from the clip's own quietest.
    """
    loudness = mel.mean(axis=0)
    low, high = np.quantile(loudness, [0.05, 0.9])
    loud = np.clip((loudness - low) / max(1e-3, high - low), 0, 1)
    return -LOUD_PAUSE * loud[:, None] * np.asarray(optional, float)


def spread(scores: np.ndarray, optional: Sequence[bool]) -> list[int]:
    """Like `viterbi`, with two frames at least for a phone where the clip is long enough.

    A shorter phone is hardly ever spoken, yet it is what a doubtful model falls back on.
    """
    copies = np.where(np.asarray(optional), 1, 2)
    if len(scores) < copies[~np.asarray(optional)].sum():
        return viterbi(scores, optional)
    durations = viterbi(np.repeat(scores, copies, axis=1), np.repeat(optional, copies).tolist())
    starts = np.cumsum(copies) - copies
    return np.add.reduceat(durations, starts).tolist()


def viterbi(scores: np.ndarray, optional: Sequence[bool]) -> list[int]:
    """Best monotonic path through phone scores [T, L]: frames of each phone [L], sum T.

    Every phone takes at least one frame, except optional ones (boundaries), which may take none.
    No two optional phones stand side by side.

    Raises:
        ValueError: more obligatory phones than frames.
    """
    n_frames, n_phones = scores.shape
    skip = np.asarray(optional)
    if n_frames < int((~skip).sum()):
        raise ValueError(f"{int((~skip).sum())} phones do not fit {n_frames} frames: "
                         "the text does not belong to this audio")
    may_skip_to = np.zeros(n_phones, bool)  # state l reachable from l - 2, over an optional one
    may_skip_to[2:] = skip[1:-1]
    best = np.full(n_phones, -np.inf)
    best[0] = scores[0, 0]
    if n_phones > 1 and skip[0]:
        best[1] = scores[0, 1]
    back = np.zeros((n_frames, n_phones), np.int8)
    for t in range(1, n_frames):
        one = np.concatenate([[-np.inf], best[:-1]])
        two = np.where(may_skip_to, np.concatenate([[-np.inf, -np.inf], best[:-2]])[:n_phones],
                       -np.inf)
        options = np.stack([best, one, two])
        back[t] = options.argmax(axis=0)
        best = options.max(axis=0) + scores[t]
    state = n_phones - 1
    if n_phones > 1 and skip[-1] and best[-2] > best[-1]:
        state = n_phones - 2
    durations = [0] * n_phones
    for t in range(n_frames - 1, -1, -1):
        durations[state] += 1
        state -= int(back[t, state])
    return durations
