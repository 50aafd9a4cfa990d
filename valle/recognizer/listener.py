"""Listeners by name: PocketSphinx, our own recogniser from a folder, published ones."""
from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE
from valle.features.optional import named
from valle.features.text import words
from valle.recognizer.decode import BeamOptions, transcribe
from valle.recognizer.model import Recognizer

PUBLISHED = {  # name: where its class is
    "pocketsphinx": "valle.recognizer.sphinx:PocketSphinx",
    "hubert-large": "valle.recognizer.adapters:HubertLarge",
    "whisper": "valle.recognizer.adapters:FasterWhisper",
    "transformers": "valle.recognizer.adapters:TransformersRecognizer",
}
TAKES_MODEL = ("whisper", "transformers")


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


def check_listener(name: str) -> None:
    """Raises ValueError where nobody is called so; nothing is loaded."""
    kind, _, model = name.partition(":")
    if not Path(name).is_dir() and (kind not in PUBLISHED or (model and kind not in TAKES_MODEL)):
        raise ValueError(f"no recogniser {name!r}: give a trained folder, {', '.join(PUBLISHED)}; "
                         "whisper:MODEL and transformers:MODEL take a model's name")


def load_listener(name: str) -> Listener:
    """A folder that `train.py --stage recognizer` made, or a published recogniser.

    Args:
        name: a folder; a key of PUBLISHED; whisper:MODEL (small.en, large-v3 or a folder) or
            transformers:MODEL, any speech recognition model of the hub or a folder.

    Raises:
        FileNotFoundError, ValueError: no such recogniser, or its files are missing or damaged.
        ImportError, OSError: a package is missing, or its weights cannot be had.
    """
    check_listener(name)
    if Path(name).is_dir():
        return TrainedRecognizer(Recognizer.load(name))
    kind, _, model = name.partition(":")
    adapter = named(PUBLISHED[kind])
    listener: Listener = adapter(model) if model else adapter()
    return listener
