"""Text and a three-second prompt in, that voice out: the one place that sees every part."""
from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray

from codec import check_prompt, load_audio, normalize_loudness, save_audio, trim_silence
from codec.colour import colour, match_colour
from codec.files import atomic_path
from g2p import BOUNDARIES, phonemize
from valle.cache import fast_bfloat16, pick_precision
from valle.checkpoint import Model, load_model, shipped
from valle.chunks import split_phones
from valle.engines import pick_device, pick_engine
from valle.generate import Request, Spoken, fill_books, speak_codes
from valle.nar import NARBatch
from valle.prompt import Prompt
from valle.sampling import SamplingOptions
from valle.speaker.encoder import Embedding
from valle.verify import Score, Verifier

Samples = NDArray[np.float32]
MAX_PROMPT_SECONDS = 8.0       # longer prompts are cut at a word; training joins at most 14 s
REFUSED_PROMPT_SECONDS = 120.0
PLAUSIBLE_PHONES_PER_SECOND = (3.0, 25.0)
DOUBTFUL_ALIGNMENT = -2.5      # log-probability per frame, far below that of right texts
BEST_OF = 1                    # readings to choose from
MAX_ROWS = 16                  # texts and pieces of texts decoded side by side


@dataclass(frozen=True)
class Audio:
    """Speech: float32 samples [N], and what is needed to make it again.

    finish: "eos" when the model ended by itself, "cap" when it was stopped.
    phones: (phone, start, end) in seconds; empty for the plain layout.
    scores: of the reading that was kept of each piece of text; empty where there was no choice.
    """

    samples: Samples
    sample_rate: int
    finish: str
    phones: list[tuple[str, float, float]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    def save(self, path: str | Path) -> None:
        """Write a 16-bit WAV file and, beside it, a JSON file with everything to repeat it.

        Raises:
            ValueError: a path ending in .json, where both would be one file.
        """
        if Path(path).suffix == ".json":
            raise ValueError(f"{path}: name the audio .wav; the settings go to .json beside it")
        save_audio(path, self.samples, self.sample_rate)
        record = {**self.settings, "finish": self.finish, "seconds": round(self.seconds, 3),
                  "phones": [(p, round(a, 3), round(b, 3)) for p, a, b in self.phones],
                  "scores": [asdict(score) for score in self.scores]}
        with atomic_path(Path(path).with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n",
                                 encoding="utf-8")


class SomeUnspoken(ValueError):
    """Some of several texts cannot be spoken; the message says which and why.

    results: what the others became, None in the place of each that failed.
    """

    def __init__(self, results: list[Audio | None], errors: dict[int, ValueError]) -> None:
        which = "; ".join(f"text {index + 1}: {error}" for index, error in errors.items())
        super().__init__(f"{len(errors)} of {len(results)} texts cannot be spoken: {which}")
        self.results = results


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
              best_of: int = BEST_OF,
              continuation: bool = False, on_frame: Callable[[int], None] | None = None,
              ) -> Audio | list[Audio]:
        """Speak one text, or several in one pass, in the voice of the prompt.

        Args:
            text: long texts are cut at sentences and clauses and joined again.
            prompt: audio file, samples [N] at 24 kHz, or the result of `encode_prompt`.
            prompt_text: what is said in the prompt; not needed with a Prompt.
            seed: same seed, same machine, same samples.
            best_of: readings drawn for each piece of text, in one batch; the best is kept, by
                the words and the voice that our judges hear (verify.py). 1 is fastest.
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
        pieces, errors = in_pieces(texts, language)
        self._warn_unknown([p for piece in pieces for part in piece for p in part])
        voice = (prompt if isinstance(prompt, Prompt)
                 else self.encode_prompt(prompt, prompt_text, language))
        if continuation:
            voice = replace(voice, phones=voice.phones[:-1], durations=voice.durations and [
                *voice.durations[:-2], voice.durations[-2] + voice.durations[-1]])
        if not 1 <= best_of <= MAX_ROWS:
            raise ValueError(f"--best-of {best_of}: must be 1 to {MAX_ROWS}")
        jobs = [(part, seed * 1_000_003 + index * MAX_ROWS + reading) for parts in pieces
                for index, part in enumerate(parts) for reading in range(best_of)]
        readings: list[tuple[Spoken, Samples]] = []
        for first in range(0, len(jobs), MAX_ROWS):
            readings += self._speak_rows(jobs[first: first + MAX_ROWS], voice, language, sampling,
                                         continuation, on_frame)
        spoken: list[tuple[Spoken, Samples, Score | None]]
        spoken = [(*reading, None) for reading in readings]
        if best_of > 1:
            known = voice.codes[None]
            heard = self.model.codec.decode(known, known)[0, 0].float().cpu().numpy()
            whose = self.verifier.voice(heard)
            spoken = [self._best(jobs[i][0], readings[i: i + best_of], whose)
                      for i in range(0, len(jobs), best_of)]
        settings = {"model": self.name, "codec": self.model.codec.identity, "language": language,
                    "seed": seed, "continuation": continuation, "device": self.device.type,
                    "precision": self.precision, "engine": self.engine,
                    "torch": torch.__version__, "best_of": best_of, **asdict(sampling)}
        results: list[Audio | None] = []
        for index, (words, parts) in enumerate(zip(texts, pieces, strict=True)):
            done, spoken = spoken[: len(parts)], spoken[len(parts):]
            results.append(None if index in errors else
                           self._join(done, parts, {"text": words, **settings}))
        if errors:
            raise SomeUnspoken(results, errors)
        whole = [audio for audio in results if audio is not None]
        return whole[0] if isinstance(text, str) else whole

    def _speak_rows(self, jobs: list[tuple[list[str], int]], voice: Prompt, language: str,
                    sampling: SamplingOptions, continuation: bool,
                    on_frame: Callable[[int], None] | None) -> list[tuple[Spoken, Samples]]:
        """AR, NAR and codec for some pieces of text, in one batch."""
        vocabulary, ids = self.model.vocabulary, self.model.ar.ids
        known = vocabulary.encode(voice.phones)
        codes = voice.codes[0].tolist()
        heard = (ids.codes(codes) if voice.durations is None
                 else ids.interleave(known, voice.durations, codes))
        requests = []
        for part, seed in jobs:
            phones = vocabulary.encode(part)
            requests.append(Request([*ids.prefix(language, known + phones), *heard], phones,
                                    [p in BOUNDARIES for p in part], seed))
        spoken = speak_codes(self.ar, requests, sampling, self.decoder, on_frame)
        together = 1 if self.device.type == "cpu" else len(jobs)  # padding would cost time there
        filled: list[torch.Tensor] = []
        half = self.precision != "float32" and fast_bfloat16(self.device)
        for first in range(0, len(jobs), together):
            rows = slice(first, first + together)
            batch = self._nar_batch(voice, known, requests[rows], spoken[rows])
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                filled += fill_books(self.model.nar, batch, sampling.nar_guidance)
        prompt_frames = voice.codes.shape[1]
        results = []
        for row, one in zip(filled, spoken, strict=True):
            wav = self.model.codec.decode(row[None, :, : prompt_frames + len(one.codes)],
                                          voice.codes[None])[0, 0].float().cpu().numpy()
            before, target = np.split(wav, [prompt_frames * self.model.codec.hop])
            target = match_colour(target, voice.colour)
            results.append((one, np.concatenate([before, target]) if continuation else target))
        return results

    @cached_property
    def verifier(self) -> Verifier:
        """The judges of readings, loaded when there is first a choice."""
        return Verifier.load()

    def _best(self, part: list[str], readings: Sequence[tuple[Spoken, Samples]],
              whose: Embedding) -> tuple[Spoken, Samples, Score]:
        """The reading that ended by itself and that the verifier ranks first, and its score."""
        hop, score = self.model.codec.hop, self.verifier.score
        scored = [(one, wav, score(wav[len(wav) - len(one.codes) * hop:], part, whose))
                  for one, wav in readings]
        return max(scored, key=lambda reading: (reading[0].finish == "eos", reading[2].rank))

    def _nar_batch(self, voice: Prompt, before: list[int], requests: Sequence[Request],
                   spoken: Sequence[Spoken]) -> NARBatch:
        """Prompt in all books, target in book 1, padded to the longest row."""
        prompt_frames, books = voice.codes.shape[1], self.model.nar.config.n_codebooks
        n_phones = [len(before) + len(r.phones) for r in requests]
        n_frames = [prompt_frames + len(s.codes) for s in spoken]
        text = torch.zeros(len(requests), max(n_phones), dtype=torch.long)
        codes = torch.zeros(len(requests), books, max(n_frames), dtype=torch.long)
        codes[:, :, :prompt_frames] = voice.codes[:books].cpu()
        aligned = torch.zeros(len(requests), max(n_frames), dtype=torch.long)
        for i, (request, one) in enumerate(zip(requests, spoken, strict=True)):
            text[i, : n_phones[i]] = torch.tensor(before + request.phones)
            codes[i, 0, prompt_frames: n_frames[i]] = torch.tensor(one.codes, dtype=torch.long)
            if one.durations is not None and voice.durations is not None:
                said = request.phones[: len(one.durations)]
                aligned[i, : n_frames[i]] = torch.repeat_interleave(
                    torch.tensor(before + said), torch.tensor(voice.durations + one.durations))
        counts = (torch.tensor(x, device=self.device) for x in
                  (n_phones, n_frames, [prompt_frames] * len(requests)))
        n_text, n_all, n_prompt = counts
        return NARBatch(text.to(self.device), n_text, codes.to(self.device), n_all, n_prompt,
                        aligned.to(self.device) if self.model.nar.config.aligned else None)

    def _join(self, done: list[tuple[Spoken, Samples, Score | None]], parts: list[list[str]],
              settings: dict[str, Any]) -> Audio:
        """Pieces of one text as one Audio."""
        timings: list[tuple[str, float, float]] = []
        start = 0.0
        for (one, wav, _), part in zip(done, parts, strict=True):
            frames = np.cumsum([0, *(one.durations or [])]) / self.model.codec.frame_rate
            lead = len(wav) / 24_000 - len(one.codes) / self.model.codec.frame_rate
            timings += [(phone, start + lead + float(a), start + lead + float(b))
                        for phone, a, b in zip(part, frames[:-1], frames[1:], strict=False)]
            start += len(wav) / 24_000
        finish = "eos" if all(one.finish == "eos" for one, _, _ in done) else "cap"
        samples = np.concatenate([wav for _, wav, _ in done])
        scores = tuple(score for _, _, score in done if score is not None)
        return Audio(samples, self.model.codec.sample_rate, finish, timings, settings, scores)

    def _warn_unknown(self, phones: list[str]) -> None:
        unknown = self.model.vocabulary.unknown(phones)
        if unknown:
            warnings.warn(f"this model never learned the phones {' '.join(unknown)}; they will "
                          "sound wrong", stacklevel=3)
