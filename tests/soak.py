"""A training under attack: kill -9, SIGTERM, full disks, losses that are not finite or enormous.

    make soak        or: python tests/soak.py --kills 100 --signals 50 --faults 20 --injections 20

A run that was attacked goes on with the same command until it is done, and must then have the
weights, moments, counters and metrics of a run that was left alone, bit by bit. Runs are forked
from this process, which imports torch once and never goes backward itself.
"""
from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import math
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conftest import noise_codec, write_corpus
from safetensors import safe_open

from valle.cli import run
from valle.data.preparation import Preparation
from valle.data.prepare import prepare
from valle.model.config import ARConfig, size
from valle.training.loop import fit
from valle.training.speech import SpeechData, SpeechStage, SpeechTraining
from valle.training.stage import LoopConfig, Loss
from valle.training.stages.ar import AR, ARTask

IN_A_SAVE = 5     # every so many kills
SLOWEST = 10.0    # seconds from SIGTERM to the end


def options(data: Path, out: Path, steps: int) -> list[str]:
    """A tiny AR that saves after every step."""
    return ["ar", f"--data={data}", f"--out={out}", "--held-out=held", "--size=tiny",
            f"--steps={steps}", "--warmup=2", "--tokens-per-batch=900", "--max-concat=2",
            "--threads=1", "--device=cpu", "--dropout=0.1", "--corrupt=0.1", "--accumulate=2",
            "--log-every=1", "--validate-every=4", "--save-minutes=0"]


def start(work: Callable[[], int], printed: Path) -> int:
    """Run `work` in a process of its own, which ends with what it returns; gives its id."""
    if child := os.fork():
        return child
    with printed.open("w") as file:
        os.dup2(file.fileno(), 2)
    code = 99
    try:
        code = work()
    finally:
        os._exit(code)


