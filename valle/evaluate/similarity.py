"""Is it the same voice: Resemblyzer embeddings (a GE2E speaker encoder), on the CPU.

Read its cosines with their baselines: same speaker about .83 to .95, others .56 to .89.
"""
from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE
from valle.features.optional import MISSING

Embedding = NDArray[np.float32]
SIZE = 256


class SpeakerEncoder:
    """One network, loaded once; embed each clip once and compare embeddings."""

    def __init__(self) -> None:
        """Load the weights that come inside the package.

        Raises:
            ImportError: no resemblyzer, or one of the packages it needs.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pkg_resources and scipy: not a user's business
            try:
                from resemblyzer import VoiceEncoder, preprocess_wav
            except ImportError as error:
                raise ImportError(f"{MISSING} ({error})") from error
            self._encoder = VoiceEncoder("cpu", verbose=False)
        self._preprocess = preprocess_wav

    def __call__(self, samples: Samples, sample_rate: int) -> Embedding:
        """Unit vector [256] of samples [N] at any rate; zeros where there is no speech."""
        wav = np.clip(resample(samples, sample_rate, SAMPLE_RATE), -1, 1)
        if not wav.size or not np.abs(wav).max() > 1e-4:
            return np.zeros(SIZE, np.float32)
        spoken = np.asarray(self._preprocess(wav), np.float32)
        if spoken.size < SAMPLE_RATE // 10:
            return np.zeros(SIZE, np.float32)
        return np.asarray(self._encoder.embed_utterance(spoken), np.float32)


def cosine(a: Embedding, b: Embedding) -> float:
    """Cosine of two embeddings [256]; 0 where one of them is zero."""
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / scale if scale else 0.0
