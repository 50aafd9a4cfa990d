"""What the tests of the server share: a real server process, and what its speech should be."""
from __future__ import annotations

import base64
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from codec.encode import pcm
from valle.tts import VALLE

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0  # seconds, on a machine that has much else to do
CLARA = ROOT / "examples" / "clara.wav"
TEXT = "The sea was calm."
LONG = "The sea was calm. We went home, slowly. " * 14
RETRIES = 0  # what the random model says is never clear


@dataclass
class Server:
    """A running `valle serve`."""

    process: subprocess.Popen[str]
    voices: Path
    url: str = ""
    lines: list[str] = field(default_factory=list)

    def client(self) -> httpx.Client:
        """Without certificates: reading them takes longer than most answers."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE, verify=False)

    @cached_property
    def connection(self) -> httpx.Client:
        return self.client()

    def post(self, body: dict[str, Any], path: str = "/v1/audio/speech") -> httpx.Response:
        return self.connection.post(path, json=body)

    def number(self, name: str) -> float:
        """A metric's value."""
        text = self.connection.get("/metrics").text
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found, f"no {name} in {text}"
        return float(found[1])


@contextmanager
def serving(model: Path, voices: Path, *options: str, env: dict[str, str] | None = None,
            ) -> Iterator[Server]:
    """A real server in a process of its own, ready to speak."""
    import os

    command = [sys.executable, "-B", "-m", "valle", "serve", f"--model={model}", "--port=0",
               f"--voices={voices}", "--device=cpu", f"--retries={RETRIES}",
               "--no-watermark", *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **(env or {})}) as process:
        server = Server(process, voices)
        reader = threading.Thread(target=_read, args=(server,), daemon=True)
        reader.start()
        try:
            until(lambda: server.url or process.poll() is not None, PATIENCE)
            assert server.url, "".join(server.lines)
            yield server
        finally:
            server.connection.close()
            process.terminate()
            process.wait(PATIENCE)
            reader.join()


def _read(server: Server) -> None:
    assert server.process.stderr is not None
    for line in server.process.stderr:
        server.lines.append(line)
        if found := re.search(r"running on (http://\S+)", line):
            server.url = found[1]


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.02)


def expected(tts: VALLE, text: str, prompt: Any, prompt_text: str, seed: int = 0) -> np.ndarray:
    """What the server should say, as 16-bit samples."""
    from dataclasses import replace

    spoken = tts.stream(text, prompt=prompt, prompt_text=prompt_text, seed=seed, quick=True,
                        sampling=replace(tts.sampling, retries=RETRIES))
    return np.frombuffer(b"".join(pcm(one.samples) for one in spoken), "<i2")


def by_clara(tts: VALLE, text: str, seed: int = 0) -> np.ndarray:
    """The same in the ready voice "clara"."""
    return expected(tts, text, CLARA, CLARA.with_suffix(".txt").read_text().strip(), seed)


def data_url(path: Path) -> str:
    return "data:audio/wav;base64," + base64.b64encode(path.read_bytes()).decode()
