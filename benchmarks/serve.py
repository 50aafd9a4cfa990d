#!/usr/bin/env python3
"""How a server holds under load: `python benchmarks/serve.py [--model MODEL] [--out NAME]`.

It starts `valle serve` on this machine and speaks clauses of about three seconds in several voices
and with several seeds, first each alone, then so many at once. A third of the clients misbehave:
they leave after the first bytes, or read slowly. Counted are first audio, what was refused, what
was lost (neither finished nor refused), and what was mixed up (other samples than alone).

  python benchmarks/serve.py --concurrency 1 8 32 128 --requests 2000
  python benchmarks/serve.py --concurrency 8 --minutes 30

With --minutes it goes on for so long, and tells how memory and open descriptors of the server grow.
"""
from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path
from statistics import linear_regression, median

import httpx

ROOT = Path(__file__).parents[1]
CLAUSES = ("The old clock on the stairs had stopped at noon.",
           "Nobody in the house could say who had wound it last.",
           "She took the old key from the nail beside the door.")
VOICES = ("clara", "miles")
ITEMS = [{"input": text, "voice": voice, "seed": seed, "response_format": "pcm"}
         for seed, (text, voice) in enumerate((t, v) for t in CLAUSES for v in VOICES)]
BYTES_PER_SECOND = 48_000
SLOW = 0.3  # seconds that a slow reader waits for each 16 KiB
LOOK = 5.0  # seconds between two looks at a server's memory
WARM = 0.2  # of a soak, in which memory may grow


@dataclass
class Tally:
    """What became of the requests at one concurrency."""

    concurrency: int
    asked: int = 0
    whole: int = 0
    refused: int = 0
    left: int = 0
    lost: int = 0
    mixed: int = 0
    ill: int = 0
    first: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    speech: float = 0.0
    seconds: float = 0.0

    def record(self) -> dict[str, float | int | None]:
        """As it is written down."""
        return {"concurrency": self.concurrency, "asked": self.asked, "whole": self.whole,
                "refused": self.refused, "left": self.left, "lost": self.lost,
                "mixed": self.mixed, "ill": self.ill, "first_audio_p50": at(self.first, 0.5),
                "first_audio_p95": at(self.first, 0.95), "refusal_p95": at(self.refusals, 0.95),
                "health_max": at(self.health, 1.0),
                "speech_per_second": round(self.speech / self.seconds, 2)}


def at(values: list[float], share: float) -> float | None:
    """A quantile of some seconds."""
    ordered = sorted(values)
    return round(ordered[round(share * (len(ordered) - 1))], 3) if ordered else None


@dataclass(frozen=True)
class Running:
    """A server that is ready."""

    url: str
    pid: int
    folder: Path

    @property
    def voices(self) -> Path:
        return self.folder / "voices"

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def memory(self, name: str = "VmRSS") -> float:
        """In MiB, VmRSS or its peak, VmHWM."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) / 1024

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@contextmanager
def server(model: str, options: list[str]) -> Iterator[Running]:
    """A server of this machine, for as long as this lasts."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "valle", "serve", f"--model={model}", "--port=0",
             f"--voices={folder}/voices", "--max-requests=32", *options], cwd=ROOT, stderr=log)
        try:
            while not (found := re.search(r"running on (http://\S+)",
                                          (Path(folder) / "log").read_text())):
                if process.poll() is not None:
                    raise SystemExit((Path(folder) / "log").read_text())
                time.sleep(0.1)
            yield Running(found[1], process.pid, Path(folder))
        finally:
            process.terminate()
            process.wait()


