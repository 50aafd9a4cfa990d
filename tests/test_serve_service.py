"""A server under load, among strangers, and when it is told to stop."""
from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from conftest import PROMPT_TEXT, needs
from serving import LONG, PATIENCE, TEXT, Server, expected, serving, until

from valle.tts import VALLE

KEY = "a-secret"
pytestmark = needs("fastapi", "uvicorn", "av")
SPEECH = {"input": TEXT, "voice": "clara", "response_format": "pcm"}
FEW = {**SPEECH, "input": "The sea was calm. We went home, slowly. " * 7}
ENDLESS = {**SPEECH, "input": LONG * 7}


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A small one: two requests, one segment at a time."""
    with serving(model_folder, tmp_path_factory.mktemp("voices"), "--max-requests=2", "--width=1",
                 "--ahead=1", "--patience=20") as server:
        assert server.post(SPEECH).status_code == 200  # all is loaded
        yield server


def in_hand(server: Server) -> float:
    return server.number("valle_requests_in_hand")


def test_sound_leaves_before_all_of_it_is_made(server: Server) -> None:
    with server.client() as client, client.stream("POST", "/v1/audio/speech", json=FEW) as got:
        times = [time.monotonic() for _ in got.iter_raw()]
    assert got.headers["transfer-encoding"] == "chunked"
    assert len(times) > 2 and times[-1] - times[0] > 0.1


def test_who_leaves_frees_the_work(server: Server) -> None:
    with server.client() as client, client.stream("POST", "/v1/audio/speech", json=ENDLESS) as got:
        parts = got.iter_raw()
        next(parts)
        assert in_hand(server) == 1
    until(lambda: in_hand(server) == 0, 3.0)
    with pytest.raises(httpx.ReadTimeout):  # before anything has come
        server.connection.post("/v1/audio/speech", json=ENDLESS, timeout=0.2)
    until(lambda: in_hand(server) == 0, 3.0)
    until(lambda: server.number("valle_decoding") == 0, 3.0)


def test_too_many_are_told_to_come_again_and_health_answers(server: Server) -> None:
    with server.client() as client, client.stream("POST", "/v1/audio/speech", json=ENDLESS) as one:
        first = one.iter_raw()
        next(first)
        with server.client() as other, other.stream("POST", "/v1/audio/speech",
                                                    json=ENDLESS) as two:
            second = two.iter_raw()
            next(second)
            waits = []
            for _ in range(5):
                started = time.monotonic()
                refused = server.post(SPEECH)
                waits.append(time.monotonic() - started)
                assert refused.status_code == 429
                assert 1 <= int(refused.headers["retry-after"]) <= 60
                assert refused.json()["error"]["type"] == "rate_limit_error"
            assert min(waits) < 0.25, waits  # among other programs; 50 ms on an idle machine
            with server.client() as third:
                assert third.get("/health/live").status_code == 200
                assert third.get("/health/ready").json()["status"] == "full"
    until(lambda: in_hand(server) == 0)
    assert server.post(SPEECH).status_code == 200


@pytest.mark.slow
def test_a_reader_who_stops_reading_is_given_up(model_folder: Path, tmp_path: Path) -> None:
    with serving(model_folder, tmp_path, "--patience=3", "--max-input=100000") as server:
        body = {**ENDLESS, "input": LONG * 12}
        with server.client() as client, client.stream("POST", "/v1/audio/speech", json=body) as got:
            parts = got.iter_raw()
            next(parts)
            until(lambda: in_hand(server) == 0, 60.0)
            with pytest.raises(httpx.RemoteProtocolError):
                for _ in parts:
                    pass


@pytest.mark.slow
def test_many_at_once_are_each_as_alone(server: Server, model_folder: Path, tmp_path: Path,
                                        prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, device="cpu")
    recording = {"ref_audio": ("p.wav", prompt.read_bytes(), "audio/wav")}
    with serving(model_folder, tmp_path) as wide, wide.client() as client:
        found: dict[int, httpx.Response] = {}

        def ask(seed: int) -> None:
            found[seed] = client.post("/v1/audio/speech", files=recording, data={
                "input": TEXT, "ref_text": PROMPT_TEXT, "seed": str(seed),
                "response_format": "pcm"})

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for seed, answer in found.items():
        assert np.array_equal(np.frombuffer(answer.content, "<i2"),
                              expected(tts, TEXT, prompt, PROMPT_TEXT, seed))


def test_a_key_is_asked_for_where_one_is_set(model_folder: Path, tmp_path: Path) -> None:
    with serving(model_folder, tmp_path, env={"VALLE_API_KEY": KEY}) as server:
        with server.client() as client:
            for path in ("/v1/models", "/v1/audio/models", "/v1/audio/voices", "/health", "/",
                         "/docs", "/openapi.json"):
                assert client.get(path).status_code == 200, path
            for headers in ({}, {"Authorization": f"Bearer {KEY}x"}, {"Authorization": KEY},
                            {"Authorization": f"Basic {KEY}"}):
                refused = client.post("/v1/audio/speech", json=SPEECH, headers=headers)
                assert refused.status_code == 401, headers
                assert refused.json()["error"]["type"] == "authentication_error"
                assert client.get("/metrics", headers=headers).status_code == 401
                assert client.delete("/v1/audio/voices/x", headers=headers).status_code == 401
            good = client.post("/v1/audio/speech", json=SPEECH,
                               headers={"Authorization": f"Bearer {KEY}"})
            assert good.status_code == 200
        assert not [line for line in server.lines if KEY in line]


@pytest.mark.parametrize(("headers", "status"), [
    ({"origin": "https://evil.example"}, 403), ({"origin": "null"}, 403),
    ({"host": "evil.example"}, 403), ({"host": "127.0.0.1.evil.example:8000"}, 403),
    ({"host": "localhost:1"}, 200), ({"host": "[::1]:8000"}, 200)])
def test_pages_from_elsewhere_may_not_ask(headers: dict[str, str], status: int, server: Server,
                                          ) -> None:
    with server.client() as client:
        assert client.get("/v1/models", headers=headers).status_code == status
        own = client.get("/v1/models", headers={"origin": server.url})
    assert own.status_code == 200 and "access-control-allow-origin" not in own.headers


def test_every_request_has_an_id_and_a_log_line_without_its_text(server: Server) -> None:
    with server.client() as client:
        got = client.post("/v1/audio/speech", json=SPEECH, headers={"X-Request-Id": "mine-1"})
        bad = client.get("/v1/models", headers={"X-Request-Id": "no id {}"})
        client.post("/v1/audio/speech", json={**SPEECH, "voice": "stranger"})
    assert got.headers["x-request-id"] == "mine-1"
    assert len(bad.headers["x-request-id"]) == 32
    until = time.monotonic() + 30  # a line may come after the answer
    while not (mine := [json.loads(line) for line in server.lines if '"mine-1"' in line]):
        assert time.monotonic() < until, "no line in the log"
        time.sleep(0.05)
    [mine] = mine
    assert mine["path"] == "/v1/audio/speech" and mine["status"] == 200
    assert mine["bytes"] == len(got.content) and mine["phones"] > 10
    assert not [line for line in server.lines if "calm" in line or "stranger" in line]


def test_what_is_counted(server: Server) -> None:
    before = server.number("valle_speech_seconds_total")
    got = server.post(SPEECH)
    assert server.number("valle_speech_seconds_total") - before == pytest.approx(
        len(got.content) / 48_000)
    assert server.number('valle_requests_total{path="/v1/audio/speech",status="200"}') > 1
    assert server.number("valle_first_audio_seconds_count") > 1
    assert server.number("valle_worker_restarts") == 0


@pytest.mark.slow
def test_told_to_stop_it_finishes_what_it_has_and_takes_nothing_more(model_folder: Path,
                                                                     tmp_path: Path) -> None:
    with serving(model_folder, tmp_path) as server:
        whole = server.post(FEW).content
        with server.client() as client, client.stream("POST", "/v1/audio/speech",
                                                      json=FEW) as got:
            parts = got.iter_raw()
            first = next(parts)
            server.process.send_signal(signal.SIGTERM)
            until(lambda: _refused(server), 5.0)
            assert first + b"".join(parts) == whole
        assert server.process.wait(PATIENCE) in (0, -signal.SIGTERM)


def _refused(server: Server) -> bool:
    try:
        return server.post(SPEECH).status_code == 503
    except httpx.TransportError:
        return True
