"""What a run leaves behind on its way: metrics, best weights, checkpoints; how it is stopped."""
from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from valle.features.progress import say
from valle.training.log import Examples, Log, Metrics
from valle.training.stage import LoopConfig, Stage
from valle.training.state import Progress, save_state

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BEST = "best"  # folder in that of the run


class Interrupted(BaseException):
    """A signal has come, and what is being done need not be finished."""


class Stop:
    """Signals that ask a run to stop; they wait for the end of a step.

    Attributes:
        signal: the first that came, or 0.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._at_once = False

    def remember(self, number: int, _: Any) -> None:
        """Take a signal; a handler of Python's module signal."""
        if not self.signal:
            say("stopping after this step")
        self.signal = self.signal or number
        if self._at_once:
            raise Interrupted

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A block that a signal ends with `Interrupted`, also one that has come before."""
        self._at_once = True
        try:
            if self.signal:
                raise Interrupted
            yield
        finally:
            self._at_once = False


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Remember signals instead of dying in the middle of a step.

    A signal that is ignored, as by nohup, stays so.
    """
    stop = Stop()
    previous = {s: signal.getsignal(s) for s in SIGNALS}
    for number, handler in previous.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop.remember)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def unvalidated(progress: Progress, config: LoopConfig) -> bool:
    """Whether a validation is due and has not been done."""
    due = progress.step % config.validate_every == 0 or progress.step == config.steps
    return due and progress.step > progress.validated


class Keeper:
    """Writes down what one run does, into its folder."""

    def __init__(self, stage: Stage, config: LoopConfig, progress: Progress, stop: Stop,
                 log: Log) -> None:
        self.stage, self.config, self.progress, self.stop, self.log = (
            stage, config, progress, stop, log)
        self._saved = time.monotonic()

    def after_step(self, metrics: Metrics) -> None:
        """Log, validate and save, each when it is due."""
        if self.progress.step % self.config.log_every == 0:
            self.log.write(self.progress, metrics)
        self.validate_when_due()
        if time.monotonic() - self._saved > 60 * self.config.save_minutes:
            self.save()

    def validate_when_due(self) -> None:
        """Validate, and keep the weights that are best so far.

        A signal breaks it off: the run that goes on validates first.
        """
        if not unvalidated(self.progress, self.config):
            return
        try:
            with self.stop.at_once():
                metrics, examples = validate(self.stage)
        except Interrupted:
            return
        self.log.write(self.progress, metrics, examples)
        self.progress.validated = self.progress.step
        value = metrics.get(self.stage.best, math.nan)
        if value < (math.inf if self.progress.best is None else self.progress.best):
            self.progress.best, self.progress.best_step = value, self.progress.step
            self.stage.export(self.config.out / BEST)

    def save(self) -> None:
        """Write a checkpoint."""
        save_state(self.config.out, self.stage.modules, self.stage.optimizers, self.progress)
        self._saved = time.monotonic()


@torch.no_grad()
def validate(stage: Stage) -> tuple[Metrics, Examples]:
    """Metrics and audio examples of a stage in eval mode."""
    stage.modules.eval()
    return stage.validate(), stage.sample()
