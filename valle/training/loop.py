"""The one training loop. A stage says what its losses are; the loop does everything around them.

It owns device, autocast, backward, accumulation, clipping and the optimizers' steps. Batches and
random numbers depend on the seed and the number of the batch alone, so a resumed run repeats an
uninterrupted one exactly, and several processes repeat one.
"""
from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from valle.engine.select import pick_device
from valle.features.progress import progress as progress_bar
from valle.features.progress import say
from valle.training import parallel
from valle.training.keeping import Keeper, Stop, interruptible, unvalidated
from valle.training.log import Log, Metrics
from valle.training.parallel import Replica
from valle.training.stage import LoopConfig, Loss, Stage, device_of, to_device
from valle.training.state import Progress, resume
from valle.training.utilisation import Utilisation


def fit(stage: Stage, config: LoopConfig, settings: dict[str, Any]) -> Progress:
    """Train until `config.steps`, resuming from `config.out` when it holds a checkpoint.

    Ctrl-C, SIGTERM and SIGHUP finish the step, save and return; `Progress.signal` is then set.
    Metrics go to metrics.jsonl and TensorBoard, what inference loads to `config.out`, and the same
    of the best validation to its folder "best".

    Raises:
        ValueError: a checkpoint is of no use, or processes do not share the folder.
    """
    stage.modules.to(pick_device(config.device))
    for optimizer in stage.optimizers.values():
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    progress = resume(config.out, stage.modules, stage.optimizers, stage.labels)
    if progress:
        say(f"resuming {config.out} at step {progress.step}")
    progress = progress or Progress(settings=settings, labels=stage.labels)
    check_same_step(stage, config, progress)
    if progress.step >= config.steps and not unvalidated(progress, config):
        say(f"{config.out} is trained: {progress.step} steps. Raise --steps to go on.")
        if parallel.is_first():
            stage.export(config.out)  # a kill may have come between checkpoint and export
        return progress
    bar = progress_bar(total=config.steps, initial=progress.step, desc=stage.name, unit="steps")
    with interruptible() as stop, bar:
        if not parallel.is_first():
            run_steps(stage, config, progress, stop, bar, None)
            return progress
        config.out.mkdir(parents=True, exist_ok=True)
        with Log(config.out, progress, config.wandb) as log:
            keeper = Keeper(stage, config, progress, stop, log)
            keeper.validate_when_due()
            run_steps(stage, config, progress, stop, bar, keeper)
            if progress.step < config.steps or unvalidated(progress, config):
                progress.signal = stop.signal
            keeper.save()
            stage.export(config.out)
    if progress.signal:
        say(f"stopped at step {progress.step}; the same command goes on from here")
    return progress


def run_steps(stage: Stage, config: LoopConfig, progress: Progress, stop: Stop, bar: tqdm[Any],
              keeper: Keeper | None) -> None:
    """Steps until the last one, or until a process is told to stop.

    keeper: of the first process.
    """
    replica = Replica(stage.modules)
    utilisation = Utilisation(config.peak_tflops, device_of(stage.modules))
    started, before = time.monotonic(), progress.seconds
    while progress.step < config.steps:
        if any(parallel.total([stop.signal], device_of(stage.modules))):
            break
        with utilisation.counting(progress):
            metrics = train_step(stage, config, progress, replica)
        metrics |= utilisation.metrics(metrics["speed/units_per_second"])
        progress.seconds = before + time.monotonic() - started
        bar.set_postfix_str(f"loss {metrics['train/loss']:.3f} "
                            f"{progress.units / progress.seconds:.0f} {stage.unit}/s",
                            refresh=False)
        bar.update()
        if keeper:
            keeper.after_step(metrics)


def check_same_step(stage: Stage, config: LoopConfig, progress: Progress) -> None:
    """Raises ValueError where processes would go on from different steps."""
    steps = parallel.total([progress.step], device_of(stage.modules))[0]
    if steps != parallel.count() * progress.step:
        raise ValueError(f"processes find different checkpoints in {config.out} (step "
                         f"{progress.step} here): --out must be a folder that all of them share")


def train_step(stage: Stage, config: LoopConfig, progress: Progress, replica: Replica | None = None,
               ) -> Metrics:
    """One step at the scheduled learning rate; advances `progress`."""
    replica = replica or Replica(stage.modules)
    factor = config.lr_factor(progress.step)
    for optimizer in stage.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
    stage.modules.train()
    device = device_of(stage.modules)
    started = time.monotonic()
    mine = parallel.share(progress.step, config.accumulate)
    running = {index: stage.losses(to_device(stage.batch(index), device), progress.step)
               for index in mine}
    waited = time.monotonic() - started
    metrics: Metrics = {"train/skipped": 0.0}
    units = 0.0
    for turn in itertools.count():
        found = [backward(each, config.seed * 1_000_003 + index + (turn << 32), device, replica,
                          last=index == mine[-1]) for index, each in running.items()]
        losses = [loss for loss in found if loss]
        if not losses:
            break
        given = [{"train/loss": loss.value, **loss.metrics} for loss in losses]
        *sums, weight, new = parallel.total(
            [*(sum(loss.weight * float(one[key]) for loss, one in zip(losses, given, strict=True))
               for key in given[0]),
             sum(loss.weight for loss in losses), sum(loss.units for loss in losses)], device)
        metrics |= {key: value / weight for key, value in zip(given[0], sums, strict=True)}
        optimizer = stage.optimizers[losses[0].optimizer or next(iter(stage.optimizers))]
        norm = update(optimizer, stage.clip, parallel.count() / weight)
        stage.modules.zero_grad(set_to_none=True)  # also what one loss left in another's modules
        metrics["train/grad_norm"] = norm
        metrics["train/skipped"] += float(not math.isfinite(norm))
        units += new
    took = time.monotonic() - started
    progress.step += 1
    progress.units += int(units)
    progress.skipped += int(metrics["train/skipped"] > 0)
    return metrics | {"train/lr_factor": factor, "speed/units_per_second": units / took,
                      "speed/data_stall": waited / took}


def backward(running: Iterator[Loss], seed: int, device: torch.device, replica: Replica, last: bool,
             ) -> Loss | None:
    """The next loss of a batch, gone backward by its weight; None when there is no more.

    last: of the batches of this process; gradients are then averaged with the other processes.
    """
    torch.manual_seed(seed)
    with replica.averaging(last):
        with torch.autocast(device.type, torch.bfloat16):
            loss = replica.next(running)
        if loss is not None:
            (loss.value * loss.weight).backward()
            loss = dataclasses.replace(loss, value=loss.value.detach())
    return loss


def update(optimizer: torch.optim.Optimizer, clip: float, scale: float) -> float:
    """Multiply the gradients by `scale`, clip them, and step; returns their norm before clipping.

    Where that is not finite there is no step.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad *= scale
    norm = float(nn.utils.clip_grad_norm_(parameters, clip))
    if math.isfinite(norm):
        optimizer.step()
    return norm
