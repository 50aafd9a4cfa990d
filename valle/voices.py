"""Voices by name: those that come with valle, and those kept in a folder.

The command line and the server share them: `valle voices`, `valle say --voice NAME`, and what
clients of `valle serve` call `voice`.
"""
from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from valle.synthesis.quality import examine
from valle.synthesis.recording import as_samples
from valle.synthesis.voice import REFUSED_PROMPT_SECONDS, joined
from valle.synthesis.voice_file import NO_CONSENT, SUFFIX, Voice

if TYPE_CHECKING:
    from valle.synthesis.recording import Recording
    from valle.tts import VALLE

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SYNTHETIC = "Nobody's: this voice is synthetic and comes with valle."
MOST_REMEMBERED = 64


class VoiceError(ValueError):
    """What is wrong with a voice; `code` says it for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def ready_folder() -> Path:
    """The recordings that come with valle, in an installed package or in the repository."""
    installed = Path(str(resources.files("valle"))) / "example_voices"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "examples"


class Shelf:
    """The voices of a folder and those that come with valle, by name; no model is needed.

    Attributes:
        ready: recordings of the voices that come with valle.
        taken: further names that no voice may have.
    """

    def __init__(self, folder: Path, taken: Sequence[str] = ()) -> None:
        self.folder, self.taken = folder, taken
        self.ready = {path.stem: path for path in sorted(ready_folder().glob("*.wav"))
                      if path.with_suffix(".txt").is_file()}

    def names(self) -> list[str]:
        """Of all voices, the kept ones first."""
        kept = sorted(path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}")
                      if NAME.fullmatch(path.name.removesuffix(SUFFIX)))
        return [*kept, *(name for name in self.ready if name not in kept)]

    def path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"

    def kept(self, name: str) -> bool:
        return NAME.fullmatch(name) is not None and self.path(name).is_file()

    def free(self, name: str) -> str:
        """The name as a new voice may have it.

        Raises:
            VoiceError: it is taken, or no name.
        """
        name = name.strip().lower()
        if not NAME.fullmatch(name):
            raise VoiceError("invalid_name", "a voice's name is 1 to 64 letters a to z, digits, - "
                             "and _, a letter or digit first")
        if self.kept(name) or name in self.ready or name in self.taken:
            raise VoiceError("name_taken", f"{name!r} is taken: choose another name, or delete "
                             "that voice")
        return name

    def load(self, name: str) -> Voice:
        """A kept voice.

        Raises:
            VoiceError: there is none, or its file is damaged.
        """
        if not self.kept(name):
            raise self.unknown(name)
        try:
            return Voice.load(self.path(name))
        except (OSError, ValueError) as error:
            raise VoiceError("voice_unusable", str(error)) from error

    def keep(self, voice: Voice) -> None:
        """Write a voice under its name; VoiceError where the folder cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            voice.save(self.path(voice.name))
        except OSError as error:
            raise VoiceError("not_kept", f"the voice cannot be kept: {error.strerror} "
                             f"({self.folder})") from error

    def remove(self, name: str) -> None:
        """Forget a kept voice; VoiceError when there is none."""
        name = name.lower()
        if name in self.ready:
            raise VoiceError("not_yours", f"{name!r} comes with valle and cannot be deleted")
        if not self.kept(name):
            raise self.unknown(name)
        self.path(name).unlink(missing_ok=True)

    def unknown(self, name: str) -> VoiceError:
        return VoiceError("voice_not_found", f"no voice is called {name[:80]!r}; there are "
                          f"{', '.join(self.names())}")


class Voices(Shelf):
    """Voices that a model can speak in. Files are read when they are needed."""

    def __init__(self, folder: Path, tts: VALLE, taken: Sequence[str] = ()) -> None:
        super().__init__(folder, taken)
        self.tts = tts
        self.busy = threading.Lock()  # one recording is encoded at a time
        self._ready = lru_cache(len(self.ready) or 1)(self._encode_ready)
        self._load = lru_cache(MOST_REMEMBERED)(self._load_version)

    def get(self, name: str) -> Voice:
        """A voice by its name.

        Raises:
            VoiceError: there is none, or it is damaged or of another model.
        """
        name = name.lower()
        if self.kept(name):
            return self._load(name, self.path(name).stat().st_mtime_ns)
        if name not in self.ready:
            raise self.unknown(name)
        return self._ready(name)

    def find(self, name: str) -> Voice:
        """A voice by its name or file.

        Raises:
            VoiceError, FileNotFoundError, ValueError: there is none, or it is damaged or of another
                model.
        """
        if not name.endswith(SUFFIX):
            return self.get(name)
        voice = Voice.load(Path(name))
        voice.check(self.tts.model.codec)
        return voice

    def make(self, name: str, recordings: Sequence[Recording], texts: Sequence[str | None],
             consent: str, language: str) -> Voice:
        """Keep a new voice: of one recording, or of several by one person, which are joined.

        Its file says how good each of them is.

        texts: what is said in each; None has it written down.

        Raises:
            VoiceError: the name is taken or none, or consent is missing.
            FileNotFoundError, ValueError: an unusable recording or text.
        """
        name = self.free(name)
        if not consent.strip():
            raise VoiceError("consent_missing", NO_CONSENT)
        with self.busy:
            prompt = joined([self.tts.encode_prompt(recording, text, language)
                             for recording, text in zip(recordings, texts, strict=True)],
                            self.tts.model.codec.spec)
            quality = tuple(examine(as_samples(recording, REFUSED_PROMPT_SECONDS))
                            for recording in recordings)
        voice = Voice.of(name, prompt, self.tts.model.codec.identity, language, consent, quality)
        self.keep(voice)
        return voice

    def _load_version(self, name: str, _: int) -> Voice:
        """A kept voice; the file's time is part of what is remembered."""
        voice = self.load(name)
        try:
            voice.check(self.tts.model.codec)
        except ValueError as error:
            raise VoiceError("voice_unusable", str(error)) from error
        return voice

    def _encode_ready(self, name: str) -> Voice:
        path = self.ready[name]
        text = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        with self.busy:
            prompt = self.tts.encode_prompt(path, text)
        return Voice.of(name, prompt, self.tts.model.codec.identity, "en-us", SYNTHETIC)
