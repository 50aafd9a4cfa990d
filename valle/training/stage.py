"""What the loop asks of a stage, and what it is told itself."""
from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from valle.training.log import Examples, Metrics
from valle.training.state import Labels


@dataclass(frozen=True)
class LoopConfig:
    """How long, how fast and where to train.

    Attributes:
        out: folder for the checkpoint, the metrics, and what inference loads.
        steps: of the optimizer, in all.
        warmup: steps to the peak learning rate.
        schedule: of the learning rate after that: cosine, linear or constant.
        final_lr: learning rate at the end, as a share of the peak.
        accumulate: batches in one step; the processes of `torchrun` share them.
        log_every: steps between two lines of metrics.
        validate_every: steps between two validations.
        save_minutes: minutes between two checkpoints.
        wandb: project of Weights & Biases that metrics go to as well.
        peak_tflops: of one device in bfloat16, for its utilisation (MFU) in the metrics; 0 is known
            of some GPUs.
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
    wandb: str = ""
    peak_tflops: float = 0.0
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
        weight: how many tokens, frames or rows `value` is the mean of; the batches of a step count
            by it, so that together they are one large batch.
        units: of training data in the batch, in the stage's unit.
        metrics: {"train/name": value} beside "train/loss", which is `value` unless it is here too.
        optimizer: the one that steps; None where the stage has one alone.
    """

    value: torch.Tensor
    units: float = 0.0
    metrics: Mapping[str, float | torch.Tensor] = field(default_factory=dict)
    optimizer: str | None = None
    weight: float = 1.0


class Stage(Protocol):
    """What is trained, and how its losses come about.

    Attributes:
        unit: in which progress is counted.
        modules: what is saved; the loop moves it to the device.
        optimizers: by the names of modules or parts; each has its peak learning rate.
        clip: greatest norm of the gradients.
        labels: what the numbers that the weights learn stand for, see `Progress`.
        best: the metric of `validate` that is least where the weights are best.
    """

    name: str
    unit: str
    modules: nn.ModuleDict
    optimizers: dict[str, torch.optim.Optimizer]
    clip: float
    labels: Labels
    best: str

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
