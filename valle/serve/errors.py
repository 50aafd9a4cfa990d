"""What goes wrong, in the shape in which OpenAI's clients expect it."""
from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from valle.serve.ticket import Cancelled, Failed, Late, Overloaded, Stopping

TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
         404: "not_found_error", 405: "invalid_request_error", 409: "conflict_error",
         413: "invalid_request_error", 415: "invalid_request_error", 429: "rate_limit_error",
         499: "client_error", 500: "server_error", 503: "server_error", 504: "server_error"}


class RequestError(Exception):
    """Something that the client can mend, or must wait for.

    param: the field at fault, if one is. code: the fault, for programs.
    """

    def __init__(self, status: int, message: str, param: str | None = None,
                 code: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers
        self.param, self.code = param, code

    def record(self) -> dict[str, Any]:
        """{"error": {...}}."""
        return {"error": {"message": self.message, "type": TYPES.get(self.status, "server_error"),
                          "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        return JSONResponse(self.record(), self.status, self.headers)


def of_scheduler(error: Exception) -> RequestError:
    """What the scheduler says, as an answer."""
    if isinstance(error, Overloaded):
        return RequestError(429, str(error), code="overloaded",
                            headers={"Retry-After": str(error.seconds)})
    if isinstance(error, Stopping):
        return RequestError(503, str(error), code="stopping", headers={"Retry-After": "5"})
    if isinstance(error, Late):
        return RequestError(504, str(error), code="late")
    if isinstance(error, Cancelled):
        return RequestError(499, "the client has left", code="cancelled")
    if isinstance(error, Failed):
        return RequestError(500, str(error), code="failed")
    return RequestError(500, "the server's fault; its log says why", code="internal")
