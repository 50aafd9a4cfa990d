"""The lower half of a recogniser: how clearly does a recording say these phones?"""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from codec.parts import load_part, network, save_part
from codec.record import from_record
from valle.features.fbank import WINDOW
from valle.recognizer.align import ctc_path
from valle.recognizer.characters import plain_phones
from valle.recognizer.conformer import Conformer
from valle.recognizer.model import N_MELS, Recognizer, RecognizerConfig, filterbanks

NAME = "phones"
STRETCH = 8    # phones in a row: two words
SURE = np.log(0.5)  # log-probability of a phone that is likelier than all else together
NEVER = -99.0  # log-probability per phone where the phones cannot be in the recording at all


class PhoneListener(nn.Module):
    """A recogniser's encoder up to its phone head; the rest of a recogniser is not needed here."""

    def __init__(self, config: RecognizerConfig) -> None:
        super().__init__()
        c = self.config = config
        self.encoder = Conformer(N_MELS, c.width, c.blocks // 2, c.heads, c.kernel, c.dropout)
        self.phone_head = nn.Linear(c.width, 1 + len(c.phones))
        self.ids = {phone: index for index, phone in enumerate(c.phones, 1)}

    @classmethod
    def of(cls, recognizer: Recognizer) -> PhoneListener:
        """The lower half of a trained recogniser."""
        listener = cls(recognizer.config)
        weights = recognizer.state_dict()
        listener.load_state_dict({name: weights[name] for name in listener.state_dict()})
        return listener.eval().requires_grad_(False)

    @torch.inference_mode()
    def clarity(self, wav: torch.Tensor, phones: Sequence[str]) -> float:
        """How clear the least clear stretch of the phones is in audio [N] at 16 kHz.

        The mean log-probability of STRETCH phones in a row on CTC's best path, each at its best
        frame; nearer to 0 is better. A word that is missing shows there, and is lost in a mean over
        the whole text. -99 where there is no room for the phones. Stress, punctuation and phones it
        does not know are left out.
        """
        labels = [self.ids[p] for p in plain_phones(phones) if p in self.ids]
        if len(wav) < WINDOW or not labels:
            return NEVER
        log_probs = self._log_probs(wav)
        if len(labels) > len(log_probs):
            return NEVER
        found = [log_probs[start:end, label].max() for (start, end), label
                 in zip(ctc_path(log_probs, labels), labels, strict=True)]
        size = min(STRETCH, len(found))
        return max(NEVER, float(np.convolve(found, np.ones(size) / size, "valid").min()))

    @torch.inference_mode()
    def sure(self, wav: torch.Tensor) -> int:
        """How many phones it hears in audio [N] at 16 kHz that are likelier than all else together.

        Clear English speech has seven in a second; in drums and birdsong it hears phones too.
        """
        if len(wav) < WINDOW:
            return 0
        log_probs = self._log_probs(wav)
        best = log_probs.argmax(axis=1)
        likely = np.where((best > 0) & (log_probs.max(axis=1) > SURE), best, 0)
        return int((likely[likely != np.concatenate([[0], likely[:-1]])] > 0).sum())

    def _log_probs(self, wav: torch.Tensor) -> NDArray[np.float32]:
        """Log-probabilities [T, 1 + phones] of the blank and each phone in audio [N]."""
        top, _, _ = self.encoder(*filterbanks(wav[None], torch.tensor([len(wav)])))
        scores: NDArray[np.float32] = self.phone_head(top)[0].float().log_softmax(-1).cpu().numpy()
        return scores

    def save(self, folder: str | Path, precision: str = "int8") -> None:
        """Write the part of model.json and phones.safetensors."""
        save_part(folder, NAME, {"config": dataclasses.asdict(self.config)}, self.state_dict(),
                  precision)

    @classmethod
    def load(cls, folder: str | Path) -> PhoneListener:
        """Read what `save` wrote; FileNotFoundError or ValueError say what is wrong."""
        def build(record: dict[str, Any], tensors: dict[str, torch.Tensor]) -> PhoneListener:
            config = from_record(RecognizerConfig, record["config"])
            return network(lambda: cls(config), tensors)

        return load_part(folder, NAME, build, "make it of a trained recogniser with "
                                              "recipes/recognizer/run.sh phones")
