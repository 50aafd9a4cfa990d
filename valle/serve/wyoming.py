"""The Wyoming protocol, by which Home Assistant asks for speech (`valle serve --wyoming`)."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.ping import Ping, Pong
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from codec.encode import pcm
from valle.serve.errors import RequestError
from valle.serve.schema import Manner, checked
from valle.serve.sentences import Sentences
from valle.serve.speaking import Speaking
from valle.version import __version__

log = logging.getLogger("valle.serve")
CHUNK_BYTES = 8192
OURS: dict[str, Any] = {"attribution": Attribution("valle", ""), "installed": True,
                        "version": __version__}


@asynccontextmanager
async def listening(speaking: Speaking, host: str, port: int) -> AsyncIterator[None]:
    """Answer Wyoming clients at a port for as long as this lasts; OSError if it is taken."""
    server = AsyncTcpServer(host, port)
    await server.start(partial(Handler, speaking))
    log.info("Wyoming at tcp://%s:%d", host, port)
    try:
        yield
    finally:
        await server.stop()


def info(speaking: Speaking) -> Info:
    """What there is, in Wyoming's words."""
    languages = sorted({language.split("-")[0] for language in
                        speaking.tts.model.ar.ids.languages})
    voices = [TtsVoice(name=name, description=name, languages=languages, **OURS)
              for name in speaking.voices.names()]
    return Info(tts=[TtsProgram(name="valle", description="Zero-shot speech synthesis",
                                voices=voices, supports_synthesize_streaming=True, **OURS)])


class Handler(AsyncEventHandler):
    """One client. Sentences of a streamed text are spoken as soon as they are whole."""

    def __init__(self, speaking: Speaking, reader: asyncio.StreamReader,
                 writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.speaking = speaking
        self.streamed: Sentences | None = None
        self.voice: SynthesizeVoice | None = None
        self.begun = False

    async def handle_event(self, event: Event) -> bool:
        try:
            await self._handle(event)
        except RequestError as error:
            await self.write_event(Error(text=error.message, code=error.code).event())
            self.streamed, self.begun = None, False
        except (KeyError, TypeError, AttributeError):  # of an event without what its kind has
            await self.write_event(Error(text=f"{event.type} is not whole", code="bad").event())
        return True

    async def _handle(self, event: Event) -> None:
        if Describe.is_type(event.type):
            await self.write_event((await asyncio.to_thread(info, self.speaking)).event())
        elif Ping.is_type(event.type):
            await self.write_event(Pong(text=Ping.from_event(event).text).event())
        elif SynthesizeStart.is_type(event.type):
            self.streamed, self.voice = Sentences(), SynthesizeStart.from_event(event).voice
        elif SynthesizeChunk.is_type(event.type) and self.streamed is not None:
            for sentence in self.streamed.feed(SynthesizeChunk.from_event(event).text):
                await self._say(sentence)
        elif SynthesizeStop.is_type(event.type) and self.streamed is not None:
            if rest := self.streamed.flush():
                await self._say(rest)
            self.streamed = None
            await self._end()
            await self.write_event(SynthesizeStopped().event())
        elif Synthesize.is_type(event.type) and self.streamed is None:
            request = Synthesize.from_event(event)  # beside a stream it only repeats its text
            self.voice = request.voice
            await self._say(request.text)
            await self._end()

    async def _say(self, text: str) -> None:
        """Speak a text, behind what was spoken before."""
        codec = self.speaking.tts.model.codec
        name = self.voice.name if self.voice is not None else None
        manner = checked(Manner, {"voice": name or self.speaking.voices.names()[0]})
        async with self.speaking.place() as ticket:
            ready = await self.speaking.prepare(text, manner)
            async for piece in self.speaking.pieces(ready, ticket):
                await self._start(codec.sample_rate)
                data = pcm(piece.samples)
                for start in range(0, len(data), CHUNK_BYTES):
                    await self.write_event(AudioChunk(
                        codec.sample_rate, 2, 1, data[start: start + CHUNK_BYTES]).event())

    async def _start(self, rate: int) -> None:
        if not self.begun:
            self.begun = True
            await self.write_event(AudioStart(rate, 2, 1).event())

    async def _end(self) -> None:
        if self.begun:
            self.begun = False
            await self.write_event(AudioStop().event())
