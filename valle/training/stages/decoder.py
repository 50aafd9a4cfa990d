"""The codec's decoder alone goes on. --data: prepared folders; needs --init and --vocabulary.

It learns what synthesis asks of it: to speak codes that a model made up, in the voice of a prompt,
with the phone of each frame known. Half of the steps decode what AR and NAR make of a recording
(latents of recipes/starter/fill.py), half the recording's own codes or those of the recording in
disguise.
"""
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from codec.discriminator import Discriminator, spectral_distance
from codec.source import pitch
from codec.spectral import SpectralCodec
from g2p import Vocabulary
from valle.data.clips import Pcm
from valle.data.held_out import hold_out
from valle.data.manifest import Codes, Prepared, Utterance, load_samples
from valle.features.progress import progress
from valle.model.checkpoint import load_vocabulary, model_folder
from valle.training.disguise import disguise
from valle.training.log import Examples, Metrics
from valle.training.resynthesis import (
    KNOWN_VOICE,
    REFERENCE,
    adversarial_optimizers,
    draw_codebooks,
    resynthesis_losses,
    stack,
)
from valle.training.run import Data
from valle.training.stage import LoopConfig, Loss, device_of

KNOWN_PHONES = 0.85     # share of crops, as far as they have any
DISGUISED = 0.6         # share of crops with a known voice whose codes are of another voice
HELD = 24               # unseen clips that are validated on, two seconds of each


@dataclass(frozen=True)
class DecoderTraining:
    """Crops and optimisation.

    Attributes:
        steps: in all; shares of the steps are counted from it.
        init: starter, or the folder of the codec whose decoder goes on.
        vocabulary: starter, or the folder of a trained AR or NAR: the decoder is told its phones.
        batch_size: crops in a batch.
        frames: length of a crop.
        discriminator_batch: crops of a batch that the discriminator sees.
        lr: peak learning rate.
        blocks: of the decoder, as many as init has or more.
        discriminator_from: the discriminator joins after this share of the steps; 1 is never.
        codebooks: in use in half of the steps; the other half draws a number.
        filled: a folder with the latents of AR and NAR (recipes/starter/fill.py), which half of
            the steps decode; without, all steps use true codes.
        seed: of crops.
    """

    steps: int
    init: str = ""
    vocabulary: str = ""
    batch_size: int = 12
    frames: int = 60
    discriminator_batch: int = 4
    lr: float = 8e-4
    blocks: int = 8
    discriminator_from: float = 0.0
    codebooks: int = 4
    filled: Path | None = None
    seed: int = 0


CONFIGS = (DecoderTraining,)


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


def read_clips(prepared: Prepared, utterances: Sequence[Utterance], vocabulary: Vocabulary,
               hop: int, filled: Path | None) -> list[Clip]:
    """Utterances as clips in memory. filled: the folder with the latents that a model made."""
    def read(utterance: Utterance) -> Clip:
        samples = load_samples(utterance, prepared.spec.sample_rate)
        samples = np.resize(np.pad(samples, (0, hop)), utterance.frames * hop)
        phones = np.full(utterance.frames, -1)
        if utterance.phones and utterance.durations:
            phones = np.repeat(vocabulary.encode(utterance.phones), utterance.durations)
        path = None if filled is None else filled / f"{utterance.id}.npy"
        latents = None if path is None or not path.is_file() else np.load(path)
        return Clip((samples * 32767).astype(np.int16), phones,
                    prepared.codes(utterance), latents)

    with ThreadPoolExecutor() as pool:
        return list(progress(pool.map(read, utterances), total=len(utterances), unit="clips",
                             desc="reading"))


