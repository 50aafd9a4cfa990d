"""From a checked request to pieces of speech: prompt, segments, a place in the scheduler, sound."""
from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import Receive

from valle.serve.config import Limits
from valle.serve.errors import RequestError, of_scheduler
from valle.serve.metrics import Heard, Metrics
from valle.serve.scheduler import Scheduler
from valle.serve.schema import MODELS, Manner
from valle.serve.ticket import Ticket
from valle.serve.voices import ServerVoices
from valle.synthesis.join import SpokenSegment
from valle.synthesis.pipeline import Delivery
from valle.synthesis.segment import Segment
from valle.synthesis.voice import Prompt
from valle.tts import VALLE

DATA_URL = re.compile(r"data:[\w.+/-]*(?:;[\w.+-]+=[\w.+-]*)*(;base64)?,", re.ASCII)


@dataclass(frozen=True)
class Speech:
    """A text that is ready to be spoken."""

    segments: list[Segment]
    delivery: Delivery

    @property
    def phones(self) -> int:
        return sum(len(segment.phones) for segment in self.segments)


class Speaking:
    """The model behind the routes."""

    def __init__(self, tts: VALLE, scheduler: Scheduler, voices: ServerVoices, metrics: Metrics,
                 limits: Limits) -> None:
        self.tts, self.scheduler, self.voices = tts, scheduler, voices
        self.metrics, self.limits = metrics, limits

    def warm(self) -> None:
        """Load what is loaded at first use, so that nobody's first audio waits for it."""
        voice = self.voices.get(self.voices.names()[0]).prompt
        next(self.tts.stream("Ready.", prompt=voice, sampling=self.tts.sampling))
        if self.tts.sampling.retries or self.tts.sampling.best_of > 1:
            _ = self.tts.pipeline.reranker

    @asynccontextmanager
    async def place(self, receive: Receive | None = None) -> AsyncIterator[Ticket]:
        """A place in the scheduler, given up when the client leaves, as `receive` tells.

        Raises:
            RequestError: there is none.
        """
        try:
            ticket = self.scheduler.enter()
        except Exception as error:
            raise of_scheduler(error) from error
        watch = asyncio.create_task(_cancel_when_gone(ticket, receive)) if receive else None
        try:
            with ticket:
                yield ticket
        finally:
            if watch is not None:
                watch.cancel()

    async def prepare(self, text: str, manner: Manner, recording: bytes | None = None) -> Speech:
        """Everything before the model; RequestError says what is wrong with the request.

        recording: in place of `ref_audio`.
        """
        if manner.model not in (*MODELS, self.tts.name):
            raise RequestError(404, f"no model is called {manner.model[:80]!r}; this one is valle",
                               "model", "model_not_found")
        if len(text) > self.limits.max_input:
            raise RequestError(400, f"the text has {len(text)} characters, the limit is "
                               f"{self.limits.max_input}: send it in parts", "input", "too_long")
        try:
            self.tts.model.ar.ids.language(manner.language)
        except ValueError as error:
            raise RequestError(400, str(error), "language", "unknown_language") from error
        prompt = await self._prompt(manner, recording)
        try:
            segments = await asyncio.to_thread(self._cut, text, manner)
        except ValueError as error:
            raise RequestError(400, str(error), "input", "unspeakable") from error
        return Speech(segments, Delivery(prompt, manner.language, self.tts.sampling,
                                         speed=manner.speed))

    def _cut(self, text: str, manner: Manner) -> list[Segment]:
        """A text as segments, its words as the lexicon has them, which may have to be read again.
        """
        text = self.tts.spelled(text, manner.language)
        return self.tts.segments([text], manner.language, manner.seed, self.tts.sampling, True)[0]

    async def _prompt(self, manner: Manner, recording: bytes | None) -> Prompt:
        """The voice that a request asks for."""
        name = manner.voice_name
        if recording is None and manner.ref_audio is not None:
            recording = data_of(manner.ref_audio)
        if recording is not None and name is not None:
            raise RequestError(400, "voice and ref_audio exclude each other: give one of them",
                               "voice", "two_voices")
        if recording is None:
            if not name:
                raise RequestError(400, "voice: give one of /v1/audio/voices, or "
                                   "ref_audio", "voice", "voice_missing")
            return (await asyncio.to_thread(self.voices.get, name)).prompt
        return await asyncio.to_thread(self.voices.encode, recording, manner.ref_text or "",
                                       manner.language)

    async def pieces(self, speech: Speech, ticket: Ticket) -> AsyncIterator[SpokenSegment]:
        """The speech, segment by segment, each as soon as it is there.

        Raises:
            RequestError: it will not come.
        """
        heard, rate = Heard(self.metrics), self.tts.model.codec.sample_rate
        self.scheduler.speak(ticket, speech.segments, speech.delivery)
        try:
            async for spoken in ticket.spoken(len(speech.segments)):
                heard.piece(len(spoken.samples) / rate)
                yield spoken
        except Exception as error:
            answer = of_scheduler(error)
            self.metrics.failures.labels(answer.code).inc()
            raise answer from error
        heard.end()


def data_of(url: str) -> bytes:
    """The recording in a data URL, or in plain base64.

    Raises:
        RequestError: it is elsewhere (nothing is fetched), or no base64.
    """
    head = DATA_URL.match(url)
    if head is None and "://" in url[:16]:
        raise RequestError(400, "nothing is fetched: give the recording itself, as a data URL or "
                           "as an upload", "ref_audio", "url_refused")
    body = url[head.end():] if head else url
    if head and not head.group(1):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(400, "ref_audio is no data URL: data:audio/wav;base64,...", "ref_audio",
                           "invalid_data_url") from error


async def _cancel_when_gone(ticket: Ticket, receive: Receive) -> None:
    message: dict[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = dict(await receive())
    ticket.cancel()
