"""Several processes that train one model, as torchrun starts them; alone, all of this does nothing.

Every process holds the whole model (DistributedDataParallel), and takes its share of the batches of
a step: gradients, metrics and counts are those of one process that takes them all.
"""
from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from valle.features.progress import hush

T = TypeVar("T")


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Be one of the processes that torchrun started, if it did, until the block ends.

    NCCL between CUDA devices, each process on one of its own; gloo between CPUs. Only the first
    process speaks.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if not is_first():
        hush()
    try:
        yield
    finally:
        dist.destroy_process_group()


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that logs, validates and saves."""
    return not dist.is_initialized() or dist.get_rank() == 0


def share(step: int, batches: int) -> range:
    """Numbers of the batches that this process takes in a step of so many."""
    first = dist.get_rank() if dist.is_initialized() else 0
    return range(step * batches + first, (step + 1) * batches, count())


def total(values: Sequence[float], device: torch.device) -> list[float]:
    """Sums over all processes."""
    if count() == 1:
        return list(values)
    tensor = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(tensor)
    return tensor.tolist()  # type: ignore[no-any-return]


def copy_buffers(module: nn.Module) -> None:
    """Give all processes the first one's buffers: of what each has computed for itself."""
    if count() > 1:
        for buffer in module.buffers():
            dist.broadcast(buffer.data, 0)


class Replica:
    """The modules of a stage as one process trains them: it averages gradients with the others.

    Statistics that modules keep in buffers (batch normalisation, codebooks that follow their
    latents) are averaged before each batch, so that all processes see the same.
    """

    def __init__(self, modules: nn.ModuleDict) -> None:
        self._buffers = [b for b in modules.buffers() if b.is_floating_point()]
        self._parallel = DistributedDataParallel(
            _Next(modules), find_unused_parameters=True, broadcast_buffers=False,
        ) if count() > 1 else None
        self._before = [b.clone() for b in self._buffers]  # as all processes have them

    def next(self, items: Iterator[T]) -> T | None:
        """The next of `items`, which the modules compute; None when there is no more."""
        if self._parallel is None:
            return next(items, None)
        for buffer, before in zip(self._buffers, self._before, strict=True):
            change = buffer - before
            dist.all_reduce(change)
            before += change / count()
            buffer.data.copy_(before)  # under graphs that have yet to go backward
        try:
            return self._parallel(items)  # type: ignore[no-any-return]
        except StopIteration:
            return None

    def averaging(self, wanted: bool) -> AbstractContextManager[None]:
        """Whether gradients are averaged in this block: around forward and backward pass."""
        if self._parallel is None or wanted:
            return nullcontext()
        return self._parallel.no_sync()


class _Next(nn.Module):
    """`next` as a forward pass: of whatever losses the modules compute."""

    def __init__(self, modules: nn.ModuleDict) -> None:
        super().__init__()
        self.trained = modules

    def forward(self, items: Iterator[T]) -> T:
        return next(items)
