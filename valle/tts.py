"""Text and a three-second prompt in, that voice out: a short face of valle.synthesis."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from numbers import Integral
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch

from codec.record import WrongValue, from_record
from g2p import Lexicon
from valle.engine.select import pick_device
from valle.model.checkpoint import Model, load_model, model_folder
from valle.recognizer.transcriber import Transcriber
from valle.synthesis.aligned import align
from valle.synthesis.candidate import best
from valle.synthesis.convert import laid_out, timed_segments
from valle.synthesis.edit import Edited, changes, patch
from valle.synthesis.join import SpokenSegment, join
from valle.synthesis.options import SamplingOptions
from valle.synthesis.pipeline import Delivery, Pipeline
from valle.synthesis.recording import Recording, warn
from valle.synthesis.result import Audio, SomeUnspoken
from valle.synthesis.segment import Segment, segments, with_known_phones
from valle.synthesis.voice import Prompt, encode_prompt, without_end
from valle.synthesis.voice_file import Voice
from valle.synthesis.watermark import NAME, Watermark
from valle.version import __version__

OnFrame = Callable[[int], None]
Speaker = Recording | Prompt | Voice


class VALLE:
    """Zero-shot speech synthesis.

        tts = VALLE.from_pretrained("starter")
        audio = tts.speak("Good morning.", prompt="p.wav", prompt_text="what p.wav says")
        audio.save("good_morning.wav")

    Attributes:
        transcriber: writes down the prompts that come without their words.
        lexicon: words that are said otherwise than espeak says them, or None.
    """

    def __init__(self, model: Model, name: str, device: torch.device,
                 precision: str = "auto", engine: str = "auto") -> None:
        """As Pipeline; name: of the model, for the record."""
        self.model, self.name, self.device = model, name, device
        self.sampling = from_record(SamplingOptions, model.sampling)
        self.pipeline = Pipeline(model, device, precision, engine)
        self.transcriber = Transcriber()
        self.lexicon: Lexicon | None = None
        self.precision, self.engine = self.pipeline.precision, self.pipeline.engine

    @property
    def watermark(self) -> Watermark | None:
        """What all speech is marked with; None, as it is at first, leaves it unmarked."""
        return self.pipeline.watermark

    @watermark.setter
    def watermark(self, watermark: Watermark | None) -> None:
        self.pipeline.watermark = watermark

    @classmethod
    def from_pretrained(cls, name: str | Path = "starter", device: str = "auto",
                        precision: str = "auto", engine: str = "auto") -> VALLE:
        """Load "starter" or a model folder; FileNotFoundError, ValueError say what is wrong."""
        return cls(load_model(model_folder(name)), str(name), pick_device(device), precision,
                   engine)

    def encode_prompt(self, prompt: Recording, prompt_text: str | None = None,
                      language: str = "en-us") -> Prompt:
        """Turn a recording and its words into a Prompt.

        Args:
            prompt: a sound file or one in memory (BytesIO), samples [N] at 24 kHz, or
                (samples, rate); samples may have channels, [N, C] or [C, N].
            prompt_text: the words; None has `transcriber` write them down (Prompt.text).

        Raises:
            FileNotFoundError, ValueError: unusable audio or text, in one line each.
        """
        return encode_prompt(prompt, prompt_text, language, self.model, self.device,
                             self.transcriber)

    @overload
    def speak(self, text: str, *,  # type: ignore[overload-overlap]
              prompt: Speaker, prompt_text: str | None = None,
              language: str = "en-us", seed: int = 0, sampling: SamplingOptions | None = None,
              continuation: bool = False, on_frame: OnFrame | None = None) -> Audio: ...
    @overload
    def speak(self, text: Sequence[str], *, prompt: Speaker,
              prompt_text: str | None = None, language: str = "en-us", seed: int = 0,
              sampling: SamplingOptions | None = None, continuation: bool = False,
              on_frame: OnFrame | None = None) -> list[Audio]: ...

    def speak(self, text: str | Sequence[str], *,
              prompt: Speaker, prompt_text: str | None = None,
              language: str = "en-us", seed: int = 0, sampling: SamplingOptions | None = None,
              continuation: bool = False, on_frame: OnFrame | None = None) -> Audio | list[Audio]:
        """Speak one text, or several in one pass, in the voice of the prompt.

        Args:
            text: long texts are cut at sentences and clauses and joined again.
            prompt: a recording as `encode_prompt` takes it, its result, or a Voice.
            prompt_text: what is said in the prompt; None has it written down, as `encode_prompt`.
            seed: same seed, same machine, same samples.
            sampling: how it is drawn; by default as the model speaks best.
            continuation: text goes on where prompt_text stops, and the prompt is part of the
                result (the paper's second task).
            on_frame: called with the work that was done: 1 for each token, 1 for each frame of
                NAR and codec.

        Raises:
            FileNotFoundError, ValueError: unusable input, in one line each.
            SomeUnspoken: some of several texts are unusable; it holds the Audio of the others.
        """
        texts = [self.spelled(one, language) for one in texts_of(text)]
        sampling = self._sampling(sampling)
        parts, errors, found = self.segments(texts, language, seed, sampling)
        if errors and not parts:
            raise SomeUnspoken([None] * len(texts), errors)
        if not parts:
            return []
        delivery = self._delivery(prompt, prompt_text, language, sampling, continuation)
        spoken = list(self.pipeline.stream(parts, delivery, on_frame=on_frame))
        settings = self._settings(delivery, seed)
        results = [None if index in errors else
                   join([one for one in spoken if one.segment.text == index],
                        self.model.codec.sample_rate, {"text": words, **settings},
                        (*delivery.voice.warnings, *found))
                   for index, words in enumerate(texts)]
        if errors:
            raise SomeUnspoken(results, errors)
        whole = [audio for audio in results if audio is not None]
        return whole[0] if isinstance(text, str) else whole

    def stream(self, text: str, *, prompt: Speaker, prompt_text: str | None = None,
               language: str = "en-us", seed: int = 0, sampling: SamplingOptions | None = None,
               continuation: bool = False, together: int = 1, quick: bool = False,
               ) -> Iterator[SpokenSegment]:
        """What `speak` would join, segment by segment, each as soon as it is finished.

        The samples of all segments in a row are those of `speak`. Leave the iterator, and nothing
        more is computed.

        Args:
            together: segments spoken side by side; with 1 the first is there soonest.
            quick: the first segment is short: heard sooner, cut where `speak` would not cut.

        Raises:
            FileNotFoundError, ValueError: unusable input, in one line each.
        """
        sampling = self._sampling(sampling)
        texts = [self.spelled(one, language) for one in texts_of(text)]
        parts, _, _ = self.segments(texts, language, seed, sampling, quick)
        delivery = self._delivery(prompt, prompt_text, language, sampling, continuation)
        return self.pipeline.stream(parts, delivery, together)

    def convert(self, recording: Recording, *, prompt: Speaker, text: str | None = None,
                prompt_text: str | None = None, language: str = "en-us", seed: int = 0,
                sampling: SamplingOptions | None = None, on_frame: OnFrame | None = None) -> Audio:
        """What a recording says, when it says it, in the voice of the prompt (convert.py).

        Args:
            recording: somebody who speaks, as `encode_prompt` takes it, up to two minutes.
            text: what is said in it; None has `transcriber` write it down.
            The others are those of `speak`.

        Raises:
            FileNotFoundError, ValueError: unusable input, in one line each.
        """
        sampling, spec = self._sampling(sampling), self.model.codec.spec
        source = align(recording, text, language, self.model, self.transcriber)
        delivery = self._delivery(prompt, prompt_text, language, sampling, False)
        timed = timed_segments(source, spec, seed)
        found = self.pipeline.candidates([one for _, one in timed], delivery, on_frame)
        spoken = [(first, best(some)) for (first, _), some in zip(timed, found, strict=True)]
        seconds = np.stack([source.starts, source.ends], axis=1) / spec.frame_rate
        samples = self.pipeline.marked(laid_out(spoken, len(source.samples), spec))
        return Audio(samples, spec.sample_rate, "eos",
                     [(phone, float(a), float(b)) for phone, (a, b)
                      in zip(source.phones, seconds, strict=True)],
                     {"text": source.text, "text_by": source.heard_by,
                      **self._settings(delivery, seed)}, warnings=delivery.voice.warnings)

    def edit(self, recording: Recording, to: str, *, text: str | None = None,
             language: str = "en-us", seed: int = 0, sampling: SamplingOptions | None = None,
             on_frame: OnFrame | None = None) -> Edited:
        """New speech for the words of a recording that are to change (edit.py).

            edited = tts.edit("talk.wav", "We meet on Friday.")
            samples, rate = soundfile.read("talk.wav", always_2d=True)
            soundfile.write("edited.wav", edited.applied_to(samples, rate), rate)

        Args:
            recording: somebody who speaks, as `encode_prompt` takes it, up to two minutes.
            to: what it is to say.
            text: what is said in it; None has `transcriber` write it down.
            The others are those of `speak`.

        Raises:
            FileNotFoundError, ValueError: unusable input, in one line each.
        """
        sampling, codec = self._sampling(sampling), self.model.codec
        source = align(recording, text, language, self.model, self.transcriber)
        codes = codec.encode(torch.from_numpy(source.samples).to(self.device)[None, None])[0]
        found = []
        for change in changes(source, to, language, codes, codec.spec, seed):
            delivery = Delivery(change.prompt, language, sampling, change.goes_on)
            [spoken] = self.pipeline.candidates([change.segment], delivery, on_frame)
            new = patch(change, best(spoken), source, codec.spec)
            found.append(replace(new, samples=self.pipeline.marked(new.samples)))
        return Edited(tuple(found), codec.sample_rate, source.text, source.heard_by)

    async def astream(self, text: str, **options: Any) -> AsyncIterator[SpokenSegment]:
        """As `stream`, with its options, for asyncio: the model works in a thread meanwhile."""
        spoken = await asyncio.to_thread(self.stream, text, **options)
        while (one := await asyncio.to_thread(next, spoken, None)) is not None:
            yield one

    def spelled(self, text: str, language: str) -> str:
        """The text with its words as the lexicon has them."""
        known = self.lexicon is not None and isinstance(text, str) and isinstance(language, str)
        return self.lexicon.apply(text, language) if known else text  # type: ignore[union-attr]

    def segments(self, texts: Sequence[str], language: str, seed: int, sampling: SamplingOptions,
                 quick: bool = False,
                 ) -> tuple[list[Segment], dict[int, ValueError], list[str]]:
        """As `segment.segments`, and what is wrong with the texts in words."""
        if isinstance(seed, bool) or not isinstance(seed, Integral):
            raise WrongValue("seed", repr(seed), "must be a whole number")
        self.model.ar.ids.language(language)  # refuse an unknown language before any work
        parts, errors = segments(texts, language, int(seed), sampling.pause, quick)
        parts, found = with_known_phones(parts, self.model.vocabulary)
        warn(found)
        return parts, errors, found

    def _sampling(self, sampling: SamplingOptions | None) -> SamplingOptions:
        if sampling is None:
            return self.sampling
        if not isinstance(sampling, SamplingOptions):
            raise ValueError(f"sampling is a {type(sampling).__name__}: give SamplingOptions")
        return sampling

    def _delivery(self, prompt: Speaker, prompt_text: str | None, language: str,
                  sampling: SamplingOptions, continuation: bool) -> Delivery:
        if isinstance(prompt, Voice):
            prompt.check(self.model.codec)
            prompt = prompt.prompt
        voice = (prompt if isinstance(prompt, Prompt)
                 else self.encode_prompt(prompt, prompt_text, language))
        return Delivery(without_end(voice) if continuation else voice, language, sampling,
                        continuation)

    def _settings(self, delivery: Delivery, seed: int) -> dict[str, Any]:
        """What it takes, besides text and prompt, to make the same samples again."""
        voice = delivery.voice
        return {"valle": __version__, "model": self.name, "weights": self.model.digest,
                "codec": self.model.codec.identity, "prompt": voice.source,
                "prompt_sha256": voice.sha256, "prompt_text": voice.text,
                "prompt_text_by": voice.heard_by,
                "language": delivery.language, "seed": int(seed),
                "continuation": delivery.continuation, "device": self.device.type,
                "precision": self.precision, "engine": self.engine,
                "watermark": NAME if self.watermark else "",
                "torch": torch.__version__, **asdict(delivery.sampling)}


def texts_of(text: Any) -> list[str]:
    """One text or several as a list; ValueError for anything else."""
    texts = [text] if isinstance(text, str) else list(text) if isinstance(
        text, Iterable) and not isinstance(text, (bytes, dict)) else [text]
    for one in texts:
        if not isinstance(one, str):
            raise ValueError(f"a text is a str, not a {type(one).__name__}")
    return texts
