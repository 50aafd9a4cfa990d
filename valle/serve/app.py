"""The application: routes, the way in, and what lives as long as the server does."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from valle.serve import captions, listing, socket, speech
from valle.serve.config import Access, Limits
from valle.serve.description import PROBLEMS, describe, page
from valle.serve.errors import RequestError
from valle.serve.gate import Gate
from valle.serve.home import add_page
from valle.serve.metrics import Metrics
from valle.serve.scheduler import Scheduler
from valle.serve.schema import refusal
from valle.serve.speaking import Speaking
from valle.serve.voices import ServerVoices
from valle.tts import VALLE
from valle.version import __version__


def create_app(tts: VALLE, voices: Path, limits: Limits, access: Access,
               wyoming: tuple[str, int] | None = None) -> FastAPI:
    """The server's application.

    voices: the folder that kept voices are in. wyoming: where to listen for that protocol too.
    """
    scheduler = Scheduler(tts.pipeline, tts.sampling, limits)
    metrics = Metrics(scheduler)

    speaking = Speaking(tts, scheduler, ServerVoices(voices, tts), metrics, limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.enter_context(scheduler)
            await asyncio.to_thread(speaking.warm)
            if wyoming:
                from valle.serve.wyoming import listening

                await stack.enter_async_context(listening(speaking, *wyoming))
            yield

    app = FastAPI(title="valle", version=__version__, lifespan=lifespan, docs_url=None,
                  redoc_url=None, redirect_slashes=False, responses=PROBLEMS,
                  description="Speech in the voice of a three-second prompt, by OpenAI's routes.")
    app.state.speaking = speaking
    app.add_middleware(Gate, access=access, most_bytes=int(limits.max_upload * 2 ** 20),
                       metrics=metrics)
    if access.origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(access.origins),
                           allow_methods=["*"], allow_headers=["*"])
    _add_handlers(app)
    for part in (speech, captions, listing, socket):
        app.include_router(part.router)
    _add_health(app, scheduler, metrics)
    describe(app)
    app.add_api_route("/docs", lambda: HTMLResponse(page(app.openapi())),
                      include_in_schema=False)
    add_page(app)
    return app


def _add_handlers(app: FastAPI) -> None:
    @app.exception_handler(RequestError)
    async def known(_: Request, error: RequestError) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return refusal(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        answer = RequestError(error.status_code, str(error.detail), code="http",
                              headers=dict(error.headers or {}))
        return answer.response()

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> Response:
        return RequestError(500, "the server's fault; its log says why", code="internal").response()


def _add_health(app: FastAPI, scheduler: Scheduler, metrics: Metrics) -> None:
    @app.get("/health", summary="Is it there?", tags=["health"])
    @app.get("/health/live", summary="Is it there?", tags=["health"])
    async def live() -> dict[str, Any]:
        return {"status": "ok", "version": __version__}

    @app.get("/health/ready", summary="Would it speak now?", tags=["health"])
    async def ready() -> JSONResponse:
        full = len(scheduler.tickets) >= scheduler.limits.max_requests
        good = scheduler.alive and not full
        return JSONResponse({"status": "ok" if good else "full" if full else "stopping",
                             "requests": len(scheduler.tickets)}, 200 if good else 503)

    @app.get("/metrics", summary="For Prometheus", tags=["health"], response_class=Response,
             responses={200: {"content": {"text/plain": {}}}})
    async def counted() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")
