"""OpenAPI as the server describes itself, and a fuzzer that takes it at its word."""
from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import needs
from serving import Server, serving, until

ROUTES = {"/v1/audio/speech", "/v1/audio/speech/batch", "/v1/audio/voices",
          "/v1/audio/voices/{name}", "/v1/audio/models", "/v1/models", "/v1/models/{name}",
          "/dev/captioned_speech", "/health", "/health/live", "/health/ready", "/metrics"}


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(model_folder, tmp_path_factory.mktemp("voices"), "--max-input=100",
                 "--max-batch=2") as server:
        yield server


def test_openapi_names_every_route_and_every_field(server: Server) -> None:
    described = server.connection.get("/openapi.json").json()
    assert set(described["paths"]) == ROUTES
    speech = described["paths"]["/v1/audio/speech"]["post"]
    bodies = speech["requestBody"]["content"]
    fields = {"input", "model", "voice", "instructions", "response_format", "speed",
              "stream_format", "ref_audio", "ref_text", "language", "seed"}
    for media in ("application/json", "multipart/form-data"):
        assert set(bodies[media]["schema"]["properties"]) == fields
        assert bodies[media]["schema"]["required"] == ["input"]
    named = set(re.findall(r"#/components/schemas/(\w+)", str(described)))
    assert named and named <= set(described["components"]["schemas"])
    assert "422" not in str(described) and {"400", "401", "429", "503"} <= set(speech["responses"])
    page = server.connection.get("/docs").text
    assert all(route in page for route in ROUTES) and "<script" not in page
    assert server.connection.get("/").status_code == 200


@pytest.mark.slow
@needs("schemathesis")
def test_a_fuzzer_finds_no_fault(server: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json",
         "--max-examples=15", "--seed=1", "--request-timeout=60",
         "--checks=not_a_server_error,status_code_conformance,response_schema_conformance,"
         "content_type_conformance", "--exclude-path=/metrics"],
        cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    until(lambda: server.number("valle_requests_in_hand") == 0)
    assert not [line for line in server.lines if "Traceback" in line or "worker died" in line]