def end(child: int) -> int:
    """Exit code of a process; of a killed one minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def alive(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def digest(out: Path) -> str:
    """Of all that must not depend on what a run went through."""
    found = hashlib.sha256()
    with safe_open(out / "checkpoint.safetensors", "np") as file:
        for key in sorted(file.keys()):
            found.update(key.encode() + file.get_tensor(key).tobytes())
        progress = json.loads(file.metadata()["progress"])
    for name in ("seconds", "settings", "run"):
        del progress[name]
    found.update(json.dumps(progress, sort_keys=True).encode())
    for line in (out / "metrics.jsonl").read_text().splitlines():
        record = {k: v for k, v in json.loads(line).items()
                  if k != "seconds" and not k.startswith("speed/")}
        found.update(json.dumps(record).encode())
    for path in sorted([*out.glob("ar.*"), *out.glob("best/*")]):
        found.update(path.name.encode() + path.read_bytes())
    assert not list(out.glob(".*")), "nothing is left over"
    return found.hexdigest()


class Soak:
    """Runs that are attacked, beside one that was not."""

    def __init__(self, folder: Path, data: Path, steps: int, seed: int) -> None:
        self.folder, self.data, self.steps = folder, data, steps
        self.rng, self.runs, self.printed = random.Random(seed), 0, folder / "stderr.txt"
        began = time.monotonic()
        assert end(start(self.command(folder / "whole"), self.printed)) == 0, self.told()
        self.seconds = time.monotonic() - began
        self.whole = digest(folder / "whole")

    def command(self, out: Path) -> Callable[[], int]:
        return lambda: run("train", options(self.data, out, self.steps), "train.py")

    def told(self) -> str:
        return self.printed.read_text()

    def outs(self) -> Iterator[Path]:
        """The folder of a run, again and again until the run is done; then that of another."""
        while True:
            self.runs += 1
            out = self.folder / f"run-{self.runs}"
            while not self.is_done(out):
                yield out
            assert digest(out) == self.whole, f"{out} differs from the run that was left alone"

    def is_done(self, out: Path) -> bool:
        try:
            with safe_open(out / "checkpoint.safetensors", "np") as file:
                progress = json.loads(file.metadata()["progress"])
        except FileNotFoundError:
            return False
        return progress["validated"] == self.steps and not (out / ".lock").exists()

    def finish(self) -> None:
        """Let the last run go on to its end."""
        out = self.folder / f"run-{self.runs}"
        assert end(start(self.command(out), self.printed)) == 0, self.told()
        assert digest(out) == self.whole, f"{out} differs from the run that was left alone"

    def kill(self, wanted: int) -> str:
        kills = inside = 0
        for out in self.outs():
            in_save = kills % IN_A_SAVE == IN_A_SAVE - 1
            child = start(self.command(out), self.printed)
            if in_save:
                while alive(child) and not list(out.glob(".checkpoint*.tmp")):
                    time.sleep(1e-4)
                time.sleep(self.rng.uniform(0, 3e-3))
            else:
                time.sleep(self.rng.uniform(0, self.seconds))
            os.kill(child, signal.SIGKILL)
            if end(child) == -signal.SIGKILL:
                kills += 1
                inside += bool(list(out.glob(".checkpoint*.tmp")))
            if kills == wanted:
                break
        self.finish()
        return f"{kills} kills, {inside} of them inside a save"

    def terminate(self, wanted: int) -> str:
        signals, slowest = 0, 0.0
        for out in self.outs():
            child = start(self.command(out), self.printed)
            time.sleep(self.rng.uniform(0, self.seconds))
            sent = time.monotonic()
            os.kill(child, signal.SIGTERM)
            code = end(child)
            assert code in (0, -signal.SIGTERM, 128 + signal.SIGTERM), self.told()
            if code == 128 + signal.SIGTERM:
                signals, slowest = signals + 1, max(slowest, time.monotonic() - sent)
            if signals == wanted:
                break
        assert slowest < SLOWEST, f"a run took {slowest:.1f} s to leave"
        self.finish()
        return f"{signals} SIGTERMs, each run gone in {slowest:.2f} s or less"

    def fill_disk(self, wanted: int) -> str:
        largest = (self.folder / "whole" / "checkpoint.safetensors").stat().st_size

        def limited(out: Path, most: int) -> Callable[[], int]:
            def work() -> int:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
                return self.command(out)()
            return work

        faults = 0
        for out in self.outs():
            most = self.rng.choice((self.rng.randrange(4096), self.rng.randrange(largest)))
            code = end(start(limited(out, most), self.printed))
            last = self.told().splitlines()[-1]
            assert code == 1 and "Traceback" not in self.told(), self.told()
            assert last.startswith("train.py: ") and "File too large" in last, self.told()
            faults += 1
            child = start(self.command(out), self.printed)
            time.sleep(self.rng.uniform(0, self.seconds))
            os.kill(child, signal.SIGTERM)
            end(child)
            if faults == wanted:
                break
        self.finish()
        return f"{faults} full disks, each one line"

    def inject(self, wanted: int) -> str:
        """Losses that are not finite are skipped and counted, enormous ones clipped."""
        bad = dict(zip(self.rng.sample(range(1, 2 * wanted + 1), wanted),
                       [math.nan, math.inf, 1e6, -1e6] * wanted, strict=False))
        out = self.folder / "injected"

        def work() -> int:
            data = SpeechData([self.data], ["held"], SpeechTraining(tokens_per_batch=900), None,
                              True)
            model = AR(ARConfig(len(data.vocabulary), transformer=size("tiny")))
            stage: Any = Injected(ARTask(model), data)
            stage.bad = bad
            progress = fit(stage, LoopConfig(out, 2 * wanted + 4, warmup=2, log_every=1), {})
            finite = all(bool(p.isfinite().all()) for p in model.parameters())
            return 0 if finite and progress.skipped == sum(map(nonfinite, bad.values())) else 3

        assert end(start(work, self.printed)) == 0, self.told()
        losses = [json.loads(line).get("train/loss") for line in (out / "metrics.jsonl").open()]
        seen = [loss for loss in losses if loss is not None and abs(loss) < 1e3]
        assert seen[-1] < seen[0], seen
        return f"{wanted} losses that are not finite or enormous, counted or clipped"


class Injected(SpeechStage):
    """An AR in training whose loss is multiplied by something in some steps."""

    bad: dict[int, float]

    def losses(self, batch: Any, step: int) -> Iterator[Loss]:
        for loss in super().losses(batch, step):
            yield dataclasses.replace(loss, value=loss.value * self.bad.get(step, 1.0))


def nonfinite(value: float) -> bool:
    return not math.isfinite(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, count in (("kills", 100), ("signals", 50), ("faults", 20), ("injections", 20),
                        ("steps", 20), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--data", type=Path, help="a prepared folder; default: a synthetic one")
    given = parser.parse_args()
    sys.modules["torch.utils.tensorboard"] = None  # type: ignore[assignment]  # seconds to import
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.data is None:
            write_corpus(folder / "plain")
            noise_codec(small=True).save(folder / "codec")
            prepare(folder / "plain", folder / "data",
                    Preparation(codec=folder / "codec", workers=0))
        soak = Soak(folder, given.data or folder / "data", given.steps, given.seed)
        for attack, wanted in ((soak.kill, given.kills), (soak.terminate, given.signals),
                               (soak.fill_disk, given.faults), (soak.inject, given.injections)):
            if wanted:
                began = time.monotonic()
                print(f"{attack(wanted)}; {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
