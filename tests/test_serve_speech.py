"""POST /v1/audio/speech of a real server: formats, voices, events, and what it refuses."""
from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import PROMPT_TEXT, RATE
from serving import TEXT, Server, by_clara, data_url, expected, serving

from codec.encode import FORMATS
from valle.synthesis.finish import SYNTHETIC
from valle.tts import VALLE

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(model_folder, tmp_path_factory.mktemp("voices"), "--max-input=300",
                 "--max-batch=3") as server:
        yield server


@pytest.fixture(scope="module")
def said(model_folder: Path) -> np.ndarray:
    """TEXT in Clara's voice, 16-bit samples [N]."""
    tts = VALLE.from_pretrained(model_folder, device="cpu")
    return by_clara(tts, TEXT)


def numbers(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i2")


def test_pcm_is_what_the_library_says(server: Server, said: np.ndarray) -> None:
    answer = server.post({"input": TEXT, "voice": "clara", "response_format": "pcm"})
    assert answer.status_code == 200 and answer.headers["content-type"] == "audio/pcm"
    assert np.array_equal(numbers(answer.content), said)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pcm"])
def test_every_format_can_be_played_and_says_that_it_is_synthetic(
        name: str, server: Server, said: np.ndarray) -> None:
    answer = server.post({"input": TEXT, "voice": {"id": "clara"}, "response_format": name})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FORMATS[name].media_type
    with av.open(io.BytesIO(answer.content)) as file:
        stream = file.streams.audio[0]
        tags = {**file.metadata, **stream.metadata}
        resampler = av.AudioResampler("flt", "mono", RATE)
        heard = np.concatenate([part.to_ndarray()[0] for frame in file.decode(stream)
                                for part in resampler.resample(frame)])
    assert 0 <= len(heard) - len(said) + 100 < 3000, "nothing of the end is lost"
    assert name == "aac" or tags["comment"] == SYNTHETIC, tags
    assert likeness(heard, said) > (0.999 if name in ("wav", "flac") else 0.8)


def likeness(heard: np.ndarray, said: np.ndarray) -> float:
    """Correlation of samples, wherever in `heard` they begin: encoders add a little silence."""
    padded, wave = np.pad(heard.astype(float), (0, 3000)), said.astype(float)
    size = 1 << (len(padded) + len(wave)).bit_length()
    product = np.fft.irfft(np.fft.rfft(padded, size) * np.fft.rfft(wave, size).conj(), size)
    start = int(product[:3000].argmax())
    return float(np.corrcoef(padded[start: start + len(wave)], wave)[0, 1])


def test_mp3_is_the_default_and_the_voice_may_have_openais_name(server: Server) -> None:
    answer = server.post({"input": TEXT, "voice": "nova", "model": "tts-1"})
    clara = server.post({"input": TEXT, "voice": "clara", "response_format": "mp3"})
    assert answer.headers["content-type"] == "audio/mpeg"
    assert len(answer.content) == len(clara.content)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_changes_the_length(speed: float, server: Server, said: np.ndarray) -> None:
    answer = server.post({"input": TEXT, "voice": "clara", "response_format": "pcm",
                          "speed": speed})
    assert len(numbers(answer.content)) == round(len(said) / speed)


def test_the_seed_decides_and_is_told(server: Server, said: np.ndarray) -> None:
    body = {"input": TEXT, "voice": "clara", "response_format": "pcm"}
    assert not np.array_equal(numbers(server.post({**body, "seed": 7}).content), said)
    assert server.post({**body, "seed": 7}).headers["x-valle-seed"] == "7"


def test_instructions_are_taken_and_said_to_be_ignored(server: Server, said: np.ndarray) -> None:
    answer = server.post({"input": TEXT, "voice": "clara", "response_format": "pcm",
                          "instructions": "Whisper."})
    assert answer.headers["x-valle-ignored"] == "instructions"
    assert np.array_equal(numbers(answer.content), said)


def test_events_hold_the_same_sound_and_end_with_usage(server: Server, said: np.ndarray) -> None:
    answer = server.post({"input": TEXT, "voice": "clara", "response_format": "pcm",
                          "stream_format": "sse"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    *deltas, done = events
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    sound = b"".join(base64.b64decode(event["audio"]) for event in deltas)
    assert np.array_equal(numbers(sound), said)
    assert done["type"] == "speech.audio.done"
    usage = done["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens"] * 320 >= len(said) - RATE


def test_a_recording_speaks_by_data_url_and_by_upload(server: Server, prompt: Path,
                                                      model_folder: Path) -> None:
    body = {"input": TEXT, "response_format": "pcm", "ref_text": PROMPT_TEXT, "seed": "4"}
    by_url = server.post({**body, "seed": 4, "ref_audio": data_url(prompt)})
    with server.client() as client:
        uploaded = client.post("/v1/audio/speech", data=body,
                               files={"ref_audio": ("p.wav", prompt.read_bytes(), "audio/wav")})
    assert by_url.status_code == uploaded.status_code == 200, (by_url.text, uploaded.text)
    assert by_url.content == uploaded.content
    tts = VALLE.from_pretrained(model_folder, device="cpu")
    assert np.array_equal(numbers(by_url.content), expected(tts, TEXT, prompt, PROMPT_TEXT, 4))


def test_a_batch_speaks_each_text_and_says_what_is_wrong_with_one(server: Server,
                                                                  said: np.ndarray) -> None:
    answer = server.post({"voice": "clara", "response_format": "pcm", "items": [
        {"input": TEXT}, {"input": "***"}, {"input": TEXT, "seed": 3, "voice": "alto"}]},
        "/v1/audio/speech/batch")
    first, second, third = answer.json()["data"]
    assert np.array_equal(numbers(base64.b64decode(first["audio"])), said)
    assert second["index"] == 1 and second["error"]["param"] == "input"
    assert third["usage"]["output_tokens"] > 0 and third["audio"] != first["audio"]


GOOD = {"input": TEXT, "voice": "clara"}
WRONG = [
    ({}, "input"), ({"input": TEXT}, "voice"), ({**GOOD, "voice": "nobody"}, "voice"),
    ({**GOOD, "voice": 3}, "voice"), ({**GOOD, "voice": {"id": ""}}, "voice"),
    ({**GOOD, "voice": "../../clara"}, "voice"), ({**GOOD, "input": ""}, "input"),
    ({**GOOD, "input": "* * *"}, "input"), ({**GOOD, "input": "word " * 61}, "input"),
    ({**GOOD, "input": ["a"]}, "input"), ({**GOOD, "speed": 0.2}, "speed"),
    ({**GOOD, "speed": "fast"}, "speed"), ({**GOOD, "response_format": "ogg"}, "response_format"),
    ({**GOOD, "stream_format": "ws"}, "stream_format"), ({**GOOD, "seed": 0.5}, "seed"),
    ({**GOOD, "seed": 10 ** 30}, "seed"), ({**GOOD, "language": "tlh"}, "language"),
    ({**GOOD, "ref_audio": "data:audio/wav;base64,AAAA", "ref_text": "x"}, "voice"),
    ({"input": TEXT, "ref_audio": "data:audio/wav;base64,AAAA"}, "ref_audio"),
    ({"input": TEXT, "ref_audio": "data:audio/wav;base64,AAAA", "ref_text": "x"}, "ref_audio"),
    ({"input": TEXT, "ref_audio": "data:audio/wav;base64,!!", "ref_text": "x"}, "ref_audio"),
    ({"input": TEXT, "ref_audio": "http://127.0.0.1:1/a.wav", "ref_text": "x"}, "ref_audio"),
    ({"input": TEXT, "ref_audio": "file:///etc/passwd", "ref_text": "x"}, "ref_audio"),
    ({"input": TEXT, "ref_audio": "/etc/passwd", "ref_text": "x"}, "ref_audio"),
]


@pytest.mark.parametrize(("body", "param"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_said_in_openais_shape(body: dict[str, object], param: str,
                                                server: Server) -> None:
    answer = server.post(body)
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["type"] == "invalid_request_error"
    assert error["param"] == param and len(error["message"]) > 10, error
    assert "\n" not in error["message"] and "Traceback" not in error["message"]


@pytest.mark.parametrize(("content", "media", "status"), [
    (b"{", "application/json", 400), (b"[]", "application/json", 400),
    (b"[" * 100_000, "application/json", 400), (b"\xff\xfe", "application/json", 400),
    (b'{"input": "\\ud800", "voice": "clara"}', "application/json", 400),
    (b'{"input": "a", "voice": "clara", "speed": NaN}', "application/json", 400),
    (b"input=a", "application/x-www-form-urlencoded", 415), (b"", "application/json", 400),
    (b"--x\r\n", "multipart/form-data", 400), (b"--x", "multipart/form-data; boundary=x", 400),
    (b"\x00" * 99, "multipart/form-data; boundary=x", 400)])
def test_bodies_that_are_none(content: bytes, media: str, status: int, server: Server) -> None:
    with server.client() as client:
        answer = client.post("/v1/audio/speech", content=content, headers={"content-type": media})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


def test_an_unknown_model_and_a_batch_of_too_many_are_refused(server: Server) -> None:
    answer = server.post({**GOOD, "model": "gpt-9"})
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "model_not_found"
    answer = server.post({"voice": "clara", "items": [{"input": "a"}] * 4},
                         "/v1/audio/speech/batch")
    assert answer.status_code == 400 and "limit is 3" in answer.json()["error"]["message"]
