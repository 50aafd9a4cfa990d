#!/usr/bin/env python3
"""What a server makes of what it should refuse.

  python benchmarks/hostile.py [--share 0.1] [--out NAME]

It starts `valle serve` on this machine and sends 1 000 damaged recordings, 500 bodies that are no
request, 150 names that lead out of the voices' folder, 80 addresses for the server to fetch, and
recordings of 25 MB that would last for hours. Each must be answered with a 4xx that says what is
wrong, in OpenAI's shape; nothing may be fetched, written elsewhere or left behind, and afterwards
the server must speak as it did before.
"""
from __future__ import annotations

import argparse
import http.client
import io
import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import av
import numpy as np
from serve import Running, server

from codec.audio import SAMPLE_RATE, load_audio
from codec.encode import FORMATS, encoded
from valle.features.progress import progress

EXAMPLE = Path(__file__).parents[1] / "examples" / "clara.wav"
SPEECH, VOICES = "/v1/audio/speech", "/v1/audio/voices"
GOOD = {"input": "The sea was calm.", "voice": "clara", "response_format": "pcm"}
PATIENCE = 120  # seconds for an answer, on a machine that has much else to do
BOMB_BYTES = 25_000_000


@dataclass
class Tally:
    """What became of one kind of request."""

    kind: str
    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0
    memory: float = 0.0

    def record(self) -> dict[str, Any]:
        return {"kind": self.kind, "sent": self.answers.total(), "answers": dict(self.answers),
                "wrong": len(self.wrong), "slowest_s": round(self.slowest, 2),
                "peak_memory_mib": round(self.memory)}


Request = tuple[str, str, bytes, dict[str, str]]  # method, path, body, headers


def form(fields: dict[str, str | bytes], files: dict[str, bytes]) -> tuple[bytes, dict[str, str]]:
    """A body of multipart/form-data, written by hand: what httpx would mend is sent as it is."""
    parts = []
    for name, value in fields.items():
        value = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        parts.append(b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
                     % (name.encode(), value))
    for name, value in files.items():
        parts.append(b'--x\r\nContent-Disposition: form-data; name="%b"; filename="a.wav"\r\n\r\n'
                     b"%b\r\n" % (name.encode(), value))
    return b"".join(parts) + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def upload(sound: bytes, name: str = "hostile") -> Request:
    body, headers = form({"name": name, "consent": "I agree.", "ref_text": "A small boat."},
                         {"audio_sample": sound})
    return "POST", VOICES, body, headers


def as_json(body: Any, path: str = SPEECH) -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return "POST", path, data, {"Content-Type": "application/json"}


