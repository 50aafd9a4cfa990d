"""Stage `codec`: the spectral codec from audio alone; no text is needed."""
from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from codec.audio import load_audio
from codec.discriminator import Discriminator, spectral_distance
from codec.source import pitch
from codec.spectral import SpectralCodec, SpectralConfig
from codec.speech import normalize_loudness
from valle.data.clips import Pcm, read_audio
from valle.training.loop import Metrics
from valle.training.resynthesis import resynthesis_step

SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")
START_BATCHES = 12  # that the quantizer starts from
REFERENCE = (75, 300)  # frames of the same recording by which the decoder knows the voice
KNOWN = 0.85           # share of steps with a known voice


@dataclass(frozen=True)
class CodecTraining:
    """Hyper-parameters of the codec stage.

    unquantized_share, adversary_from: shares of all steps; the adversary joins at the second.
    books: how many codebooks half of the steps use; the other half draws a number (quantizer
    dropout), so that any number can be decoded.
    """

    steps: int
    batch_size: int = 12
    frames: int = 60
    critic_batch: int = 6
    lr: float = 8e-4
    unquantized_share: float = 0.15
    adversary_from: float = 1.0
    max_hours: float = 30.0
    books: int = 8
    seed: int = 0


@dataclass(frozen=True)
class Batch:
    """Crops of recordings [B, N]; longer ones of the same recordings [B, N'], by which the voice is
    known."""

    wav: torch.Tensor
    voice: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(self.wav.to(device), self.voice.to(device))