async def one(client: httpx.AsyncClient, number: int, alone: dict[int, str], tally: Tally) -> None:
    """One client: every third leaves early or reads slowly."""
    item = ITEMS[number % len(ITEMS)]
    leaves, slow = number % 6 == 2, number % 6 == 5
    tally.asked += 1
    started, sound = time.monotonic(), b""
    try:
        async with client.stream("POST", "/v1/audio/speech", json=item) as answer:
            if answer.status_code == 429:
                tally.refused += 1
                tally.refusals.append(time.monotonic() - started)
                return
            if answer.status_code != 200:
                tally.lost += 1
                return
            async for part in answer.aiter_raw(1 << 14):
                if not sound:
                    tally.first.append(time.monotonic() - started)
                sound += part
                if leaves:
                    tally.left += 1
                    return
                if slow:
                    await asyncio.sleep(SLOW)
    except httpx.HTTPError:
        tally.lost += 1
        return
    tally.whole += 1
    tally.speech += len(sound) / BYTES_PER_SECOND
    tally.mixed += hashlib.sha256(sound).hexdigest() != alone[number % len(ITEMS)]


async def load(url: str, concurrency: int, numbers: Iterator[int], alone: dict[int, str]) -> Tally:
    """Requests of these numbers, so many of them at once."""
    tally = Tally(concurrency)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        async def worker() -> None:
            for number in numbers:
                await one(client, number, alone, tally)

        async def watch() -> None:
            while True:
                started = time.monotonic()
                try:
                    (await client.get("/health/live", timeout=10)).raise_for_status()
                except httpx.HTTPError:
                    tally.ill += 1
                tally.health.append(time.monotonic() - started)
                await asyncio.sleep(0.5)

        watching = asyncio.create_task(watch())
        started = time.monotonic()
        await asyncio.gather(*(worker() for _ in range(concurrency)))
        tally.seconds = time.monotonic() - started
        watching.cancel()
    return tally


async def soak(running: Running, concurrency: int, minutes: float, alone: dict[int, str],
               ) -> dict[str, float | int | None]:
    """So many at once for so long, and how the server grows meanwhile."""
    end = time.monotonic() + 60 * minutes
    seen: list[tuple[float, float]] = []  # (hours, MiB)
    before = running.descriptors()

    async def look() -> None:
        while True:
            seen.append((time.monotonic() / 3600, running.memory()))
            await asyncio.sleep(LOOK)

    looking = asyncio.create_task(look())
    numbers = takewhile(lambda _: time.monotonic() < end, count())
    tally = await load(running.url, concurrency, numbers, alone)
    looking.cancel()
    hours, sizes = zip(*seen[round(WARM * len(seen)):], strict=True)
    await asyncio.sleep(1)  # for the connections to be gone
    return {**tally.record(), "minutes": round(tally.seconds / 60, 1),
            "memory_mib": round(sizes[-1]),
            "mib_per_hour": round(linear_regression(hours, sizes).slope, 1),
            "descriptors_more": running.descriptors() - before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--requests", type=int, default=24, help="at each concurrency")
    parser.add_argument("--minutes", type=float, help="in place of --requests: go on for so long")
    parser.add_argument("--out", type=Path, help="write NAME.json and NAME.md")
    parser.add_argument("options", nargs="*", help="of valle serve, behind --")
    given = parser.parse_args()
    with server(given.model, given.options) as running:
        url = running.url
        alone, first = {}, []
        for index, item in enumerate(ITEMS):
            started = time.monotonic()
            answer = httpx.post(f"{url}/v1/audio/speech", json=item, timeout=600)
            first.append(time.monotonic() - started)
            alone[index] = hashlib.sha256(answer.content).hexdigest()
        print(f"alone: a clause takes {median(first):.2f} s", file=sys.stderr)
        rows = [asyncio.run(soak(running, concurrency, given.minutes, alone)) if given.minutes else
                asyncio.run(load(url, concurrency, iter(range(given.requests)), alone)).record()
                for concurrency in given.concurrency]
    head = list(rows[0])
    table = "\n".join([f"| {' | '.join(head)} |", "|" + "---:|" * len(head),
                       *(f"| {' | '.join(str(row[name]) for name in head)} |" for row in rows)])
    print(table)
    if given.out:
        given.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")
        given.out.with_suffix(".md").write_text(table + "\n")


if __name__ == "__main__":
    main()
