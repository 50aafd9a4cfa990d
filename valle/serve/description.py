"""What the server says of itself: OpenAPI, and the same as a page."""
from __future__ import annotations

import html
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from valle.serve.schema import BatchItem, VoiceId
from valle.version import __version__

PROBLEM = {"description": "What is wrong, in words", "content": {"application/json": {"schema": {
    "$ref": "#/components/schemas/Problem"}}}}
PROBLEMS: dict[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 401, 403, 404, 409, 413, 415, 429, 500, 503, 504), PROBLEM)


class Fault(BaseModel):
    """What is wrong: in words, in which field, and for programs."""

    message: str
    type: str
    param: str | None
    code: str | None


class Problem(BaseModel):
    """An error, in OpenAI's shape."""

    error: Fault


def describe(app: FastAPI) -> None:
    """Have `app.openapi()` say what the routes really take and answer."""
    usual = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = usual()
            schemas = described.setdefault("components", {}).setdefault("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            for kind in (VoiceId, BatchItem, Fault, Problem):
                schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
                schema.pop("$defs", None)
                schemas[kind.__name__] = schema
            for operations in described["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)  # ours is 400
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def page(openapi: dict[str, Any]) -> str:
    """OpenAPI as a page without scripts."""
    rows = "".join(
        f"<tr><td><b>{method.upper()}</b><td><code>{html.escape(path)}</code>"
        f"<td>{html.escape(operation.get('summary', ''))}"
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items())
    return ("<!doctype html><html lang=en><meta charset=utf-8><title>valle</title>"
            "<style>body{font:16px system-ui;margin:2rem}td{padding:.2rem 1rem}</style>"
            f"<h1>valle {__version__}</h1><p>Its routes; "
            "<a href=/openapi.json>openapi.json</a> has every field.</p>"
            f"<table>{rows}</table></html>")
