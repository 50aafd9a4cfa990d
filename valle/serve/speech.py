"""POST /v1/audio/speech: OpenAI's route, streamed as sound or as events; and the batch."""
from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive, Scope, Send

from codec.encode import FORMATS, Encoder, encoded, encoder
from valle.serve.errors import RequestError
from valle.serve.schema import BatchRequest, Manner, SpeechRequest, body_schema, checked
from valle.serve.speaking import Speaking, Speech
from valle.serve.ticket import Ticket
from valle.synthesis.finish import tags
from valle.synthesis.join import SpokenSegment

router = APIRouter(tags=["speech"])
SOUND = {form.media_type: {"schema": {"type": "string", "format": "binary"}}
         for form in FORMATS.values()}
EVENTS = {"text/event-stream": {"schema": {"type": "string"}}}
MOST_FIELDS, MOST_FIELD_BYTES = 40, 1 << 20


def speaking_of(request: Request) -> Speaking:
    speaking: Speaking = request.app.state.speaking
    return speaking


async def read_body(request: Request, kind: type[Any]) -> tuple[Any, bytes | None]:
    """(the body, the recording that was uploaded with it) of JSON or a form.

    Raises:
        RequestError: it is something else.
    """
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if media == "multipart/form-data":
        async with request.form(max_files=1, max_fields=MOST_FIELDS,
                                max_part_size=MOST_FIELD_BYTES) as form:
            recording = None
            fields: dict[str, Any] = {}
            for name, value in form.items():
                if not isinstance(value, UploadFile):
                    fields[name] = value
                elif name == "ref_audio":
                    recording = await value.read()
                else:
                    raise RequestError(400, f"{name}: only ref_audio is a file", name, "no_file")
        return checked(kind, fields), recording
    if media.lower() != "application/json" and not media.lower().endswith("+json"):
        raise RequestError(415, "send application/json or multipart/form-data", code="media_type")
    return checked(kind, await request.body()), None


class Streamed(StreamingResponse):
    """A response that frees what it holds however it ends, and gives up on who does not read.

    When its body fails, the connection is cut: half a file must not look like a whole one.
    """

    def __init__(self, content: AsyncIterator[bytes], media_type: str, held: AsyncExitStack,
                 patience: float, headers: dict[str, str]) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self.held, self.patience = held, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def timed(message: Message) -> None:
            await asyncio.wait_for(send(message), self.patience)

        try:
            await super().__call__(scope, receive, timed)
        except (RequestError, asyncio.TimeoutError, OSError):
            return  # uvicorn cuts the connection, and the log has the reason
        finally:
            await self.held.aclose()


@router.post("/v1/audio/speech", summary="Speak a text", response_class=Response,
             responses={200: {"description": "Speech", "content": {**SOUND, **EVENTS}}},
             openapi_extra=body_schema(SpeechRequest, multipart=True))
async def speech(request: Request) -> Response:
    """OpenAI's speech route. Sound leaves as soon as its first segment is made.

    Instead of `voice`, `ref_audio` gives three seconds of a voice, and `ref_text` what it says;
    without that, the server's recogniser writes it down.
    """
    speaking = speaking_of(request)
    body, recording = await read_body(request, SpeechRequest)
    async with AsyncExitStack() as stack:
        ticket = await stack.enter_async_context(speaking.place(request.receive))
        ready = await speaking.prepare(body.input, body, recording)
        pieces = speaking.pieces(ready, ticket)
        first = await anext(pieces)  # what goes wrong so far has a status of its own
        headers = told(request, body, ready)
        if body.stream_format == "sse":
            content, media = events(first, pieces, ready, sink(speaking, body)), "text/event-stream"
        else:
            content = sound(first, pieces, sink(speaking, body))
            media = FORMATS[body.response_format].media_type
        return Streamed(content, media, stack.pop_all(), speaking.limits.patience, headers)


def told(request: Request, body: Manner, ready: Speech) -> dict[str, str]:
    """Headers about what was done; the log gets the same, without texts."""
    ignored = ["instructions"] if body.instructions else []
    request.state.told = {"phones": ready.phones, "segments": len(ready.segments),
                          **({"ignored": ignored} if ignored else {})}
    voice = ready.delivery.voice
    heard = voice.heard_by and body.voice_name is None  # a kept voice's words are its owner's
    return {"X-Valle-Seed": str(body.seed), "Cache-Control": "no-store",
            **({"X-Valle-Ref-Text": quote(voice.text)} if heard else {}),
            **({"X-Valle-Ignored": ", ".join(ignored)} if ignored else {})}


