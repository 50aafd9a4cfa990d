"""A spectral codec from audio alone. --data: folders of audio."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from codec.discriminator import Discriminator, spectral_distance
from codec.source import pitch
from codec.spectral import SpectralCodec, SpectralConfig
from codec.speech import normalize_loudness
from valle.data.audio_files import AUDIO_SUFFIXES, walk
from valle.data.clips import Pcm, read_audio
from valle.data.held_out import crc, hold_out
from valle.data.loading import load_whole
from valle.data.recording import LeftOut, summary
from valle.features.progress import say
from valle.training.log import Examples, Metrics
from valle.training.parallel import copy_buffers
from valle.training.resynthesis import (
    KNOWN_VOICE,
    REFERENCE,
    adversarial_optimizers,
    draw_codebooks,
    resynthesis_losses,
    stack,
)
from valle.training.run import Data
from valle.training.stage import LoopConfig, Loss, device_of, full_precision
from valle.training.state import Labels

START_BATCHES = 12  # that the quantizer starts from


@dataclass(frozen=True)
class CodecTraining:
    """Crops and optimisation.

    Attributes:
        steps: in all; shares of the steps are counted from it.
        batch_size: crops in a batch.
        frames: length of a crop.
        discriminator_batch: crops of a batch that the discriminator sees.
        lr: peak learning rate.
        unquantized_share: share of the steps before the quantizer starts.
        discriminator_from: the discriminator joins after this share of the steps; 1 is never.
        max_hours: audio to hold in memory, 173 MB an hour.
        codebooks: in use in half of the steps; the other half draws a number (quantizer
            dropout), so that any number can be decoded.
        seed: of crops.
    """

    steps: int
    batch_size: int = 12
    frames: int = 60
    discriminator_batch: int = 6
    lr: float = 8e-4
    unquantized_share: float = 0.15
    discriminator_from: float = 1.0
    max_hours: float = 30.0
    codebooks: int = 8
    seed: int = 0


CONFIGS = (CodecTraining,)


@dataclass(frozen=True)
class Batch:
    """Crops of recordings [B, N]; longer ones of the same recordings [B, N'], by which the voice is
    known."""

    wav: torch.Tensor
    voice: torch.Tensor


def find_audio(folders: Sequence[Path], held_out: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """All audio below the folders as (training files, held-out files).

    A file is held out when any part of its path, or its name, matches one of the patterns; without
    patterns a few files are.
    """
    found: set[Path] = set()
    left_out: list[LeftOut] = []
    for folder in (f for root in folders for f in walk(root)):
        found |= set(folder.audio.values())
        left_out += folder.left_out
    if left_out:
        say(f"left out {summary(item.cause for item in left_out)}")
    if not found:
        raise FileNotFoundError(f"no audio below {', '.join(map(str, folders))}; "
                                f"looked for {' '.join(AUDIO_SUFFIXES)}")
    files = sorted(found)
    held = hold_out([p.parts for p in files], [crc(p.name) for p in files], held_out,
                    "part of a path")
    return ([p for p, out in zip(files, held, strict=True) if not out],
            [p for p, out in zip(files, held, strict=True) if out])


def load_pcm(path: Path, sample_rate: int) -> Pcm | None:
    """A file as int16 [N] at the codec's rate; None where it cannot be read."""
    try:
        samples = load_whole(path, sample_rate, max_seconds=30.0)
        return (normalize_loudness(samples, sample_rate) * 32767).astype(np.int16)
    except (ValueError, OSError):
        return None


class CodecStage:
    """Reconstruction, commitment and adversarial training of a SpectralCodec."""

    name, unit, clip, best = "codec", "s of audio", 10.0, "valid/voice"

    def __init__(self, config: CodecTraining, folders: Sequence[Path], held_out: Sequence[str],
                 ) -> None:
        self.config, self.codec = config, SpectralCodec()
        spec = self.codec.spec
        load = partial(load_pcm, sample_rate=spec.sample_rate)
        train, held = find_audio(folders, held_out)
        clips, unseen = (read_audio(files, load, spec.sample_rate, hours, config.seed).values()
                         for files, hours in ((train, config.max_hours), (held, 0.1)))
        self.clips = [c for c in clips if len(c) >= config.frames * spec.hop]
        some, least = list(unseen), 2 * spec.sample_rate
        self.held = ([c for c in some if len(c) > least] or
                     [np.resize(c, least) for c in some])[:24]
        if not self.clips or not self.held:
            raise ValueError(f"{len(self.clips)} clips to train on, {len(self.held)} to validate "
                             "on: check --data and --held-out")
        start = START_BATCHES * config.batch_size * config.frames
        if start < SpectralConfig.codebook_size:
            raise ValueError(f"--batch-size {config.batch_size}: the quantizer starts from "
                             f"{start} frames, and needs {SpectralConfig.codebook_size}")
        self.discriminator = Discriminator()
        self.modules = nn.ModuleDict({"codec": self.codec, "discriminator": self.discriminator})
        self.labels: Labels = {}
        self.optimizers = adversarial_optimizers(
            {"codec": self.codec, "discriminator": self.discriminator}, config.lr)
        self.first_quantized = int(config.unquantized_share * config.steps)
        self.first_adversarial = int(config.discriminator_from * config.steps)

    def batch(self, index: int) -> Batch:
        """Random crops at a random level."""
        rng = np.random.default_rng((self.config.seed, index))
        spec = self.codec.spec
        size = self.config.frames * spec.hop
        known = int(rng.integers(*map(spec.frames, REFERENCE))) * spec.hop
        rows, voices = [], []
        for place in rng.integers(len(self.clips), size=self.config.batch_size):
            clip = self.clips[place]
            level = rng.uniform(0.5, 1.2) / 32768
            rows.append(level * _crop(clip, size, rng))
            voices.append(level * _crop(clip, known, rng))
        return Batch(stack(rows).float(), stack(voices).float())

    def losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        if step == self.first_quantized:
            self._start_quantizer(step)
        known = np.random.default_rng((self.config.seed, step, 2)).random() < KNOWN_VOICE
        f0, voiced = pitch(batch.wav, self.codec.sample_rate, self.codec.step)
        fake, scores, commitment = self.codec(batch.wav, self._codebooks(step),
                                              batch.voice if known else None, f0)
        yield from resynthesis_losses(
            batch.wav, fake, scores, f0, voiced, commitment, self.codec.sample_rate,
            self.discriminator if step >= self.first_adversarial else None,
            self.config.discriminator_batch)

    def _codebooks(self, step: int) -> int | None:
        """None before the quantizer starts, then quantizer dropout."""
        if step < self.first_quantized:
            return None
        return draw_codebooks(self.config.codebooks, self.codec.n_codebooks,
                              np.random.default_rng((self.config.seed, step, 1)))

    def _start_quantizer(self, step: int) -> None:
        """k-means on trained latents: on few or untrained ones most codes would die at once."""
        wav = torch.cat([self.batch(step + offset).wav for offset in range(1, 1 + START_BATCHES)])
        with torch.no_grad(), full_precision(wav.device):
            self.codec.start_quantizer(self.codec.latents(wav.to(device_of(self.codec))))
        copy_buffers(self.codec)

    def validate(self) -> Metrics:
        """Spectral distance on unseen speakers by number of codebooks, and usage of each."""
        n, device = 2 * self.codec.sample_rate, device_of(self.codec)
        wav, rest = (torch.from_numpy(np.stack(clips)).to(device).float() / 32768
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

    def sample(self) -> Examples:
        if not bool(self.codec.quantizer.vq.layers[0]._codebook.inited):
            return {}
        n = 4 * self.codec.sample_rate
        wav: Any = torch.from_numpy(self.held[0][None, None, :n]).float() / 32768
        decoded = self.codec.decode(self.codec.encode(wav.to(device_of(self.codec))))
        rate = self.codec.sample_rate
        return {"codec/original": (wav[0, 0], rate), "codec/decoded": (decoded[0, 0].cpu(), rate)}

    def export(self, folder: Path) -> None:
        self.codec.save(folder)


def build(data: Data, loop: LoopConfig, config: CodecTraining) -> CodecStage:
    """A new codec."""
    return CodecStage(config, data.data, data.held_out)


def _crop(clip: Pcm, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` samples from a random place; a shorter clip begins again."""
    start = rng.integers(max(1, len(clip) - size + 1))
    return np.resize(clip[start: start + size], size).astype(np.float32)
