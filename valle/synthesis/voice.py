"""A voice, as the models take it: the codes of a recording and what is said in it."""
from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from codec import check_prompt, load_audio, normalize_loudness, trim_silence
from codec.audio import Samples
from codec.ltas import LTAS, ltas
from g2p import BOUNDARIES, phonemize
from valle.model.checkpoint import Model

MAX_PROMPT_SECONDS = 8.0       # longer prompts are cut at a word; training joins at most 14 s
REFUSED_PROMPT_SECONDS = 120.0
PLAUSIBLE_PHONES_PER_SECOND = (3.0, 25.0)
DOUBTFUL_ALIGNMENT = -2.5      # log-probability per frame, far below that of right texts


@dataclass(frozen=True)
class Prompt:
    """A voice: all codes [Q, T], phones and, for the interleaved layout, frames per phone; and the
    LTAS of the whole recording."""

    codes: torch.Tensor
    phones: list[str]
    durations: list[int] | None
    ltas: LTAS

    def cut(self, frames: int) -> Prompt:
        """The start of the prompt, up to the word end nearest to `frames` frames.

        Nearest, not last before: an aligner may place a long gap there, and 0.2 s are no prompt.
        Without durations nobody knows where the words end, and the prompt stays whole.
        """
        if self.durations is None:
            return self
        ends = np.cumsum(self.durations)
        cuts = [i for i, phone in enumerate(self.phones) if phone in BOUNDARIES and i]
        cut = min(cuts, key=lambda i: abs(int(ends[i]) - frames), default=len(ends) - 1)
        if cut == len(ends) - 1:
            return self
        return Prompt(self.codes[:, : int(ends[cut])], [*self.phones[:cut], "."],
                      self.durations[: cut + 1], self.ltas)


def encode_prompt(prompt: str | Path | Samples, prompt_text: str, language: str, model: Model,
                  device: torch.device) -> Prompt:
    """The voice of a recording [N] at the codec's rate (or its file) and its transcript.

    Raises:
        FileNotFoundError, ValueError: unusable audio or text, in one line each.
    """
    codec, aligner = model.codec, model.aligner
    samples = (load_audio(prompt, codec.sample_rate, max_seconds=REFUSED_PROMPT_SECONDS)
               if isinstance(prompt, (str, Path)) else np.asarray(prompt, np.float32))
    check_prompt(samples)
    start, end = trim_silence(samples)
    samples = normalize_loudness(samples[start:end])
    if not prompt_text or not prompt_text.strip():
        raise ValueError("the prompt needs its transcript: give --prompt-text with the words "
                         "spoken in --prompt-audio")
    phones = phonemize(prompt_text, language)
    durations = None if aligner is None else aligner.durations(samples, phones)
    seconds = len(samples) / codec.sample_rate
    if aligner is None and seconds > 2 * MAX_PROMPT_SECONDS:
        raise ValueError(f"the prompt is {seconds:.0f} s long; this model takes "
                         f"{MAX_PROMPT_SECONDS:.0f} s: cut audio and text")
    rate = len(phones) / seconds
    if not PLAUSIBLE_PHONES_PER_SECOND[0] <= rate <= PLAUSIBLE_PHONES_PER_SECOND[1]:
        warnings.warn(f"the prompt text does not fit the prompt audio ({rate:.0f} phones per "
                      "second of audio; speech has 8 to 16): expect a poor voice", stacklevel=3)
    elif (aligner is not None and durations is not None
          and aligner.score(samples, phones, durations) < DOUBTFUL_ALIGNMENT):
        warnings.warn("the prompt text does not fit what the prompt audio says: expect a poor "
                      "voice", stacklevel=3)
    codes = codec.encode(torch.from_numpy(samples).to(device)[None, None])[0]
    voice = Prompt(codes, phones, durations, ltas(samples))
    if codes.shape[1] <= MAX_PROMPT_SECONDS * codec.frame_rate:
        return voice
    start_of_it = voice.cut(int(MAX_PROMPT_SECONDS * codec.frame_rate))
    if start_of_it is not voice:
        warnings.warn(f"the prompt is {codes.shape[1] / codec.frame_rate:.1f} s long; its first "
                      f"{start_of_it.codes.shape[1] / codec.frame_rate:.1f} s are heard",
                      stacklevel=3)
    return start_of_it


def without_end(voice: Prompt) -> Prompt:
    """The prompt as a text goes on from it: without the mark at its end, whose pause stays."""
    return replace(voice, phones=voice.phones[:-1], durations=voice.durations and [
        *voice.durations[:-2], voice.durations[-2] + voice.durations[-1]])
