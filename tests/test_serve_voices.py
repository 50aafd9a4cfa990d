"""Voices that a server keeps: made with consent, used by name, forgotten, and never elsewhere."""
from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from conftest import PROMPT_TEXT, RATE
from serving import TEXT, Server, data_url, serving

from valle.serve.voices import MOST_ENCODED, ServerVoices
from valle.synthesis.voice_file import Voice
from valle.tts import VALLE

CONSENT = "I, the fox, agree."
PLACE = "/v1/audio/voices"


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data") / "voices"
    with serving(model_folder, folder, "--max-upload=2") as server:
        yield server


def keep(server: Server, sound: bytes, **fields: Any) -> httpx.Response:
    given = {"name": "fox", "consent": CONSENT, "ref_text": PROMPT_TEXT, **fields}
    with server.client() as client:
        return client.post(PLACE, data={k: v for k, v in given.items() if v is not None},
                           files={"audio_sample": ("fox.wav", sound, "audio/wav")})


def listed(server: Server) -> list[str]:
    with server.client() as client:
        return [voice["id"] for voice in client.get(PLACE).json()["voices"]]


def test_the_last_recordings_are_remembered(model_folder: Path, prompt: Path, tmp_path: Path,
                                            ) -> None:
    voices = ServerVoices(tmp_path, VALLE.from_pretrained(model_folder, "cpu"))
    recording = prompt.read_bytes()
    first = voices.encode(recording, PROMPT_TEXT, "en-us")
    assert voices.encode(recording, f" {PROMPT_TEXT}", "en-us") is first
    assert voices.encode(recording, PROMPT_TEXT, "en-gb") is not first
    for number in range(MOST_ENCODED):
        voices.encode(recording, f"{PROMPT_TEXT[:-2]} {'a' * number}.", "en-us")
    assert len(voices.encoded) == MOST_ENCODED
    assert voices.encode(recording, PROMPT_TEXT, "en-us") is not first


def test_a_voice_is_kept_used_and_forgotten(server: Server, prompt: Path) -> None:
    before = listed(server)
    assert {"alto", "bass", "clara", "miles", "tenor"} == set(before)
    made = keep(server, prompt.read_bytes(), name="Fox")
    assert made.status_code == 201 and made.json()["id"] == "fox", made.text
    assert listed(server) == ["fox", *before]
    voice = Voice.load(server.voices / "fox.safetensors")
    assert voice.consent == CONSENT and len(made.json()["consent_sha256"]) == 64

    body = {"input": TEXT, "response_format": "pcm"}
    by_name = server.post({**body, "voice": "fox"})
    by_recording = server.post({**body, "ref_audio": data_url(prompt), "ref_text": PROMPT_TEXT})
    assert by_name.status_code == 200 and by_name.content == by_recording.content
    taken = keep(server, prompt.read_bytes())
    assert taken.status_code == 409 and taken.json()["error"]["code"] == "name_taken"
    with server.client() as client:
        assert client.delete(f"{PLACE}/FOX").status_code == 204
        assert client.delete(f"{PLACE}/fox").status_code == 404
        assert client.delete(f"{PLACE}/clara").status_code == 403
    assert listed(server) == before and not list(server.voices.iterdir())
    assert server.post({**body, "voice": "fox"}).json()["error"]["code"] == "voice_not_found"


def test_lists_have_the_shapes_that_clients_know(server: Server) -> None:
    with server.client() as client:
        voices = client.get(PLACE).json()["voices"]
        assert all(voice["id"] and voice["name"] for voice in voices)
        assert client.get(PLACE, params={"legacy": "true"}).json()["voices"] == [
            voice["id"] for voice in voices]
        assert {"id": "tts-1", "name": "tts-1"} in client.get("/v1/audio/models").json()["models"]
        models = client.get("/v1/models").json()
        assert models["object"] == "list" and models["data"][0]["id"] == "valle"
        assert client.get("/v1/models/valle").json()["object"] == "model"
        assert client.get("/v1/models/none").status_code == 404


