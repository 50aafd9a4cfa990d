"""The words of a prompt that came without them.

Whisper hears them where faster-whisper and a model are on this machine, else PocketSphinx; nothing
is downloaded. Evaluations never come here: a protocol gives every prompt its words, so that no
judge chooses what it will judge.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from codec.audio import Samples
from g2p.espeak import resolve_language
from valle.features.text import words
from valle.recognizer.listener import RECOGNIZERS
from valle.recognizer.model import NAME as OURS
from valle.recognizer.whisper import FETCH, Whisper, weights_folder

DEFAULT, SPHINX = "base", "pocketsphinx"
# Languages that Whisper has under another code than espeak.
WHISPERS = {"cmn": "zh", "nb": "no"}
ENGLISH = "en"
# Log-probability per token: clean speech has -.1, with as much noise as speech -.15, with three
# times as much, wrongly heard, -.5, backwards -1. And the probability that nobody speaks.
UNSURE, NO_SPEECH = -0.4, 0.6
REMEDY = ("install Whisper (pip install 'valle[transcribe]') and fetch a model (`valle evaluate "
          "listeners`), or name a model's folder as the transcriber")
ERRORS_OF_SPHINX = "more than a third of the words wrong"  # benchmarks/README.md


class Untranscribed(ValueError):
    """The words of a prompt are not known, and cannot be heard."""


@dataclass(frozen=True)
class Heard:
    """What is said in a prompt, who heard it, and what is doubtful, a sentence each."""

    text: str
    by: str
    warnings: tuple[str, ...] = ()


class Transcriber:
    """Writes down prompts; its recogniser is loaded when the first prompt needs it."""

    def __init__(self, name: str = DEFAULT) -> None:
        """name: a Whisper model on this machine (base, small ...) or its folder, the folder of
        `valle train recognizer`, or pocketsphinx, which also stands in where there is no base.
        """
        self.name = name
        self._listen: Callable[[Samples, int, str], Heard] | None = None

    def __call__(self, samples: Samples, sample_rate: int, language: str = "en-us") -> Heard:
        """What is said in samples [N] at any rate.

        Raises:
            Untranscribed: no recogniser, none for this language, or no word was heard.
            ValueError: no such language.
        """
        self.check(language)
        self._listen = self._listen or self._load()
        heard = self._listen(samples, sample_rate, spoken(language))
        if not words(heard.text):
            raise Untranscribed(f"{heard.by} hears no speech in the prompt: record it again, or "
                                "give its words (prompt_text)")
        return heard

    def check(self, language: str) -> None:
        """As when it is called, as far as that is known without loading anything."""
        kind = self._kind()
        if spoken(language) != ENGLISH and kind != "whisper":
            raise unknown(f"{kind} hears English only, not {language}")

    def _kind(self) -> str:
        """"whisper", "pocketsphinx", or the folder of a recogniser of ours."""
        if (Path(self.name) / f"{OURS}.safetensors").is_file():
            return self.name
        if self.name != SPHINX and find_spec("faster_whisper"):
            try:
                if weights_folder(self.name):
                    return "whisper"
            except OSError as error:
                raise unknown(str(error).removesuffix(f": {FETCH}")) from error
        if self.name in (DEFAULT, SPHINX) and find_spec(SPHINX):
            return SPHINX
        raise unknown(f"{SPHINX} is not installed" if self.name == SPHINX else
                      f"Whisper {self.name} is not on this machine" if find_spec("faster_whisper")
                      else "faster-whisper is not installed")

    def _load(self) -> Callable[[Samples, int, str], Heard]:
        kind = self._kind()
        try:
            if kind == "whisper":
                return by_whisper(Whisper(self.name), f"Whisper {Path(self.name).name}")
            listen = RECOGNIZERS.load(kind)
        except (ImportError, OSError, ValueError) as error:
            raise unknown(str(error).removesuffix(f": {FETCH}")) from error
        doubt = (f"PocketSphinx wrote the prompt's words down, which gets {ERRORS_OF_SPHINX}: "
                 f"correct them, or {REMEDY}" if kind == SPHINX else
                 f"the recogniser {kind} wrote the prompt's words down: read what it heard")
        return lambda samples, rate, _: Heard(" ".join(listen(samples, rate)), kind, (doubt,))


def spoken(language: str) -> str:
    """Whisper's code, as "en", of one of espeak's languages; ValueError for what is none."""
    code = resolve_language(language).split("-")[0]
    return WHISPERS.get(code, code)


def unknown(reason: str) -> Untranscribed:
    """The error where nobody can hear the words, with what to do."""
    return Untranscribed(f"the prompt's words were not given, and {reason}: give them "
                         f"(prompt_text), or {REMEDY}")


def by_whisper(whisper: Whisper, name: str) -> Callable[[Samples, int, str], Heard]:
    """What Whisper hears, with a warning where it says itself that it is unsure."""
    def listen(samples: Samples, sample_rate: int, language: str) -> Heard:
        if language not in whisper.languages:
            raise unknown(f"{name} knows no language {language}")
        found = whisper.transcribe(samples, sample_rate, language)
        unsure = found.log_probability < UNSURE or found.no_speech > NO_SPEECH
        return Heard(found.text, name, (
            f"{name} is unsure what the prompt says (log-probability {found.log_probability:.1f} "
            f"per token, no speech at {found.no_speech:.0%}): check {found.text!r}",)
            if unsure else ())

    return listen