def sink(speaking: Speaking, body: Manner) -> Encoder:
    return encoder(body.response_format, speaking.tts.model.codec.sample_rate,
                   tags(speaking.tts.name))


async def sound(first: SpokenSegment, others: AsyncIterator[SpokenSegment], out: Encoder,
                ) -> AsyncIterator[bytes]:
    """A sound file, piece by piece."""
    async for piece in after(first, others):
        yield await asyncio.to_thread(out.encode, piece.samples)
    yield await asyncio.to_thread(out.close)


async def events(first: SpokenSegment, others: AsyncIterator[SpokenSegment], ready: Speech,
                 out: Encoder) -> AsyncIterator[bytes]:
    """The same as OpenAI's events."""
    codes = 0
    try:
        async for piece in after(first, others):
            codes += len(piece.candidate.generated.codes)
            if data := await asyncio.to_thread(out.encode, piece.samples):
                yield event("speech.audio.delta", audio=base64.b64encode(data).decode())
        if data := await asyncio.to_thread(out.close):
            yield event("speech.audio.delta", audio=base64.b64encode(data).decode())
        yield event("speech.audio.done", usage=usage(ready.phones, codes))
    except RequestError as error:
        yield event("speech.audio.error", **error.record())


async def after(first: SpokenSegment, others: AsyncIterator[SpokenSegment],
                ) -> AsyncIterator[SpokenSegment]:
    yield first
    async for piece in others:
        yield piece


def event(kind: str, **content: Any) -> bytes:
    return b"data: " + json.dumps({"type": kind, **content}).encode() + b"\n\n"


def usage(phones: int, codes: int) -> dict[str, int]:
    """OpenAI's counts: of phones that were read, and of codes that were spoken."""
    return {"input_tokens": phones, "output_tokens": codes, "total_tokens": phones + codes}


@router.post("/v1/audio/speech/batch", summary="Speak several texts",
             openapi_extra=body_schema(BatchRequest))
async def batch(request: Request) -> JSONResponse:
    """Every text on its own: one that cannot be spoken has an error in its place."""
    speaking = speaking_of(request)
    body, recording = await read_body(request, BatchRequest)
    if len(body.items) > speaking.limits.max_batch:
        raise RequestError(400, f"items: {len(body.items)} texts, the limit is "
                           f"{speaking.limits.max_batch}", "items", "too_many")

    async def one(index: int) -> dict[str, Any]:
        item = body.items[index]
        changes = item.model_dump(exclude={"input"}, exclude_none=True)
        manner = Manner.model_validate({**body.model_dump(exclude={"items"}), **changes})
        return await whole(speaking, item.input, manner, recording, ticket)

    results = []
    async with speaking.place(request.receive) as ticket:
        for index in range(len(body.items)):
            results.append({"index": index, **await answered(one, index)})
    return JSONResponse({"object": "list", "data": results})


async def answered(speak: Callable[[int], Awaitable[dict[str, Any]]], index: int,
                   ) -> dict[str, Any]:
    """What came of one text; what is not the text's fault ends the batch."""
    try:
        return await speak(index)
    except RequestError as error:
        if error.status not in (400, 404):
            raise
        return error.record()


async def whole(speaking: Speaking, text: str, manner: Manner, recording: bytes | None,
                ticket: Ticket) -> dict[str, Any]:
    """A text's speech as one base64 file, with its usage."""
    ready = await speaking.prepare(text, manner, recording)
    pieces = [piece async for piece in speaking.pieces(ready, ticket)]
    rate = speaking.tts.model.codec.sample_rate
    samples = np.concatenate([piece.samples for piece in pieces])
    data = await asyncio.to_thread(encoded, manner.response_format, samples, rate,
                                   tags(speaking.tts.name))
    return {"audio": base64.b64encode(data).decode(), "seconds": round(len(samples) / rate, 3),
            "audio_format": FORMATS[manner.response_format].media_type,
            "usage": usage(ready.phones, sum(len(piece.candidate.generated.codes)
                                             for piece in pieces))}