def recordings(many: int) -> Iterator[Request]:
    """Half a second of speech, which is too short already, in every format and damaged."""
    draw = random.Random(0)
    samples = load_audio(EXAMPLE)[SAMPLE_RATE // 2: SAMPLE_RATE]
    sounds = [encoded(name, samples, SAMPLE_RATE, {}) for name in FORMATS]
    sounds.append(m4a(samples))
    strange = [b"", b"\0" * 9999, b"PK\3\4" + b"\0" * 99, b"\x89PNG\r\n\x1a\n" + b"\0" * 99,
               b"#EXTM3U\nhttp://127.0.0.1:1/a.wav\n",
               b"ffconcat version 1.0\nfile '/etc/passwd'\n",
               b"AAAAftypjp2 \nv=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n",
               b"<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>", b"RIFF\xff\xff\xff\xffWAVE"]
    for number in range(many):
        if number < len(strange):
            yield upload(strange[number])
            continue
        sound = bytearray(draw.choice(sounds))
        way = draw.randrange(5)
        if way == 0:                                     # cut off
            del sound[draw.randrange(len(sound)):]
        elif way == 1:                                   # something in its middle is missing
            start = draw.randrange(len(sound))
            del sound[start: start + draw.randrange(1, 4000)]
        elif way == 2:                                   # a number of its header is extreme
            start = draw.randrange(min(len(sound), 64))
            sound[start: start + 4] = draw.choice((b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f"))
        else:                                            # other bytes, in its header or anywhere
            end = min(len(sound), 100) if way == 3 else len(sound)
            for _ in range(draw.randrange(1, 60)):
                sound[draw.randrange(end)] = draw.randrange(256)
        yield upload(bytes(sound))


def m4a(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def bodies(many: int) -> Iterator[Request]:
    """Every field of the wrong kind, and what is no JSON."""
    draw = random.Random(1)
    whole = {**GOOD, "voice": "nobody", "model": "valle", "speed": 1.0, "seed": 0,
             "language": "en-us", "stream_format": "audio", "instructions": "", "ref_text": "a",
             "stream": False}
    odd: list[Any] = [None, True, [], {}, [[]], {"id": None}, {"id": ""}, 0, -1, 1e308, 10 ** 400,
                      "", " ", "\0", "\ud800", "../..", "x" * 100_000, "\u202e", "%s%n", "a" * 300,
                      "{{7*7}}", "'; DROP TABLE voices;--", {"$ref": "#"}, float("nan"),
                      float("inf"), "1e999", [1] * 10_000, "\x1b[2J"]
    raw = [b"", b"null", b"true", b"0", b'""', b"[]", b"{", b"}", b"{}" * 9, b"\xef\xbb\xbf{}",
           b"\xff\xfe{\0}\0", b"\xff" * 99, b"[" * 100_000, b'{"a":' * 50_000, b"9" * 100_000,
           b'{"input": "a", "input": 3}', b'{"input": "a" "voice": 1}', b"NaN", b"{'input': 'a'}",
           b'{"input": "\\ud800", "voice": "nobody"}', b'{"input": "\\u0000"}', b"\0" * 1000]
    for number in range(many):
        path = draw.choice((SPEECH, "/dev/captioned_speech"))
        if number < len(raw):
            yield as_json(raw[number], path)
        elif number % 5 == 0:
            data = json.dumps(whole).encode()
            at = draw.randrange(len(data))
            yield as_json(data[:at] + bytes(draw.choices(range(256), k=3)) + data[at + 1:], path)
        elif number % 5 == 1:
            yield as_json(json.dumps(whole).encode()[: draw.randrange(180)], path)
        else:
            names = draw.sample(sorted(whole), draw.randrange(1, 4))
            yield as_json({**whole, **{name: draw.choice(odd) for name in names}}, path)


def names(many: int) -> Iterator[Request]:
    """Names that lead elsewhere: to be kept, to speak, and to be forgotten."""
    up = ("../", "..\\", "..%2f", "..%5c", "%2e%2e/", "%2e%2e%2f", "....//", "..;/", "..%252f",
          "..%c0%af", "\u2025/", "\uff0e\uff0e/", ".%00./", "/", "file:", "~/", "./")
    ends = ("secret", "secret.safetensors", "secret\0", "secret%00", "etc/passwd", "secret/.",
            "voices/../secret", "clara/../../secret", "")
    found = [step * times + end for times in (1, 2, 6) for step in up for end in ends]
    random.Random(2).shuffle(found)
    for number, name in enumerate(found[:many]):
        if number % 3 == 0:
            yield upload(b"RIFF", name)
        elif number % 3 == 1:
            yield as_json({**GOOD, "voice": name})
        else:
            yield "DELETE", f"{VOICES}/{quote(name, safe='/%.;~:')}", b"", {}


def addresses(many: int, port: int) -> Iterator[Request]:
    """Addresses of a listener on this machine, and of files, in every disguise."""
    hosts = [f"{host}:{port}" for host in (
        "127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "2130706433", "0x7f000001",
        "017700000001", "[::ffff:127.0.0.1]", "a@127.0.0.1", "127.0.0.1#@example.org",
        "localtest.me", "①②⑦.⓪.⓪.①", "127.0.0.1%2f")]
    schemes = ("http://", "https://", "HTTP://", " http://", "\thttp://", "ftp://", "gopher://",
               "//", "http:/", "http:\\\\", "rtsp://", "data:audio/wav,http://", "url:http://")
    found = [f"{scheme}{host}/a.wav" for scheme in schemes for host in hosts]
    random.Random(3).shuffle(found)
    files = ["file:///etc/passwd", "file:/etc/passwd", "file://localhost/etc/passwd", "/etc/passwd",
             "~/.ssh/id_rsa", "..\\..\\secret", "\\\\127.0.0.1\\share\\a.wav", "jar:file:///a!/b",
             "concat:/etc/passwd", "subfile,,start,0,end,0,,:/etc/passwd", "pipe:0", "fd:0",
             "data:audio/wav;base64,", "data:,", "data:;base64,!!!!", "data:audio/wav;base64,AAAA",
             "data:audio/wav;base64;base64,AAAA", "data:" + "a" * 99_999, "blob:null/1"]
    for url in [*files, *found][:many]:
        yield as_json({"input": "A.", "ref_audio": url, "ref_text": "A small boat."})


def bombs(many: int) -> Iterator[Request]:
    """Opus packets of two empty frames of 60 ms and much padding; MP3 of silence, repeated."""
    padding = 250
    packet_bytes = bytes([3 << 3 | 3, 0x42, padding]) + bytes(padding)
    file = io.BytesIO()
    with av.open(file, "w", format="ogg", options={"page_duration": "20000000"}) as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        stream.codec_context.open()
        for number in range(BOMB_BYTES // (len(packet_bytes) + 1)):
            packet = av.Packet(packet_bytes)
            packet.stream, packet.time_base = stream, Fraction(1, 48_000)
            packet.pts = packet.dts = number * 5760
            packet.duration = 5760
            container.mux(packet)
    silence = encoded("mp3", np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE, {})
    for sound in (file.getvalue(), silence * (BOMB_BYTES // len(silence)))[:many]:
        yield upload(sound)


@contextmanager
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port of this machine, and what came to it."""
    hits: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server_socket:
        def listen() -> None:
            while True:
                try:
                    connection, _ = server_socket.accept()
                except OSError:
                    return
                with connection:
                    hits.append(connection.recv(100))

        threading.Thread(target=listen, daemon=True).start()
        yield server_socket.getsockname()[1], hits


def ask(url: str, request: Request) -> tuple[int, bytes]:
    """One request, byte for byte as it is given."""
    method, path, body, headers = request
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with suppress(OSError):  # refused before all of it was read; the answer says why
            connection.send(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def tried(running: Running, kind: str, requests: Iterator[Request], many: int) -> Tally:
    """Send them one after the other."""
    tally = Tally(kind)
    Path(f"/proc/{running.pid}/clear_refs").write_text("5")  # the peak is counted anew
    for request in progress(requests, total=many, desc=kind, unit="requests"):
        started = time.monotonic()
        try:
            status, body = ask(running.url, request)
        except OSError as error:
            status, body = 0, repr(error).encode()
        tally.slowest = max(tally.slowest, time.monotonic() - started)
        tally.answers[status] += 1
        if not is_refusal(status, body):
            tally.wrong.append(f"{request[0]} {request[1]} {request[2][:300]!r}: {status} "
                               f"{body[:300]!r}")
    tally.memory = running.memory("VmHWM")
    return tally


def is_refusal(status: int, body: bytes) -> bool:
    """A 4xx with OpenAI's error in it."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return False
    return 400 <= status < 500 and bool(error["message"]) and "Traceback" not in error["message"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--share", type=float, default=1.0, help="of each number above")
    parser.add_argument("--out", type=Path, help="write NAME.json and NAME.md")
    options = parser.parse_args()
    with listener() as (port, hits), server(options.model, ["--max-upload=32"]) as running:
        (running.voices.parent / "secret.safetensors").write_bytes(b"secret")
        _, before = ask(running.url, as_json(GOOD))
        rest = round(running.memory())
        kinds: dict[str, tuple[Callable[[int], Iterator[Request]], int]] = {
            "damaged recordings": (recordings, 1000), "hostile bodies": (bodies, 500),
            "names": (names, 150), "addresses": (lambda many: addresses(many, port), 80),
            "bombs": (bombs, 2)}
        tallies = []
        for kind, (make, most) in kinds.items():
            many = max(2, round(most * options.share))
            tallies.append(tried(running, kind, make(many), many))
            print(tallies[-1].record(), *tallies[-1].wrong[:20], sep="\n", flush=True)
        _, after = ask(running.url, as_json(GOOD))
        left = [str(path) for path in running.voices.rglob("*")]
        faults = {"fetched": len(hits), "left_behind": left,
                  "speech_changed": before != after or len(after) < 1000,
                  "restarts": b"valle_worker_restarts 0.0" not in ask(
                      running.url, ("GET", "/metrics", b"", {}))[1],
                  "secret_gone": not (running.voices.parent / "secret.safetensors").is_file(),
                  "tracebacks": running.log().count("Traceback")}
    rows = [tally.record() for tally in tallies]
    print(f"memory at rest: {rest} MiB; faults: {faults}")
    if options.out:
        options.out.with_suffix(".json").write_text(json.dumps(
            {"memory_at_rest_mib": rest, "rows": rows, "faults": faults}, indent=1) + "\n")
        head = list(rows[0])
        options.out.with_suffix(".md").write_text("\n".join([
            f"| {' | '.join(head)} |", "|" + "---|" * len(head),
            *(f"| {' | '.join(str(row[name]) for name in head)} |" for row in rows)]) + "\n")
    sys.exit(any(row["wrong"] for row in rows) or any(faults.values()))


if __name__ == "__main__":
    main()
