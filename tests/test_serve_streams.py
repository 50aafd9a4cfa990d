"""Captions and the socket of a real server."""
from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import RATE
from serving import PATIENCE, Server, by_clara, serving, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from valle.tts import VALLE

TEXT = "We went home, slowly. It cost $5 in the end."
WORDS = TEXT.split()


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(model_folder, tmp_path_factory.mktemp("voices"), "--max-input=500") as server:
        yield server


@pytest.fixture(scope="module")
def tts(model_folder: Path) -> VALLE:
    return VALLE.from_pretrained(model_folder, device="cpu")


def check_times(words: list[dict[str, Any]], seconds: float) -> None:
    assert [word["word"] for word in words] == WORDS
    times = [time for word in words for time in (word["start_time"], word["end_time"])]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= seconds + 0.01
    assert all(word["end_time"] > word["start_time"] for word in words)


def test_captions_in_one_piece_and_line_by_line(server: Server, tts: VALLE) -> None:
    body = {"input": TEXT, "voice": "clara", "response_format": "pcm"}
    whole = server.post({**body, "stream": False}, "/dev/captioned_speech").json()
    sound = np.frombuffer(base64.b64decode(whole["audio"]), "<i2")
    assert np.array_equal(sound, by_clara(tts, TEXT)) and whole["audio_format"] == "audio/pcm"
    check_times(whole["timestamps"], len(sound) / RATE)

    lines = [json.loads(line) for line in
             server.post(body, "/dev/captioned_speech").text.splitlines()]
    assert b"".join(base64.b64decode(line["audio"]) for line in lines) == sound.tobytes()
    assert [word for line in lines for word in line["timestamps"]] == whole["timestamps"]
    bare = server.post({**body, "return_timestamps": False, "stream": False, "speed": 2.0},
                       "/dev/captioned_speech").json()
    assert bare["timestamps"] == []


def test_captions_follow_the_speed(server: Server) -> None:
    body = {"input": TEXT, "voice": "clara", "response_format": "pcm", "stream": False}
    one, two = (server.post({**body, "speed": speed}, "/dev/captioned_speech").json()
                for speed in (1.0, 2.0))
    last = [answer["timestamps"][-1]["end_time"] for answer in (one, two)]
    assert last[1] == pytest.approx(last[0] / 2, abs=0.02)


def session(server: Server, **config: Any) -> ClientConnection:
    socket = connect(server.url.replace("http", "ws") + "/v1/audio/speech/stream",
                     open_timeout=PATIENCE, close_timeout=PATIENCE)
    if config:
        tell(socket, type="session.config", **config)
    return socket


def tell(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def heard(socket: ClientConnection, last: str) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Messages up to one of a type, and the sound of each sentence."""
    messages: list[dict[str, Any]] = []
    sound: list[bytes] = []
    while not messages or messages[-1]["type"] != last:
        got = socket.recv(timeout=PATIENCE)
        if isinstance(got, bytes):
            sound[-1] += got
            continue
        messages.append(json.loads(got))
        if messages[-1]["type"] == "audio.start":
            sound.append(b"")
    return messages, sound


def test_text_that_comes_letter_by_letter_is_spoken_sentence_by_sentence(server: Server,
                                                                         tts: VALLE) -> None:
    with session(server, voice="clara", response_format="pcm") as socket:
        for letter in TEXT[:30]:
            tell(socket, type="input.text", text=letter)
        messages, [first] = heard(socket, "audio.done")  # before the second sentence is whole
        assert messages[0]["sentence_text"] == "We went home, slowly."
        assert messages[0]["sample_rate"] == RATE and messages[0]["format"] == "pcm"
        assert np.array_equal(np.frombuffer(first, "<i2"), by_clara(tts, "We went home, slowly."))
        tell(socket, type="input.text", text=TEXT[30:])
        tell(socket, type="input.done")
        messages, [second] = heard(socket, "session.done")
        assert np.array_equal(np.frombuffer(second, "<i2"), by_clara(tts, "It cost $5 in the end."))
        assert messages[-1] == {"type": "session.done", "utterance_index": 0, "total_sentences": 2}
        until(lambda: server.number("valle_requests_in_hand") == 0)
        tell(socket, type="input.text", text="Come in!")
        tell(socket, type="input.done")
        messages, _ = heard(socket, "session.done")
        assert messages[0]["utterance_index"] == 1
        tell(socket, type="session.close")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=PATIENCE)


def test_what_is_wrong_in_a_session_is_said_and_the_session_goes_on(server: Server) -> None:
    with session(server, voice="clara") as socket:
        for wrong in ("{", "[]", '{"type": "what"}', '{"type": "input.text", "text": 3}',
                      '{"type": "session.config", "speed": 9}',
                      json.dumps({"type": "input.text", "text": "word " * 120})):
            socket.send(wrong)
            [message], _ = heard(socket, "error")
            assert message["error"]["type"] == "invalid_request_error", wrong
        tell(socket, type="input.text", text="*** ")
        tell(socket, type="input.done")
        messages, _ = heard(socket, "session.done")
        assert messages[0]["error"]["param"] == "input"
        tell(socket, type="input.text", text="Come in!")
        tell(socket, type="input.done")
        _, [sound] = heard(socket, "session.done")
        assert sound[:4] == b"RIFF"
    with session(server) as socket:
        tell(socket, type="input.text", text="Come in!")
        [message], _ = heard(socket, "error")
        assert "session.config first" in message["error"]["message"]


def test_a_client_that_goes_frees_its_place(server: Server) -> None:
    with session(server, voice="clara") as socket:
        tell(socket, type="input.text", text=TEXT * 8 + " And")
        socket.recv(timeout=PATIENCE)
        assert server.number("valle_requests_in_hand") == 1
        socket.socket.close()
    until(lambda: server.number("valle_requests_in_hand") == 0)


def test_the_socket_asks_for_the_key(model_folder: Path, tmp_path: Path) -> None:
    with serving(model_folder, tmp_path, env={"VALLE_API_KEY": "k"}) as server:
        with pytest.raises(InvalidStatus):
            session(server)
        with connect(server.url.replace("http", "ws") + "/v1/audio/speech/stream",
                     additional_headers={"Authorization": "Bearer k"}) as socket:
            tell(socket, type="session.close")
