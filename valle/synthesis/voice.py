"""A voice, as the models take it: the codes of a recording and what is said in it."""
from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from codec.audio import SAMPLE_RATE, Samples, resample
from codec.ltas import LTAS, ltas
from codec.spec import CodecSpec
from g2p import BOUNDARIES, phonemize
from valle.model.aligner import Aligner
from valle.model.checkpoint import Model
from valle.recognizer.transcriber import Heard, Transcriber
from valle.synthesis.hearing import check_heard
from valle.synthesis.piece import Piece, TimedSpeech, best_piece
from valle.synthesis.recording import (
    Recording,
    as_samples,
    condition,
    is_file,
    likelier_rate,
    source_of,
    warn,
)

MAX_PROMPT_SECONDS = 8.0       # longer prompts are cut at a word; training joins at most 14 s
REFUSED_PROMPT_SECONDS = 120.0
PLAUSIBLE_PHONES_PER_SECOND = (3.0, 25.0)
DOUBTFUL_ALIGNMENT = -2.5      # log-probability per frame, far below that of right texts


@dataclass(frozen=True)
class Prompt:
    """A voice: all codes [Q, T], phones and, for the interleaved layout, frames per phone; and the
    LTAS.

    text: what is said in the recording. source, sha256: the file it comes from, if any, and the
    hash of its samples. warnings: what is wrong with it, a sentence each. heard_by: who wrote the
    text down, "" where it was given. piece: what was taken of the recording, if it was one.
    """

    codes: torch.Tensor
    phones: list[str]
    durations: list[int] | None
    ltas: LTAS
    text: str = ""
    source: str = ""
    sha256: str = ""
    warnings: tuple[str, ...] = ()
    heard_by: str = ""
    piece: Piece | None = None

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
        return replace(self, codes=self.codes[:, : int(ends[cut])],
                       phones=[*self.phones[:cut], "."], durations=self.durations[: cut + 1])


def encode_prompt(prompt: Recording, prompt_text: str | None, language: str, model: Model,
                  device: torch.device, transcriber: Transcriber | None = None) -> Prompt:
    """The voice of a recording and its words; what is wrong with it is in its warnings.

    prompt_text: None has the transcriber write them down.

    Raises:
        FileNotFoundError, ValueError: unusable audio or text, in one line each.
    """
    if prompt_text is not None and (not isinstance(prompt_text, str) or not prompt_text.strip()):
        raise ValueError("prompt_text holds no words: give those spoken in the prompt, or None to "
                         "have them written down")
    phones = phonemize(prompt_text, language) if prompt_text else []
    codec, aligner = model.codec, model.aligner
    given = as_samples(prompt, REFUSED_PROMPT_SECONDS)
    conditioned, found, start = condition(given)
    heard = Heard(prompt_text, "") if prompt_text else (transcriber or Transcriber())(
        conditioned, SAMPLE_RATE, language)
    found += heard.warnings
    phones = phones or phonemize(heard.text, language)
    samples = resample(conditioned, SAMPLE_RATE, codec.sample_rate)
    seconds = len(samples) / codec.sample_rate
    if aligner is None and seconds > 2 * MAX_PROMPT_SECONDS:
        raise ValueError(f"the prompt is {seconds:.0f} s long; this model takes "
                         f"{MAX_PROMPT_SECONDS:.0f} s: cut audio and text")
    if aligner is not None and not is_file(prompt):
        found += _rate_in_doubt(prompt, given, phones, aligner)
    check_heard(conditioned)
    durations = None if aligner is None else aligner.durations(samples, phones)
    rate = len(phones) / seconds
    if not PLAUSIBLE_PHONES_PER_SECOND[0] <= rate <= PLAUSIBLE_PHONES_PER_SECOND[1]:
        found.append(f"the prompt text does not fit the prompt audio ({rate:.0f} phones per "
                     "second of audio; speech has 8 to 16): expect a poor voice")
    elif (aligner is not None and durations is not None
          and aligner.score(samples, phones, durations) < DOUBTFUL_ALIGNMENT):
        found.append("the prompt text does not fit what the prompt audio says: expect a poor "
                     "voice")
    piece = Piece(round(start, 2), round(start + seconds, 2), heard.text)
    if aligner is not None and durations is not None and seconds > MAX_PROMPT_SECONDS:
        taken, piece = _best(TimedSpeech(samples, phones, durations), heard.text, language, aligner,
                             start)
        samples, phones, durations = taken.samples, taken.phones, taken.durations
        found.append(f"the prompt is {seconds:.1f} s long; it takes {piece.start:.1f} to "
                     f"{piece.end:.1f} s of the recording: {piece.text!r}")
    codes = codec.encode(torch.from_numpy(samples).to(device)[None, None])[0]
    voice = Prompt(codes, phones, durations, ltas(samples, codec.sample_rate), heard.text,
                   source_of(prompt), hashlib.sha256(given.tobytes()).hexdigest(),
                   heard_by=heard.by, piece=piece)
    warn(found)
    return replace(voice, warnings=tuple(found))