def find_audio(folders: Sequence[Path], held_out: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """All audio below the folders as (training files, held-out files).

    A file is held out when any part of its path, or its name, matches one of the patterns.
    """
    files = sorted(p for folder in folders for p in folder.rglob("*")
                   if p.suffix.lower() in SUFFIXES)
    if not files:
        raise FileNotFoundError(f"no audio below {', '.join(map(str, folders))}; "
                                f"looked for {' '.join(SUFFIXES)}")
    held = [p for p in files if any(fnmatch.fnmatch(part, pattern)
                                    for part in p.parts for pattern in held_out)]
    return sorted(set(files) - set(held)), held


def load_pcm(path: Path) -> Pcm | None:
    """A file as int16 [N] at 24 kHz; None where it cannot be read."""
    try:
        return (normalize_loudness(load_audio(path)) * 32767).astype(np.int16)
    except (ValueError, OSError):
        return None


class CodecStage:
    """Reconstruction, commitment and adversarial training of a SpectralCodec."""

    name, unit = "codec", "s of audio"

    def __init__(self, config: CodecTraining, folders: Sequence[Path], held_out: Sequence[str],
                 device: torch.device | None = None) -> None:
        self.config, self.device = config, device or torch.device("cpu")
        train, held = find_audio(folders, held_out)
        clips, unseen = (read_audio(files, load_pcm, 24_000, hours, config.seed).values()
                         for files, hours in ((train, config.max_hours), (held, 0.1)))
        self.clips = [c for c in clips if len(c) >= config.frames * 320]
        self.held = [c for c in unseen if len(c) > 2 * 24_000][:24]
        if not self.clips or not self.held:
            raise ValueError(f"{len(self.clips)} clips to train on, {len(self.held)} of two "
                             "seconds or more to validate on: check --data and --held-out")
        start = START_BATCHES * config.batch_size * config.frames
        if start < SpectralConfig.codebook_size:
            raise ValueError(f"--batch-size {config.batch_size}: the quantizer starts from "
                             f"{start} frames, and needs {SpectralConfig.codebook_size}")
        self.codec = SpectralCodec()
        self.adversary = Discriminator()
        self.modules = nn.ModuleDict({"codec": self.codec, "adversary": self.adversary})
        self.modules.to(self.device)
        self.optimizers = {
            name: torch.optim.AdamW(module.parameters(), lr=config.lr, betas=(0.8, 0.95),
                                    weight_decay=0.0)
            for name, module in self.modules.items()}
        self.first_quantized = int(config.unquantized_share * config.steps)
        self.first_adversarial = int(config.adversary_from * config.steps)

    def batch(self, step: int) -> Batch:
        """Random crops at a random level."""
        rng = np.random.default_rng((self.config.seed, step))
        size, known = self.config.frames * 320, int(rng.integers(*REFERENCE)) * 320
        rows, voices = [], []
        for index in rng.integers(len(self.clips), size=self.config.batch_size):
            clip = self.clips[index]
            level = rng.uniform(0.5, 1.2) / 32768
            rows.append(level * _crop(clip, size, rng))
            voices.append(level * _crop(clip, known, rng))
        return Batch(_stack(rows), _stack(voices))

    def step(self, batch: Batch, step: int) -> Metrics:
        batch = batch.to(self.device)
        if step == self.first_quantized:
            self._start_quantizer(step)
        known = np.random.default_rng((self.config.seed, step, 2)).random() < KNOWN
        with torch.autocast(self.device.type, torch.bfloat16):
            f0, voiced = pitch(batch.wav, self.codec.sample_rate, self.codec.hop)
            fake, scores, commitment = self.codec(batch.wav, self._codebooks(step),
                                                  batch.voice if known else None, f0)
            return resynthesis_step(
                batch.wav, fake, scores, f0, voiced, commitment, self.codec.sample_rate,
                self.optimizers, self.adversary if step >= self.first_adversarial else None,
                self.config.critic_batch)

    def _codebooks(self, step: int) -> int | None:
        """None before the quantizer starts, then quantizer dropout."""
        if step < self.first_quantized:
            return None
        rng = np.random.default_rng((self.config.seed, step, 1))
        if rng.random() < 0.5:
            return self.config.books
        return int(rng.integers(1, self.codec.n_codebooks + 1))

    def _start_quantizer(self, step: int) -> None:
        """k-means on trained latents: on few or untrained ones most codes would die at once."""
        wav = torch.cat([self.batch(step + offset).wav for offset in range(1, 1 + START_BATCHES)])
        with torch.no_grad():
            self.codec.start_quantizer(self.codec.latents(wav.to(self.device)))

    @torch.no_grad()
    def validate(self) -> Metrics:
        """Spectral distance on unseen speakers by number of books, and usage of each book."""
        self.codec.eval()
        n = 2 * 24_000
        wav, rest = (torch.from_numpy(np.stack(clips)).to(self.device).float() / 32768
                     for clips in ([c[:n] for c in self.held], [c[-n:] for c in self.held]))
        latents = self.codec.latents(wav)
        metrics = {"valid/unquantized": self._distance(self.codec.synthesize(latents)[0], wav)}
        if not bool(self.codec.quantizer.vq.layers[0]._codebook.inited):
            return metrics
        codes = self.codec.encode(wav[:, None])
        for books in (1, 2, 4, self.codec.n_codebooks):
            decoded = self.codec.decode(codes[:, :books])[:, 0]
            metrics[f"valid/books_{books}"] = self._distance(decoded, wav)
        voice = self.codec.encode(rest[:, None])
        metrics["valid/voice"] = self._distance(self.codec.decode(codes[:, :4], voice)[:, 0], wav)
        for book in range(self.codec.n_codebooks):
            used = codes[:, book].unique().numel() / self.codec.codebook_size
            metrics[f"valid/usage_{book + 1}"] = used
        return metrics

    def _distance(self, fake: torch.Tensor, wav: torch.Tensor) -> float:
        return float(spectral_distance(fake[:, : wav.shape[1]], wav, self.codec.sample_rate))

    @torch.no_grad()
    def sample(self) -> dict[str, torch.Tensor]:
        self.codec.eval()
        if not bool(self.codec.quantizer.vq.layers[0]._codebook.inited):
            return {}
        wav: Any = torch.from_numpy(self.held[0][None, None, : 4 * 24_000]).float() / 32768
        decoded = self.codec.decode(self.codec.encode(wav.to(self.device)))
        return {"codec/original": wav[0, 0], "codec/decoded": decoded[0, 0].cpu()}

    def export(self, folder: Path) -> None:
        self.codec.save(folder)


def _crop(clip: Pcm, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` samples from a random place; a shorter clip begins again."""
    start = rng.integers(max(1, len(clip) - size + 1))
    return np.resize(clip[start: start + size], size).astype(np.float32)


def _stack(rows: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(rows)).float()
