"""The voices of a server: those of valle/voices.py, with errors as answers."""
from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valle.recognizer.transcriber import Untranscribed
from valle.serve.errors import RequestError
from valle.synthesis.voice import Prompt
from valle.synthesis.voice_file import Voice
from valle.tts import VALLE
from valle.voices import VoiceError, Voices

OPENAI = {"alloy": "alto", "ash": "tenor", "ballad": "miles", "cedar": "bass", "coral": "clara",
          "echo": "tenor", "fable": "miles", "marin": "clara", "nova": "clara", "onyx": "bass",
          "sage": "alto", "shimmer": "clara", "verse": "miles"}
MOST_ENCODED = 16
STATUS = {"name_taken": 409, "not_yours": 403, "not_kept": 500}
PARAM = {"consent_missing": "consent", "invalid_name": "name", "name_taken": "name",
         "not_yours": "name", "not_kept": None}


class ServerVoices:
    """Voices by name, by OpenAI's names too."""

    def __init__(self, folder: Path, tts: VALLE) -> None:
        self.voices = Voices(folder, tts, tuple(OPENAI))
        self.ready, self.names = self.voices.ready, self.voices.names
        self.encoded: dict[tuple[bytes, str, str], Prompt] = {}  # the last recordings

    def get(self, name: str) -> Voice:
        """A voice by its name, or by one that OpenAI's clients use; RequestError: there is none,
        or it is of another model."""
        with answered("voice"):
            name = name.lower()
            known = name in self.ready or self.voices.kept(name)
            return self.voices.get(name if known else OPENAI.get(name, name))

    def encode(self, recording: bytes, text: str, language: str) -> Prompt:
        """A recording as a prompt, with its words ("" has them written down); RequestError: what is
        wrong with them.

        Clients send the same recording with every sentence: the last ones are remembered.
        """
        text = text.strip()
        key = (hashlib.sha256(recording).digest(), text, language)
        with answered("ref_audio"), self.voices.busy:
            if key not in self.encoded:
                self.encoded[key] = self.voices.tts.encode_prompt(
                    io.BytesIO(recording), text or None, language)
                for old in list(self.encoded)[:-MOST_ENCODED]:
                    del self.encoded[old]
            return self.encoded[key]

    def add(self, name: str, recording: bytes, text: str, consent: str, language: str) -> Voice:
        """Keep a voice; RequestError: the name is taken or none, consent is missing, the recording
        is unusable."""
        with answered("ref_audio"):
            return self.voices.make(name, [io.BytesIO(recording)], [text.strip() or None], consent,
                                    language)

    def remove(self, name: str) -> None:
        """Forget a kept voice; RequestError when there is none."""
        with answered("name", not_found=404):
            self.voices.remove(name)


@contextmanager
def answered(param: str, not_found: int = 400) -> Iterator[None]:
    """What is wrong with a voice or a recording as an answer; param: the field at fault."""
    try:
        yield
    except VoiceError as error:
        status = STATUS.get(error.code, not_found)
        raise RequestError(status, str(error), PARAM.get(error.code, param), error.code) from error
    except ValueError as error:
        words = isinstance(error, Untranscribed) or "prompt_text" in str(error)
        if str(error).startswith("unknown language"):
            param = "language"
        elif words:
            param = "ref_text"
        raise RequestError(400, str(error).replace("prompt_text", "ref_text"), param,
                           "unusable_prompt") from error
