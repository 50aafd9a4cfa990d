"""Stage `codec`: the spectral codec from audio alone; no text is needed."""
from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from codec.adversary import Adversary, spectral_distance
from codec.audio import load_audio
from codec.excitation import pitch, pitch_class
from codec.spectral import SpectralCodec, SpectralConfig
from codec.speech import normalize_loudness
from valle.data.clips import Pcm, read_audio
from valle.data.manifest import Codes, Prepared, load_samples
from valle.training.disguise import disguise
from valle.training.loop import Metrics, update

SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")
START_BATCHES = 12  # that the quantizer starts from
REFERENCE = (75, 300)  # frames of the same recording by which the decoder knows the voice
KNOWN = 0.85           # share of steps with a known voice
DISGUISED = 0.6        # share of crops whose codes are of another voice, once codes are fixed


@dataclass(frozen=True)
class CodecTraining:
    """Hyper-parameters of the codec stage.

    unquantized_share, adversary_from: shares of all steps; the adversary joins at the second.
    books: how many codebooks half of the steps use; the other half draws a number (quantizer
    dropout), so that any number can be decoded. init: a codec folder; its encoder and codebooks
    stay as they are, so that models trained on its codes stay valid, and its decoder goes on: it
    also learns to give a disguised voice the sound of its recording (disguise.py). filled: a
    prepared folder with a NAR's codes (recipes/starter/fill.py); half of the decoder's steps learn
    to decode those.
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
    init: str = ""
    filled: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Batch:
    """Crops of recordings [B, N]; longer ones of the same recordings [B, N'], by which the voice is
    known; a NAR's codes [B, Q, T] for the first, or None where they are to be encoded."""

    wav: torch.Tensor
    voice: torch.Tensor
    codes: torch.Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        return Batch(self.wav.to(device), self.voice.to(device),
                     None if self.codes is None else self.codes.to(device))


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


def read_filled(folder: Path, codec: SpectralCodec) -> list[tuple[Pcm, Codes]]:
    """Recordings (int16 [N] at 24 kHz, a NAR's codes [Q, T]) of a prepared folder.

    Raises:
        FileNotFoundError, ValueError: not a prepared folder, or one of another codec's codes.
    """
    prepared = Prepared.open(folder)
    if prepared.codec != codec.identity:
        raise ValueError(f"--filled {folder} holds codes of codec {prepared.codec}, --init is "
                         f"codec {codec.identity}: fill it again")
    with ThreadPoolExecutor() as pool:
        found = list(tqdm(pool.map(load_samples, prepared.utterances), unit="clip", leave=False,
                          desc="reading filled", total=len(prepared.utterances)))
    return [((samples * 32767).astype(np.int16), prepared.codes(u))
            for samples, u in zip(found, prepared.utterances, strict=True)]


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
        self.decoder_only = bool(config.init)
        if config.filled and not config.init:
            raise ValueError("--filled needs --init: a NAR's codes are of a codec that is finished")
        start = START_BATCHES * config.batch_size * config.frames
        if not self.decoder_only and start < SpectralConfig.codebook_size:
            raise ValueError(f"--batch-size {config.batch_size}: the quantizer starts from "
                             f"{start} frames, and needs {SpectralConfig.codebook_size}")
        self.codec = SpectralCodec.load(config.init) if config.init else SpectralCodec()
        self.codec.requires_grad_(True)
        shortest = config.frames * self.codec.hop
        self.filled = [] if not config.filled else [
            (clip, codes) for clip, codes in read_filled(Path(config.filled), self.codec)
            if len(clip) > shortest]
        self.adversary = Adversary()
        self.modules = nn.ModuleDict({"codec": self.codec, "adversary": self.adversary})
        self.modules.to(self.device)
        self.optimizers = {
            name: torch.optim.AdamW(module.parameters(), lr=config.lr, betas=(0.8, 0.95),
                                    weight_decay=0.0)
            for name, module in self.modules.items()}
        self.first_quantized = 0 if config.init else int(config.unquantized_share * config.steps)
        self.first_adversarial = int(config.adversary_from * config.steps)

    def batch(self, step: int) -> Batch:
        """Random crops at a random level; in every other step of those that a NAR has filled."""
        rng = np.random.default_rng((self.config.seed, step))
        if self.filled and step % 2:
            return self._filled_batch(rng)
        size, known = self.config.frames * 320, int(rng.integers(*REFERENCE)) * 320
        rows, voices = [], []
        for index in rng.integers(len(self.clips), size=self.config.batch_size):
            clip = self.clips[index]
            level = rng.uniform(0.5, 1.2) / 32768
            rows.append(level * _crop(clip, size, rng))
            voices.append(level * _crop(clip, known, rng))
        return Batch(_stack(rows), _stack(voices))

    def _filled_batch(self, rng: np.random.Generator) -> Batch:
        size, known = self.config.frames, int(rng.integers(*REFERENCE)) * 320
        rows, voices, filled = [], [], []
        for index in rng.integers(len(self.filled), size=self.config.batch_size):
            clip, codes = self.filled[index]
            start = int(rng.integers(len(clip) // 320 - size + 1))
            rows.append(clip[start * 320: (start + size) * 320].astype(np.float32) / 32768)
            voices.append(_crop(clip, known, rng) / 32768)
            filled.append(codes[:, start: start + size])
        return Batch(_stack(rows), _stack(voices), torch.from_numpy(np.stack(filled)).long())

    def step(self, batch: Batch, step: int) -> Metrics:
        batch = batch.to(self.device)
        wav, n_codebooks = batch.wav, self._codebooks(step)
        if step == self.first_quantized and not self.decoder_only:
            self._start_quantizer(step)
        with torch.autocast(self.device.type, torch.bfloat16):
            f0, voiced = pitch(wav, self.codec.sample_rate, self.codec.hop)
            fake, scores, commitment = self._reconstruct(batch, n_codebooks, f0, step)
            distance = spectral_distance(fake, wav, self.codec.sample_rate)
            of_pitch = F.cross_entropy(scores[voiced], pitch_class(f0[voiced])).nan_to_num()
            loss = 15 * distance + 2 * of_pitch + 5 * commitment
            metrics = {"train/loss": float(distance.detach()),
                       "train/pitch": float(of_pitch.detach()),
                       "train/commitment": float(commitment.detach())}
            if step >= self.first_adversarial:
                few = self.config.critic_batch
                critic = self.adversary.critic_loss(wav[:few], fake[:few].detach())
                critic.backward()
                metrics["train/critic"] = float(critic.detach())
                update(self.optimizers["adversary"], clip=10.0)
                adversarial, matching = self.adversary.generator_losses(wav[:few], fake[:few])
                loss = loss + adversarial + 2 * matching
                metrics |= {"train/adversarial": float(adversarial.detach()),
                            "train/matching": float(matching.detach())}
        loss.backward()
        self.adversary.zero_grad(set_to_none=True)
        metrics |= update(self.optimizers["codec"], clip=10.0)
        return metrics | {"train/units": wav.numel() / 24_000}

    def _reconstruct(self, batch: Batch, n_codebooks: int | None, f0: torch.Tensor, step: int,
                     ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Through the whole codec, or, once its codes are fixed, through the decoder alone."""
        rng = np.random.default_rng((self.config.seed, step, 2))
        codec, heard = self.codec, batch.wav
        known = batch.voice if rng.random() < KNOWN else None
        if not self.decoder_only:
            return codec(heard, n_codebooks, known, f0)  # type: ignore[no-any-return]
        codes = batch.codes
        if codes is None:
            if known is not None:
                hidden = torch.from_numpy(rng.random((len(heard), 1)) < DISGUISED)
                heard = torch.where(hidden.to(self.device), disguise(heard, rng), heard)
            codes = codec.encode(heard[:, None])[:, :n_codebooks]
        voice = None if known is None else codec.dequantize(codec.encode(known[:, None]))
        return *codec.synthesize(codec.dequantize(codes), voice, f0), heard.new_zeros(())

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
        hidden = self.codec.encode(disguise(wav, np.random.default_rng(0))[:, None])
        metrics["valid/disguised"] = self._distance(
            self.codec.decode(hidden[:, :4], voice)[:, 0], wav)
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
