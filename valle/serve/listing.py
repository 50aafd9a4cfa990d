"""Models and voices: what there is, and voices kept and forgotten."""
from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response

from valle.serve.errors import RequestError
from valle.serve.schema import MODELS
from valle.serve.speech import speaking_of
from valle.synthesis.voice_file import sha256

router = APIRouter(tags=["voices"])
CREATED = 1_764_288_000  # when the starter voice was made: clients want a number


def model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "valle",
            "name": name}


@router.get("/v1/models", summary="List the model, by all names it is taken by")
async def models() -> dict[str, Any]:
    return {"object": "list", "data": [model(name) for name in MODELS]}


@router.get("/v1/models/{name}", summary="One of them")
async def one_model(name: str) -> dict[str, Any]:
    if name not in MODELS:
        raise RequestError(404, f"no model is called {name[:80]!r}; this one is valle", "model",
                           "model_not_found")
    return model(name)


@router.get("/v1/audio/models", summary="The same, as Open WebUI asks")
async def audio_models() -> dict[str, Any]:
    return {"models": [{"id": name, "name": name} for name in MODELS]}


@router.get("/v1/audio/voices", summary="List the voices")
async def voices(request: Request,
                 legacy: Annotated[bool, Query(description="names alone")] = False,
                 ) -> dict[str, Any]:
    store = speaking_of(request).voices
    names = await asyncio.to_thread(store.names)
    return {"voices": names if legacy else [
        {"id": name, "name": name, "kept": name not in store.ready} for name in names]}


@router.post("/v1/audio/voices", status_code=201, summary="Keep a voice")
async def keep(request: Request, name: Annotated[str, Form(max_length=200)],
               consent: Annotated[str, Form(max_length=10_000, description="who agreed to what, "
                                            "in words: it is kept in the voice's file")],
               audio_sample: Annotated[UploadFile, File(description="one to eight seconds")],
               ref_text: Annotated[str, Form(max_length=2000, description="what is said; without "
                                             "it, the server's recogniser writes it down")] = "",
               language: Annotated[str, Form(max_length=40)] = "en-us") -> JSONResponse:
    """Encode a recording once, and keep what the model needs of it under a name."""
    store = speaking_of(request).voices
    recording = await audio_sample.read()
    voice = await asyncio.to_thread(store.add, name, recording, ref_text, consent, language)
    return JSONResponse({"id": voice.name, "name": voice.name, "kept": True,
                         "language": voice.language, "created": voice.created,
                         "consent_sha256": sha256(voice.consent),
                         "text": voice.prompt.text, "text_by": voice.prompt.heard_by,
                         "warnings": list(voice.prompt.warnings)}, 201)


@router.delete("/v1/audio/voices/{name}", status_code=204, summary="Forget a voice",
               response_class=Response)
async def forget(request: Request, name: str) -> Response:
    await asyncio.to_thread(speaking_of(request).voices.remove, name)
    return Response(status_code=204)