def _best(whole: TimedSpeech, text: str, language: str, aligner: Aligner, start: float,
          ) -> tuple[TimedSpeech, Piece]:
    """The best piece of a long recording whose speech begins at `start` seconds."""
    spec, stack = aligner.spec, aligner.config.stack
    fit = aligner.fit(whole.samples, whole.phones, whole.durations)
    fit = fit[: len(fit) // stack * stack].reshape(-1, stack).mean(axis=1)
    first, last = best_piece(fit, whole.phones, whole.durations, spec.frame_rate,
                             MAX_PROMPT_SECONDS)
    taken, begin = whole.between(first, last, spec)
    begin += start
    return taken, Piece(round(begin, 2), round(begin + len(taken.samples) / spec.sample_rate, 2),
                        whole.words(text, language, first, last))


def joined(prompts: Sequence[Prompt], spec: CodecSpec) -> Prompt:
    """Recordings of one person as one prompt, cut where it would be too long; spec: the codec's.

    Raises:
        ValueError: none, or some with timings and some without.
    """
    if not prompts:
        raise ValueError("no recording to make a voice of")
    if len(prompts) == 1:
        return prompts[0]
    timed = [p.durations for p in prompts if p.durations is not None]
    if timed and len(timed) < len(prompts):
        raise ValueError("prompts with timings and prompts without cannot be joined")
    seconds = [p.ltas.seconds for p in prompts]
    bands = sum(p.ltas.bands * p.ltas.seconds for p in prompts) / max(sum(seconds), 1e-6)
    whole = Prompt(
        torch.cat([p.codes for p in prompts], dim=1),
        [phone for p in prompts for phone in p.phones],
        [frames for durations in timed for frames in durations] if timed else None,
        LTAS(torch.as_tensor(bands), sum(seconds)),
        " ".join(p.text for p in prompts if p.text),
        sha256=hashlib.sha256("".join(p.sha256 for p in prompts).encode()).hexdigest(),
        warnings=tuple(dict.fromkeys(warning for p in prompts for warning in p.warnings)),
        heard_by=next((p.heard_by for p in prompts if p.heard_by), ""))
    return whole.cut(spec.frames(MAX_PROMPT_SECONDS)) if (
        whole.codes.shape[1] > spec.frames(MAX_PROMPT_SECONDS)) else whole


def _rate_in_doubt(prompt: Recording, given: Samples, phones: list[str], aligner: Aligner,
                   ) -> list[str]:
    """Whether samples seem to have another rate than the one that was stated or taken for granted.

    Raises:
        ValueError: they do, and none was stated.
    """
    def fit(wave: Samples) -> float:
        try:
            heard = resample(condition(wave)[0], SAMPLE_RATE, aligner.config.mel.sample_rate)
            return aligner.score(heard, phones, aligner.durations(heard, phones))
        except ValueError:  # no room for the phones
            return -math.inf

    rate = likelier_rate(given, fit)
    if rate is None:
        return []
    if not isinstance(prompt, tuple):
        raise ValueError(f"samples without a rate are taken for {SAMPLE_RATE} Hz, but these sound "
                         f"like about {rate} Hz: give (samples, rate)")
    return [f"the prompt sounds as if {prompt[1]} Hz were not its rate (at {rate} Hz, once it is "
            f"{SAMPLE_RATE} Hz, its words are clear): check it"]


def without_end(voice: Prompt) -> Prompt:
    """The prompt as a text goes on from it: without the mark at its end, whose pause stays."""
    return replace(voice, phones=voice.phones[:-1], durations=voice.durations and [
        *voice.durations[:-2], voice.durations[-2] + voice.durations[-1]])
