"""The voices of a server: those that come with valle, and those kept in a folder."""
from __future__ import annotations

import io
import re
import threading
from functools import lru_cache
from importlib import resources
from pathlib import Path

from valle.recognizer.transcriber import Untranscribed
from valle.serve.errors import RequestError
from valle.synthesis.voice import Prompt
from valle.synthesis.voice_file import SUFFIX, Voice
from valle.tts import VALLE

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
OPENAI = {"alloy": "alto", "ash": "tenor", "ballad": "miles", "cedar": "bass", "coral": "clara",
          "echo": "tenor", "fable": "miles", "marin": "clara", "nova": "clara", "onyx": "bass",
          "sage": "alto", "shimmer": "clara", "verse": "miles"}
SYNTHETIC = "Nobody's: this voice is synthetic and comes with valle."
MOST_REMEMBERED = 64


def ready_folder() -> Path:
    """The recordings that come with valle, in an installed package or in the repository."""
    installed = Path(str(resources.files("valle"))) / "example_voices"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "examples"


class Voices:
    """Voices by name. Files are read when they are needed, and none can lie outside the folder."""

    def __init__(self, folder: Path, tts: VALLE) -> None:
        self.folder, self.tts = folder, tts
        self.ready = {path.stem: path for path in sorted(ready_folder().glob("*.wav"))
                      if path.with_suffix(".txt").is_file()}
        self.busy = threading.Lock()  # one recording is encoded at a time
        self._ready = lru_cache(len(self.ready) or 1)(self._encode_ready)
        self._load = lru_cache(MOST_REMEMBERED)(self._load_version)

    def names(self) -> list[str]:
        """Of all voices, the kept ones first."""
        kept = sorted(path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}")
                      if ID.fullmatch(path.name.removesuffix(SUFFIX)))
        return [*kept, *(name for name in self.ready if name not in kept)]

    def kept(self, name: str) -> bool:
        return ID.fullmatch(name) is not None and (self.folder / f"{name}{SUFFIX}").is_file()

    def get(self, name: str) -> Voice:
        """A voice by its name, or by one that OpenAI's clients use.

        Raises:
            RequestError: there is none, or it is of another model.
        """
        name = name.lower()
        if self.kept(name):
            path = self.folder / f"{name}{SUFFIX}"
            try:
                return self._load(path, path.stat().st_mtime_ns)
            except (OSError, ValueError) as error:
                raise RequestError(400, str(error), "voice", "voice_unusable") from error
        name = OPENAI.get(name, name) if name not in self.ready else name
        if name not in self.ready:
            raise RequestError(400, f"no voice is called {name[:80]!r}; there are "
                               f"{', '.join(self.names())}", "voice", "voice_not_found")
        return self._ready(name)

    def encode(self, recording: bytes, text: str, language: str) -> Prompt:
        """A recording as a prompt, with its words ("" has them written down).

        Raises:
            RequestError: what is wrong with them.
        """
        with self.busy:
            try:
                return self.tts.encode_prompt(io.BytesIO(recording), text.strip() or None,
                                              language)
            except ValueError as error:
                words = isinstance(error, Untranscribed) or "prompt_text" in str(error)
                param = ("language" if str(error).startswith("unknown language") else
                         "ref_text" if words else "ref_audio")
                raise RequestError(400, str(error).replace("prompt_text", "ref_text"), param,
                                   "unusable_prompt") from error

    def add(self, name: str, recording: bytes, text: str, consent: str, language: str) -> Voice:
        """Keep a voice.

        Raises:
            RequestError: the name is taken or none, consent is missing, the recording is unusable.
        """
        name = name.strip().lower()
        if not ID.fullmatch(name):
            raise RequestError(400, "a voice's name is 1 to 64 letters a to z, digits, - and _, a "
                               "letter or digit first", "name", "invalid_name")
        if self.kept(name) or name in self.ready or name in OPENAI:
            raise RequestError(409, f"{name!r} is taken: choose another name, or delete that voice",
                               "name", "name_taken")
        if not consent.strip():
            raise RequestError(400, "a voice needs the consent of its owner: say in words who "
                               "agreed to what", "consent", "consent_missing")
        voice = Voice.of(name, self.encode(recording, text, language),
                         self.tts.model.codec.identity, language, consent)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            voice.save(self.folder / f"{name}{SUFFIX}")
        except OSError as error:
            raise RequestError(500, f"the voice cannot be kept: {error.strerror}",
                               code="not_kept") from error
        return voice

    def remove(self, name: str) -> None:
        """Forget a kept voice; RequestError when there is none."""
        name = name.lower()
        if name in self.ready:
            raise RequestError(403, f"{name!r} comes with valle and cannot be deleted", "name",
                               "not_yours")
        if not self.kept(name):
            raise RequestError(404, "no such voice is kept", "name", "voice_not_found")
        (self.folder / f"{name}{SUFFIX}").unlink(missing_ok=True)

    def _load_version(self, path: Path, _: int) -> Voice:
        """A kept voice; the file's time is part of what is remembered."""
        voice, codec = Voice.load(path), self.tts.model.codec
        if voice.codec != codec.identity:
            raise ValueError(f"the voice {voice.name} was made with codec {voice.codec}, the model "
                             f"has {codec.identity}: make it again from its recording")
        if int(voice.prompt.codes.max()) >= codec.codebook_size or (
                len(voice.prompt.codes) != codec.n_codebooks):
            raise ValueError(f"the voice {voice.name} is damaged: make it again")
        return voice

    def _encode_ready(self, name: str) -> Voice:
        path = self.ready[name]
        text = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        return Voice.of(name, self.encode(path.read_bytes(), text, "en-us"),
                        self.tts.model.codec.identity, "en-us", SYNTHETIC)
