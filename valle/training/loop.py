"""The one training loop. A stage says what a step is; the loop does everything around it.

Batches and random numbers depend on (seed, step) alone, so a resumed run repeats an uninterrupted
one exactly.
"""
from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from tqdm import tqdm

from valle.training.state import Progress, load_state, save_state

Metrics = dict[str, float]


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to train; every field is a flag of `train.py`."""

    out: Path
    steps: int
    warmup: int = 100
    schedule: str = "cosine"
    final_lr: float = 0.05
    log_every: int = 10
    validate_every: int = 250
    save_minutes: float = 3.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in ("cosine", "linear", "constant"):
            raise ValueError(f"--schedule {self.schedule}: choose cosine, linear or constant")
        if self.steps < 1:
            raise ValueError("--steps must be at least 1")

    def lr_factor(self, step: int) -> float:
        """Share of the peak learning rate at this step: warm-up, then decay to final_lr."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        shape = {"cosine": 0.5 + 0.5 * math.cos(math.pi * done), "linear": 1 - done,
                 "constant": 1.0}[self.schedule]
        return self.final_lr + (1 - self.final_lr) * shape


class Stage(Protocol):
    """What is trained: codec, aligner, AR or NAR."""

    name: str
    unit: str
    modules: nn.ModuleDict
    optimizers: dict[str, torch.optim.Optimizer]

    def batch(self, step: int) -> Any:
        """The batch of this step, a function of the stage's seed and the step alone."""

    def step(self, batch: Any, step: int) -> Metrics:
        """Forward, backward, update. Returns {"group/name": value} with "train/units"."""

    def validate(self) -> Metrics:
        """Metrics on speakers that are never trained on."""

    def sample(self) -> dict[str, torch.Tensor]:
        """A few audio examples, name to samples [N] at 24 kHz, for the ear."""

    def export(self, folder: Path) -> None:
        """Write the files that inference loads."""


def update(optimizer: torch.optim.Optimizer, clip: float = 1.0) -> Metrics:
    """Clip the gradients and step; a step whose gradients are not finite is skipped and counted."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    norm = float(nn.utils.clip_grad_norm_(parameters, clip))
    if math.isfinite(norm):
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return {"train/grad_norm": norm, "train/skipped": float(not math.isfinite(norm))}


def fit(stage: Stage, config: LoopConfig, settings: dict[str, Any]) -> Progress:
    """Train until `config.steps`, resuming from `config.out` when it holds a checkpoint.

    Ctrl-C finishes the step, saves and returns. Metrics go to metrics.jsonl and TensorBoard.
    """
    checkpoint = config.out / "checkpoint.safetensors"
    progress = Progress(settings=settings)
    for optimizer in stage.optimizers.values():
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    if checkpoint.is_file():
        progress = load_state(checkpoint, stage.modules, stage.optimizers)
        tqdm.write(f"resuming {config.out} at step {progress.step}")
    if progress.step >= config.steps:
        tqdm.write(f"{config.out} is trained: {progress.step} steps. Raise --steps to go on.")
        return progress
    config.out.mkdir(parents=True, exist_ok=True)
    started = saved = time.monotonic()
    before = progress.seconds
    bar = tqdm(total=config.steps, initial=progress.step, desc=stage.name, unit="step",
               dynamic_ncols=True)
    with Log(config.out, progress.step) as log, interruptible() as interrupted, bar:
        while progress.step < config.steps and not interrupted:
            metrics = train_step(stage, config, progress)
            progress.seconds = before + time.monotonic() - started
            bar.update()
            bar.set_postfix_str(f"loss {metrics['train/loss']:.3f} "
                                f"{progress.units / progress.seconds:.0f} {stage.unit}/s")
            if progress.step % config.log_every == 0:
                log.write(progress, metrics)
            if progress.step % config.validate_every == 0 or progress.step == config.steps:
                log.write(progress, stage.validate(), stage.sample())
            if time.monotonic() - saved > 60 * config.save_minutes:
                save_state(checkpoint, stage.modules, stage.optimizers, progress)
                saved = time.monotonic()
    save_state(checkpoint, stage.modules, stage.optimizers, progress)
    stage.export(config.out)
    if interrupted:
        tqdm.write(f"stopped at step {progress.step}; the same command goes on from here")
    return progress


def train_step(stage: Stage, config: LoopConfig, progress: Progress) -> Metrics:
    """One step at the scheduled learning rate; advances `progress`."""
    torch.manual_seed(config.seed * 1_000_003 + progress.step)
    factor = config.lr_factor(progress.step)
    for optimizer in stage.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
    stage.modules.train()
    metrics = stage.step(stage.batch(progress.step), progress.step)
    progress.step += 1
    progress.units += int(metrics.pop("train/units"))
    progress.skipped += int(metrics.get("train/skipped", 0))
    return metrics | {"train/lr_factor": factor}


class Log:
    """metrics.jsonl beside the checkpoint, and TensorBoard when it is installed."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.jsonl"
        self._drop_after(step)
        try:
            from torch.utils.tensorboard import SummaryWriter
            self.board: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=step)
        except ImportError:
            self.board = None

    def _drop_after(self, step: int) -> None:
        """Remove lines past the checkpoint, and a line that a kill cut in half."""
        if not self.path.is_file():
            return
        lines = [line for line in self.path.read_text().splitlines() if line.endswith("}")]
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        self.path.write_text("".join(line + "\n" for line in kept))

    def write(self, progress: Progress, metrics: Metrics,
              audio: dict[str, torch.Tensor] | None = None) -> None:
        record = {"step": progress.step, "seconds": round(progress.seconds, 1),
                  "units": progress.units, "skipped": progress.skipped,
                  **{k: round(v, 5) if math.isfinite(v) else None for k, v in metrics.items()}}
        with open(self.path, "a") as file:
            file.write(json.dumps(record) + "\n")
        if self.board is None:
            return
        for key, value in metrics.items():
            self.board.add_scalar(key, value, progress.step)
        for key, wav in (audio or {}).items():
            self.board.add_audio(key, wav.reshape(1, -1).clamp(-1, 1), progress.step, 24_000)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.board is not None:
            self.board.close()


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list instead of dying in the middle of a step."""
    received: list[int] = []

    def remember(number: int, _: Any) -> None:
        received.append(number)

    previous = {s: signal.signal(s, remember) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
