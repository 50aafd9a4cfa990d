"""Stage `decoder`: the codec's decoder alone goes on learning; its codes stay as they are.

It learns what synthesis asks of it: to speak codes that a model made up, in the voice of a prompt,
with the phone of each frame known. Half of the steps decode what AR and NAR make of a recording
(latents of recipes/starter/fill.py), half the recording's own codes or those of the recording in
disguise.
"""
from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from codec.discriminator import Discriminator, spectral_distance
from codec.source import pitch
from codec.spectral import SpectralCodec
from g2p import Vocabulary
from valle.data.batching import split_speakers
from valle.data.clips import Pcm
from valle.data.manifest import Codes, Prepared, Utterance, load_samples
from valle.training.disguise import disguise
from valle.training.loop import Metrics
from valle.training.resynthesis import resynthesis_step

REFERENCE = (75, 300)  # frames of the same recording by which the decoder knows the voice
KNOWN_VOICE = 0.85     # share of steps
KNOWN_PHONES = 0.85    # share of crops, as far as they have any
DISGUISED = 0.6        # share of crops with a known voice whose codes are of another voice
HELD = 24              # unseen clips that are validated on, two seconds of each


@dataclass(frozen=True)
class DecoderTraining:
    """Hyper-parameters of the decoder stage.

    blocks: of the decoder, as many as --init has or more. adversary_from: the share of all steps
    at which the adversary joins. books: how many codebooks half of the steps use; the other half
    draws a number. filled: a folder with the latents of AR and NAR; without, all steps use true
    codes.
    """

    steps: int
    batch_size: int = 12
    frames: int = 60
    critic_batch: int = 4
    lr: float = 8e-4
    blocks: int = 8
    adversary_from: float = 0.0
    books: int = 4
    filled: Path | None = None
    seed: int = 0


@dataclass(frozen=True)
class Clip:
    """A recording [N] at the codec's rate, the phone of each frame [T] (-1: not known), its codes
    [Q, T], and the latents [D, T] that AR and NAR made of it, or None."""

    pcm: Pcm
    phones: np.ndarray
    codes: Codes
    filled: NDArray[np.float16] | None = None


@dataclass(frozen=True)
class Batch:
    """Crops of recordings [B, N] with codes [B, Q, T] or a model's latents [B, D, T], and phones
    [B, T]; for the voice, codes [B, Q, T'] and phones [B, T'] of longer crops."""

    wav: torch.Tensor
    codes: torch.Tensor
    phones: torch.Tensor
    voice: torch.Tensor
    voice_phones: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        wav, codes, phones, voice, voice_phones = (part.to(device) for part in (
            self.wav, self.codes, self.phones, self.voice, self.voice_phones))
        return Batch(wav, codes, phones, voice, voice_phones)


def read_clips(prepared: Prepared, utterances: Sequence[Utterance], vocabulary: Vocabulary,
               hop: int, filled: Path | None) -> list[Clip]:
    """Utterances as clips in memory. filled: the folder with the latents that a model made."""
    def read(utterance: Utterance) -> Clip:
        samples = load_samples(utterance)
        samples = np.resize(np.pad(samples, (0, hop)), utterance.frames * hop)
        phones = np.full(utterance.frames, -1)
        if utterance.phones and utterance.durations:
            phones = np.repeat(vocabulary.encode(utterance.phones), utterance.durations)
        path = None if filled is None else filled / f"{utterance.id}.npy"
        latents = None if path is None or not path.is_file() else np.load(path)
        return Clip((samples * 32767).astype(np.int16), phones,
                    prepared.codes(utterance), latents)

    with ThreadPoolExecutor() as pool:
        return list(tqdm(pool.map(read, utterances), total=len(utterances), unit="clip",
                         desc="reading", leave=False))


