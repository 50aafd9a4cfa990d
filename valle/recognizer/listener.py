"""Recognisers by name: Whisper and other published ones, and our own from a folder."""
from __future__ import annotations

from typing import Protocol

import torch

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE
from valle.features.registry import Registry
from valle.features.text import words
from valle.recognizer.decode import BeamOptions, transcribe
from valle.recognizer.model import Recognizer


class Listener(Protocol):
    """Audio to words."""

    def __call__(self, samples: Samples, sample_rate: int) -> list[str]:
        """The words heard in samples [N] at any rate, as `valle.evaluate.wer.words` has them."""


class TrainedRecognizer:
    """One of our recognisers, on the CPU."""

    def __init__(self, model: Recognizer, options: BeamOptions | None = None) -> None:
        self.model, self.options = model.eval(), options or BeamOptions()

    def __call__(self, samples: Samples, sample_rate: int) -> list[str]:
        """The words heard in samples [N] at any rate."""
        wav = torch.from_numpy(resample(samples, sample_rate, SAMPLE_RATE))
        return words(transcribe(self.model, wav, self.options))


def trained(folder: str) -> Listener:
    """A folder that `valle train recognizer` made."""
    return TrainedRecognizer(Recognizer.load(folder))


RECOGNIZERS: Registry[Listener] = Registry("recogniser", trained, {
    "whisper": "valle.recognizer.whisper:Whisper",
    "pocketsphinx": "valle.recognizer.sphinx:PocketSphinx",
    "hubert-large": "valle.recognizer.adapters:HubertLarge",
    "transformers": "valle.recognizer.adapters:TransformersRecognizer",
}, {"whisper": "MODEL", "transformers": "MODEL"})
