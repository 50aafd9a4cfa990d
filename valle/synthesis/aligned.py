"""A recording as it stands, with when each of its phones is said: what is edited or converted."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.audio import SAMPLE_RATE, Samples, resample
from codec.speech import normalize_loudness, without_rumble
from g2p import phonemize
from valle.model.checkpoint import Model
from valle.recognizer.transcriber import Transcriber, Untranscribed
from valle.synthesis.recording import Recording, as_samples
from valle.synthesis.voice import DOUBTFUL_ALIGNMENT

MAX_SECONDS = 120.0


@dataclass(frozen=True)
class Aligned:
    """A recording of somebody who speaks.

    Attributes:
        samples: [N] at the codec's rate and the usual loudness; nothing is cut off.
        gain: by how much they are louder than those that were given.
        text: what is said.
        phones: [L] of it.
        durations: frames of each phone [L].
        heard_by: who wrote the text down, "" where it was given.
    """

    samples: Samples
    gain: float
    text: str
    phones: tuple[str, ...]
    durations: tuple[int, ...]
    heard_by: str = ""

    @property
    def ends(self) -> NDArray[np.int64]:
        """The frame at which each phone ends [L]."""
        return np.cumsum(self.durations)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The frame at which each phone begins [L]."""
        return self.ends - self.durations


def align(recording: Recording, text: str | None, language: str, model: Model,
          transcriber: Transcriber) -> Aligned:
    """A recording with its timings; text: None has the transcriber write it down.

    Raises:
        FileNotFoundError, ValueError: unusable audio or text, in one line each.
    """
    if model.aligner is None:
        raise ValueError("this model has no timings (plain layout): take one of the interleaved "
                         "layout, such as starter")
    if text is not None and not text.strip():
        raise ValueError("text holds no words: give those that the recording says, or None to "
                         "have them written down")
    given = as_samples(recording, MAX_SECONDS)
    clean = without_rumble(given, SAMPLE_RATE)
    loud = normalize_loudness(clean, SAMPLE_RATE)
    gain = float(np.abs(loud).max(initial=0) / max(np.abs(clean).max(initial=0), 1e-9))
    heard_by = ""
    if text is None:
        try:
            heard = transcriber(loud, SAMPLE_RATE, language)
        except Untranscribed as error:
            raise Untranscribed(str(error).replace("the prompt", "the recording").replace(
                "prompt_text", "text")) from error
        text, heard_by = heard.text, heard.by
    phones = phonemize(text, language)
    samples = resample(loud, SAMPLE_RATE, model.codec.sample_rate)
    durations = model.aligner.durations(samples, phones)
    if model.aligner.score(samples, phones, durations) < DOUBTFUL_ALIGNMENT:
        raise ValueError("the text does not fit what the recording says: correct it")
    return Aligned(samples, gain, text, tuple(phones), tuple(durations), heard_by)