class DecoderStage:
    """Reconstruction and adversarial training of a SpectralCodec's decoder."""

    name, unit, clip, best = "decoder", "s of audio", 10.0, "valid/phones"

    def __init__(self, config: DecoderTraining, codec: SpectralCodec, vocabulary: Vocabulary,
                 folders: Sequence[Path], held_out: Sequence[str]) -> None:
        """folders: prepared ones, with or without text; vocabulary: of AR and NAR.

        Raises:
            FileNotFoundError, ValueError: unusable folders, or nothing to train or validate on.
        """
        self.config = config
        codec = codec.grown(config.blocks, vocabulary.phones)
        self.codec = codec.requires_grad_(True)
        self.clips, self.held = self._read(folders, vocabulary, held_out)
        self.filled = [clip for clip in self.clips if clip.filled is not None]
        if not self.clips or not self.held:
            raise ValueError(f"{len(self.clips)} clips to train on, {len(self.held)} of two "
                             "seconds or more to validate on: check --data and --held-out")
        self.discriminator = Discriminator()
        self.modules = nn.ModuleDict({"codec": self.codec, "discriminator": self.discriminator})
        self.labels = {"phones": vocabulary.phones, "codec": [self.codec.identity]}
        self.optimizers = adversarial_optimizers(
            {"codec": self.codec.decoder, "discriminator": self.discriminator}, config.lr)
        self.first_adversarial = int(config.discriminator_from * config.steps)

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
        index = prepared.index
        held = hold_out([(index.speakers[i],) for i in index.speaker], index.crc, held_out)
        long = np.flatnonzero(held & (index.seconds > 2))
        chosen = long[np.sort(np.random.default_rng(0).permutation(len(long))[:HELD])]
        train = np.flatnonzero(~held & (index.frames > self.config.frames))
        clips = read_clips(prepared, [prepared.utterances[row] for row in (*train, *chosen)],
                           vocabulary, self.codec.hop, filled)
        return clips[: len(train)], clips[len(train):]

    def batch(self, index: int) -> Batch:
        """Random crops at a random level; every other batch is of those that a model has filled."""
        rng = np.random.default_rng((self.config.seed, index))
        use_filled = bool(self.filled) and index % 2 == 1
        clips = self.filled if use_filled else self.clips
        spec = self.codec.spec
        size, known = self.config.frames, int(rng.integers(*map(spec.frames, REFERENCE)))
        wavs, codes, phones, voices, voice_phones = [], [], [], [], []
        for place in rng.integers(len(clips), size=self.config.batch_size):
            clip, hop = clips[place], self.codec.hop
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
        return Batch(stack(wavs).float(),
                     stack(codes).float() if use_filled else stack(codes).long(),
                     stack(phones).masked_fill(forgotten[0], -1), stack(voices).long(),
                     stack(voice_phones).masked_fill(forgotten[1], -1))

    def losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        rng = np.random.default_rng((self.config.seed, step, 2))
        known = rng.random() < KNOWN_VOICE
        f0, voiced = pitch(batch.wav, self.codec.sample_rate, self.codec.step)
        latents = (batch.codes if batch.codes.is_floating_point() else
                   self.codec.dequantize(self._codes(batch, known, rng)))
        voice = self.codec.dequantize(batch.voice) if known else None
        fake, scores = self.codec.synthesize(latents, voice, f0, batch.phones,
                                             batch.voice_phones if known else None)
        yield from resynthesis_losses(
            batch.wav, fake, scores, f0, voiced, fake.new_zeros(()), self.codec.sample_rate,
            self.discriminator if step >= self.first_adversarial else None,
            self.config.discriminator_batch)

    def _codes(self, batch: Batch, known: bool, rng: np.random.Generator) -> torch.Tensor:
        """True codes [B, Q', T] to decode, where the voice is known some of a voice in disguise."""
        codes = batch.codes
        books = draw_codebooks(self.config.codebooks, self.codec.n_codebooks, rng)
        hidden = np.flatnonzero(rng.random(len(codes)) < DISGUISED)
        if known and len(hidden):
            codes = codes.clone()
            codes[hidden] = self.codec.encode(disguise(batch.wav[hidden], rng)[:, None])
        return codes[:, :books]

    def validate(self) -> Metrics:
        """Spectral distance on unseen speech: plain, with the voice, with the phones as well."""
        spec, books = self.codec.spec, self.config.codebooks
        n, frames = 2 * spec.sample_rate, spec.frames(2.0)
        device = device_of(self.codec)
        wav, rest = (torch.from_numpy(np.stack(part)).to(device).float() / 32768 for part in (
            [c.pcm[:n] for c in self.held], [c.pcm[-n:] for c in self.held]))
        said, also = (torch.from_numpy(np.stack(part)).to(device) for part in (
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

    def sample(self) -> Examples:
        clip, device = self.held[0], device_of(self.codec)
        wav = torch.from_numpy(clip.pcm[None, None]).float().to(device) / 32768
        codes = self.codec.encode(wav)[:, : self.config.codebooks]
        said = torch.from_numpy(clip.phones[None]).to(device)
        rate, decoded = self.codec.sample_rate, self.codec.decode(codes, codes, said, said)
        return {"decoder/original": (wav[0, 0].cpu(), rate),
                "decoder/decoded": (decoded[0, 0].cpu(), rate)}

    def export(self, folder: Path) -> None:
        self.codec.save(folder)


def build(data: Data, loop: LoopConfig, config: DecoderTraining) -> DecoderStage:
    """The decoder of the codec that `config.init` names."""
    if not config.init or not config.vocabulary:
        raise ValueError("the decoder stage needs --init CODEC and --vocabulary MODEL, whose "
                         "phones the decoder will be told")
    return DecoderStage(config, SpectralCodec.load(model_folder(config.init)),
                        load_vocabulary(model_folder(config.vocabulary)), data.data, data.held_out)
