"""The starter's codec: log-mel -> ConvNeXt -> residual vector quantizer -> ConvNeXt -> two filters.

It keeps EnCodec's contract (24 kHz, 75 frames/s, 8 codebooks of 1024 entries) but works on spectra,
so it learns in minutes on two cores. The decoder predicts pitch and, for each frame, a filter for
pulses at that pitch and one for noise (see codec/source.py); the blocks are ConvNeXt (Liu et
al. 2022). Quantizer: EnCodec's own (Défossez et al. 2022, arXiv:2210.13438, section 3.2).

The decoder can be told whose voice it is, by the codes of a recording: few books of a frame hold
what is said, and the rest of the voice is the same in every frame. It can also be told which phone
is said in each frame, which synthesis knows: codes that a model made up are doubtful, the text is
not.
"""
from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from codec.backbone import Backbone
from codec.mel import MelConfig, log_mel
from codec.parts import load_part, network, save_part
from codec.record import check_range, from_record
from codec.source import PITCHES, best_pitch, noise, pulses
from codec.spec import CodecSpec

# Magnitudes teach the two filters, and do not show a little noise among harmonics; ears hear it.
# Noise is weakened by its share of the power, raised to this.
CLEARED = 0.5
UNSAVED = ("embed_avg", "cluster_size")  # what the codebooks learned from


@dataclass(frozen=True)
class SpectralConfig:
    """Sizes of a SpectralCodec; the defaults are the starter's.

    decoder_phones: the phones that the decoder may be told, in the order of their ids.
    stack: log-mel frames in each frame of codes; the decoder works on the finer ones.
    encoder_blocks: 0 is no encoder: the codebooks hold the log-mel spectrum itself, and `latent`
    is `stack * n_mels`.
    window: of the log-mel spectrum; filter_window: of the decoder's filters, which need no fine
    frequencies (pulses bring the harmonics) and are the sharper in time for it.
    """

    sample_rate: int = 24_000
    hop: int = 320
    stack: int = 1
    window: int = 1280
    filter_window: int = 640
    n_mels: int = 80
    encoder_width: int = 192
    encoder_blocks: int = 4
    decoder_width: int = 256
    decoder_blocks: int = 5
    decoder_attend_every: int = 2
    decoder_phones: tuple[str, ...] = ()
    latent: int = 128
    n_codebooks: int = 8
    codebook_size: int = 1024

    def __post_init__(self) -> None:
        check_range(self, sample_rate=(8_000, 96_000), hop=(1, 4_096), stack=(1, 16),
                    window=(1, 16_384), filter_window=(1, 16_384), n_mels=(1, 512),
                    encoder_width=(1, 8_192), encoder_blocks=(0, 256),
                    decoder_width=(1, 8_192), decoder_blocks=(1, 256),
                    decoder_attend_every=(0, 256), latent=(1, 8_192), n_codebooks=(1, 64),
                    codebook_size=(2, 1 << 20))
        for name, whole in (("hop", self.hop), ("latent", self.latent)):
            if whole % self.stack:
                raise ValueError(f"{name} {whole} must be a multiple of stack {self.stack}")
        if not self.encoder_blocks and self.latent != self.stack * self.n_mels:
            raise ValueError(f"latent {self.latent}: without an encoder it must be stack * n_mels, "
                             f"{self.stack * self.n_mels}")
        for name, window in (("window", self.window), ("filter_window", self.filter_window)):
            if window % self.step or (window - self.step) % 2:
                raise ValueError(f"{name} {window} must be an even multiple of hop {self.step}")

    @property
    def step(self) -> int:
        """Samples from one frame of the log-mel spectrum, and of the decoder, to the next."""
        return self.hop // self.stack