NAMES = ("../fox", "..", ".", "", " ", "a/b", "a\\b", "/etc/passwd", "fox\0", "fox.wav", "-fox",
         "%2e%2e%2ffox", "..%2ffox", "fox\n", "füchse", "C:fox", "~", "$HOME", "x" * 65, "con ",
         "....//fox", "fox/../../x", "\u202efox", "file:fox")


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_cannot_leave_the_folder(name: str, server: Server, prompt: Path) -> None:
    around = sorted(server.voices.parent.rglob("*"))
    made = keep(server, prompt.read_bytes(), name=name)
    if made.status_code == 201:  # what is trimmed at its ends is a name
        assert made.json()["id"] == name.strip()
        with server.client() as client:
            client.delete(f"{PLACE}/{made.json()['id']}")
    else:
        assert made.status_code == 400 and made.json()["error"]["param"] == "name", made.text
    asked = server.post({"input": TEXT, "voice": name})
    assert asked.status_code == 400 and asked.json()["error"]["param"] == "voice"
    with server.client() as client:
        gone = client.delete(f"{PLACE}/{name.replace(chr(0), '%00').replace(chr(10), '%0a')}")
    assert gone.status_code in (404, 405)
    assert [p for p in sorted(server.voices.parent.rglob("*")) if p != server.voices] == [
        p for p in around if p != server.voices]


@pytest.mark.parametrize(("change", "param"), [
    ({"consent": None}, "consent"), ({"consent": " "}, "consent"), ({"name": None}, "name"),
    ({"language": "klingon"}, "language")])
def test_what_is_missing_is_named(change: dict[str, Any], param: str, server: Server,
                                  prompt: Path) -> None:
    made = keep(server, prompt.read_bytes(), **change)
    assert made.status_code == 400, made.text
    assert made.json()["error"]["param"] == param, made.text


def sound(samples: np.ndarray, form: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=form, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize("upload", [
    b"", b"RIFF", b"\0" * 5000, b"ID3" + b"\xff" * 900, b"fLaC" + b"\0" * 90, b"OggS" * 99,
    b"\0\0\0\x20ftypM4A " + b"\0" * 60, sound(np.zeros(RATE)), sound(np.zeros(100)),
    sound(np.full(RATE * 3, np.nan), subtype="FLOAT"),
    sound(np.random.default_rng(0).normal(0, 0.1, RATE * 3)),
    sound(0.1 * np.sin(np.arange(RATE * 130) * 0.05), "FLAC")], ids=range(12))
def test_what_is_no_recording_of_speech_is_refused(upload: bytes, server: Server) -> None:
    made = keep(server, upload)
    assert made.status_code == 400 and made.json()["error"]["param"] == "ref_audio", made.text
    assert listed(server)[0] == "alto" and not list(server.voices.glob("*"))


def test_uploads_that_are_too_large_are_refused_unread(server: Server) -> None:
    made = keep(server, bytes(3 << 20))
    assert made.status_code == 413 and made.json()["error"]["code"] == "too_large"

    def chunks() -> Iterator[bytes]:
        for _ in range(60):
            yield bytes(1 << 16)

    with server.client() as client:  # without a length
        made = client.post("/v1/audio/speech", content=chunks(),
                           headers={"content-type": "application/json"})
    assert made.status_code == 413


def test_a_damaged_voice_is_named_and_harms_nobody(server: Server) -> None:
    server.voices.mkdir(parents=True, exist_ok=True)
    (server.voices / "broken.safetensors").write_bytes(b"\0" * 64)
    (server.voices / "Not A Name.safetensors").write_bytes(b"\0" * 64)
    assert "broken" in listed(server) and len(listed(server)) == 6
    answer = server.post({"input": TEXT, "voice": "broken"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "voice_unusable"
    with server.client() as client:
        assert client.delete(f"{PLACE}/broken").status_code == 204
    (server.voices / "Not A Name.safetensors").unlink()
