"""WebSocket /v1/audio/speech/stream: text comes word by word, speech leaves sentence by sentence.

As vLLM-Omni has it. The client sends {"type": "session.config", "voice": ...} first, then any
number of {"type": "input.text", "text": ...} and {"type": "input.done"}; {"type": "session.close"}
ends. For each sentence it gets {"type": "audio.start", ...}, sound in binary frames, and
{"type": "audio.done"}; after input.done, when all is said, {"type": "session.done"}. What is wrong
is {"type": "error", "error": {...}}.
"""
from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any, Literal

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from codec.encode import encoder
from valle.serve.errors import RequestError
from valle.serve.schema import Manner, ResponseFormat, checked
from valle.serve.sentences import Sentences
from valle.serve.speaking import Speaking
from valle.serve.ticket import Ticket
from valle.synthesis.finish import tags

router = APIRouter()
DONE = ""        # stands for input.done among sentences
MOST_WAITING = 64  # sentences that are not spoken yet; then the client must wait


class SessionConfig(Manner):
    """How all of a session is spoken."""

    response_format: ResponseFormat = "wav"
    split_granularity: Literal["sentence", "none"] = "sentence"


@router.websocket("/v1/audio/speech/stream")
async def stream(socket: WebSocket) -> None:
    await socket.accept()
    session = Session(socket, socket.app.state.speaking)
    speaker = asyncio.create_task(session.speak())
    listener = asyncio.create_task(session.listen())
    try:
        await asyncio.wait({speaker, listener}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (speaker, listener):
            task.cancel()
        await asyncio.gather(speaker, listener, return_exceptions=True)
    if not listener.cancelled() and isinstance(listener.exception(), WebSocketDisconnect):
        return
    await socket.close()


class Session:
    """One connection: `listen` cuts what comes into sentences, `speak` says them."""

    def __init__(self, socket: WebSocket, speaking: Speaking) -> None:
        self.socket, self.speaking = socket, speaking
        self.config: SessionConfig | None = None
        self.sentences = Sentences()
        self.waiting: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)

    async def listen(self) -> None:
        """Take messages until the session is closed, or nothing has come for too long."""
        while True:
            try:
                text = await asyncio.wait_for(self.socket.receive_text(),
                                              self.speaking.limits.patience)
                if not await self._take(text):
                    return
            except RequestError as error:
                await self._tell(error)
                if self.config is None:
                    return
            except asyncio.TimeoutError:
                if self.waiting.empty():
                    await self._tell(RequestError(408, "nothing has come for too long",
                                                  code="idle"))
                    return

    async def _take(self, text: str) -> bool:
        """One message; False when it ends the session. RequestError says what is wrong with it."""
        try:
            message = json.loads(text)
            kind = message.get("type")
        except (ValueError, AttributeError, RecursionError):
            raise RequestError(400, "a message is a JSON object with a type", "type") from None
        if kind == "session.config":
            self.config = checked(SessionConfig, {k: v for k, v in message.items() if k != "type"})
        elif kind == "session.close":
            return False
        elif self.config is None:
            raise RequestError(400, "send session.config first", "type")
        elif kind == "input.text":
            await self._feed(message.get("text"))
        elif kind == "input.done":
            if rest := self.sentences.flush():
                await self.waiting.put(rest)
            await self.waiting.put(DONE)
        else:
            raise RequestError(400, "type: session.config, input.text, input.done or "
                               "session.close", "type")
        return True

    async def _feed(self, text: Any) -> None:
        if not isinstance(text, str):
            raise RequestError(400, "text: must be a string", "text")
        if len(self.sentences.rest) + len(text) > self.speaking.limits.max_input:
            raise RequestError(400, f"no sentence ends within {self.speaking.limits.max_input} "
                               "characters", "text", "too_long")
        assert self.config is not None
        if self.config.split_granularity == "none":
            self.sentences.rest += text
            return
        for sentence in self.sentences.feed(text):
            await self.waiting.put(sentence)

    async def speak(self) -> None:
        """Say the sentences; between input.done and the next text no place is taken up."""
        utterance, spoken = 0, 0
        stack = AsyncExitStack()
        ticket: Ticket | None = None
        async with stack:
            while True:
                sentence = await self.waiting.get()
                if sentence == DONE:
                    await stack.aclose()
                    ticket = None
                    await self.socket.send_json({"type": "session.done",
                                                 "utterance_index": utterance,
                                                 "total_sentences": spoken})
                    utterance, spoken = utterance + 1, 0
                    continue
                try:
                    if ticket is None:
                        ticket = await stack.enter_async_context(self.speaking.place())
                    await self._say(sentence, ticket, {"utterance_index": utterance,
                                                       "sentence_index": spoken})
                except RequestError as error:
                    await self._tell(error)
                    if error.status >= 429:
                        return
                spoken += 1

    async def _say(self, sentence: str, ticket: Ticket, which: dict[str, int]) -> None:
        assert self.config is not None
        config, name = self.config, self.speaking.tts.name
        ready = await self.speaking.prepare(sentence, config)
        rate = self.speaking.tts.model.codec.sample_rate
        out = encoder(config.response_format, rate, tags(name))
        await self.socket.send_json({"type": "audio.start", **which, "sentence_text": sentence,
                                     "format": config.response_format, "sample_rate": rate,
                                     "channels": 1})
        async for piece in self.speaking.pieces(ready, ticket):
            await self._send(await asyncio.to_thread(out.encode, piece.samples))
        await self._send(await asyncio.to_thread(out.close))
        await self.socket.send_json({"type": "audio.done", **which})

    async def _send(self, data: bytes) -> None:
        if data:
            await asyncio.wait_for(self.socket.send_bytes(data), self.speaking.limits.patience)

    async def _tell(self, error: RequestError) -> None:
        await self.socket.send_json({"type": "error", **error.record()})