class SpectralCodec(nn.Module):
    """A `codec.Codec` over spectra. `forward` trains it, `encode` and `decode` use it."""

    def __init__(self, config: SpectralConfig | None = None) -> None:
        super().__init__()
        from codec.upstream import ResidualVectorQuantizer

        self.config = config = config or SpectralConfig()
        self.window: torch.Tensor
        self.encoder = Backbone(config.stack * config.n_mels, config.encoder_width, config.latent,
                                config.encoder_blocks) if config.encoder_blocks else None
        # Below one use in ten batches a code is replaced; upstream's default of two uses in every
        # batch would replace most codes of batches that hold fewer frames than codes.
        self.quantizer = ResidualVectorQuantizer(
            config.latent, config.n_codebooks, config.codebook_size,
            threshold_ema_dead_code=0.1)  # type: ignore[arg-type]
        self.decoder = Backbone(config.latent // config.stack, config.decoder_width,
                                2 * (config.filter_window // 2 + 1) + len(PITCHES),
                                config.decoder_blocks, config.decoder_attend_every,
                                len(config.decoder_phones))
        self.register_buffer("window", torch.hann_window(config.filter_window), persistent=False)

    sample_rate = property(lambda self: self.config.sample_rate)
    hop = property(lambda self: self.config.hop)
    step = property(lambda self: self.config.step)
    frame_rate = property(lambda self: self.config.sample_rate / self.config.hop)
    n_codebooks = property(lambda self: self.config.n_codebooks)
    codebook_size = property(lambda self: self.config.codebook_size)
    spec = property(lambda self: CodecSpec(self.sample_rate, self.hop, self.n_codebooks,
                                           self.codebook_size))

    phones = property(lambda self: self.config.decoder_phones)

    @property
    def codebooks(self) -> torch.Tensor:
        """The quantizer's vectors [Q, V, latent]."""
        return torch.stack([layer.codebook for layer in self.quantizer.vq.layers])

    def latents(self, wav: torch.Tensor) -> torch.Tensor:
        """Audio [B, N] to unquantized latents [B, latent, T]."""
        config = self.config
        wav = F.pad(wav, (0, -wav.shape[-1] % config.hop))
        mel = log_mel(wav, MelConfig(config.sample_rate, config.step, config.window, config.n_mels))
        frames = rearrange((mel + 5) / 2.5, "b m (t s) -> b t (s m)", s=config.stack)
        return (frames if self.encoder is None else self.encoder(frames)).transpose(1, 2)

    def synthesize(self, latents: torch.Tensor, voice: torch.Tensor | None = None,
                   f0: torch.Tensor | None = None, phones: torch.Tensor | None = None,
                   voice_phones: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents [B, latent, T] to (audio [B, T * hop], scores of PITCHES [B, T * stack, P]).

        voice [B, latent, T']: of a recording of the speaker. f0 [B, T * stack]: pitch in Hz to use
        instead of the best scored, as in training. phones [B, T], voice_phones [B, T']: as in
        `decode`.
        """
        found = self.decoder(*map(self._unstack, (latents, voice, phones, voice_phones))).float()
        filters, scores = found.split([found.shape[2] - len(PITCHES), len(PITCHES)], dim=2)
        of_pulses, of_noise = (filters.clamp(max=6) - 5).exp().transpose(1, 2).chunk(2, dim=1)
        if f0 is None:
            f0 = best_pitch(scores)
            of_noise = of_noise * self._share_of_noise(of_pulses, of_noise, f0) ** CLEARED
        source = pulses(f0, self.config.sample_rate, self.config.step)
        spectrum = of_pulses * self._spectrum(source) + of_noise * self._spectrum(noise(source))
        return self._overlap_add(torch.fft.irfft(spectrum, dim=1)), scores

    def _unstack(self, frames: torch.Tensor | None) -> torch.Tensor | None:
        """Latents [B, latent, T] as the decoder's frames [B, T * stack, latent / stack], or phones
        [B, T] as [B, T * stack]."""
        stack = self.config.stack
        if frames is None or frames.dim() == 2:
            return None if frames is None else frames.repeat_interleave(stack, 1)
        return rearrange(frames, "b (s d) t -> b (t s) d", s=stack)

    def _share_of_noise(self, of_pulses: torch.Tensor, of_noise: torch.Tensor, f0: torch.Tensor,
                        ) -> torch.Tensor:
        """How much of the power behind both filters [B, F, T] is noise; f0 [B, T] in Hz."""
        # White noise has power 1; each of rate / (2 f0) harmonics of amplitude 1 has 1 / 2.
        of_source = self.config.sample_rate / (4 * f0[:, None])
        return 1 / (1 + of_source * (of_pulses / of_noise).square())

    def _spectrum(self, wav: torch.Tensor) -> torch.Tensor:
        """Audio [B, T * hop] to its complex short-time spectrum [B, F, T]."""
        edge = (self.config.filter_window - self.config.step) // 2
        return torch.stft(F.pad(wav, (edge, edge)), self.config.filter_window, self.config.step,
                          window=self.window, center=False, return_complex=True)

    def _overlap_add(self, segments: torch.Tensor) -> torch.Tensor:
        """Windowed segments [B, window, T] to audio [B, T * step]: an iSTFT with 'same' padding."""
        window, hop, frames = self.config.filter_window, self.config.step, segments.shape[-1]
        length = (frames - 1) * hop + window

        def fold(x: torch.Tensor) -> torch.Tensor:
            return F.fold(x, (1, length), (1, window), stride=(1, hop))[:, 0, 0]

        wav = fold(segments * self.window[None, :, None])
        norm = fold(self.window.square()[None, :, None].expand(1, -1, frames))
        edge = (window - hop) // 2
        return (wav / norm.clamp(min=1e-4))[:, edge: edge + frames * hop]

    def forward(self, wav: torch.Tensor, n_codebooks: int | None,
                voice: torch.Tensor | None = None, f0: torch.Tensor | None = None,
                ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Training pass: audio [B, N] to (audio [B, N'], pitch scores [B, T * stack, P], commitment
        loss).

        n_codebooks: how many books to use (quantizer dropout); None leaves the quantizer out, as in
        the first part of training: quantizing from step 0 collapses the latents.
        voice [B, N'']: another recording of each speaker. f0 [B, T * stack]: the true pitch, which
        the pulses follow.
        """
        latents, commitment = self.latents(wav), wav.new_zeros(())
        if n_codebooks is None:
            known = None if voice is None else self.latents(voice).detach()
        else:
            with torch.autocast(latents.device.type, enabled=False):
                latents, _, losses = self.quantizer.vq(latents.float(), n_q=n_codebooks)
                known = None if voice is None else self.dequantize(self.encode(voice[:, None]))
            commitment = losses.mean()
        return *self.synthesize(latents, known, f0), commitment

    @torch.no_grad()
    def start_quantizer(self, latents: torch.Tensor, iterations: int = 10) -> None:
        """Fill every codebook by k-means over latents [B, latent, T] of a trained encoder.

        The same start as upstream's own, which compares all pairs at once and takes minutes here.
        """
        residual = latents.transpose(1, 2).reshape(-1, self.config.latent).float()
        for layer in self.quantizer.vq.layers:
            book = layer._codebook
            centres = residual[torch.randperm(len(residual))[: book.codebook_size]].clone()
            for _ in range(iterations):
                nearest = torch.cdist(residual, centres).argmin(1)
                counts = torch.bincount(nearest, minlength=len(centres))
                sums = torch.zeros_like(centres).index_add_(0, nearest, residual)
                centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1),
                                      centres)
            book.embed.copy_(centres)
            book.embed_avg.copy_(centres)
            book.cluster_size.fill_(1.0)
            book.inited.fill_(1.0)
            residual = residual - book.dequantize(book.quantize(residual))

    @torch.no_grad()
    def encode(self, wav: torch.Tensor) -> torch.Tensor:
        """Audio [B, 1, N] to codes [B, Q, T] int64, T = ceil(N / hop)."""
        return self.quantizer.vq.encode(self.latents(wav[:, 0])).transpose(0, 1)

    @torch.no_grad()
    def decode(self, codes: torch.Tensor, voice: torch.Tensor | None = None,
               phones: torch.Tensor | None = None, voice_phones: torch.Tensor | None = None,
               ) -> torch.Tensor:
        """Codes [B, Q', T] with Q' <= Q to audio [B, 1, T * hop]; fewer books, less detail.

        codes may be latents [B, latent, T] as well, which a model expects where it would have to
        guess codes. voice [B, Q'', T']: codes of a recording of the speaker. phones [B, T] and
        voice_phones [B, T'] int64: places in `phones` of what is said in each frame, -1 where it
        is not known.
        """
        known = None if voice is None else self.dequantize(voice)
        latents = codes if codes.is_floating_point() else self.dequantize(codes)
        wav, _ = self.synthesize(latents, known, None, phones, voice_phones)
        return wav[:, None]

    def grown(self, blocks: int, phones: Sequence[str]) -> SpectralCodec:
        """The same codec with room to learn: more blocks in the decoder, and phones that it may be
        told. It sounds as before: what is new begins as nothing.

        Raises:
            ValueError: fewer blocks than there are, or other phones than it knows.
        """
        old = self.config
        if blocks < old.decoder_blocks or (self.phones and tuple(phones) != self.phones):
            raise ValueError(f"the decoder has {old.decoder_blocks} blocks and {len(self.phones)} "
                             "phones: it can only grow, and keeps its phones")
        grown = SpectralCodec(replace(old, decoder_blocks=blocks, decoder_phones=tuple(phones)))
        for index in range(old.decoder_blocks, blocks):
            for new in grown.decoder.blocks[index].down.parameters():  # type: ignore[union-attr]
                nn.init.zeros_(new)
        if grown.decoder.phone is not None:
            nn.init.zeros_(grown.decoder.phone.weight)
        grown.load_state_dict(self.state_dict(), strict=False)
        return grown

    def dequantize(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, Q', T] to the latents [B, latent, T] they stand for."""
        return self.quantizer.vq.decode(codes.transpose(0, 1))  # type: ignore[no-any-return]

    @property
    def identity(self) -> str:
        """Sixteen hex digits that name encoder and codebooks: models refuse another codec's codes.

        The decoder is left out: it may go on learning while the codes stay the same.
        """
        sizes = {name: value for name, value in dataclasses.asdict(self.config).items()
                 if not name.startswith(("decoder_", "filter_"))}
        if sizes["stack"] == 1:
            del sizes["stack"]  # codecs from before there was one keep their name
        digest = hashlib.sha256(json.dumps(sizes).encode())
        for name, tensor in sorted(self.state_dict().items()):
            if name.startswith("encoder.") or name.endswith("_codebook.embed"):
                digest.update(tensor.detach().cpu().float().numpy().tobytes())
        return digest.hexdigest()[:16]

    def save(self, folder: str | Path) -> None:
        """Write the codec's part of model.json and codec.safetensors (int8) into the folder.

        Load it again before encoding: codes of the rounded weights differ a little.
        """
        keep = {k: v for k, v in self.state_dict().items() if not k.endswith(UNSAVED)}
        save_part(folder, "codec", {"config": dataclasses.asdict(self.config)}, keep, "int8")

    @classmethod
    def load(cls, folder: str | Path) -> SpectralCodec:
        """Read a codec written by `save`.

        Raises:
            FileNotFoundError: the folder holds no codec.
            ValueError: the files do not belong together or are damaged.
        """
        def build(part: dict[str, Any], tensors: dict[str, torch.Tensor]) -> SpectralCodec:
            config = from_record(SpectralConfig, part["config"])
            return network(lambda: cls(config), tensors, UNSAVED)

        return load_part(folder, "codec", build, "give the folder of a model or of a codec")
