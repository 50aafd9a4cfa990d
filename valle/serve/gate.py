"""What every request passes first: who may ask, how much, from where; and the log.

Plain ASGI: it holds back no stream, and hides no client that leaves.
"""
from __future__ import annotations

import hmac
import json
import logging
import re
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from valle.serve.config import Access
from valle.serve.errors import RequestError
from valle.serve.metrics import Metrics

log = logging.getLogger("valle.serve.access")
WITHOUT_KEY = re.compile(r"/|/page/.*|/health(/.*)?|/docs|/openapi\.json|/v1(/audio)?/models"
                         r"|/v1/audio/voices")
READING = ("GET", "HEAD", "OPTIONS")
ID = re.compile(r"[\w.-]{1,64}")


class Gate:
    """The way in. It gives every request an id, and says in one log line what became of it."""

    def __init__(self, app: ASGIApp, access: Access, most_bytes: int, metrics: Metrics) -> None:
        self.app, self.access, self.most_bytes, self.metrics = app, access, most_bytes, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1")
                   for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        visit = Visit(given if ID.fullmatch(given) else uuid.uuid4().hex, scope, send)
        scope.setdefault("state", {})["request_id"] = visit.id
        try:
            self._let_in(scope, headers)
            await self.app(scope, self._counted(receive), visit.send)
        except RequestError as error:
            if visit.status:
                raise
            await (visit.refuse_socket(error) if scope["type"] == "websocket"
                   else error.response()(scope, receive, visit.send))
        except Exception:
            visit.status = visit.status or 500  # as it is answered further out
            raise
        finally:
            self.metrics.requests.labels(route_of(scope), str(visit.status)).inc()
            log.info(json.dumps(visit.record()))

    def _let_in(self, scope: Scope, headers: dict[str, str]) -> None:
        """RequestError for who may not ask, or asks too much."""
        access, host = self.access, headers.get("host", "")
        if access.hosts and (urlsplit(f"//{host}").hostname or "") not in access.hosts:
            raise RequestError(403, f"this server is not called {host[:80]!r}", code="wrong_host")
        origin = headers.get("origin", "")
        if origin and urlsplit(origin).netloc != host and origin not in access.origins:
            raise RequestError(403, "pages of other servers may not ask here: start the server "
                               "with --origin to let them", code="wrong_origin")
        if access.key and not (scope.get("method") in READING
                               and WITHOUT_KEY.fullmatch(scope["path"])):
            scheme, _, key = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(
                    key.strip().encode(), access.key.encode()):
                raise RequestError(401, "give the server's key: Authorization: Bearer KEY",
                                   code="invalid_api_key",
                                   headers={"WWW-Authenticate": "Bearer"})
        size = headers.get("content-length", "0")
        if size.isdigit() and int(size) > self.most_bytes:
            raise self._too_large()

    def _counted(self, receive: Receive) -> Receive:
        """Receive, until there were too many bytes."""
        received = 0

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.most_bytes:
                raise self._too_large()
            return message

        return counting

    def _too_large(self) -> RequestError:
        return RequestError(413, f"a request has at most {self.most_bytes / 2 ** 20:g} MiB",
                            code="too_large")


def route_of(scope: Scope) -> str:
    """The path as the application declares it, so that strangers' paths make no new counters."""
    if scope["path"].startswith("/page/"):
        return "/page"
    return getattr(scope.get("route"), "path", "other")


class Visit:
    """One request: its id, and what was answered."""

    def __init__(self, request_id: str, scope: Scope, send: Send) -> None:
        self.id, self.scope, self._send = request_id, scope, send
        self.status, self.bytes, self.started = 0, 0, time.monotonic()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []),
                                  (b"x-request-id", self.id.encode()),
                                  (b"x-content-type-options", b"nosniff")]
        elif message["type"] == "websocket.accept":
            self.status = 101
        self.bytes += len(message.get("body", b""))
        await self._send(message)

    async def refuse_socket(self, error: RequestError) -> None:
        self.status = error.status
        await self._send({"type": "websocket.close", "code": 1008, "reason": error.message[:100]})

    def record(self) -> dict[str, Any]:
        """For the log: no text, no name, no key."""
        return {"id": self.id, "method": self.scope.get("method", "WEBSOCKET"),
                "path": route_of(self.scope), "status": self.status, "bytes": self.bytes,
                "seconds": round(time.monotonic() - self.started, 3),
                **self.scope.get("state", {}).get("told", {})}
