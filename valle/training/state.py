"""Training state in one safetensors file: weights, optimizer moments, step, counters. No pickle.

The checkpoint before the last one is kept: a damaged file costs minutes, not the run.
"""
from __future__ import annotations

import json
import os
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from codec.files import atomic_path
from valle.features.progress import say

CHECKPOINT, BEFORE = "checkpoint.safetensors", "checkpoint-before.safetensors"
Labels = dict[str, list[str]]
Tensors = dict[str, torch.Tensor]


class DamagedError(ValueError):
    """A checkpoint that cannot be read."""


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint.

    Attributes:
        settings: the options of the first start, for people.
        labels: what the numbers that the weights have learned stand for: phones, speakers, codec.
        signal: that stopped the run, or 0.
        validated: the step of the last validation.
        best, best_step: the least value of the stage's validation metric `best`, and its step.
        run: a name that no other run has.
    """

    step: int = 0
    skipped: int = 0
    seconds: float = 0.0
    units: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    labels: Labels = field(default_factory=dict)
    signal: int = 0
    validated: int = 0
    best: float | None = None
    best_step: int = 0
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])


def save_state(folder: Path, modules: nn.ModuleDict,
               optimizers: Mapping[str, torch.optim.Optimizer], progress: Progress) -> None:
    """Write everything a run needs to go on exactly; the file is whole or absent."""
    tensors = {f"model/{k}": v.detach().cpu() for k, v in modules.state_dict().items()}
    for name, optimizer in optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{name}/{index}/{k}": torch.as_tensor(v).detach().cpu()
                        for k, v in values.items()}
    tensors = {k: v.contiguous().clone() for k, v in tensors.items()}
    path = folder / CHECKPOINT
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"progress": json.dumps(vars(progress)),
                                                "crc32": str(checksum(tensors))})
        if path.is_file():
            os.replace(path, folder / BEFORE)


def resume(folder: Path, modules: nn.ModuleDict, optimizers: Mapping[str, torch.optim.Optimizer],
           labels: Labels) -> Progress | None:
    """Restore what `save_state` wrote last, or before that where the last file is damaged.

    None where there is no checkpoint.

    Raises:
        ValueError: all files are damaged, or the run is of another model or other labels.
    """
    damage: DamagedError | None = None
    for name in (CHECKPOINT, BEFORE):
        path = folder / name
        if not path.is_file():
            continue
        try:
            tensors, progress = read_state(path)
        except DamagedError as error:
            damage = damage or error
            continue
        if damage:
            say(f"{damage}: going on from the checkpoint before, at step {progress.step}")
        check_labels(folder, progress.labels, labels)
        restore(path, tensors, modules, optimizers)
        progress.labels, progress.signal = labels, 0
        return progress
    if damage:
        raise ValueError(f"{damage}: start a new --out folder") from damage
    return None


def read_state(path: Path) -> tuple[Tensors, Progress]:
    """Tensors and progress of a checkpoint.

    Raises:
        DamagedError: cut off, overwritten, or not a checkpoint.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            progress = Progress(**json.loads(metadata["progress"]))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{path} is damaged ({error})") from error
    if metadata.get("crc32") not in (None, str(checksum(tensors))):
        raise DamagedError(f"{path} is damaged (its checksum is another)")
    return tensors, progress


def restore(path: Path, tensors: Tensors, modules: nn.ModuleDict,
            optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
    """Put the tensors of a checkpoint into modules and optimizers.

    Raises:
        ValueError: they belong to a model of another shape.
    """
    weights = {k.removeprefix("model/"): v for k, v in tensors.items() if k.startswith("model/")}
    moments: dict[str, dict[int, Tensors]] = {name: {} for name in optimizers}
    try:
        for key in tensors.keys() - {f"model/{k}" for k in weights}:
            _, name, index, slot = key.split("/")
            moments[name].setdefault(int(index), {})[slot] = tensors[key]
        modules.load_state_dict(weights)
        for name, optimizer in optimizers.items():
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": moments[name], "param_groups": groups})
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"cannot resume from {path}: {error}; start a new --out folder or "
                         "repeat the options of the first start") from error


def check_labels(folder: Path, learned: Labels, given: Labels) -> None:
    """Refuse to go on where the weights' numbers would get another meaning.

    Raises:
        ValueError: the line names what differs.
    """
    for name, known in learned.items():
        now = given.get(name, known)
        if known == now:
            continue
        gone, new = [x for x in known if x not in now], [x for x in now if x not in known]
        parts = [f"{len(some)} {how}, such as {some[0]!r}" for some, how in (
            (gone, "are not in --data"), (new, "are new")) if some]
        difference = "; ".join(parts) or "the same in another order"
        if len(known) == len(now) == 1:
            difference = f"{known[0]}, not {now[0]}"
        keep = f", keep its phones with --vocabulary {folder}" if name == "phones" else ""
        raise ValueError(f"{folder} has learned other {name} ({difference}): give the data and "
                         f"options of the first start{keep}, or a new --out folder")


def checksum(tensors: Tensors) -> int:
    """CRC-32 over all tensors in the order of their names."""
    value = 0
    for _, tensor in sorted(tensors.items()):
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return value


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only: not on norms, biases and embeddings."""
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            matrix = isinstance(module, nn.Linear) and name == "weight"
            (decayed if matrix else others).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay},
            {"params": others, "weight_decay": 0.0}]
