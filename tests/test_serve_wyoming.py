"""Home Assistant's way to ask, with the client of its own library."""
from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import RATE, needs
from serving import PATIENCE, TEXT, Server, by_clara, serving

from valle.tts import VALLE

pytest.importorskip("wyoming")

from wyoming.audio import AudioChunk, AudioStart
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeVoice,
)

pytestmark = needs("fastapi", "uvicorn")
VOICE = SynthesizeVoice(name="clara")


@pytest.fixture(scope="module")
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server(port: int, model_folder: Path, tmp_path_factory: pytest.TempPathFactory,
           ) -> Iterator[Server]:
    with serving(model_folder, tmp_path_factory.mktemp("voices"), f"--wyoming={port}") as server:
        yield server


@pytest.fixture(scope="module")
def tts(model_folder: Path) -> VALLE:
    return VALLE.from_pretrained(model_folder, device="cpu")


def ask(port: int, last: str, *events: Eventable) -> list[Event]:
    """What comes back, up to an event of a type."""
    async def talk() -> list[Event]:
        async with AsyncTcpClient("127.0.0.1", port, read_timeout=PATIENCE) as client:
            for event in events:
                await client.write_event(event.event())
            found: list[Event] = []
            while not found or found[-1].type != last:
                event = await client.read_event()
                assert event is not None
                found.append(event)
            return found

    return asyncio.run(talk())


def sound(events: list[Event]) -> np.ndarray:
    return np.frombuffer(b"".join(AudioChunk.from_event(event).audio for event in events
                                  if AudioChunk.is_type(event.type)), "<i2")


def test_it_says_what_there_is(server: Server, port: int) -> None:
    [event] = ask(port, "info", Describe())
    [program] = Info.from_event(event).tts
    assert {"clara", "alto"} <= {voice.name for voice in program.voices}
    assert program.supports_synthesize_streaming and program.voices[0].languages == ["en"]


def test_a_text_is_spoken(server: Server, port: int, tts: VALLE) -> None:
    events = ask(port, "audio-stop", Synthesize(TEXT, VOICE))
    start = AudioStart.from_event(events[0])
    assert (start.rate, start.width, start.channels) == (RATE, 2, 1)
    assert np.array_equal(sound(events), by_clara(tts, TEXT))


def test_a_text_that_comes_in_bits_is_spoken_by_sentences(server: Server, port: int, tts: VALLE,
                                                          ) -> None:
    bits = ["The sea wa", "s calm. Co", "me in!"]
    events = ask(port, "synthesize-stopped", SynthesizeStart(VOICE),
                 *(SynthesizeChunk(bit) for bit in bits), Synthesize("".join(bits), VOICE),
                 SynthesizeStop())
    assert [e.type for e in events].count("audio-start") == 1
    assert events[-2].type == "audio-stop"
    whole = np.concatenate([by_clara(tts, TEXT), by_clara(tts, "Come in!")])
    assert np.array_equal(sound(events), whole)


def test_what_cannot_be_said_is_an_error_and_the_next_is_said(server: Server, port: int) -> None:
    events = ask(port, "audio-stop", Synthesize("***"), Synthesize(TEXT, SynthesizeVoice("nobody")),
                 Synthesize(TEXT))
    assert [e.type for e in events][:3] == ["error", "error", "audio-start"]
    assert "nobody" in Error.from_event(events[1]).text
