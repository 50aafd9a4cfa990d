"""Published recognisers, each loaded when it is asked for; their weights download."""
from __future__ import annotations

import numpy as np

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE
from valle.features.optional import downloaded, transformers_package
from valle.features.text import words

USER = "the recogniser {}"


def heard(samples: Samples, sample_rate: int) -> Samples:
    """Samples [N] at 16 kHz, of a tenth of a second at least."""
    wav = np.asarray(resample(samples, sample_rate, SAMPLE_RATE), np.float32)
    return np.pad(wav, (0, max(0, SAMPLE_RATE // 10 - len(wav))))


class TransformersRecognizer:
    """Any speech recognition model of the hub: CTC (wav2vec 2.0, HuBERT) or sequence to sequence.

    Greedy, without a language model.
    """

    def __init__(self, source: str = "openai/whisper-small.en") -> None:
        """Load a model's name on the hub or its folder.

        Raises:
            ImportError, OSError: no transformers, or weights that cannot be had.
        """
        user = USER.format(f"transformers:{source}")
        transformers = transformers_package(user)
        self._pipe = downloaded(user, source, lambda: transformers.pipeline(
            "automatic-speech-recognition", model=source, device="cpu"))

    def __call__(self, samples: Samples, sample_rate: int) -> list[str]:
        """The words heard in samples [N] at any rate."""
        given = {"raw": heard(samples, sample_rate), "sampling_rate": SAMPLE_RATE}
        return words(str(self._pipe(given)["text"]))


class HubertLarge(TransformersRecognizer):
    """HuBERT-Large fine-tuned on LibriSpeech 960 h (Hsu et al. 2021): the papers' WER-H."""

    def __init__(self) -> None:
        super().__init__("facebook/hubert-large-ls960-ft")
