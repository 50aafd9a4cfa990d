"""Text and a three-second prompt in, that voice out: the one place that sees every part."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch

from codec import check_prompt, load_audio, normalize_loudness, trim_silence
from codec.audio import Samples
from codec.colour import colour, match_colour
from g2p import BOUNDARIES, phonemize
from valle.engine.kvcache import fast_bfloat16, pick_precision
from valle.engine.select import pick_device, pick_engine
from valle.model.checkpoint import Model, load_model, shipped
from valle.model.nar import NARBatch, NARRow
from valle.speaker.encoder import Embedding
from valle.synthesis.candidate import Manner, Piece, Reading, join
from valle.synthesis.decode import MAX_ROWS, Request, Spoken, fill_latents, speak_codes
from valle.synthesis.rerank import DOUBTFUL, LANGUAGE, Verifier
from valle.synthesis.result import Audio, SomeUnspoken
from valle.synthesis.sampling import MAX_READINGS, SamplingOptions
from valle.synthesis.segment import split_phones
from valle.synthesis.voice import Prompt

MAX_PROMPT_SECONDS = 8.0       # longer prompts are cut at a word; training joins at most 14 s
REFUSED_PROMPT_SECONDS = 120.0
PLAUSIBLE_PHONES_PER_SECOND = (3.0, 25.0)
DOUBTFUL_ALIGNMENT = -2.5      # log-probability per frame, far below that of right texts


def model_folder(name: str | Path) -> Path:
    """Folder of a model: "starter", the voice in this repository, or a path."""
    if str(name) != "starter":
        return Path(name)
    return shipped("starter_weights", "starter")


def in_pieces(texts: Sequence[str], language: str,
              ) -> tuple[list[list[list[str]]], dict[int, ValueError]]:
    """Phones of each text in pieces to speak, none where there is an error, and the errors.

    Raises:
        ValueError: the only text cannot be spoken.
    """
    pieces: list[list[list[str]]] = []
    errors: dict[int, ValueError] = {}
    for index, text in enumerate(texts):
        try:
            pieces.append(split_phones(phonemize(text, language)))
        except ValueError as error:
            if len(texts) == 1:
                raise
            errors[index] = error
            pieces.append([])
    return pieces, errors


class VALLE:
    """Zero-shot speech synthesis.

        tts = VALLE.from_pretrained("starter")
        audio = tts.speak("Good morning.", prompt="p.wav", prompt_text="what p.wav says")
        audio.save("good_morning.wav")
    """

    def __init__(self, model: Model, name: str, device: torch.device,
                 precision: str = "auto", engine: str = "auto") -> None:
        """precision: of the weights while speaking, "auto" or one of cache.PRECISIONS.
        engine: what runs the AR, one of engines.ENGINES.

        Raises:
            ImportError, ValueError: the engine is unknown, is missing, or cannot take the model.
        """
        self.model, self.name, self.device = model, name, device
        self.precision = pick_precision(precision, device)
        self.engine, self.ar, self.decoder = pick_engine(engine, model.ar.to(device),
                                                         self.precision, device)
        self._embedded: tuple[Prompt, Embedding] | None = None
        model.nar.to(device)
        if isinstance(model.codec, torch.nn.Module):
            model.codec.to(device)

    @classmethod
    def from_pretrained(cls, name: str | Path = "starter", device: str = "auto",
                        precision: str = "auto", engine: str = "auto") -> VALLE:
        """Load "starter" or a model folder; FileNotFoundError, ValueError say what is wrong."""
        return cls(load_model(model_folder(name)), str(name), pick_device(device), precision,
                   engine)

    def encode_prompt(self, prompt: str | Path | Samples, prompt_text: str,
                      language: str = "en-us") -> Prompt:
        """Turn a recording [N] at 24 kHz (or its file) and its transcript into a Prompt.

        Raises:
            FileNotFoundError, ValueError: unusable audio or text, in one line each.
        """
        samples = (load_audio(prompt, max_seconds=REFUSED_PROMPT_SECONDS)
                   if isinstance(prompt, (str, Path)) else np.asarray(prompt, np.float32))
        check_prompt(samples)
        start, end = trim_silence(samples)
        samples = normalize_loudness(samples[start:end])
        if not prompt_text or not prompt_text.strip():
            raise ValueError("the prompt needs its transcript: give --prompt-text with the words "
                             "spoken in --prompt-audio")
        phones = phonemize(prompt_text, language)
        aligner = self.model.aligner
        durations = None if aligner is None else aligner.durations(samples, phones)
        if aligner is None and len(samples) > 2 * MAX_PROMPT_SECONDS * 24_000:
            raise ValueError(f"the prompt is {len(samples) / 24_000:.0f} s long; this model takes "
                             f"{MAX_PROMPT_SECONDS:.0f} s: cut audio and text")
        rate = len(phones) / (len(samples) / 24_000)
        if not PLAUSIBLE_PHONES_PER_SECOND[0] <= rate <= PLAUSIBLE_PHONES_PER_SECOND[1]:
            warnings.warn(f"the prompt text does not fit the prompt audio ({rate:.0f} phones per "
                          "second of audio; speech has 8 to 16): expect a poor voice",
                          stacklevel=2)
        elif (aligner is not None and durations is not None
              and aligner.score(samples, phones, durations) < DOUBTFUL_ALIGNMENT):
            warnings.warn("the prompt text does not fit what the prompt audio says: expect a poor "
                          "voice", stacklevel=2)
        wav = torch.from_numpy(samples).to(self.device)[None, None]
        codes = self.model.codec.encode(wav)[0]
        voice = Prompt(codes, phones, durations, colour(samples))
        frame_rate = self.model.codec.frame_rate
        if codes.shape[1] <= MAX_PROMPT_SECONDS * frame_rate:
            return voice
        start_of_it = voice.cut(int(MAX_PROMPT_SECONDS * frame_rate))
        if start_of_it is not voice:
            warnings.warn(f"the prompt is {codes.shape[1] / frame_rate:.1f} s long; its first "
                          f"{start_of_it.codes.shape[1] / frame_rate:.1f} s are heard",
                          stacklevel=2)
        return start_of_it

    @overload
    def speak(self, text: str, *, prompt: str | Path | Samples | Prompt, **options: Any,
              ) -> Audio: ...
    @overload
    def speak(self, text: Sequence[str], *, prompt: str | Path | Samples | Prompt, **options: Any,
              ) -> list[Audio]: ...

    def speak(self, text: str | Sequence[str], *,  # type: ignore[misc]
              prompt: str | Path | Samples | Prompt, prompt_text: str = "",
              language: str = "en-us", seed: int = 0, sampling: SamplingOptions | None = None,
              continuation: bool = False, on_frame: Callable[[int], None] | None = None,
              ) -> Audio | list[Audio]:
        """Speak one text, or several in one pass, in the voice of the prompt.

        Args:
            text: long texts are cut at sentences and clauses and joined again.
            prompt: audio file, samples [N] at 24 kHz, or the result of `encode_prompt`.
            prompt_text: what is said in the prompt; not needed with a Prompt.
            seed: same seed, same machine, same samples.
            continuation: text goes on where prompt_text stops, and the prompt is part of the
                result (the paper's second task).
            on_frame: called after every step with the number of tokens written.

        Raises:
            FileNotFoundError, ValueError: unusable input, in one line each.
            SomeUnspoken: some of several texts are unusable; it holds the Audio of the others.
        """
        texts = [text] if isinstance(text, str) else list(text)
        sampling = sampling or SamplingOptions()
        self.model.ar.ids.language(language)  # refuse an unknown language before any work
        phones, errors = in_pieces(texts, language)
        if errors and not any(phones):
            raise SomeUnspoken([None] * len(texts), errors)
        self._warn_unknown([p for parts in phones for part in parts for p in part])
        voice = (prompt if isinstance(prompt, Prompt)
                 else self.encode_prompt(prompt, prompt_text, language))
        if continuation:
            voice = replace(voice, phones=voice.phones[:-1], durations=voice.durations and [
                *voice.durations[:-2], voice.durations[-2] + voice.durations[-1]])
        manner = Manner(voice, language, sampling, continuation, on_frame)
        pieces = [[Piece(part, seed * 1_000_003 + index * 2 * MAX_READINGS, index == 0)
                   for index, part in enumerate(parts)] for parts in phones]
        every = [piece for parts in pieces for piece in parts]
        if not every:
            return []
        self._read(every, sampling.best_of, manner)
        if sampling.best_of > 1:
            self._judge(every, voice)
        for _ in range(sampling.retries):
            every = [piece for piece in every if self._doubts(piece, language)]
            if not every:
                break
            self._read(every, 1, manner)
            self._judge(every, voice)
        settings = {"model": self.name, "codec": self.model.codec.identity, "language": language,
                    "seed": seed, "continuation": continuation, "device": self.device.type,
                    "precision": self.precision, "engine": self.engine,
                    "torch": torch.__version__, **asdict(sampling)}
        codec = self.model.codec
        results = [None if index in errors else
                   join(parts, codec.sample_rate, codec.hop, {"text": words, **settings})
                   for index, (words, parts) in enumerate(zip(texts, pieces, strict=True))]
        if errors:
            raise SomeUnspoken(results, errors)
        whole = [audio for audio in results if audio is not None]
        return whole[0] if isinstance(text, str) else whole

    def _read(self, pieces: Sequence[Piece], count: int, manner: Manner) -> None:
        """`count` more readings of each piece: AR, NAR and codec, in one batch."""
        vocabulary, ids, voice = self.model.vocabulary, self.model.ar.ids, manner.voice
        known = vocabulary.encode(voice.phones)
        codes = voice.codes[0].tolist()
        heard = (ids.codes(codes) if voice.durations is None
                 else ids.interleave(known, voice.durations, codes))
        jobs = [(piece, piece.seed + len(piece.readings) + n)
                for piece in pieces for n in range(count)]
        requests = []
        for piece, seed in jobs:
            phones = vocabulary.encode(piece.phones)
            requests.append(Request([*ids.prefix(manner.language, known + phones), *heard], phones,
                                    [p in BOUNDARIES for p in piece.phones], seed))
        spoken = speak_codes(self.ar, requests, manner.sampling, self.decoder, manner.on_frame)
        together = 1 if self.device.type == "cpu" else MAX_ROWS  # padding would cost time there
        filled: list[tuple[torch.Tensor, torch.Tensor | None]] = []
        half = self.precision != "float32" and fast_bfloat16(self.device)
        for first in range(0, len(jobs), together):
            rows = slice(first, first + together)
            batch = NARBatch.pad([nar_row(voice, known, request.phones, one) for request, one
                                  in zip(requests[rows], spoken[rows], strict=True)],
                                 self.model.nar.config, self.device)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                latents = fill_latents(self.model.nar, batch, self.model.codec.codebooks,
                                       manner.sampling.nar_guidance)
            said = batch.frame_phones
            filled += zip(latents, [None] * len(latents) if said is None else said, strict=True)
        prompt_frames = voice.codes.shape[1]
        for (piece, _), (row, said), one in zip(jobs, filled, spoken, strict=True):
            wav = self._decode(row[:, : prompt_frames + len(one.codes)], said, voice)
            before, target = np.split(wav, [prompt_frames * self.model.codec.hop])
            target = match_colour(target, voice.colour)
            whole = (np.concatenate([before, target]) if manner.continuation and piece.first
                     else target)
            piece.readings.append(Reading(one, whole, piece.fluently(
                one, target, self.model.codec.sample_rate)))

    def _decode(self, latents: torch.Tensor, said: torch.Tensor | None, voice: Prompt) -> Samples:
        """Audio [N] of the prompt's frames and those behind them; latents [D, T], said [T']: the
        phone of each frame and perhaps of padding, None where the model does not know it."""
        codec, prompt_frames = self.model.codec, voice.codes.shape[1]
        known: dict[str, torch.Tensor] = {}
        if codec.phones and said is not None:
            known = {"phones": said[None, : latents.shape[1]],
                     "voice_phones": said[None, :prompt_frames]}
        wav = codec.decode(latents[None], voice.codes[None], **known)
        return np.asarray(wav[0, 0].float().cpu().numpy())

    @cached_property
    def verifier(self) -> Verifier:
        """The judges of readings, loaded when there is first something to judge."""
        return Verifier.load()

    def _target(self, reading: Reading) -> Samples:
        """A reading without the prompt that a continuation begins with."""
        frames = len(reading.spoken.codes)
        return reading.samples[len(reading.samples) - frames * self.model.codec.hop:]

    def _judge(self, pieces: Sequence[Piece], voice: Prompt) -> None:
        """Score the readings without a score."""
        whose = self._embedding(voice)
        for piece in pieces:
            piece.readings = [reading if reading.score else replace(
                reading, score=self.verifier.score(self._target(reading), piece.phones, whose))
                for reading in piece.readings]

    def _embedding(self, voice: Prompt) -> Embedding:
        """The voice as it sounds behind the codec; the last one is remembered."""
        last = self._embedded
        if last is None or last[0] is not voice:
            known = voice.codes[None]
            heard = self.model.codec.decode(known, known)[0, 0].float().cpu().numpy()
            self._embedded = last = voice, self.verifier.voice(heard)
        return last[1]

    def _doubts(self, piece: Piece, language: str) -> bool:
        """Is the best reading not fluent, or are its words doubtful?"""
        best = piece.best
        if not best.fluent:
            return True
        if not language.startswith(LANGUAGE):
            return False
        words = (best.score.words if best.score is not None
                 else self.verifier.words(self._target(best), piece.phones))
        return words < DOUBTFUL

    def _warn_unknown(self, phones: list[str]) -> None:
        unknown = self.model.vocabulary.unknown(phones)
        if unknown:
            warnings.warn(f"this model never learned the phones {' '.join(unknown)}; they will "
                          "sound wrong", stacklevel=3)


def nar_row(voice: Prompt, known: list[int], phones: list[int], spoken: Spoken) -> NARRow:
    """The prompt in all books, then the target in book 1. known: ids of the prompt's phones."""
    target = np.zeros((len(voice.codes), len(spoken.codes)), np.int64)
    target[0] = spoken.codes
    durations = (None if voice.durations is None or spoken.durations is None
                 else [*voice.durations, *spoken.durations])
    return NARRow([*known, *phones], np.concatenate([voice.codes.cpu().numpy(), target], axis=1),
                  voice.codes.shape[1], durations)
