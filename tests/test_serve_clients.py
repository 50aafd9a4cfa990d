"""Clients as they are: openai's, and requests as Open WebUI and SillyTavern send them."""
from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest
import soundfile
from serving import PATIENCE, TEXT, Server, by_clara, serving

from valle.tts import VALLE

KEY = "sk-test"


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(model_folder, tmp_path_factory.mktemp("voices"), "--max-requests=3",
                 env={"VALLE_API_KEY": KEY}) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0,
                         timeout=PATIENCE)


@pytest.fixture(scope="module")
def said(model_folder: Path) -> np.ndarray:
    tts = VALLE.from_pretrained(model_folder, device="cpu")
    return by_clara(tts, TEXT)


def test_openai_sync(client: openai.OpenAI, said: np.ndarray) -> None:
    answer = client.audio.speech.create(model="tts-1", voice="clara", input=TEXT,
                                        response_format="wav")
    samples, _ = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    assert np.array_equal(samples, said)
    assert next(model.id for model in client.models.list()) == "valle"


def test_openai_streaming(client: openai.OpenAI, said: np.ndarray, tmp_path: Path) -> None:
    with client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice="nova", input=TEXT, response_format="pcm",
            instructions="Speak like a pirate.", speed=1.0) as answer:
        sound = b"".join(answer.iter_bytes())
    assert np.array_equal(np.frombuffer(sound, "<i2"), said)
    with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="clara", input=TEXT) as answer:
        answer.stream_to_file(tmp_path / "o.mp3")
    assert soundfile.info(tmp_path / "o.mp3").format == "MP3"


def test_openai_events(client: openai.OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="clara", input=TEXT, stream_format="sse") as answer:
        kinds = [line.split('"type": "')[1].split('"')[0] for line in answer.iter_lines() if line]
    assert kinds[-1] == "speech.audio.done" and set(kinds[:-1]) == {"speech.audio.delta"}


def test_openai_async_side_by_side(server: Server, said: np.ndarray) -> None:
    async def speak() -> list[bytes]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY,
                                      timeout=PATIENCE) as client:
            answers = await asyncio.gather(*(client.audio.speech.create(
                model="tts-1", voice="clara", input=TEXT, response_format="pcm")
                for _ in range(3)))
            return [answer.content for answer in answers]

    for sound in asyncio.run(speak()):
        assert np.array_equal(np.frombuffer(sound, "<i2"), said)


def test_openais_errors(server: Server, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        client.audio.speech.create(model="tts-1", voice="nobody", input=TEXT)
    assert wrong.value.param == "voice" and wrong.value.code == "voice_not_found"
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="whisper-1", voice="clara", input=TEXT)
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0
                      ).audio.speech.create(model="tts-1", voice="clara", input=TEXT)


def test_open_webui(server: Server) -> None:
    """routers/audio.py: lists with a key that may be wrong, then {model, input, voice}."""
    lists = httpx.Client(base_url=f"{server.url}/v1", headers={"Authorization": "Bearer none"})
    assert "tts-1" in {model["id"] for model in lists.get("/audio/models").json()["models"]}
    voices = {v["id"]: v["name"] for v in lists.get("/audio/voices").json()["voices"]}
    assert "clara" in voices
    answer = httpx.post(f"{server.url}/v1/audio/speech", timeout=PATIENCE,
                        headers={"Authorization": f"Bearer {KEY}",
                                 "Content-Type": "application/json"},
                        json={"input": TEXT, "voice": "clara", "model": "tts-1"})
    assert answer.status_code == 200 and answer.headers["content-type"] == "audio/mpeg"
    assert soundfile.info(io.BytesIO(answer.content)).format == "MP3"


def test_sillytavern(server: Server) -> None:
    """openai-compatible.js by its server: a model, a format and a speed that are always sent."""
    answer = httpx.post(f"{server.url}/v1/audio/speech", timeout=PATIENCE,
                        headers={"Authorization": f"Bearer {KEY}"},
                        json={"input": TEXT, "response_format": "mp3", "voice": "alloy",
                              "speed": 1, "model": "tts-1"})
    assert answer.status_code == 200
    assert soundfile.info(io.BytesIO(answer.content)).duration > 0.3
