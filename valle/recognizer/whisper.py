"""Whisper (Radford et al. 2022) by faster-whisper, as a listener of an open vocabulary.

It hears what is there, knowing nothing of the text: int8 on the CPU, English, greedy, without a
second try, without timestamps, nothing carried from one window to the next. The same clip always
gives the same words. Greedy, because a beam without timestamps likes to end early: of seven
recordings beam 5 left out a whole phrase of two, and it takes a fifth longer.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from codec.audio import Samples
from valle.features.fbank import SAMPLE_RATE
from valle.features.optional import downloaded, package
from valle.features.text import words
from valle.recognizer.adapters import USER, heard

FOLDER = "VALLE_LISTENERS"     # environment variable: where `valle evaluate listeners` puts models
FETCH = "fetch it with `valle evaluate listeners`, or name its folder: --recognizer whisper:FOLDER"
FILES = ("config.json", "model.bin", "tokenizer.json")
DECODING = "int8, greedy"
TOKENS = (10, 10)              # at the start, and a second: no loop runs on for ever


@dataclass(frozen=True)
class Transcript:
    """What was heard, and how sure that is: the mean log-probability of a token, and the greatest
    probability that a window holds no speech."""

    text: str
    log_probability: float
    no_speech: float


class Whisper:
    """A Whisper model, loaded once."""

    def __init__(self, source: str = "base") -> None:
        """Load a folder in faster-whisper's format, or a name (base, small.en, large-v3 ...).

        Raises:
            ImportError: no faster-whisper.
            FileNotFoundError, ValueError: the folder is not there, lacks a file, or is damaged.
            OSError: a name that is neither on this machine nor to be had from the hub.
        """
        user = USER.format(f"whisper:{source}")
        faster_whisper = package("faster_whisper", user, "faster-whisper")
        folder = weights_folder(source)

        def load(**options: bool) -> Any:
            return faster_whisper.WhisperModel(
                str(folder or source), device="cpu", compute_type="int8",
                cpu_threads=torch.get_num_threads(), **options)

        if folder is None:
            self._model = downloaded(user, source, load, FETCH)
            return
        try:
            self._model = load(local_files_only=True)
        except Exception as error:
            raise ValueError(f"{folder} holds a damaged Whisper model "
                             f"({str(error).splitlines()[0][:120]}): {FETCH}") from error

    def __call__(self, samples: Samples, sample_rate: int) -> list[str]:
        """The words heard in samples [N] at any rate."""
        return words(self.transcribe(samples, sample_rate).text)

    @property
    def languages(self) -> list[str]:
        """Codes of the languages that it knows, as "en"."""
        known: list[str] = self._model.supported_languages
        return known

    def transcribe(self, samples: Samples, sample_rate: int, language: str = "en") -> Transcript:
        """What is heard in samples [N] at any rate, as Whisper writes it."""
        wav = heard(samples, sample_rate)
        start, a_second = TOKENS
        found, _ = self._model.transcribe(
            wav, language=language, beam_size=1, temperature=0.0, without_timestamps=True,
            condition_on_previous_text=False,
            max_new_tokens=min(400, start + int(a_second * len(wav) / SAMPLE_RATE)))
        segments = list(found)
        return Transcript(
            " ".join(segment.text.strip() for segment in segments),
            min((segment.avg_logprob for segment in segments), default=0.0),
            max((segment.no_speech_prob for segment in segments), default=1.0))


def listeners_folder() -> Path:
    """Where fetched models lie: $VALLE_LISTENERS, or a folder in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(FOLDER) or cache / "valle" / "listeners")


def weights_folder(source: str) -> Path | None:
    """The folder of a model on this machine; None where only the hub may have it.

    Raises:
        FileNotFoundError: a path without a model, or with half of one.
    """
    fetched = listeners_folder() / f"whisper-{source}"
    if fetched.is_dir():
        return checked(fetched)
    if Path(source).is_dir():
        return checked(Path(source))
    if source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise FileNotFoundError(f"no folder {source} for the recogniser whisper:{source}: {FETCH}")
    return in_hub_cache(source)


def checked(folder: Path) -> Path:
    """The folder. Raises FileNotFoundError where a file of a model is missing."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if not missing and not any(folder.glob("vocabulary.*")):
        missing = ["vocabulary.txt"]
    if missing:
        raise FileNotFoundError(f"{folder} holds no whole Whisper model (no {', '.join(missing)}): "
                                f"{FETCH}")
    return folder


def in_hub_cache(source: str) -> Path | None:
    """The folder of a model that faster-whisper has fetched before."""
    try:
        from faster_whisper.utils import download_model

        return Path(download_model(source, local_files_only=True))
    except (ImportError, OSError, ValueError):
        return None
