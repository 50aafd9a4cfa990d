"""The one training loop. A stage says what its losses are; the loop does everything around them.

It owns device, autocast, backward, accumulation, clipping, the optimizers' steps, checkpoints and
signals. Batches and random numbers depend on (seed, step) alone, so a resumed run repeats an
uninterrupted one exactly.
"""
from __future__ import annotations

import dataclasses
import math
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from valle.engine.select import pick_device
from valle.features.progress import progress as progress_bar
from valle.features.progress import say
from valle.training.log import Examples, Log, Metrics
from valle.training.state import Labels, Progress, resume, save_state

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class LoopConfig:
    """How long, how fast and where to train.

    Attributes:
        out: folder for the checkpoint, the metrics, and what inference loads.
        steps: of the optimizer, in all.
        warmup: steps to the peak learning rate.
        schedule: of the learning rate after that: cosine, linear or constant.
        final_lr: learning rate at the end, as a share of the peak.
        accumulate: batches in one step.
        log_every: steps between two lines of metrics.
        validate_every: steps between two validations.
        save_minutes: minutes between two checkpoints.
        device: auto, cpu or cuda.
        threads: of the CPU; 0 takes all cores.
        seed: of weights, batches and dropout.
    """

    out: Path
    steps: int
    warmup: int = 100
    schedule: str = "cosine"
    final_lr: float = 0.05
    accumulate: int = 1
    log_every: int = 10
    validate_every: int = 250
    save_minutes: float = 3.0
    device: str = "auto"
    threads: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in ("cosine", "linear", "constant"):
            raise ValueError(f"--schedule {self.schedule}: choose cosine, linear or constant")
        for name in ("steps", "accumulate", "log_every", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name.replace('_', '-')} must be at least 1")

    def lr_factor(self, step: int) -> float:
        """Share of the peak learning rate at this step: warm-up, then decay to final_lr."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        shape = {"cosine": 0.5 + 0.5 * math.cos(math.pi * done), "linear": 1 - done,
                 "constant": 1.0}[self.schedule]
        return self.final_lr + (1 - self.final_lr) * shape


@dataclass(frozen=True)
class Loss:
    """What a stage makes of a batch.

    Attributes:
        value: to be made smaller, a scalar.
        units: of training data in the batch, in the stage's unit.
        metrics: {"train/name": value} beside "train/loss", which is `value` unless it is here too.
        optimizer: the one that steps; None where the stage has one alone.
    """

    value: torch.Tensor
    units: float = 0.0
    metrics: Mapping[str, float | torch.Tensor] = field(default_factory=dict)
    optimizer: str | None = None


class Stage(Protocol):
    """What is trained, and how its losses come about.

    Attributes:
        unit: in which progress is counted.
        modules: what is saved; the loop moves it to the device.
        optimizers: by the names of modules or parts; each has its peak learning rate.
        clip: greatest norm of the gradients.
        labels: what the numbers that the weights learn stand for, see `Progress`.
    """

    name: str
    unit: str
    modules: nn.ModuleDict
    optimizers: dict[str, torch.optim.Optimizer]
    clip: float
    labels: Labels

    def batch(self, index: int) -> Any:
        """Batch number `index`, a function of the stage's seed and the index alone.

        The loop moves all tensors in it to the device, in whatever they lie.
        """

    def losses(self, batch: Any, step: int) -> Iterator[Loss]:
        """The losses of a batch, under autocast.

        After each the loop goes backward and lets the optimizer step that the loss names, and only
        then asks for the next, so that a discriminator has learned before it judges.
        """

    def validate(self) -> Metrics:
        """Metrics on data that is never trained on; in eval mode, without gradients."""

    def sample(self) -> Examples:
        """A few audio examples, name to samples [N], for the ear; as `validate`."""

    def export(self, folder: Path) -> None:
        """Write the files that inference loads."""


def fit(stage: Stage, config: LoopConfig, settings: dict[str, Any]) -> Progress:
    """Train until `config.steps`, resuming from `config.out` when it holds a checkpoint.

    Ctrl-C, SIGTERM and SIGHUP finish the step, save and return; `Progress.signal` is then set.
    Metrics go to metrics.jsonl and TensorBoard.
    """
    stage.modules.to(pick_device(config.device))
    for optimizer in stage.optimizers.values():
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    progress = resume(config.out, stage.modules, stage.optimizers, stage.labels)
    if progress:
        say(f"resuming {config.out} at step {progress.step}")
    progress = progress or Progress(settings=settings, labels=stage.labels)
    if progress.step >= config.steps:
        say(f"{config.out} is trained: {progress.step} steps. Raise --steps to go on.")
        return progress
    config.out.mkdir(parents=True, exist_ok=True)
    started = saved = time.monotonic()
    before = progress.seconds
    bar = progress_bar(total=config.steps, initial=progress.step, desc=stage.name, unit="steps")
    with Log(config.out, progress.step) as log, interruptible() as interrupted, bar:
        while progress.step < config.steps and not interrupted:
            metrics = train_step(stage, config, progress)
            progress.seconds = before + time.monotonic() - started
            bar.set_postfix_str(f"loss {metrics['train/loss']:.3f} "
                                f"{progress.units / progress.seconds:.0f} {stage.unit}/s",
                                refresh=False)
            bar.update()
            if progress.step % config.log_every == 0:
                log.write(progress, metrics)
            if progress.step % config.validate_every == 0 or progress.step == config.steps:
                log.write(progress, *validate(stage))
            if time.monotonic() - saved > 60 * config.save_minutes:
                save_state(config.out, stage.modules, stage.optimizers, progress)
                saved = time.monotonic()
        if progress.step < config.steps:
            progress.signal = interrupted[0]
        save_state(config.out, stage.modules, stage.optimizers, progress)
        stage.export(config.out)
    if progress.signal:
        say(f"stopped at step {progress.step}; the same command goes on from here")
    return progress


def train_step(stage: Stage, config: LoopConfig, progress: Progress) -> Metrics:
    """One step at the scheduled learning rate; advances `progress`."""
    torch.manual_seed(config.seed * 1_000_003 + progress.step)
    factor = config.lr_factor(progress.step)
    for optimizer in stage.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
    stage.modules.train()
    device = device_of(stage.modules)
    first = progress.step * config.accumulate
    running = [stage.losses(to_device(stage.batch(first + i), device), progress.step)
               for i in range(config.accumulate)]
    metrics: Metrics = {"train/skipped": 0.0}
    units = 0.0
    while losses := [loss for each in running if (loss := backward(each, device, len(running)))]:
        optimizer = stage.optimizers[losses[0].optimizer or next(iter(stage.optimizers))]
        norm = update(optimizer, stage.clip)
        stage.modules.zero_grad(set_to_none=True)  # also what one loss left in another's modules
        given = [{"train/loss": loss.value, **loss.metrics} for loss in losses]
        metrics |= {key: sum(float(one[key]) for one in given) / len(given) for key in given[0]}
        metrics["train/grad_norm"] = norm
        metrics["train/skipped"] += float(not math.isfinite(norm))
        units += sum(loss.units for loss in losses)
    progress.step += 1
    progress.units += int(units)
    progress.skipped += int(metrics["train/skipped"] > 0)
    return metrics | {"train/lr_factor": factor}


def backward(running: Iterator[Loss], device: torch.device, share: int) -> Loss | None:
    """The next loss of a batch, gone backward as one of `share`; None when there is no more."""
    with torch.autocast(device.type, torch.bfloat16):
        loss = next(running, None)
    if loss is not None:
        (loss.value / share).backward()
        loss = dataclasses.replace(loss, value=loss.value.detach())
    return loss


def update(optimizer: torch.optim.Optimizer, clip: float) -> float:
    """Clip the gradients and step, unless they are not finite; returns their norm."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    norm = float(nn.utils.clip_grad_norm_(parameters, clip))
    if math.isfinite(norm):
        optimizer.step()
    return norm