class DecoderStage:
    """Reconstruction and adversarial training of a SpectralCodec's decoder."""

    name, unit = "decoder", "s of audio"

    def __init__(self, config: DecoderTraining, codec: SpectralCodec, vocabulary: Vocabulary,
                 folders: Sequence[Path], held_out: Sequence[str],
                 device: torch.device | None = None) -> None:
        """folders: prepared ones, with or without text; vocabulary: of AR and NAR.

        Raises:
            FileNotFoundError, ValueError: unusable folders, or nothing to train or validate on.
        """
        self.config, self.device = config, device or torch.device("cpu")
        codec = codec.grown(config.blocks, vocabulary.phones)
        self.codec = codec.requires_grad_(True)
        self.clips, self.held = self._read(folders, vocabulary, held_out)
        self.filled = [clip for clip in self.clips if clip.filled is not None]
        if not self.clips or not self.held:
            raise ValueError(f"{len(self.clips)} clips to train on, {len(self.held)} of two "
                             "seconds or more to validate on: check --data and --held-out")
        self.adversary = Discriminator()
        self.modules = nn.ModuleDict({"codec": self.codec, "adversary": self.adversary})
        self.modules.to(self.device)
        self.optimizers = {
            name: torch.optim.AdamW(module.parameters(), lr=config.lr, betas=(0.8, 0.95),
                                    weight_decay=0.0)
            for name, module in (("codec", self.codec.decoder), ("adversary", self.adversary))}
        self.first_adversarial = int(config.adversary_from * config.steps)

    def _read(self, folders: Sequence[Path], vocabulary: Vocabulary, held_out: Sequence[str],
              ) -> tuple[list[Clip], list[Clip]]:
        """(clips of training speakers, of held-out ones)."""
        prepared, filled = Prepared.open(folders), self.config.filled
        made_with = {"--data": prepared.codec}
        if filled is not None:
            made_with["--filled"] = json.loads((filled / "filled.json").read_text())["codec"]
        for flag, codec in made_with.items():
            if codec != self.codec.identity:
                raise ValueError(f"{flag} is of codec {codec}, --init is codec "
                                 f"{self.codec.identity}: prepare or fill it again")
        train, held = split_speakers(prepared.utterances, list(held_out))
        long = [u for u in held if u.seconds > 2]
        chosen = sorted(np.random.default_rng(0).permutation(len(long))[:HELD])
        train = [u for u in train if u.frames > self.config.frames]
        clips = read_clips(prepared, [*train, *(long[i] for i in chosen)], vocabulary,
                           self.codec.hop, filled)
        return clips[: len(train)], clips[len(train):]

    def batch(self, step: int) -> Batch:
        """Random crops at a random level; in every other step of those that a model has filled."""
        rng = np.random.default_rng((self.config.seed, step))
        use_filled = bool(self.filled) and step % 2 == 1
        clips = self.filled if use_filled else self.clips
        size, known = self.config.frames, int(rng.integers(*REFERENCE))
        wavs, codes, phones, voices, voice_phones = [], [], [], [], []
        for index in rng.integers(len(clips), size=self.config.batch_size):
            clip, hop = clips[index], self.codec.hop
            start = int(rng.integers(len(clip.phones) - size + 1))
            crop = slice(start, start + size)
            level = rng.uniform(0.5, 1.2) / 32768
            wavs.append(level * clip.pcm[start * hop: (start + size) * hop].astype(np.float32))
            codes.append((clip.filled if use_filled else clip.codes)[:, crop])  # type: ignore[index]
            phones.append(clip.phones[crop])
            start = int(rng.integers(max(1, len(clip.phones) - known + 1)))
            frames = np.arange(start, start + known) % len(clip.phones)  # a short one begins again
            voices.append(clip.codes[:, frames])
            voice_phones.append(clip.phones[frames])
        forgotten = torch.from_numpy(rng.random((2, len(wavs), 1)) > KNOWN_PHONES)
        return Batch(_stack(wavs).float(),
                     _stack(codes).float() if use_filled else _stack(codes).long(),
                     _stack(phones).masked_fill(forgotten[0], -1), _stack(voices).long(),
                     _stack(voice_phones).masked_fill(forgotten[1], -1))

    def step(self, batch: Batch, step: int) -> Metrics:
        batch = batch.to(self.device)
        rng = np.random.default_rng((self.config.seed, step, 2))
        known = rng.random() < KNOWN_VOICE
        with torch.autocast(self.device.type, torch.bfloat16):
            f0, voiced = pitch(batch.wav, self.codec.sample_rate, self.codec.hop)
            latents = (batch.codes if batch.codes.is_floating_point() else
                       self.codec.dequantize(self._codes(batch, known, rng)))
            voice = self.codec.dequantize(batch.voice) if known else None
            fake, scores = self.codec.synthesize(
                latents, voice, f0, batch.phones,
                batch.voice_phones if known else None)
            return resynthesis_step(
                batch.wav, fake, scores, f0, voiced, fake.new_zeros(()), self.codec.sample_rate,
                self.optimizers, self.adversary if step >= self.first_adversarial else None,
                self.config.critic_batch)

    def _codes(self, batch: Batch, known: bool, rng: np.random.Generator) -> torch.Tensor:
        """True codes [B, Q', T] to decode, where the voice is known some of a voice in disguise."""
        books, codes = self.config.books, batch.codes
        if rng.random() < 0.5:
            books = int(rng.integers(1, self.codec.n_codebooks + 1))
        hidden = np.flatnonzero(rng.random(len(codes)) < DISGUISED)
        if known and len(hidden):
            codes = codes.clone()
            codes[hidden] = self.codec.encode(disguise(batch.wav[hidden], rng)[:, None])
        return codes[:, :books]

    @torch.no_grad()
    def validate(self) -> Metrics:
        """Spectral distance on unseen speakers: plain, with the voice, with the phones as well."""
        self.codec.eval()
        n, frames, books = 2 * 24_000, 150, self.config.books
        wav, rest = (torch.from_numpy(np.stack(part)).to(self.device).float() / 32768 for part in (
            [c.pcm[:n] for c in self.held], [c.pcm[-n:] for c in self.held]))
        said, also = (torch.from_numpy(np.stack(part)).to(self.device) for part in (
            [c.phones[:frames] for c in self.held], [c.phones[-frames:] for c in self.held]))
        codes, voice = self.codec.encode(wav[:, None]), self.codec.encode(rest[:, None])
        disguised = self.codec.encode(disguise(wav, np.random.default_rng(0))[:, None])[:, :books]
        decode = self.codec.decode
        return {f"valid/{name}": float(spectral_distance(
            fake[:, 0], wav, self.codec.sample_rate)) for name, fake in (
                ("plain", decode(codes[:, :books])),
                ("voice", decode(codes[:, :books], voice)),
                ("phones", decode(codes[:, :books], voice, said, also)),
                ("one_book", decode(codes[:, :1], voice, said, also)),
                ("disguised", decode(disguised, voice, said, also)))}

    @torch.no_grad()
    def sample(self) -> dict[str, torch.Tensor]:
        self.codec.eval()
        clip = self.held[0]
        wav = torch.from_numpy(clip.pcm[None, None]).float().to(self.device) / 32768
        codes = self.codec.encode(wav)[:, : self.config.books]
        said = torch.from_numpy(clip.phones[None]).to(self.device)
        return {"decoder/original": wav[0, 0].cpu(),
                "decoder/decoded": self.codec.decode(codes, codes, said, said)[0, 0].cpu()}

    def export(self, folder: Path) -> None:
        self.codec.save(folder)


def _stack(rows: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(rows))
