"""POST /dev/captioned_speech: speech, and when each word is said, as Kokoro-FastAPI has it."""
from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from codec.encode import FORMATS, Encoder
from valle.serve.schema import CaptionedRequest, body_schema
from valle.serve.speaking import Speech
from valle.serve.speech import Streamed, after, read_body, sink, speaking_of, told
from valle.synthesis.join import SpokenSegment
from valle.synthesis.words import Timing, as_records, word_timings, words_of_phones

router = APIRouter(tags=["speech"])


@router.post("/dev/captioned_speech", summary="Speak a text, with the time of each word",
             openapi_extra=body_schema(CaptionedRequest, multipart=True), response_class=Response,
             responses={200: {"description": "Speech with timestamps", "content": {
                 "application/json": {}, "application/x-ndjson": {}}}})
async def captioned(request: Request) -> Response:
    """`{"audio": base64, "audio_format", "timestamps": [{"word", "start_time", "end_time"}]}`.

    With `stream` (the default) one such line for each segment, as soon as it is made; the words of
    all lines are those of the text, and times count from the beginning of the first.
    """
    speaking = speaking_of(request)
    body, recording = await read_body(request, CaptionedRequest)
    async with AsyncExitStack() as stack:
        ticket = await stack.enter_async_context(speaking.place(request.receive))
        ready = await speaking.prepare(body.input, body, recording)
        captions = await asyncio.to_thread(Captions, body, ready,
                                           speaking.tts.model.codec.sample_rate)
        pieces = speaking.pieces(ready, ticket)
        first = await anext(pieces)
        headers = told(request, body, ready)
        content = captioned_pieces(after(first, pieces), captions, sink(speaking, body))
        if body.stream:
            lines = (json.dumps(record).encode() + b"\n" async for record in content)
            return Streamed(lines, "application/x-ndjson", stack.pop_all(),
                            speaking.limits.patience, headers)
        records = [record async for record in content]
    sound = b"".join(base64.b64decode(record["audio"]) for record in records)
    words = [word for record in records for word in record["timestamps"]]
    return JSONResponse(line(sound, words, captions.format), headers=headers)


class Captions:
    """The words of a text, handed out as the segments that hold them are spoken."""

    def __init__(self, body: CaptionedRequest, ready: Speech, sample_rate: int) -> None:
        self.format = FORMATS[body.response_format].media_type
        self.sample_rate, self.seconds = sample_rate, 0.0
        self.phones: list[Timing] = []
        self.segments = iter(ready.segments)
        spoken = [phone for segment in ready.segments for phone in segment.phones]
        self.words = (words_of_phones(body.input, spoken, body.language)
                      if body.return_timestamps else [])

    def of(self, piece: SpokenSegment) -> list[dict[str, Any]]:
        """The words that are whole once this piece is spoken."""
        timed = [(phone, self.seconds + start, self.seconds + end)
                 for phone, start, end in piece.phones]
        self.seconds += len(piece.samples) / self.sample_rate
        if not timed:  # a model that does not know when it says what
            return []
        missing = next(self.segments).phones[len(timed):]  # where it was stopped at its limit
        self.phones += [*timed, *((phone, self.seconds, self.seconds) for phone in missing)]
        count = next((index for index, (_, places) in enumerate(self.words)
                      if places and places[-1] >= len(self.phones)), len(self.words))
        whole, self.words = self.words[:count], self.words[count:]
        return as_records(word_timings(whole, self.phones))


async def captioned_pieces(pieces: AsyncIterator[SpokenSegment], captions: Captions,
                           out: Encoder) -> AsyncIterator[dict[str, Any]]:
    """Lines of the answer; the last one holds what the encoder kept back."""
    async for piece in pieces:
        data = await asyncio.to_thread(out.encode, piece.samples)
        yield line(data, captions.of(piece), captions.format)
    if data := await asyncio.to_thread(out.close):
        yield line(data, [], captions.format)


def line(data: bytes, words: list[dict[str, Any]], media: str) -> dict[str, Any]:
    return {"audio": base64.b64encode(data).decode(), "audio_format": media, "timestamps": words}
