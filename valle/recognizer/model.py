"""The recogniser: Conformer, CTC heads for characters and phones, attention decoder."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from codec.parts import load_part, network, save_part
from codec.record import check_range, from_record
from valle.features.fbank import HOP, WINDOW, fbank
from valle.recognizer.characters import BLANK, CHARACTERS
from valle.recognizer.conformer import Conformer

N_MELS = 80
MOST_CHARACTERS = 512
NAME = "recognizer"
IGNORED = -100
SMOOTHING = 0.1           # of the attention decoder's labels
CTC_WEIGHT = 0.5          # the rest is the attention decoder's
PHONE_SHARE = 0.3         # of the CTC loss


@dataclass(frozen=True)
class RecognizerConfig:
    """Shape of the recogniser.

    Attributes:
        phones: classes of the phone head but the blank, which stands before them.
        width, blocks, heads, kernel: of the Conformer; the decoder shares width and heads.
    """

    phones: tuple[str, ...]
    width: int = 144
    blocks: int = 8
    heads: int = 4
    kernel: int = 15
    decoder_layers: int = 2
    dropout: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "phones", tuple(self.phones))
        check_range(self, width=(1, 8_192), blocks=(2, 256), heads=(1, 256), kernel=(1, 255),
                    decoder_layers=(1, 256), dropout=(0.0, 1.0))
        if self.width % (2 * self.heads) or self.kernel % 2 == 0 or self.blocks < 2:
            raise ValueError("a recogniser needs a width that its heads divide evenly, an odd "
                             "kernel and at least two blocks")


class Recognizer(nn.Module):
    """Hybrid CTC/attention speech recognition (Watanabe et al. 2017).

    The phone head reads the middle of the encoder, the character head its top: phones are nearer
    to the sound (Sanabria and Metze 2018, arXiv:1807.06234).
    """

    def __init__(self, config: RecognizerConfig) -> None:
        super().__init__()
        c = self.config = config
        self.encoder = Conformer(N_MELS, c.width, c.blocks, c.heads, c.kernel, c.dropout)
        self.character_head = nn.Linear(c.width, len(CHARACTERS))
        self.phone_head = nn.Linear(c.width, 1 + len(c.phones))
        self.embed = nn.Embedding(len(CHARACTERS), c.width)
        self.positions = nn.Embedding(MOST_CHARACTERS, c.width)
        layer = nn.TransformerDecoderLayer(c.width, c.heads, 4 * c.width, c.dropout,
                                           batch_first=True, norm_first=True)
        self.decoder = nn.TransformerDecoder(layer, c.decoder_layers, nn.LayerNorm(c.width))
        self.output = nn.Linear(c.width, len(CHARACTERS))
        for table in (self.embed, self.positions):
            nn.init.normal_(table.weight, std=c.width ** -0.5)
        self.phone_ids = {phone: index for index, phone in enumerate(c.phones, 1)}

    def forward(self, features: torch.Tensor, n_frames: torch.Tensor,
                ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Features [B, T, 80] with n_frames [B], zeros after them.

        Returns (memory [B, T', D], log-probabilities of characters [B, T', C] and of phones
        [B, T', 1 + P], lengths [B]), T' = T / 4; class 0 of both is the blank.
        """
        top, middle, lengths = self.encoder(features, n_frames)
        return (top, self.character_head(top).float().log_softmax(-1),
                self.phone_head(middle).float().log_softmax(-1), lengths)

    def next_logits(self, prefix: torch.Tensor, memory: torch.Tensor,
                    lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Logits [B, L, C] of what follows each of the characters [B, L]; 0 begins and ends."""
        size = prefix.shape[1]
        x = self.embed(prefix) + self.positions(torch.arange(size, device=prefix.device))
        later = torch.ones(size, size, dtype=torch.bool, device=prefix.device).triu(1)
        padding = None
        if lengths is not None:
            padding = torch.arange(memory.shape[1], device=memory.device) >= lengths[:, None]
        x = self.decoder(x, memory, tgt_mask=later, memory_key_padding_mask=padding)
        return self.output(x).float()  # type: ignore[no-any-return]

    def loss(self, features: torch.Tensor, n_frames: torch.Tensor, characters: list[list[int]],
             phones: list[list[int]]) -> dict[str, torch.Tensor]:
        """Losses per character or phone: "ctc", "phone_ctc", "attention" and their sum "loss"."""
        memory, by_character, by_phone, lengths = self(features, n_frames)
        ctc = ctc_loss(by_character, lengths, characters)
        phone_ctc = ctc_loss(by_phone, lengths, phones)
        given, wanted = teacher_forcing(characters)
        logits = self.next_logits(given.to(memory.device), memory, lengths)
        attention = F.cross_entropy(logits.transpose(1, 2), wanted.to(memory.device),
                                    ignore_index=IGNORED, label_smoothing=SMOOTHING)
        both = (1 - PHONE_SHARE) * ctc + PHONE_SHARE * phone_ctc
        return {"loss": CTC_WEIGHT * both + (1 - CTC_WEIGHT) * attention, "ctc": ctc,
                "phone_ctc": phone_ctc, "attention": attention}

    def save(self, folder: str | Path, precision: str = "float16") -> None:
        """Write the part of model.json and recognizer.safetensors (float32, float16 or int8)."""
        save_part(folder, NAME, {"config": dataclasses.asdict(self.config)}, self.state_dict(),
                  precision)

    @classmethod
    def load(cls, folder: str | Path) -> Recognizer:
        """Read what `save` wrote, ready for use.

        Raises:
            FileNotFoundError: not a folder of a recogniser.
            ValueError: damaged, or made by something else.
        """
        def build(record: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Recognizer:
            config = from_record(RecognizerConfig, record["config"])
            return network(lambda: cls(config), tensors)

        return load_part(folder, NAME, build,
                         "train a recogniser with `valle train recognizer`")


def filterbanks(wav: torch.Tensor, n_samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(filterbanks [B, T, 80], frames [B]) of audio [B, N] at 16 kHz, n_samples [B].

    Each band of a row has mean 0 and variance 1 over its real frames; zeros follow them.
    """
    bands = fbank(wav, N_MELS)
    n_frames = 1 + (n_samples - WINDOW) // HOP
    real = (torch.arange(bands.shape[1]) < n_frames[:, None])[..., None]
    bands = bands - masked_mean(bands, real)
    bands = bands / masked_mean(bands.square(), real).sqrt().clamp(min=1e-3)
    return bands * real, n_frames


def masked_mean(x: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Mean [B, 1, F] of x [B, T, F] over the frames where real [B, T, 1] is true."""
    return (x * real).sum(dim=1, keepdim=True) / real.sum(dim=1, keepdim=True)


def ctc_loss(log_probs: torch.Tensor, lengths: torch.Tensor, targets: list[list[int]],
             ) -> torch.Tensor:
    """CTC loss (Graves et al. 2006) per label of log-probabilities [B, T, C].

    A row whose labels do not fit its frames counts nothing.
    """
    sizes = torch.tensor([len(t) for t in targets])
    joined = torch.tensor([label for target in targets for label in target])
    loss = F.ctc_loss(log_probs.transpose(0, 1), joined, lengths, sizes, blank=BLANK,
                      reduction="sum", zero_infinity=True)
    return loss / sizes.sum()


def teacher_forcing(targets: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs [B, L] and labels [B, L] of the decoder; labels beyond the end are ignored."""
    given = [torch.tensor([BLANK, *target]) for target in targets]
    wanted = [torch.tensor([*target, BLANK]) for target in targets]
    return (nn.utils.rnn.pad_sequence(given, batch_first=True),
            nn.utils.rnn.pad_sequence(wanted, batch_first=True, padding_value=IGNORED))
