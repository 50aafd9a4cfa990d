"""A training run: the data, the stage, the loop, and the lock on its folder."""
from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from codec.files import remove_leftovers
from valle.data.held_out import read_patterns
from valle.data.lock import locked
from valle.engine.select import pick_device
from valle.training import parallel
from valle.training.loop import fit
from valle.training.stage import LoopConfig
from valle.training.stages import load_stage
from valle.training.state import Progress


@dataclass(frozen=True)
class Data:
    """What is learned from, and what is kept to validate on.

    Attributes:
        data: folders: prepared ones for the aligner, the AR and the NAR, corpora for the others.
        held_out: speakers (codec: parts of paths) kept for validation, as names or patterns; @FILE
            reads them from a file. Without it some clips are.
    """

    data: tuple[Path, ...]
    held_out: tuple[str, ...] = ()


def train(stage: str, data: Data, loop: LoopConfig, *configs: Any) -> Progress:
    """Train a stage (see `valle.training.stages`) into `loop.out`, or go on there.

    Raises:
        FileNotFoundError, ValueError: data, options or checkpoint are of no use, or another process
            trains in the folder; one line says what to do.
    """
    if loop.wandb:
        check_wandb()
    if loop.threads:
        torch.set_num_threads(loop.threads)
    data = dataclasses.replace(data, held_out=tuple(read_patterns(data.held_out)))
    with parallel.joined(pick_device(loop.device)), own(loop.out):
        if loop.accumulate % parallel.count():
            raise ValueError(f"--accumulate {loop.accumulate}: {parallel.count()} processes share "
                             "the batches of a step, give a multiple of that")
        torch.manual_seed(loop.seed)
        return fit(load_stage(stage).build(data, loop, *configs), loop,
                   settings(stage, [data, loop, *configs]))


def check_wandb() -> None:
    """Raises ImportError where Weights & Biases is not installed: before minutes of reading."""
    try:
        import wandb  # noqa: F401
    except ImportError as error:
        raise ImportError("--wandb needs the package wandb: pip install 'valle[wandb]'") from error


@contextmanager
def own(folder: Path) -> Iterator[None]:
    """Lock the folder of a run and remove what a killed one left; the first process does it."""
    if not parallel.is_first():
        yield
        return
    with locked(folder, "training"):
        remove_leftovers(folder)
        yield


def settings(stage: str, configs: Sequence[Any]) -> dict[str, str]:
    """All options of a run by name, for people who read the checkpoint."""
    named = {f.name: str(getattr(config, f.name)) for config in configs
             for f in dataclasses.fields(config)}
    return {"stage": stage, **named}
