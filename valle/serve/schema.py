"""The bodies that the server takes, checked: OpenAI's fields, and vLLM-Omni's for a prompt."""
from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from valle.serve.errors import RequestError

MODELS = ("valle", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
KINDS = ("body", "constrained-str", "VoiceId")  # in pydantic's places, beside names of fields
MOST_INTEGER = 2 ** 53  # that JSON keeps

ResponseFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]


class VoiceId(BaseModel):
    """A voice, as OpenAI names one of its own."""

    id: str = Field(min_length=1, max_length=200)


class Manner(BaseModel):
    """Who speaks, and how."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field("valle", max_length=200, description="`valle`; OpenAI's names are taken too")
    voice: Annotated[str, Field(max_length=200)] | VoiceId | None = Field(
        None, description="one of /v1/audio/voices; OpenAI's names stand for some of them")
    ref_audio: str | None = Field(
        None, description="instead of `voice`: a recording as a data URL (base64)")
    ref_text: str | None = Field(None, max_length=2000, description="what is said in `ref_audio`; "
                                 "without it, the server's recogniser writes it down")
    language: str = Field("en-us", max_length=40)
    seed: int = Field(0, ge=-MOST_INTEGER, le=MOST_INTEGER,
                      description="the same seed, the same samples")
    speed: float = Field(1.0, ge=0.25, le=4.0, allow_inf_nan=False)
    instructions: str | None = Field(None, max_length=20_000,
                                     description="taken and ignored: this model has none")
    response_format: ResponseFormat = "mp3"

    @property
    def voice_name(self) -> str | None:
        return self.voice.id if isinstance(self.voice, VoiceId) else self.voice


class SpeechRequest(Manner):
    """Speak a text."""

    input: str = Field(description="what to say")
    stream_format: Literal["audio", "sse"] = "audio"


class CaptionedRequest(Manner):
    """Speak a text, and say when each word is said (Kokoro-FastAPI)."""

    input: str = Field(description="what to say")
    stream: bool = Field(True, description="a JSON line for each piece, or one object for all")
    return_timestamps: bool = True


class BatchItem(BaseModel):
    """One text of a batch; what it does not say is as in the batch."""

    model_config = ConfigDict(extra="ignore")

    input: str
    voice: Annotated[str, Field(max_length=200)] | VoiceId | None = None
    seed: int | None = Field(None, ge=-MOST_INTEGER, le=MOST_INTEGER)
    speed: float | None = Field(None, ge=0.25, le=4.0, allow_inf_nan=False)
    language: str | None = Field(None, max_length=40)


class BatchRequest(Manner):
    """Speak several texts."""

    items: list[BatchItem] = Field(min_length=1)


def checked(kind: type[Any], body: bytes | str | dict[str, Any]) -> Any:
    """A body as one of the above; RequestError 400 that names the field at fault."""
    try:
        if isinstance(body, dict):
            return kind.model_validate(body)
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise refusal(error.errors(include_url=False, include_context=False)) from None


def refusal(errors: Any) -> RequestError:
    """The first of pydantic's errors as an answer."""
    first = errors[0]
    places = [str(part) for part in first["loc"] if part not in KINDS]
    param = ".".join(places) or None
    wrong = str(first["msg"])[:300]
    return RequestError(400, f"{param}: {wrong}" if param else wrong, param,
                        str(first["type"]))


def body_schema(kind: type[BaseModel], multipart: bool = False) -> dict[str, Any]:
    """How a route's body is described in OpenAPI."""
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if multipart:
        form = json.loads(json.dumps(schema))
        form["properties"]["ref_audio"] = {"type": "string", "format": "binary"}
        form["properties"]["voice"] = {"type": "string"}
        content["multipart/form-data"] = {"schema": form}
    return {"requestBody": {"required": True, "content": content}}
