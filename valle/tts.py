"""Text and a three-second prompt in, that voice out: a short face of valle.synthesis."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, overload

import torch

from codec.audio import Samples
from valle.engine.select import pick_device
from valle.model.checkpoint import Model, load_model, model_folder
from valle.synthesis.join import SpokenSegment, join
from valle.synthesis.pipeline import Delivery, Pipeline
from valle.synthesis.result import Audio, SomeUnspoken
from valle.synthesis.sampling import SamplingOptions
from valle.synthesis.segment import Segment, segments
from valle.synthesis.voice import Prompt, encode_prompt, without_end

OnFrame = Callable[[int], None]


class VALLE:
    """Zero-shot speech synthesis.

        tts = VALLE.from_pretrained("starter")
        audio = tts.speak("Good morning.", prompt="p.wav", prompt_text="what p.wav says")
        audio.save("good_morning.wav")
    """

    def __init__(self, model: Model, name: str, device: torch.device,
                 precision: str = "auto", engine: str = "auto") -> None:
        """As Pipeline; name: of the model, for the record."""
        self.model, self.name, self.device = model, name, device
        self.pipeline = Pipeline(model, device, precision, engine)
        self.precision, self.engine = self.pipeline.precision, self.pipeline.engine

    @classmethod
    def from_pretrained(cls, name: str | Path = "starter", device: str = "auto",
                        precision: str = "auto", engine: str = "auto") -> VALLE:
        """Load "starter" or a model folder; FileNotFoundError, ValueError say what is wrong."""
        return cls(load_model(model_folder(name)), str(name), pick_device(device), precision,
                   engine)

    def encode_prompt(self, prompt: str | Path | Samples, prompt_text: str,
                      language: str = "en-us") -> Prompt:
        """Turn a recording [N] at the codec's rate (or its file) and its transcript into a Prompt.

        Raises:
            FileNotFoundError, ValueError: unusable audio or text, in one line each.
        """
        return encode_prompt(prompt, prompt_text, language, self.model, self.device)

    @overload
    def speak(self, text: str, *,  # type: ignore[overload-overlap]
              prompt: str | Path | Samples | Prompt, prompt_text: str = "",
              language: str = "en-us", seed: int = 0, sampling: SamplingOptions | None = None,
              continuation: bool = False, on_frame: OnFrame | None = None) -> Audio: ...
    @overload
    def speak(self, text: Sequence[str], *, prompt: str | Path | Samples | Prompt,
              prompt_text: str = "", language: str = "en-us", seed: int = 0,
              sampling: SamplingOptions | None = None, continuation: bool = False,
              on_frame: OnFrame | None = None) -> list[Audio]: ...

    def speak(self, text: str | Sequence[str], *,
              prompt: str | Path | Samples | Prompt, prompt_text: str = "",
              language: str = "en-us", seed: int = 0, sampling: SamplingOptions | None = None,
              continuation: bool = False, on_frame: OnFrame | None = None) -> Audio | list[Audio]:
        """Speak one text, or several in one pass, in the voice of the prompt.

        Args:
            text: long texts are cut at sentences and clauses and joined again.
            prompt: audio file, samples [N] at the codec's rate, or the result of `encode_prompt`.
            prompt_text: what is said in the prompt; not needed with a Prompt.
            seed: same seed, same machine, same samples.
            continuation: text goes on where prompt_text stops, and the prompt is part of the
                result (the paper's second task).
            on_frame: called after every step with the number of tokens written.

        Raises:
            FileNotFoundError, ValueError: unusable input, in one line each.
            SomeUnspoken: some of several texts are unusable; it holds the Audio of the others.
        """
        texts, sampling = [text] if isinstance(text, str) else list(text), (
            sampling or SamplingOptions())
        parts, errors = self._segments(texts, language, seed)
        if errors and not parts:
            raise SomeUnspoken([None] * len(texts), errors)
        if not parts:
            return []
        delivery = self._delivery(prompt, prompt_text, language, sampling, continuation)
        spoken = list(self.pipeline.stream(parts, delivery, on_frame=on_frame))
        settings = self._settings(delivery, seed)
        results = [None if index in errors else
                   join([one for one in spoken if one.segment.text == index],
                        self.model.codec.sample_rate, {"text": words, **settings})
                   for index, words in enumerate(texts)]
        if errors:
            raise SomeUnspoken(results, errors)
        whole = [audio for audio in results if audio is not None]
        return whole[0] if isinstance(text, str) else whole

    def stream(self, text: str, *, prompt: str | Path | Samples | Prompt, prompt_text: str = "",
               language: str = "en-us", seed: int = 0, sampling: SamplingOptions | None = None,
               continuation: bool = False, together: int = 1) -> Iterator[SpokenSegment]:
        """What `speak` would join, segment by segment, each as soon as it is finished.

        The samples of all segments in a row are those of `speak`. Leave the iterator, and nothing
        more is computed.

        Args:
            together: segments spoken side by side; with 1 the first is there soonest.

        Raises:
            FileNotFoundError, ValueError: unusable input, in one line each.
        """
        parts, _ = self._segments([text], language, seed)
        delivery = self._delivery(prompt, prompt_text, language, sampling or SamplingOptions(),
                                  continuation)
        return self.pipeline.stream(parts, delivery, together)

    def _segments(self, texts: Sequence[str], language: str, seed: int,
                  ) -> tuple[list[Segment], dict[int, ValueError]]:
        self.model.ar.ids.language(language)  # refuse an unknown language before any work
        parts, errors = segments(texts, language, seed)
        self._warn_unknown(phone for part in parts for phone in part.phones)
        return parts, errors

    def _delivery(self, prompt: str | Path | Samples | Prompt, prompt_text: str, language: str,
                  sampling: SamplingOptions, continuation: bool) -> Delivery:
        voice = (prompt if isinstance(prompt, Prompt)
                 else self.encode_prompt(prompt, prompt_text, language))
        return Delivery(without_end(voice) if continuation else voice, language, sampling,
                        continuation)

    def _settings(self, delivery: Delivery, seed: int) -> dict[str, Any]:
        """What it takes, besides text and prompt, to make the same samples again."""
        return {"model": self.name, "codec": self.model.codec.identity,
                "language": delivery.language, "seed": seed,
                "continuation": delivery.continuation, "device": self.device.type,
                "precision": self.precision, "engine": self.engine,
                "torch": torch.__version__, **asdict(delivery.sampling)}

    def _warn_unknown(self, phones: Iterable[str]) -> None:
        unknown = self.model.vocabulary.unknown(phones)
        if unknown:
            warnings.warn(f"this model never learned the phones {' '.join(unknown)}; they will "
                          "sound wrong", stacklevel=4)
