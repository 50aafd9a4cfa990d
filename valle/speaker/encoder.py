"""Speaker encoders by name: our own from a folder, published ones through `adapters`."""
from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE, WINDOW
from valle.features.registry import Registry
from valle.speaker.model import SpeakerModel

Embedding = NDArray[np.float32]


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


def trained(folder: str) -> SpeakerEncoder:
    """A folder that `valle train speaker` made."""
    return TrainedEncoder(SpeakerModel.load(folder))


ENCODERS: Registry[SpeakerEncoder] = Registry("speaker encoder", trained, {
    "resemblyzer": "valle.speaker.adapters:Resemblyzer",
    "wavlm-xvector": "valle.speaker.adapters:WavLMXVector",
    "wavlm-tdnn": "valle.speaker.wavlm_tdnn:WavLMTDNN",
    "speechbrain": "valle.speaker.adapters:SpeechBrainECAPA",
    "wespeaker": "valle.speaker.adapters:WeSpeaker",
}, {"wespeaker": "FILE.onnx", "wavlm-tdnn": "FILE.pth"})


def cosine(a: Embedding, b: Embedding) -> float:
    """Cosine of two embeddings [D]; 0 where one of them is zero."""
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / scale if scale else 0.0
