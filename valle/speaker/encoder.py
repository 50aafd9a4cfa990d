"""Speaker encoders by name: our own from a folder, published ones through `adapters`."""
from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE, WINDOW
from valle.features.optional import named
from valle.speaker.model import SpeakerModel

Embedding = NDArray[np.float32]
PUBLISHED = {  # name: where its class is
    "resemblyzer": "valle.evaluate.similarity:SpeakerEncoder",
    "wavlm-xvector": "valle.speaker.adapters:WavLMXVector",
    "wavlm-tdnn": "valle.speaker.wavlm_tdnn:WavLMTDNN",
    "speechbrain": "valle.speaker.adapters:SpeechBrainECAPA",
    "wespeaker": "valle.speaker.adapters:WeSpeaker",
}
TAKES_FILE = ("wespeaker", "wavlm-tdnn")


class SpeakerEncoder(Protocol):
    """Audio to an embedding; two embeddings are compared by their cosine."""

    def __call__(self, samples: Samples, sample_rate: int) -> Embedding:
        """Unit vector [D] of samples [N] at any rate; zeros where there is no speech."""


class TrainedEncoder:
    """One of our models, on the CPU."""

    def __init__(self, model: SpeakerModel) -> None:
        self.model = model.eval()

    @torch.inference_mode()
    def __call__(self, samples: Samples, sample_rate: int) -> Embedding:
        """Unit vector [D] of samples [N] at any rate; zeros for silence or less than 25 ms."""
        wav = resample(samples, sample_rate, SAMPLE_RATE)
        if len(wav) < WINDOW or not np.abs(wav).max() > 1e-4:
            return np.zeros(self.model.size, np.float32)
        embedding: Embedding = self.model.embed(torch.from_numpy(wav)[None])[0].numpy()
        return embedding


def check_encoder(name: str) -> None:
    """Raises ValueError where nobody is called so; nothing is loaded."""
    if Path(name).is_dir():
        return
    kind, _, file = name.partition(":")
    if kind not in PUBLISHED:
        raise ValueError(f"no speaker encoder {name!r}: give a trained folder, "
                         f"{', '.join(PUBLISHED)}")
    if file and kind not in TAKES_FILE:
        raise ValueError(f"{kind} takes no file: write {kind}")


def load_encoder(name: str) -> SpeakerEncoder:
    """A folder that `train.py --stage speaker` made, or a published encoder.

    Args:
        name: a folder; a key of PUBLISHED; or wespeaker:FILE.onnx and wavlm-tdnn:FILE.pth, which
            read a file that is there already.

    Raises:
        FileNotFoundError, ValueError: no such encoder, or its files are missing or damaged.
        ImportError, OSError: a package is missing, or its weights cannot be had.
    """
    check_encoder(name)
    if Path(name).is_dir():
        return TrainedEncoder(SpeakerModel.load(name))
    kind, _, file = name.partition(":")
    adapter = named(PUBLISHED[kind])
    encoder: SpeakerEncoder = adapter(Path(file)) if file else adapter()
    return encoder