@torch.no_grad()
def validate(stage: Stage) -> tuple[Metrics, Examples]:
    """Metrics and audio examples of a stage in eval mode."""
    stage.modules.eval()
    return stage.validate(), stage.sample()


def device_of(modules: nn.Module) -> torch.device:
    """What a model runs on."""
    return next(modules.parameters()).device


def full_precision(device: torch.device) -> torch.autocast:
    """For a part of a loss that bfloat16 would spoil: `with full_precision(device):`."""
    return torch.autocast(device.type, enabled=False)


def to_device(batch: Any, device: torch.device) -> Any:
    """A batch with all tensors on a device: in tuples, lists, mappings and dataclasses."""
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(item, device) for item in batch)
    if isinstance(batch, dict):
        return {key: to_device(value, device) for key, value in batch.items()}
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        return dataclasses.replace(batch, **{
            f.name: to_device(getattr(batch, f.name), device) for f in dataclasses.fields(batch)})
    return batch


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Collect signals in a list instead of dying in the middle of a step.

    A signal that is ignored, as by nohup, stays so.
    """
    received: list[int] = []

    def remember(number: int, _: Any) -> None:
        if not received:
            say("stopping after this step")
        received.append(number)

    previous = {s: signal.getsignal(s) for s in SIGNALS}
    for number, handler in previous.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, remember)
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
