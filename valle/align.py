"""Phone timings: a small CTC phone model and Viterbi alignment on the codec's own frames.

The model is trained by the forward-sum of CTC (Graves et al. 2006) in which the blank has a fixed,
low score, so that phones fill the time instead of standing as single peaks (Badlani et al. 2022,
"One TTS alignment to rule them all", section 2.2).
"""
from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from codec.files import atomic_path
from codec.spectral import ConvNeXtBlock, log_mel
from codec.weights import load_weights, save_weights
from g2p import BOUNDARIES, Vocabulary

BLANK_SCORE = -4.0


@dataclass(frozen=True)
class AlignerConfig:
    """Shape of the phone model."""

    phones: int
    width: int = 128
    blocks: int = 5
    kernel: int = 7


class Aligner(nn.Module):
    """Log-mel frames to phone scores. Punctuation counts as one class with the word boundary."""

    def __init__(self, config: AlignerConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config, self.vocabulary = config, vocabulary
        self.embed = nn.Conv1d(80, config.width, 5, padding=2)
        self.blocks = nn.ModuleList([ConvNeXtBlock(config.width, config.kernel)
                                     for _ in range(config.blocks)])
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.phones)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Log-mel [B, 80, T] to log-probabilities of phones [B, T, P]."""
        mel = mel - mel.mean(dim=(1, 2), keepdim=True)
        x = self.embed(mel / 2.5).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).float().log_softmax(dim=-1)

    def labels(self, phones: Sequence[str]) -> list[int]:
        """Class of each phone; every boundary is the class of the plain word boundary."""
        return self.vocabulary.encode([" " if p in BOUNDARIES else p for p in phones])

    def loss(self, mel: torch.Tensor, n_frames: torch.Tensor, labels: torch.Tensor,
             n_labels: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Mean over rows of the loss per frame; mel [B, 80, T], labels [B, L].

        truth [B, T]: the class of each frame where a teacher gave exact timings, else -1. Rows
        with truth are trained on it by cross-entropy; the others by the forward-sum, which alone
        finds its way out of "every frame sounds alike" only late.
        """
        log_probs = self(mel)
        scores = F.pad(log_probs, (1, 0), value=BLANK_SCORE).log_softmax(dim=-1)
        forward_sum = F.ctc_loss(scores.transpose(0, 1), labels + 1, n_frames, n_labels,
                                 reduction="none", zero_infinity=True)
        exact = F.nll_loss(log_probs.transpose(1, 2), truth, ignore_index=-1, reduction="none")
        timed = (truth >= 0).any(dim=1)
        return (torch.where(timed, exact.sum(dim=1), forward_sum) / n_frames).mean()

    @torch.inference_mode()
    def durations(self, samples: np.ndarray, phones: Sequence[str]) -> list[int]:
        """Frames (75 per second) of each phone in audio [N] at 24 kHz; they sum to ceil(N / 320).

        Raises:
            ValueError: more phones than frames.
        """
        scores = self(log_mel(torch.from_numpy(samples)[None]))[0].numpy()
        optional = [p in BOUNDARIES for p in phones]
        return viterbi(scores[:, self.labels(phones)], optional)

    @torch.inference_mode()
    def score(self, samples: np.ndarray, phones: Sequence[str], durations: Sequence[int]) -> float:
        """Mean log-probability per frame of an alignment: low where text and audio differ."""
        scores = self(log_mel(torch.from_numpy(samples)[None]))[0].numpy()
        path = np.repeat(self.labels(phones), durations)
        return float(scores[np.arange(len(path)), path].mean())

    def save(self, folder: str | Path) -> None:
        """Write aligner.json and aligner.safetensors ."""
        folder = Path(folder)
        save_weights(folder / "aligner.safetensors", self.state_dict(), "int8")
        record = {"config": dataclasses.asdict(self.config),
                  "vocabulary": self.vocabulary.to_json()}
        with atomic_path(folder / "aligner.json") as path:
            path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> Aligner:
        """Read an aligner written by `save`; FileNotFoundError or ValueError say what is wrong."""
        folder = Path(folder)
        if not (folder / "aligner.json").is_file():
            raise FileNotFoundError(f"no aligner.json in {folder}; train one with "
                                    "`train.py --stage aligner`")
        tensors = load_weights(folder / "aligner.safetensors")
        try:
            record = json.loads((folder / "aligner.json").read_text())
            vocabulary = Vocabulary.from_json(record["vocabulary"])
            aligner = cls(AlignerConfig(**record["config"]), vocabulary)
            if len(vocabulary) != aligner.config.phones:
                raise ValueError(f"{len(vocabulary)} phones for {aligner.config.phones} classes")
            aligner.load_state_dict(tensors)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            cause = textwrap.shorten(str(error), 200)
            raise ValueError(f"{folder} holds a damaged or foreign aligner: {cause}") from error
        return aligner.eval().requires_grad_(False)


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
